// More tokens for a vocabulary that exists, learnt from new text: as MOSS taught CodeGen's tokenizer Chinese. BPE resumes
// where it ended: pieces are cut by the same splitter, joined by the old merges, and the pairs that are left are counted
// and joined. New merges come after the old ones and new ids after the last id, so what an id means never changes, and
// no text takes more tokens than before.
import { UserError } from '../base/errors.js';
import { Bpe } from './bpe.js';
import { PairCounts } from './pair-counts.js';
import { PieceCounter } from './piece-counter.js';
import { byteCharacters } from './pre-tokenizer.js';
import type { Tokenizer } from './tokenizer.js';
import { maxVocabSize, readVocabulary, type Vocabulary } from './tokenizer-json.js';
import {
  countPieces,
  learnMerges,
  minPairCount,
  type TrainText,
  type TrainTextOptions,
  type TrainTexts,
} from './train.js';

/**
 * A tokenizer with up to `add` tokens more: fewer where the text has too few repeated pairs. Its vocabulary need not be
 * ours. Where the splitter takes a whole Chinese sentence for one word (GPT-2's `\p{L}+`), pairs are counted in parts of
 * 16 characters: no new token is longer, though it may join across what were two parts.
 * Throws `UserError` for empty text or an impossible number.
 */
export async function extendTokenizer(
  base: Tokenizer,
  texts: TrainTexts,
  options: TrainTextOptions & { add: number },
): Promise<Tokenizer> {
  const { add, onProgress = () => {} } = options;
  const where = 'the tokenizer to extend';
  const vocabulary = readVocabulary(base.json, where);
  const vocabSize = vocabulary.size + add;
  if (!Number.isInteger(add) || add < 1 || vocabSize > maxVocabSize) {
    throw new UserError({
      what: `${add} tokens cannot be added to ${vocabulary.size}`,
      next: `Choose a whole number from 1 to ${maxVocabSize - vocabulary.size}`,
    });
  }
  const counter = new PieceCounter({ end: vocabulary.preTokenizer.pieceEnd });
  const { pieces, unit } = await countPieces(normalized(texts, vocabulary), counter, options);
  const bpe = new Bpe(vocabulary.byteIds, vocabulary.merges);
  const idsOf = (piece: Uint8Array): Int32Array => bpe.encodeBytes(piece);
  const counts = new PairCounts(pieces, { idsOf, vocabSize, minCount: minPairCount * unit });
  const tokens = spellings(vocabulary);
  const merges = await learnMerges(counts, tokens, vocabSize, onProgress);
  return base.withJson(extendedJson(base.json, vocabulary, tokens, merges), where);
}

async function* normalized(texts: TrainTexts, { normalize }: Vocabulary): AsyncGenerator<TrainText> {
  for await (const item of texts) {
    yield typeof item === 'string' ? normalize(item) : { ...item, text: normalize(item.text) };
  }
}

/** By id: every token in the byte alphabet, added ones as they are. What one of them spells is never learnt again. */
function spellings({ size, bytes, ends, added }: Vocabulary): string[] {
  const contents = new Map(added.map(({ id, content }) => [id, content]));
  return Array.from({ length: size }, (_, id) => {
    const own = bytes.subarray(id === 0 ? 0 : ends[id - 1], ends[id]);
    return contents.get(id) ?? Array.from(own, (byte) => byteCharacters[byte]).join('');
  });
}

/**
 * Added tokens are entered into the vocabulary too: Hugging Face's library gives one that is not there the next id after
 * as many as the vocabulary has, which is now another.
 */
function extendedJson(
  json: unknown,
  { size, added }: Vocabulary,
  tokens: readonly string[],
  merges: readonly [string, string][],
): unknown {
  const { model, ...rest } = json as { model: { vocab: Record<string, number>; merges: unknown[] } };
  const asText = typeof model.merges[0] !== 'object';
  const vocab = Object.fromEntries([
    ...Object.entries(model.vocab),
    ...added.map(({ content, id }) => [content, id] as const),
    ...tokens.slice(size).map((token, i) => [token, size + i] as const),
  ]);
  const more = merges.map(([left, right]) => (asText ? `${left} ${right}` : [left, right]));
  return { ...rest, model: { ...model, vocab, merges: [...model.merges, ...more] } };
}
