// One answer as it grows: what is drawn, what is forced, and when it ends. No tensors: it is given logits and says what
// follows from them.
import { Random } from '../base/random.js';
import type { Sampling } from '../config/sampling.js';
import type { Segment } from './columns.js';
import { logProbabilityOf, sampleToken } from './sampling.js';

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
  /** Ids that are never drawn. */
  withoutToken: readonly number[];
  listener?: Listener;
}

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
  readonly #seen: Set<number>;

  constructor(request: Request, place: SequencePlace) {
    this.request = request;
    this.sample = place.sample;
    this.segment = place.segment;
    this.tokens = [...request.tokens];
    this.result = { tokens: [], finish: 'length', ...(request.logProbabilities && { emitted: [] }) };
    this.#place = place;
    this.#random = Random.stream(request.seed, `sample-${place.sample}`);
    this.#seen = new Set(request.sampling.repetitionPenalty === 1 ? [] : request.tokens);
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

  /** Whether the logits after token `at` say something: what comes next, or how likely a forced token was. */
  wants(at: number): boolean {
    if (at === this.tokens.length - 1) return true;
    return this.request.logProbabilities === true && at >= this.request.tokens.length - 1;
  }

  /**
   * Takes the logits [V] after token `at`, which it may overwrite.
   * @throws what `force` or the listener throws; RangeError for a forced id that is no token; UserError for logits that are
   * not finite.
   */
  takeLogits(at: number, logits: Float32Array): void {
    const isPromptEnd = at === this.request.tokens.length - 1 && at === this.tokens.length - 1;
    if (isPromptEnd) this.#append(this.request.force?.([]) ?? []);
    if (this.hasEnded) return;
    if (at === this.tokens.length - 1) this.#draw(logits);
    else if (this.request.logProbabilities) {
      const id = this.tokens[at + 1];
      this.#emit({ id, sampled: false, logProbability: logProbabilityOf(logits, id) });
      this.#endIfFull(at + 2);
    }
  }

  end(finish: Generation['finish'], stop: Pick<Generation, 'stopId' | 'stopLogProbability'> = {}): void {
    this.hasEnded = true;
    Object.assign(this.result, { finish, ...stop });
  }

  #draw(logits: Float32Array): void {
    const { sampling, stopIds, logProbabilities, tokens } = this.request;
    const drawn = logProbabilities ? logits.slice() : logits;
    for (const none of this.#place.withoutToken) drawn[none] = Number.NEGATIVE_INFINITY;
    const id = sampleToken(drawn, this.#seen, sampling, this.#random);
    const logProbability = logProbabilities ? logProbabilityOf(logits, id) : undefined;
    const forced = this.request.force?.([...this.tokens.slice(tokens.length), id]) ?? [];
    if (forced.length === 0 && stopIds.includes(id)) {
      this.end('stop', { stopId: id, ...(logProbability !== undefined && { stopLogProbability: logProbability }) });
      return;
    }
    this.#add(id);
    this.#emit({ id, sampled: true, ...(logProbability !== undefined && { logProbability }) });
    this.#endIfFull(this.tokens.length);
    this.#append(forced);
  }

  /** Adds forced tokens as far as there is room. With log-probabilities each is reported when it is known how likely it was. */
  #append(forced: readonly number[]): void {
    checkIds(forced, this.#place.vocabulary);
    for (const id of forced.slice(0, this.#place.maxLength - this.tokens.length)) {
      this.#add(id);
      if (this.request.logProbabilities) continue;
      this.#emit({ id, sampled: false });
      this.#endIfFull(this.tokens.length);
    }
  }

  #add(id: number): void {
    this.tokens.push(id);
    if (this.request.sampling.repetitionPenalty !== 1) this.#seen.add(id);
  }

  #emit(emitted: Emitted): void {
    this.result.tokens.push(emitted.id);
    this.result.emitted?.push(emitted);
    this.#place.listener?.(emitted, this.sample);
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
