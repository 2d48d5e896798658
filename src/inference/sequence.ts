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
  /** Token by token, where the request asks for log-probabilities. */
  emitted?: Emitted[];
}

export type Listener = (emitted: Emitted, sample: number) => void;

export class Sequence {
  readonly request: Request;
  readonly sample: number;
  /** Its columns of the cache; `segment.tokens` is what has been read. */
  readonly segment: Segment;
  /** Prompt and answer. */
  readonly tokens: number[];
  readonly result: Generation;
  hasEnded = false;
  readonly #limit: number;
  readonly #listener: Listener | undefined;
  readonly #random: Random;
  readonly #seen: Set<number>;

  /** `context`: tokens that the model takes at most. */
  constructor(
    request: Request,
    { sample, segment, context, listener }: { sample: number; segment: Segment; context: number; listener?: Listener },
  ) {
    this.request = request;
    this.sample = sample;
    this.segment = segment;
    this.tokens = [...request.tokens];
    this.result = { tokens: [], finish: 'length', ...(request.logProbabilities && { emitted: [] }) };
    this.#limit = Math.min(request.tokens.length + request.maxNewTokens, context);
    this.#listener = listener;
    this.#random = Random.stream(request.seed, `sample-${sample}`);
    this.#seen = new Set(request.sampling.repetitionPenalty === 1 ? [] : request.tokens);
  }

  /** How many tokens the model has yet to read. */
  get unread(): number {
    return this.tokens.length - this.segment.tokens.length;
  }

  /** Whether the logits after token `at` say something: what comes next, or how likely a forced token was. */
  wants(at: number): boolean {
    if (at === this.tokens.length - 1) return true;
    return this.request.logProbabilities === true && at >= this.request.tokens.length - 1;
  }

  /** Takes the logits [V] after token `at`, which it may overwrite. */
  follow(at: number, logits: Float32Array): void {
    if (at === this.tokens.length - 1) {
      this.#draw(logits);
      return;
    }
    const id = this.tokens[at + 1];
    this.#emit({ id, sampled: false, logProbability: logProbabilityOf(logits, id) });
    if (at + 2 === this.#limit) this.end('length');
  }

  end(finish: Generation['finish'], stopId?: number): void {
    this.hasEnded = true;
    this.result.finish = finish;
    if (stopId !== undefined) this.result.stopId = stopId;
  }

  #draw(logits: Float32Array): void {
    const { request } = this;
    const { sampling, stopIds, logProbabilities } = request;
    const isFirst = this.tokens.length === request.tokens.length;
    if (isFirst && this.#force(request.force?.([]), logits)) return;
    const id = sampleToken(logProbabilities ? logits.slice() : logits, this.#seen, sampling, this.#random);
    const forced = request.force?.([...this.tokens.slice(request.tokens.length), id]) ?? [];
    if (forced.length === 0 && stopIds.includes(id)) {
      this.end('stop', id);
      return;
    }
    this.#add(id);
    this.#emit({ id, sampled: true, ...(logProbabilities && { logProbability: logProbabilityOf(logits, id) }) });
    if (this.tokens.length === this.#limit) this.end('length');
    else this.#force(forced);
  }

  /** Adds forced tokens as far as there is room; false where there are none. `logits`: those before the first of them. */
  #force(forced: readonly number[] = [], logits?: Float32Array): boolean {
    const at = this.tokens.length - 1;
    const fitting = forced.slice(0, this.#limit - this.tokens.length);
    for (const id of fitting) {
      this.#add(id);
      // With log-probabilities each is reported when the logits before it are there.
      if (!this.request.logProbabilities) this.#emit({ id, sampled: false });
    }
    if (fitting.length === 0) return false;
    if (!this.request.logProbabilities && this.tokens.length === this.#limit) this.end('length');
    else if (this.request.logProbabilities && logits !== undefined) this.follow(at, logits);
    return true;
  }

  #add(id: number): void {
    this.tokens.push(id);
    if (this.request.sampling.repetitionPenalty !== 1) this.#seen.add(id);
  }

  #emit(emitted: Emitted): void {
    this.result.tokens.push(emitted.id);
    this.result.emitted?.push(emitted);
    this.#listener?.(emitted, this.sample);
  }
}
