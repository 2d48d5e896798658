// Pinyin as CC-CEDICT writes it (ping2 guo3, lu:4) → as people do (píng guǒ, lǜ).

const marked: Readonly<Record<string, string>> = { a: 'āáǎà', e: 'ēéěè', i: 'īíǐì', o: 'ōóǒò', u: 'ūúǔù', ü: 'ǖǘǚǜ' };

/** What is no syllable of pinyin stays as it is. */
export function shownPinyin(text: string): string {
  return text.replace(/([A-Za-zü:]+)([1-5])/g, (_, letters: string, digit: string) => {
    const syllable = letters.replace(/u:/g, 'ü').replace(/U:/g, 'Ü');
    const tone = Number(digit);
    return tone === 5 ? syllable : withTone(syllable, tone);
  });
}

/** The mark is on a or e, else on the o of ou, else on the last vowel. */
function withTone(syllable: string, tone: number): string {
  const lower = syllable.toLowerCase();
  const main = lower.search(/[ae]/);
  const pair = lower.indexOf('ou');
  const last = Math.max(...[...'iouü'].map((vowel) => lower.lastIndexOf(vowel)));
  const at = main !== -1 ? main : pair !== -1 ? pair : last;
  if (at === -1) return syllable;
  const mark = marked[lower[at]][tone - 1];
  const isUpper = syllable[at] !== lower[at];
  return syllable.slice(0, at) + (isUpper ? mark.toUpperCase() : mark) + syllable.slice(at + 1);
}
