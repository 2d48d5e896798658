// How likely a model holds a text to be, token by token: the chain rule of the language model made visible,
// log p(text) = Σ log p(token | all before it). Only the target's probability is computed: the cross-entropy op keeps
// logits a chunk at a time, never T×V of them.
import { setImmediate } from 'node:timers/promises';
import { stopIfAborted } from '../base/errors.js';
import type { Random } from '../base/random.js';
import { padSequences } from '../data/sequences.js';
import type { TokenSequence } from '../data/types.js';
import { forward, modelInput, outputWeight } from '../model/forward.js';
import type { Model } from '../model/model.js';
import { readResult } from '../tensor/host.js';
import { crossEntropy } from '../tensor/ops/cross-entropy.js';
import { tensor1d } from '../tensor/tf.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { notFiniteOutput } from './not-finite.js';

/** Positions that go through the model at a time, at most (but at least one window). */
const batchPositions = 4096;

export interface SentenceScore {
  text: string;
  tokens: number;
  /** Σ over its tokens, in nats; the sentences of a text add up to its total. */
  logProbability: number;
}

export interface TextScore {
  text: string;
  /** UTF-8 bytes of the text as the tokenizer decodes it again. */
  bytes: number;
  tokens: { id: number; logProbability: number }[];
  sentences: SentenceScore[];
  /** log p(text) in nats: the sum over its tokens. */
  total: number;
  /** −total / (ln 2 · bytes); 0 for an empty text. */
  bitsPerByte: number;
}

/**
 * log p(tokens[i] | tokens[0..i−1]) in nats, for i ≥ 1. What does not fit into the model's context is read in windows
 * that overlap by half: every token then has at least half a context before it (or all there is).
 */
export async function tokenLogProbabilities(
  model: Model,
  sequences: readonly (readonly number[])[],
  signal?: AbortSignal,
): Promise<Float32Array[]> {
  const context = model.config.max_position_embeddings;
  const results = sequences.map((tokens) => new Float32Array(Math.max(0, tokens.length - 1)));
  const windows = sequences.flatMap((tokens, owner) =>
    windowsOf(tokens.length - 1, context).map((window) => ({ ...window, owner })),
  );
  for (let next = 0; next < windows.length; ) {
    stopIfAborted(signal, 'stopped while scoring');
    let columns = 0;
    const batch: typeof windows = [];
    for (; next < windows.length; next++) {
      const wider = Math.max(columns, windows[next].end - windows[next].begin);
      if (batch.length > 0 && wider * (batch.length + 1) > batchPositions) break;
      columns = wider;
      batch.push(windows[next]);
    }
    const rows = batch.map(({ begin, end, owner }) => ({
      id: String(owner),
      tokens: sequences[owner].slice(begin, end + 1),
    }));
    const values = await rowLogProbabilities(model, rows, columns);
    for (const [row, { begin, from, end, owner }] of batch.entries()) {
      const start = row * columns - begin;
      results[owner].set(values.subarray(start + from, start + end), from);
    }
    await setImmediate();
  }
  if (!results.every((values) => values.every(Number.isFinite))) throw notFiniteOutput();
  return results;
}

interface Window {
  /** First input, first prediction that counts, and one past the last of both. */
  begin: number;
  from: number;
  end: number;
}

/** `length` predictions in windows of at most `context` inputs; each prediction counts in one of them. */
function windowsOf(length: number, context: number): Window[] {
  if (length <= 0) return [];
  const stride = Math.max(1, context >> 1);
  const windows: Window[] = [{ begin: 0, from: 0, end: Math.min(length, context) }];
  for (let from = context; from < length; from += stride) {
    const end = Math.min(length, from + stride);
    windows.push({ begin: end - context, from, end });
  }
  return windows;
}

/** [rows · columns], of padding too. */
async function rowLogProbabilities(
  model: Model,
  rows: readonly TokenSequence[],
  columns: number,
): Promise<Float32Array> {
  const batch = padSequences(rows, { padId: model.config.pad_token_id, columns });
  const losses = await readResult(() => {
    const hidden = forward(model, modelInput(batch));
    return crossEntropy(hidden, outputWeight(model), tensor1d(batch.targets, 'int32'));
  });
  return losses.map((loss) => -loss);
}

/** Scores each text as a document of its own: after the token that opens one, and without the one that ends it. */
export async function scoreTexts(
  { model, tokenizer }: { model: Model; tokenizer: Tokenizer },
  texts: readonly string[],
  signal?: AbortSignal,
): Promise<TextScore[]> {
  const opening = tokenizer.documentStart;
  const encoded = texts.map((text) => tokenizer.encode(text));
  const scores = await tokenLogProbabilities(
    model,
    encoded.map((ids) => [opening, ...ids]),
    signal,
  );
  return texts.map((text, i) => scoreOf(text, encoded[i], scores[i], tokenizer));
}

function scoreOf(text: string, ids: readonly number[], values: Float32Array, tokenizer: Tokenizer): TextScore {
  const pieces = sentencesOf(tokenizer.decode(ids));
  const sentences: SentenceScore[] = pieces.map((piece) => ({ text: piece, tokens: 0, logProbability: 0 }));
  const ends: number[] = [];
  for (const piece of pieces) ends.push((ends.at(-1) ?? 0) + Buffer.byteLength(piece));
  let bytes = 0;
  let total = 0;
  let sentence = 0;
  for (const [i, id] of ids.entries()) {
    // A token belongs to the sentence that its first byte lies in.
    while (sentence + 1 < ends.length && bytes >= ends[sentence]) sentence++;
    sentences[sentence].tokens++;
    sentences[sentence].logProbability += values[i];
    total += values[i];
    bytes += tokenizer.tokenBytes(id).length;
  }
  return {
    text,
    bytes,
    tokens: ids.map((id, i) => ({ id, logProbability: values[i] })),
    sentences,
    total,
    bitsPerByte: bytes === 0 ? 0 : -total / (Math.LN2 * bytes),
  };
}

/** Where a sentence ends: 。！？ with what closes a quotation, . ! ? before a blank, line ends. Linear in any text. */
const sentenceEnd = /[。！？]+["'”’」』）)]*\s*|(?<![.!?])[.!?]+["'”’)]*(?=\s|$)\s*|\n+/gu;

/** The sentences of a text in order; joined, they are the text. */
export function sentencesOf(text: string): string[] {
  const cuts = [...text.matchAll(sentenceEnd)].map(({ index, 0: end }) => index + end.length);
  const bounds = cuts.at(-1) === text.length ? cuts : [...cuts, text.length];
  return bounds.map((end, i) => text.slice(i === 0 ? 0 : bounds[i - 1], end)).filter((piece) => piece !== '');
}

/**
 * The same words in another order: words where blanks part them, else characters. Word for word the same bytes, which
 * `wordsOf` would not keep.
 */
export function shuffled(text: string, random: Random): string {
  const isSpaced = /\S\s+\S/.test(text) && !/\p{Script=Han}/u.test(text);
  return isSpaced ? random.shuffle(text.split(/\s+/)).join(' ') : random.shuffle([...text]).join('');
}
