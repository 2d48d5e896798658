// The loop of an answer with tools: the model writes, its calls are read and run, the results follow as forced tokens, and it
// writes on, until it answers without a call. What it wrote is never decoded and encoded again: tokens are only added, so the
// engine finds all of them in its cache, and what is learnt later is what was drawn.
import { Random } from '../base/random.js';
import type { Sampling } from '../config/sampling.js';
import type { Message, ToolCall } from '../tokenizer/message.js';
import { ToolTurns } from '../tokenizer/tool-turns.js';
import type { RanCall, ToolResult } from '../tools/tool.js';
import type { ToolSession } from '../tools/toolbox.js';
import type { Emitted, Engine, Generation } from './engine.js';
import type { LocalModel } from './local-model.js';
import { resultsWithin } from './tool-results.js';

export const toolLimits = {
  /** Calls of one answer that are run. */
  maxCalls: 8,
  /** After so many calls in a row without a proper result, no more are run. */
  maxFaults: 3,
};

export interface ToolRequest {
  /** The prompt, which tells the model of the session's tools. */
  tokens: readonly number[];
  /** What the prompt says. Only a template from outside needs it, where what follows depends on it. */
  prompt?: readonly Message[];
  sampling: Sampling;
  /** Tokens that the model writes, all of its messages together; results do not count. */
  maxNewTokens: number;
  seed: number;
  signal?: AbortSignal;
  /** Default: `toolLimits`. */
  maxCalls?: number;
  maxFaults?: number;
}

/** What is asked of a model: all that a `LocalModel` has. */
export type ToolModel = Pick<LocalModel, 'template' | 'tokenizer' | 'stopIds' | 'contextLength'> & {
  engine: Pick<Engine, 'submit'>;
};

export interface ToolAnswer {
  /** All that follows the prompt, without the token that ended it. */
  tokens: number[];
  /** Of each token; false: it is forced (a result, the template), and nothing is to be learnt from it. */
  sampled: boolean[];
  /** Calls, results and, last, the answer. */
  messages: Message[];
  /** In the order in which they were run. */
  calls: RanCall[];
  /** `calls`: it called again after the last call that is run. `length`: the limit of tokens, or the context. */
  finish: Generation['finish'] | 'calls';
  /** The end-of-turn token came, and no call is open. */
  ended: boolean;
}

/** What happens during an answer, for those who watch. */
export type ToolEvent =
  /** Of a message of the model's. */
  | ({ type: 'token' } & Emitted)
  | { type: 'call'; call?: ToolCall; written?: string }
  | { type: 'result'; ran: RanCall }
  /** A message of the model's is whole. */
  | { type: 'message'; message: Message };

type Listener = (event: ToolEvent) => void;

/**
 * One answer. It follows from the request, the model and what the tools do; where nothing is called, it is what
 * `model.generate` gives for the same prompt and seed. @throws UserError where the template has no place for tools.
 */
export async function answerWithTools(
  model: ToolModel,
  { session, ...request }: ToolRequest & { session: ToolSession; samples?: 1 },
  listener?: Listener,
): Promise<ToolAnswer> {
  const [answer] = await answersWithTools(model, { ...request, sessions: [session] }, listener);
  return answer;
}

/** One answer for each of these sessions: the prompt is read once, and each goes its own way from there. */
export async function answersWithTools(
  model: ToolModel,
  { sessions, ...request }: ToolRequest & { sessions: readonly ToolSession[] },
  listener?: Listener,
): Promise<ToolAnswer[]> {
  if (sessions.length === 0) return [];
  const turns = new ToolTurns(model.template, sessions[0].tools);
  const { tokens, sampling, maxNewTokens, seed, signal } = request;
  const stopIds = [...new Set([...model.stopIds, turns.endId])];
  const draw = async (from: readonly number[], left: number, own: number, samples: number): Promise<Generation[]> => {
    if (from.length >= model.contextLength)
      return Array.from({ length: samples }, () => ({ tokens: [], finish: 'length' }));
    const asked = { tokens: from, samples, sampling, maxNewTokens: left, seed: own, signal, stopIds };
    return model.engine.submit(asked, listener && ((emitted) => listener({ type: 'token', ...emitted })));
  };
  const first = await draw(tokens, maxNewTokens, seed, sessions.length);
  return Promise.all(
    first.map(async (generation, sample) => {
      const trajectory = new Trajectory(model, turns, { ...request, session: sessions[sample], listener });
      let drawn = generation;
      for (let round = 1; await trajectory.take(drawn); round++) {
        const own = Random.stream(seed, `sample-${sample} round-${round}`).uint32();
        [drawn] = await draw([...tokens, ...trajectory.answer.tokens], trajectory.left, own, 1);
      }
      return trajectory.answer;
    }),
  );
}

