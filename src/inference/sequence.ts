// One answer as it grows: what is drawn, what is forced, and when it ends. No tensors: it says what is to be drawn from
// logits, is given what was, and says what follows from it.
import { Random } from '../base/random.js';
import type { Sampling } from '../config/sampling.js';
import type { LikelyToken, RowDraw, SampledToken } from '../tensor/ops/sample-rows.js';
import { notFinite } from '../tensor/ops/sample-token.js';
import type { Segment } from './columns.js';
import { notFiniteOutput } from './not-finite.js';

export interface Request {
  /** The prompt's ids, at least one. */
  tokens: readonly number[];
  /** Sampled and forced ones together. The context may end a sequence earlier. */
  maxNewTokens: number;
  sampling: Sampling;
  /** Generation ends with one of these; it is not part of the answer. */
  stopIds: readonly number[];
  seed: number;
  /** Answers to the one prompt, which is read once; default 1. */
  samples?: number;
  /** Ends the request within one step: what it has so far is its result. */
  signal?: AbortSignal;
  /** Whether tokens are reported with their log-probability, which costs a pass over the vocabulary for each. */
  logProbabilities?: boolean;
  /** With log-probabilities: so many of the likeliest tokens in each place are reported, too, which reads the logits. */
  topTokens?: number;
  /**
   * Tokens that come next whatever the model would say: tool results, parts of a template. Asked before the first token and
   * after each sampled one, a stop token included: an answer to that lets the sequence continue.
   */
  force?(generated: readonly number[]): readonly number[];
}

/** A token as it joins a sequence. */
export interface Emitted {
  id: number;
  /** False: it was forced, and nothing is to be learnt from it. */
  sampled: boolean;
  /** log softmax of the model's logits in nats, before any sampling option; where the request asks for it. */
  logProbability?: number;
  /** The likeliest in its place, the likeliest first; where the request asks for them. */
  top?: LikelyToken[];
}

export interface Generation {
  tokens: number[];
  /** `stop`: a stop token came. `length`: the limit of tokens or the context came first. */
  finish: 'stop' | 'length' | 'aborted';
  /** The stop token that came; it is not in `tokens`. */
  stopId?: number;
  /** Of the stop token; where the request asks for log-probabilities. */
  stopLogProbability?: number;
  /** Token by token, where the request asks for log-probabilities. */
  emitted?: Emitted[];
}

export type Listener = (emitted: Emitted, sample: number) => void;

interface SequencePlace {
  sample: number;
  segment: Segment;
  /** Prompt and answer together have at most so many tokens. */
  maxLength: number;
  vocabulary: number;
  listener?: Listener;
}

const none: ReadonlySet<number> = new Set();
/** Logits of more tokens at once are only asked for in smaller pieces: each of them is a row of the vocabulary. */
const maxLogitRows = 64;

export class Sequence {
  readonly request: Request;
  readonly sample: number;
  /** Its columns of the cache; `segment.tokens` is what has been read. */
  readonly segment: Segment;
  /** Prompt and answer. */
  readonly tokens: number[];
  readonly result: Generation;
  hasEnded = false;
  readonly #place: SequencePlace;
  readonly #random: Random;
  /** What a repetition penalty is for. */
  readonly #seen: Set<number> | undefined;

  constructor(request: Request, place: SequencePlace) {
    this.request = request;
    this.sample = place.sample;
    this.segment = place.segment;
    this.tokens = [...request.tokens];
    this.result = { tokens: [], finish: 'length', ...(request.logProbabilities && { emitted: [] }) };
    this.#place = place;
    this.#random = Random.stream(request.seed, `sample-${place.sample}`);
    if (request.sampling.repetitionPenalty !== 1) this.#seen = new Set(request.tokens);
  }

  /** How many tokens the model has yet to read. */
  get unread(): number {
    return this.tokens.length - this.segment.tokens.length;
  }

  /** Tokens that may be read at once. */
  get maxPiece(): number {
    const wantsAll = this.request.logProbabilities && this.segment.tokens.length >= this.request.tokens.length - 1;
    return wantsAll ? maxLogitRows : Number.POSITIVE_INFINITY;
  }

