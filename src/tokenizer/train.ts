// Learns a byte-level BPE vocabulary: count the pieces of the text, then join the most frequent pair of neighbours
// again and again. Pair counts change only where a pair was joined, and a heap finds the next best, so a merge costs
// what it touches. Ties go to the lower ids: the same text gives the same vocabulary.
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../base/errors.js';
import { PairCounts } from './pair-counts.js';
import { byteCharacters, isNumeral, pieceEnd } from './pre-tokenizer.js';
import { specialTokenList } from './special-tokens.js';
import { Tokenizer } from './tokenizer.js';
import { maxVocabSize, writeTokenizerJson } from './tokenizer-json.js';

export interface TrainProgress {
  /** `reading` counts bytes of text, `merging` tokens. */
  phase: 'reading' | 'merging';
  done: number;
  total: number;
}

export interface TrainTokenizerOptions {
  /** Tokens wanted, special ones and the 256 bytes included. */
  vocabSize: number;
  /** Text after this many UTF-8 bytes is not read. Mix the sources before: only the beginning counts. */
  maxBytes?: number;
  onProgress?: (progress: TrainProgress) => void;
}

/** Special tokens and bytes: what a vocabulary has before its first merge. */
export const minVocabSize = specialTokenList.length + 256;
const defaultMaxBytes = 64 << 20;
/** A pair seen once says nothing about the language. */
const minPairCount = 2;
/** Pieces are counted in parts of at most this many UTF-16 units: runs of Han are as unique as they are long. */
const maxPartLength = 16;
/** The rarest pieces are forgotten when there are more than this many, as memory must not grow with the text. */
const maxPieces = 4_000_000;

/**
 * Trains a tokenizer. Its `vocabSize` is less than asked where the text has too few repeated pairs.
 * Throws `UserError` for empty text or an impossible vocabulary size.
 */
export async function trainTokenizer(
  texts: AsyncIterable<string> | Iterable<string>,
  options: TrainTokenizerOptions,
): Promise<Tokenizer> {
  const { vocabSize, maxBytes = defaultMaxBytes, onProgress = () => {} } = options;
  if (!Number.isInteger(vocabSize) || vocabSize < minVocabSize || vocabSize > maxVocabSize) {
    throw new UserError({
      what: `a vocabulary of ${vocabSize} tokens is not possible`,
      why: `it holds ${specialTokenList.length} special tokens and 256 bytes before anything is learnt`,
      next: `Choose a whole number from ${minVocabSize} to ${maxVocabSize}`,
    });
  }
  const pieces = await countPieces(texts, maxBytes, onProgress);
  if (pieces.size === 0) {
    throw new UserError({
      what: 'there is no text to train a tokenizer on',
      why: 'every document was empty',
      next: 'Check the paths and filters of the data-spec',
    });
  }
  const tokens = [...specialTokenList, ...byteCharacters];
  const merges = await learnMerges(pieces, tokens, vocabSize, onProgress);
  return Tokenizer.fromJson(writeTokenizerJson(tokens, merges), 'the trained tokenizer');
}

async function countPieces(
  texts: AsyncIterable<string> | Iterable<string>,
  maxBytes: number,
  onProgress: (progress: TrainProgress) => void,
): Promise<Map<string, number>> {
  const pieces = new Map<string, number>();
  let done = 0;
  let sincePause = 0;
  let threshold = 1;
  for await (const whole of texts) {
    const text = whole.slice(0, maxBytes - done);
    for (let start = 0; start < text.length; ) {
      const end = pieceEnd(text, start);
      countParts(pieces, text, start, end);
      start = end;
      if (++sincePause > 100_000) {
        sincePause = 0;
        if (pieces.size > maxPieces) forgetRare(pieces, threshold++);
        await setImmediate();
      }
    }
    done = Math.min(maxBytes, done + Buffer.byteLength(text));
    onProgress({ phase: 'reading', done, total: maxBytes });
    if (done >= maxBytes) break;
  }
  return pieces;
}

/** Numerals one by one, so that no token ever holds two: single digits make arithmetic learnable. */
function countParts(pieces: Map<string, number>, text: string, start: number, end: number): void {
  const limit = isNumeral(text, start) ? 1 : maxPartLength;
  for (let from = start; from < end; ) {
    let to = Math.min(end, from + limit);
    if (to < end && isLowSurrogate(text.charCodeAt(to)) && isHighSurrogate(text.charCodeAt(to - 1))) to++;
    const part = text.slice(from, to);
    const count = pieces.get(part);
    if (count === undefined) pieces.set(detached(part), 1);
    else pieces.set(part, count + 1);
    from = to;
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** V8 keeps a slice of 13 units or more as a view of its document: kept as a key, it would keep the document. */
function detached(part: string): string {
  return part.length < 13 ? part : Buffer.from(part, 'utf16le').toString('utf16le');
}

function forgetRare(pieces: Map<string, number>, threshold: number): void {
  for (const [piece, count] of pieces) if (count <= threshold) pieces.delete(piece);
}

/** Appends the learnt tokens to `tokens` until there are `vocabSize`, and returns the merges in order. */
async function learnMerges(
  pieces: ReadonlyMap<string, number>,
  tokens: string[],
  vocabSize: number,
  onProgress: (progress: TrainProgress) => void,
): Promise<[string, string][]> {
  const known = new Set(tokens);
  const merges: [string, string][] = [];
  const counts = new PairCounts(pieces, specialTokenList.length, vocabSize);
  while (tokens.length < vocabSize) {
    const best = counts.takeBest(minPairCount);
    if (best === undefined) break;
    const token = tokens[best.left] + tokens[best.right];
    // Another merge already spells this token: a second way to it would add a rule and no token.
    if (known.has(token)) continue;
    known.add(token);
    merges.push([tokens[best.left], tokens[best.right]]);
    counts.join(best, tokens.push(token) - 1);
    if (merges.length % 64 === 0) {
      onProgress({ phase: 'merging', done: tokens.length, total: vocabSize });
      await setImmediate();
    }
  }
  onProgress({ phase: 'merging', done: tokens.length, total: vocabSize });
  return merges;
}