class Trajectory {
  readonly answer: ToolAnswer = { tokens: [], sampled: [], messages: [], calls: [], finish: 'length', ended: false };
  /** How many tokens the model may still write. */
  left: number;
  readonly #model: ToolModel;
  readonly #turns: ToolTurns;
  readonly #request: ToolRequest & { session: ToolSession; listener?: Listener };
  /** Where in the tokens the message begins that is being written. */
  #start = 0;
  #rounds = 0;
  #faultsInARow = 0;

  constructor(
    model: ToolModel,
    turns: ToolTurns,
    request: ToolRequest & { session: ToolSession; listener?: Listener },
  ) {
    this.#model = model;
    this.#turns = turns;
    this.#request = request;
    this.left = request.maxNewTokens;
  }

  /** Adds what was drawn and what follows from it; true where the model is to continue. */
  async take({ tokens, finish, stopId }: Generation): Promise<boolean> {
    this.#add(tokens, true);
    this.left -= tokens.length;
    const isCallEnd = stopId === this.#turns.endId;
    const written = this.answer.tokens.slice(this.#start);
    const said = this.#turns.read(isCallEnd ? [...written, this.#turns.endId] : written);
    if (finish === 'stop' && isCallEnd && said.calls.length === 0 && this.#turns.withoutCalls !== undefined) {
      this.#add([this.#turns.endId], true);
      this.#add(this.#turns.withoutCalls, false);
      for (const id of this.#turns.withoutCalls) this.#tell({ type: 'token', id, sampled: false });
      return true;
    }
    this.answer.messages.push(said.message);
    this.#tell({ type: 'message', message: said.message });
    if (finish !== 'stop' || said.calls.length === 0) {
      this.answer.ended = finish === 'stop' && stopId === this.#model.tokenizer.specialId('turnEnd');
      return this.#end(finish);
    }
    if (this.#isOver) return this.#end('calls');
    this.#add([this.#turns.endId], isCallEnd);
    const ran = await this.#run(said.calls);
    this.#rounds++;
    if (this.#request.signal?.aborted === true) return this.#end('aborted');
    const { prompt = [question] } = this.#request;
    const room = this.#model.contextLength - this.#request.tokens.length - this.answer.tokens.length;
    const fitted = resultsWithin(ran, this.#turns, {
      room: room - Math.min(this.left, Math.max(16, this.#model.contextLength >> 3)),
      messages: [...prompt, ...this.answer.messages],
    });
    if (fitted === undefined || this.left <= 0) return this.#end('length');
    this.answer.messages.push(...fitted.messages);
    this.#add(fitted.tokens, false);
    this.#start = this.answer.tokens.length;
    return true;
  }

  /** No further call is run. */
  get #isOver(): boolean {
    const { maxCalls = toolLimits.maxCalls, maxFaults = toolLimits.maxFaults } = this.#request;
    const { maxRounds = Number.POSITIVE_INFINITY } = this.#turns.form;
    return this.answer.calls.length >= maxCalls || this.#faultsInARow >= maxFaults || this.#rounds >= maxRounds;
  }

  async #run(calls: readonly (ToolCall | string)[]): Promise<RanCall[]> {
    const { signal } = this.#request;
    const ran: RanCall[] = [];
    for (const each of calls) {
      const call = typeof each === 'string' ? { written: each } : { call: each };
      this.#tell({ type: 'call', ...call });
      const isSkipped = this.#isOver || signal?.aborted === true;
      const result = isSkipped ? notRun : await this.#answer(each);
      const done: RanCall = { ...call, result: { ...result } };
      this.answer.calls.push(done);
      ran.push(done);
      this.#faultsInARow = result.fault === undefined ? 0 : this.#faultsInARow + 1;
      if (this.#isOver && result.fault !== undefined && result !== notRun) done.result.content += ` ${noMore}`;
      this.#tell({ type: 'result', ran: done });
    }
    return ran;
  }

  async #answer(call: ToolCall | string): Promise<ToolResult> {
    const { session, signal } = this.#request;
    return typeof call === 'string' ? session.unreadable(call) : session.call(call, signal);
  }

  #add(tokens: readonly number[], sampled: boolean): void {
    for (const id of tokens) {
      this.answer.tokens.push(id);
      this.answer.sampled.push(sampled);
    }
  }

  #tell(event: ToolEvent): void {
    this.#request.listener?.(event);
  }

  #end(finish: ToolAnswer['finish']): false {
    this.answer.finish = finish;
    return false;
  }
}

const question: Message = { role: 'user', content: 'question' };
const noMore = 'No more calls are possible: answer with what is known.';
const notRun: ToolResult = { content: `This call was not run. ${noMore}`, fault: 'limit' };
