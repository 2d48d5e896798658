// Learns a byte-level BPE vocabulary: count the pieces of the text, then join the most frequent pair of neighbours
// again and again. Pair counts change only where a pair was joined, and a heap finds the next best, so a merge costs
// what it touches. Ties go to the lower ids: the same text gives the same vocabulary.
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../base/errors.js';
import type { TemplateName } from '../config/templates.js';
import { Bpe } from './bpe.js';
import { frequentCharacters } from './characters.js';
import { templateNamed } from './own-templates.js';
import { PairCounts } from './pair-counts.js';
import { PieceCounter, type WeighedPieces } from './piece-counter.js';
import { byteCharacters } from './pre-tokenizer.js';
import { answerMarkList, specialTokenList } from './special-tokens.js';
import { Tokenizer } from './tokenizer.js';
import { type AddedContent, maxVocabSize, writeTokenizerJson } from './tokenizer-json.js';
import { type BareWords, bareWords, twinsWorth } from './word-starts.js';

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

export interface VocabularyOptions {
  /** Share of the characters beyond ASCII (0 to 1) whose most frequent ones are whole tokens before any other merge. Default 0. */
  characterCoverage?: number;
  /** When a space joins the word after it: as often as any pair (`early`, default), or only as a whole first piece. */
  spaces?: 'early' | 'last';
}

interface TrainTokenizerOptions extends TrainTextOptions, VocabularyOptions {
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
  const { characterCoverage = 0, spaces = 'early' } = options;
  checkSizes(vocabSize, reserved);
  const { pieces, unit } = await countPieces(texts, new PieceCounter(), options);
  const later = Array.from({ length: reserved }, (_, i) => ({ content: `<|reserved_${i}|>`, special: true }));
  const { source, turnEnd, controls } = templateNamed(template);
  const own = [...specialTokenList, ...answerMarkList];
  const more = controls.filter((content) => !own.includes(content)).map((content) => ({ content, special: true }));
  const added = [...ownTokens, ...more, ...later];
  const tokens = [...added.map(({ content }) => content), ...byteCharacters];
  const words = spaces === 'last' ? bareWords(pieces) : undefined;
  const first = characterMerges(tokens, frequentCharacters(pieces, characterCoverage), {
    added: added.length,
    vocabSize,
  });
  const counts = new PairCounts(words?.pieces ?? pieces, {
    ...(first.length === 0 ? { firstByteId: added.length } : { idsOf: joinedBy(first, tokens, added.length) }),
    ...{ vocabSize, minCount: minPairCount * unit },
  });
  const merges = [...first, ...(await learnMerges(counts, tokens, vocabSize, onProgress, words))];
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

/**
 * Appends the frequent characters to `tokens` with the beginnings that they share, and returns the merges that spell them.
 * @throws UserError where they do not fit.
 */
function characterMerges(
  tokens: string[],
  characters: readonly Uint8Array[],
  { added, vocabSize }: { added: number; vocabSize: number },
): [string, string][] {
  const known = new Set(tokens.slice(added));
  const merges: [string, string][] = [];
  for (const bytes of characters) {
    let left = byteCharacters[bytes[0]];
    for (const byte of bytes.slice(1)) {
      const right = byteCharacters[byte];
      if (!known.has(left + right)) {
        known.add(left + right);
        tokens.push(left + right);
        merges.push([left, right]);
      }
      left += right;
    }
  }
  if (tokens.length <= vocabSize) return merges;
  throw new UserError({
    what: `${characters.length} whole characters do not fit a vocabulary of ${vocabSize} tokens`,
    why: `with the beginnings that they share they take ${merges.length}`,
    next: 'Raise tokenizer.vocabSize or lower tokenizer.characterCoverage',
  });
}

/** Cuts a piece into the ids that those merges leave. */
function joinedBy(
  merges: readonly [string, string][],
  tokens: readonly string[],
  firstByteId: number,
): (piece: Uint8Array) => Int32Array {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const idOf = (token: string): number => ids.get(token) ?? -1;
  const bpe = new Bpe(
    Int32Array.from({ length: 256 }, (_, byte) => firstByteId + byte),
    {
      left: Int32Array.from(merges, ([left]) => idOf(left)),
      right: Int32Array.from(merges, ([, right]) => idOf(right)),
      result: Int32Array.from(merges, ([left, right]) => idOf(left + right)),
    },
  );
  return (piece) => bpe.encodeBytes(piece);
}

/** Twins are counted anew after so many merges. */
const mergesPerTally = 32;

/**
 * Appends the learnt tokens to `tokens` until there are `vocabSize`, and returns the merges in order. With `words`, room is left
 * for the twins of first pieces with a space before them, as many as are seen more often than the next merge.
 */
export async function learnMerges(
  counts: PairCounts,
  tokens: string[],
  vocabSize: number,
  onProgress: (progress: TrainProgress) => void,
  words?: BareWords,
): Promise<[string, string][]> {
  const known = new Set(tokens);
  const merges: [string, string][] = [];
  const twins = (least: number): number[] =>
    words === undefined ? [] : twinsWorth(counts.firsts(words.spaced), least);
  const add = (left: number, right: number): void => {
    const token = tokens[left] + tokens[right];
    known.add(token);
    tokens.push(token);
    merges.push([tokens[left], tokens[right]]);
  };
  let room = vocabSize;
  while (tokens.length < room) {
    const best = counts.takeBest();
    if (best === undefined) break;
    if (words !== undefined && merges.length % mergesPerTally === 0) {
      room = vocabSize - twins(best.count).length;
      if (tokens.length >= room) break;
    }
    // Another merge already spells this token: a second way to it would add a rule and no token.
    if (known.has(tokens[best.left] + tokens[best.right])) continue;
    add(best.left, best.right);
    counts.join(best, tokens.length - 1);
    if (merges.length % 64 === 0) {
      onProgress({ phase: 'merging', done: tokens.length, total: vocabSize });
      await setImmediate();
    }
  }
  if (words !== undefined) {
    const space = tokens.indexOf(byteCharacters[32]);
    for (const twin of twins(1).slice(0, vocabSize - tokens.length)) {
      if (!known.has(tokens[space] + tokens[twin])) add(space, twin);
    }
  }
  onProgress({ phase: 'merging', done: tokens.length, total: vocabSize });
  return merges;
}
