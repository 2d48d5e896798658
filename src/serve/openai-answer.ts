// How OpenAI's clients are told of an answer, whichever of the two endpoints they asked: whole or in chunks, with its usage, its
// log-probabilities and its end. What both have in common is here; what a choice looks like is the endpoint's.
import { randomBytes } from 'node:crypto';
import type { Context } from 'hono';
import type { Emitted } from '../inference/engine.js';
import type { LocalModel } from '../inference/local-model.js';
import type { Speech } from '../language/speech.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { Visit } from './admission.js';
import { type ChoiceEnd, type ChoicePiece, type ChoicePlan, choices } from './choice.js';
import { unixTime } from './exchange.js';
import { openaiError, RefusedRequest, refusalOf, speechFor } from './refusal.js';
import type { Service } from './service.js';
import { type SentEvent, sendEvents } from './sse.js';

export interface OpenAiAnswer {
  model: LocalModel;
  /** Who answered. */
  id: string;
  plans: readonly (ChoicePlan & { seed: number })[];
  /** Tokens of all prompts. */
  input: number;
  form: OpenAiForm;
  isStreamed: boolean;
  /** Of a stream: usage in a chunk of its own, the last. */
  includesUsage: boolean;
}

/** What differs between the endpoints. */
export interface OpenAiForm {
  idPrefix: string;
  object: string;
  chunkObject: string;
  /** Chunks of a choice: at its beginning, of a piece, at its end; each a choice without its index. */
  begin(index: number): object[];
  piece(index: number, piece: ChoicePiece): object;
  end(index: number, end: ChoiceEnd): object[];
  /** The choice whole. */
  whole(index: number, pieces: readonly ChoicePiece[], end: ChoiceEnd): object;
}

export async function sendAnswer(c: Context, service: Service, visit: Visit, answer: OpenAiAnswer): Promise<Response> {
  const { model, id, form, plans, input } = answer;
  const started = performance.now();
  const head = {
    id: `${form.idPrefix}-${randomBytes(12).toString('hex')}`,
    object: answer.isStreamed ? form.chunkObject : form.object,
    ...{ created: unixTime(), model: id, system_fingerprint: `fp_${model.identity.slice(0, 12)}` },
  };
  const ended = (output: number): object => {
    service.metrics.countAnswer({ input, output, seconds: (performance.now() - started) / 1000 });
    return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
  };
  const written = choices(model, plans, visit.signal);
  if (answer.isStreamed) {
    const speech = await speechFor(c);
    return sendEvents(c, chunks(written, { visit, answer, head, ended, speech }), visit);
  }
  try {
    const pieces: ChoicePiece[][] = plans.map(() => []);
    const ends: ChoiceEnd[] = [];
    for await (const { index, ...told } of written) {
      if ('end' in told) ends[index] = told.end;
      else pieces[index].push(told);
    }
    checkWhole(visit);
    const usage = ended(ends.reduce((sum, { tokens }) => sum + tokens.length, 0));
    const whole = plans.map((_, index) => ({ index, ...form.whole(index, pieces[index], ends[index]) }));
    return c.json({ ...head, choices: whole, usage });
  } finally {
    visit.leave();
  }
}

interface Streaming {
  visit: Visit;
  answer: OpenAiAnswer;
  head: object;
  speech: Speech;
  ended(output: number): object;
}

async function* chunks(
  written: ReturnType<typeof choices>,
  { visit, answer: { form, plans, includesUsage }, head, ended, speech }: Streaming,
): AsyncGenerator<SentEvent, void> {
  const chunk = (index: number, choice: object): SentEvent =>
    eventOf({ ...head, choices: [{ index, ...choice }], ...(includesUsage && { usage: null }) });
  try {
    let output = 0;
    for (const index of plans.keys()) for (const choice of form.begin(index)) yield chunk(index, choice);
    for await (const { index, ...told } of written) {
      if (!('end' in told)) yield chunk(index, form.piece(index, told));
      else {
        output += told.end.tokens.length;
        if (told.end.finish !== 'aborted') for (const choice of form.end(index, told.end)) yield chunk(index, choice);
      }
    }
    checkWhole(visit);
    const usage = ended(output);
    if (includesUsage) yield eventOf({ ...head, choices: [], usage });
    yield { data: '[DONE]' };
  } catch (error) {
    // The status has been sent: what went wrong is the last event.
    yield eventOf(openaiError(refusalOf(error), speech));
  } finally {
    await written.return();
  }
}

function eventOf(value: object): SentEvent {
  return { data: JSON.stringify(value) };
}

/** @throws RefusedRequest where the answer was ended from outside. */
function checkWhole(visit: Visit): void {
  visit.checkTime();
  if (visit.signal.aborted) throw new RefusedRequest({ status: 408, what: 'the client has gone' });
}

/** What `JSON` has no number for is as unlikely as that. */
const minLogProbability = -9999;

export function bounded(logProbability = minLogProbability): number {
  return Math.max(logProbability, minLogProbability);
}

export function chatLogprobs(tokenizer: Tokenizer, tokens: readonly Emitted[]): object {
  const one = (id: number, logProbability?: number) => ({
    token: tokenizer.decode([id]),
    logprob: bounded(logProbability),
    bytes: [...tokenizer.tokenBytes(id)],
  });
  const content = tokens.map(({ id, logProbability, top = [] }) => ({
    ...one(id, logProbability),
    top_logprobs: top.map((each) => one(each.id, each.logProbability)),
  }));
  return { content, refusal: null };
}
