// The words of a text: one per Chinese character or kana, one per lower-cased word or number. Short texts are compared in
// them, and rules count them. Google's rouge_score splits on [^a-z0-9] and so sees no token at all in a Chinese text; on
// ASCII the two agree.

const cjk = '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}々〇';
const unit = new RegExp(`[${cjk}]|(?:(?![${cjk}])[\\p{L}\\p{M}\\p{N}])+`, 'gu');

/** NFKC, lower case, punctuation dropped. A number is one unit however many digits it has. */
export function wordsOf(text: string): string[] {
  return text.normalize('NFKC').toLowerCase().match(unit) ?? [];
}

const han = /\p{Script=Han}/gu;
const word = /(?:(?!\p{Script=Han})\p{L})+/gu;

/** How many Chinese characters and how many words of other scripts a text has. */
export function scriptCounts(text: string): { han: number; words: number } {
  return { han: text.match(han)?.length ?? 0, words: text.match(word)?.length ?? 0 };
}

/** The share of a text that is in `language`; 1 where it has no letters at all ("45"). */
export function languageShare(text: string, language: 'zh' | 'en'): number {
  const counts = scriptCounts(text);
  const total = counts.han + counts.words;
  if (total === 0) return 1;
  return (language === 'zh' ? counts.han : counts.words) / total;
}