  /** From which token on the logits say something: what comes next, or how likely a forced token was. */
  get wantedFrom(): number {
    return (this.request.logProbabilities ? this.request.tokens : this.tokens).length - 1;
  }

  /**
   * What is wanted of the logits after token `at`, which are in this row; undefined: nothing.
   * @throws what `force` or the listener throws; RangeError for a forced id that is no token.
   */
  ask(at: number, row: number): RowDraw | undefined {
    const { tokens, force, sampling, logProbabilities: logProbability = false, topTokens: top } = this.request;
    const isPromptEnd = at === tokens.length - 1 && at === this.tokens.length - 1;
    if (isPromptEnd && force !== undefined) this.#append(force([]));
    if (this.hasEnded) return undefined;
    if (at < this.tokens.length - 1)
      return logProbability ? { row, logProbability, top, id: this.tokens[at + 1] } : undefined;
    const uniform = sampling.temperature === 0 ? 0 : this.#random.uniform();
    return { row, logProbability, top, sampling, uniform, seen: this.#seen ?? none };
  }

  /**
   * Takes what was drawn after token `at`, or how likely the forced one was.
   * @throws what `force` or the listener throws; RangeError for a forced id that is no token; UserError for logits that are
   * not finite.
   */
  take(at: number, sampled: SampledToken): void {
    if (at === this.tokens.length - 1) this.#continue(sampled);
    else {
      this.#emit(sampled.id, false, sampled);
      this.#endIfFull(at + 2);
    }
  }

  end(finish: Generation['finish'], stop: Pick<Generation, 'stopId' | 'stopLogProbability'> = {}): void {
    this.hasEnded = true;
    Object.assign(this.result, { finish, ...stop });
  }

  #continue(sampled: SampledToken): void {
    const { id, logProbability } = sampled;
    if (id === notFinite) throw notFiniteOutput();
    const { stopIds, logProbabilities, tokens, force } = this.request;
    const forced = force?.([...this.tokens.slice(tokens.length), id]) ?? [];
    if (forced.length === 0 && stopIds.includes(id)) {
      this.end('stop', { stopId: id, ...(logProbabilities && { stopLogProbability: logProbability }) });
      return;
    }
    this.#add(id);
    this.#emit(id, true, sampled);
    this.#endIfFull(this.tokens.length);
    this.#append(forced);
  }

  /** Adds forced tokens as far as there is room. With log-probabilities each is reported when it is known how likely it was. */
  #append(forced: readonly number[]): void {
    checkIds(forced, this.#place.vocabulary);
    for (const id of forced.slice(0, this.#place.maxLength - this.tokens.length)) {
      this.#add(id);
      if (this.request.logProbabilities) continue;
      this.#emit(id, false);
      this.#endIfFull(this.tokens.length);
    }
  }

  #add(id: number): void {
    this.tokens.push(id);
    this.#seen?.add(id);
  }

  /** How likely it was is reported where the request asks for it. */
  #emit(id: number, sampled: boolean, { logProbability, top }: Partial<SampledToken> = {}): void {
    this.result.tokens.push(id);
    const { listener } = this.#place;
    if (listener === undefined && this.result.emitted === undefined) return;
    const emitted = this.request.logProbabilities
      ? { id, sampled, logProbability, ...(top && { top }) }
      : { id, sampled };
    this.result.emitted?.push(emitted);
    listener?.(emitted, this.sample);
  }

  /** `length`: prompt and what was reported of the answer. */
  #endIfFull(length: number): void {
    if (length === this.#place.maxLength) this.end('length');
  }
}

/** A generation for each sample; those that have no sequence ended as `finish` says. */
export function resultsOf(
  { samples = 1, logProbabilities }: Pick<Request, 'samples' | 'logProbabilities'>,
  finish: Generation['finish'],
  sequences: readonly Sequence[] = [],
): Generation[] {
  const none = (): Generation => ({ tokens: [], finish, ...(logProbabilities && { emitted: [] }) });
  return Array.from({ length: samples }, (_, i) => sequences[i]?.result ?? none());
}

/** @throws RangeError naming the first that is none. */
export function checkIds(ids: readonly number[], vocabulary: number): void {
  const unknown = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabulary);
  if (unknown !== undefined) throw new RangeError(`the vocabulary of ${vocabulary} has no token ${unknown}`);
}
