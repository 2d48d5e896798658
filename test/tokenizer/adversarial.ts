// Text that breaks tokenizers: each fragment once broke one, and their combinations are drawn at random.
import type { Random } from '../../src/base/random.js';

export const fragments = [
  ...['a', 'Z', 'é', 'e\u0301', '\u0301', 'ß', 'İ', 'Ελ', 'ก็', '한', '\u{1d4b6}'],
  ...['中', '文', '〇', '々', '龥', '龦', '𠀀', '\u{323af}', 'あ', 'ー', '・', '\u3099', '゠', '\u3040'],
  ...['1', '2', '９', 'Ⅻ', '½', '۳', '𝟙'],
  ...['😀', '👩‍👩‍👧', '🇨🇳', '❤️', '\u200d', '\ufe0f', '\u{1f3fd}'],
  ...['!', '.', '，', '！', '。', '$', '€', '_', "'", '-', '\\', '“'],
  ...[' ', '  ', '\t', '\n', '\r', '\r\n', '\u00a0', '\u0085', '\ufeff', '\u2028', '\u3000', '\u180e', '\u200b'],
  ...['\0', '\u0001', '\u001c', '\u00ad', '\ue000', '\u0378', '\u{e0001}', '\u{10ffff}', '\ufffd', '\ufffe'],
  ...['\ud800', '\udc00', '\ud83d', '\ude00'],
  ...['<|im_end|>', '<|im_start|>', '<|pad|>', '<|endoftext|>', '<|', '|>', '<|im_', 'end|>'],
];

export function adversarialText(random: Random, maxFragments: number): string {
  return Array.from({ length: random.integer(1, maxFragments + 1) }, () => random.choose(fragments)).join('');
}
