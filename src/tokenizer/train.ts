// Learns a byte-level BPE vocabulary: count the pieces of the text, then join the most frequent pair of neighbours
// again and again. Pair counts change only where a pair was joined, and a heap finds the next best, so a merge costs
// what it touches. Ties go to the lower ids: the same text gives the same vocabulary.
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../base/errors.js';
import type { TemplateName } from '../config/templates.js';
import { templateNamed } from './own-templates.js';
import { PairCounts } from './pair-counts.js';
import { PieceCounter, type WeighedPieces } from './piece-counter.js';
import { byteCharacters } from './pre-tokenizer.js';
import { answerMarkList, specialTokenList } from './special-tokens.js';
import { Tokenizer } from './tokenizer.js';
import { type AddedContent, maxVocabSize, writeTokenizerJson } from './tokenizer-json.js';

export interface TrainProgress {
  /** `reading` counts bytes of text, `merging` tokens. */
  phase: 'reading' | 'merging';
  done: number;
  total: number;
}

/** Text, or text of a group: a language, say. */
export type TrainText = string | { text: string; group: string };
export type TrainTexts = AsyncIterable<TrainText> | Iterable<TrainText>;

/** How the text to learn from is read. */
export interface TrainTextOptions {
  /** Text after this many UTF-8 bytes is not read. Mix the sources before: only the beginning counts. */
  maxBytes?: number;
  /**
   * Group → weight. The groups' pieces then count as if their bytes were in these proportions, whatever they are;
   * groups that are not named have the weight 1. Absent: every piece counts as often as it was seen.
   */
  balance?: Readonly<Record<string, number>>;
  onProgress?: (progress: TrainProgress) => void;
}

interface TrainTokenizerOptions extends TrainTextOptions {
  /** Tokens wanted, special ones and the 256 bytes included. */
  vocabSize: number;
  /** Control tokens without a use yet, `<|reserved_0|>` and on, after the special ones and the marks. Default 0. */
  reserved?: number;
  /** Default: chatml. */
  template?: TemplateName;
}

/** What a vocabulary begins with. */
const ownTokens: readonly AddedContent[] = [
  ...specialTokenList.map((content) => ({ content, special: true })),
  ...answerMarkList.map((content) => ({ content, special: false })),
];
/** Own tokens and bytes: what a vocabulary has before its first merge. */
export const minVocabSize = ownTokens.length + 256;
export const maxReserved = 4096;
const defaultMaxBytes = 64 << 20;
/** A pair seen once says nothing about the language. */
export const minPairCount = 2;

/**
 * Trains a tokenizer. Its `vocabSize` is less than asked where the text has too few repeated pairs.
 * Throws `UserError` for empty text or an impossible vocabulary size.
 */
export async function trainTokenizer(texts: TrainTexts, options: TrainTokenizerOptions): Promise<Tokenizer> {
  const { vocabSize, reserved = 0, template = 'chatml', onProgress = () => {} } = options;
  checkSizes(vocabSize, reserved);
  const { pieces, unit } = await countPieces(texts, new PieceCounter(), options);
  const later = Array.from({ length: reserved }, (_, i) => ({ content: `<|reserved_${i}|>`, special: true }));
  const { source, turnEnd, controls } = templateNamed(template);
  const own = [...specialTokenList, ...answerMarkList];
  const more = controls.filter((content) => !own.includes(content)).map((content) => ({ content, special: true }));
  const added = [...ownTokens, ...more, ...later];
  const tokens = [...added.map(({ content }) => content), ...byteCharacters];
  const counts = new PairCounts(pieces, { firstByteId: added.length, vocabSize, minCount: minPairCount * unit });
  const merges = await learnMerges(counts, tokens, vocabSize, onProgress);
  const json = writeTokenizerJson(added, tokens, merges);
  return Tokenizer.fromJson(json, 'the trained tokenizer', { chatTemplate: source, afterAnswer: turnEnd });
}

/** Reads texts into pieces with their weights. Throws `UserError` where there is none. */
export async function countPieces(
  texts: TrainTexts,
  counter: PieceCounter,
  { maxBytes = defaultMaxBytes, balance, onProgress = () => {} }: TrainTextOptions,
): Promise<WeighedPieces> {
  for await (const item of texts) {
    const { text, group } = typeof item === 'string' ? { text: item, group: '' } : item;
    await counter.add(text.slice(0, maxBytes - counter.bytes), group);
    onProgress({ phase: 'reading', done: Math.min(maxBytes, counter.bytes), total: maxBytes });
    if (counter.bytes >= maxBytes) break;
  }
  const weighed = counter.take(balance);
  if (weighed.pieces.size > 0) return weighed;
  throw new UserError({
    what: 'there is no text to train a tokenizer on',
    why: 'every document was empty',
    next: 'Check the paths and filters of the data-spec',
  });
}

function checkSizes(vocabSize: number, reserved: number): void {
  if (!Number.isInteger(reserved) || reserved < 0 || reserved > maxReserved) {
    throw new UserError({
      what: `${reserved} reserved tokens are not possible`,
      next: `Choose a whole number from 0 to ${maxReserved}`,
    });
  }
  const minSize = minVocabSize + reserved;
  if (Number.isInteger(vocabSize) && vocabSize >= minSize && vocabSize <= maxVocabSize) return;
  const taken = `${ownTokens.length + reserved} control tokens and marks and 256 bytes`;
  throw new UserError({
    what: `a vocabulary of ${vocabSize} tokens is not possible`,
    why: `it holds ${taken} before anything is learnt`,
    next: `Choose a whole number from ${minSize} to ${maxVocabSize}`,
  });
}

/** Appends the learnt tokens to `tokens` until there are `vocabSize`, and returns the merges in order. */
export async function learnMerges(
  counts: PairCounts,
  tokens: string[],
  vocabSize: number,
  onProgress: (progress: TrainProgress) => void,
): Promise<[string, string][]> {
  const known = new Set(tokens);
  const merges: [string, string][] = [];
  while (tokens.length < vocabSize) {
    const best = counts.takeBest();
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
