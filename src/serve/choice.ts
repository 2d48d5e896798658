// One answer of a request: tokens come from the engine, a reader makes thoughts, text and calls of them, stop strings end it.
// What is said of tokens (log-probabilities) never runs ahead of the text that may be shown.

import { setMaxListeners } from 'node:events';
import { Random } from '../base/random.js';
import type { Sampling } from '../config/sampling.js';
import type { Emitted } from '../inference/engine.js';
import type { LocalModel } from '../inference/local-model.js';
import { streamed } from '../inference/streamed.js';
import type { ToolCall } from '../tokenizer/message.js';
import type { AnswerReader, Delta } from './answer-readers.js';
import { StopStrings } from './stop-strings.js';

/** What is written in one way for each answer to a prompt. */
export interface ChoicePlan {
  tokens: readonly number[];
  maxNewTokens: number;
  sampling: Sampling;
  stopIds: readonly number[];
  stops: readonly string[];
  logProbabilities: boolean;
  topTokens: number;
  reader(): AnswerReader;
  /** Tokens that come whatever the model would say, as `Request.force`. */
  force?(generated: readonly number[]): readonly number[];
}

export interface ChoicePiece extends Delta {
  /** Those whose text is shown by now; where log-probabilities are asked for. */
  tokens: readonly Emitted[];
}

export interface ChoiceEnd {
  finish: 'stop' | 'length' | 'aborted';
  calls: readonly ToolCall[];
  /** All that was written, in tokens of the model. */
  tokens: readonly number[];
}

/** The answers of one request as they come, side by side; `index` counts them. Leaving the loop ends all of them. */
export function choices(
  model: Pick<LocalModel, 'engine'>,
  plans: readonly (ChoicePlan & { seed: number })[],
  signal?: AbortSignal,
): AsyncGenerator<{ index: number } & (ChoicePiece | { end: ChoiceEnd }), void> {
  return streamed(async (tell, either) => {
    setMaxListeners(0, either); // one for each answer
    await Promise.all(
      plans.map(async (plan, index) => {
        const end = await choice(model, plan, (piece) => tell({ index, ...piece }), either);
        tell({ index, end });
      }),
    );
  }, signal);
}

/** The seed of each answer to one prompt: the first has the request's own, so that it is the answer of a request for one. */
export function seedsOf(asked: number, count: number): number[] {
  const seed = foldedSeed(asked);
  return Array.from({ length: count }, (_, i) => (i === 0 ? seed : Random.stream(seed, `choice-${i}`).uint32()));
}

/** Streams keep 32 bits of a seed; the others change it, so that no two small seeds become one. */
function foldedSeed(seed: number): number {
  const high = Math.floor(seed / 2 ** 32);
  return high === 0 ? seed : Random.stream(seed >>> 0, `high bits ${high}`).uint32();
}

async function choice(
  { engine }: Pick<LocalModel, 'engine'>,
  plan: ChoicePlan & { seed: number },
  tell: (piece: ChoicePiece) => void,
  signal: AbortSignal,
): Promise<ChoiceEnd> {
  const ending = new AbortController();
  const end = (): void => ending.abort();
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  const shown = new ShownChoice(plan, tell);
  const { tokens, maxNewTokens, sampling, stopIds, seed, force, logProbabilities, topTokens } = plan;
  const request = { tokens, maxNewTokens, sampling, stopIds, seed, logProbabilities, signal: ending.signal };
  try {
    const [generation] = await engine.submit(
      { ...request, ...(topTokens > 0 && { topTokens }), ...(force !== undefined && { force }) },
      (emitted) => {
        if (shown.add(emitted)) end();
      },
    );
    const calls = shown.end(generation.stopId);
    return { finish: shown.isStopped ? 'stop' : generation.finish, calls, tokens: generation.tokens };
  } finally {
    signal.removeEventListener('abort', end);
  }
}

class ShownChoice {
  readonly #plan: ChoicePlan;
  readonly #tell: (piece: ChoicePiece) => void;
  readonly #reader: AnswerReader;
  readonly #stops: StopStrings;
  /** Characters of text that were read, and of those that were shown. */
  #read = 0;
  #shown = 0;
  /** Tokens with the text that is read once they are: they are told of when that is shown. */
  readonly #waiting: { tokens: Emitted[]; upTo: number }[] = [];
  #open: Emitted[] = [];

  constructor(plan: ChoicePlan, tell: (piece: ChoicePiece) => void) {
    this.#plan = plan;
    this.#tell = tell;
    this.#reader = plan.reader();
    this.#stops = new StopStrings(plan.stops);
  }

  get isStopped(): boolean {
    return this.#stops.isOver;
  }

  /** True where the answer is over. */
  add(emitted: Emitted): boolean {
    if (this.isStopped) return true;
    if (this.#plan.logProbabilities) this.#open.push(emitted);
    this.#show(this.#reader.push(emitted.id));
    return this.isStopped;
  }

  end(stopId?: number): readonly ToolCall[] {
    const { calls, ...delta } = this.#reader.end(stopId);
    if (this.isStopped) return [];
    this.#show(delta);
    if (this.isStopped) return calls;
    const held = this.#stops.end();
    const tokens = [...this.#waiting.flatMap((group) => group.tokens), ...this.#open];
    if (held !== '' || tokens.length > 0) this.#tell({ content: held, reasoning: '', tokens });
    return calls;
  }

  #show({ content, reasoning }: Delta): void {
    this.#read += content.length;
    if (content !== '' && this.#open.length > 0) {
      this.#waiting.push({ tokens: this.#open, upTo: this.#read });
      this.#open = [];
    }
    const visible = this.#stops.push(content);
    this.#shown += visible.length;
    const tokens: Emitted[] = [];
    while (this.#waiting.length > 0 && this.#waiting[0].upTo <= this.#shown) {
      tokens.push(...(this.#waiting.shift()?.tokens ?? []));
    }
    if (visible !== '' || reasoning !== '' || tokens.length > 0) this.#tell({ content: visible, reasoning, tokens });
  }
}
