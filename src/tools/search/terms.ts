// What is looked up of a text: words of alphabets, their plural endings taken off, and of Chinese every two neighbouring
// characters and each character. No dictionary cuts Chinese better than that for a search (docs/decisions), and none changes with a
// version of ICU.

const cjk = '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}々〇ー';
const unit = new RegExp(`[${cjk}]+|(?:(?![${cjk}])[\\p{L}\\p{M}\\p{N}])+`, 'gu');
const startsCjk = new RegExp(`^[${cjk}]`, 'u');
/** Longer ones are no words: keys, hashes, base64. */
const maxTerm = 40;

/** @param single whether each character of several is a term, too: of what is searched, not of what is asked for. */
export function termsOf(text: string, single: boolean): string[] {
  const terms: string[] = [];
  for (const [run] of text.normalize('NFKC').toLowerCase().matchAll(unit)) {
    if (startsCjk.test(run)) addPairs(run, single, terms);
    else terms.push(withoutPlural(run.slice(0, maxTerm)));
  }
  return terms;
}

function addPairs(run: string, single: boolean, terms: string[]): void {
  let before = '';
  for (const character of run) {
    if (single || character.length === run.length) terms.push(character);
    if (before !== '') terms.push(before + character);
    before = character;
  }
}

/** Harman's rules: ponies, places and plans are pony, place and plan; glass and bus stay. */
function withoutPlural(word: string): string {
  if (word.length < 4 || !word.endsWith('s')) return word;
  if (word.endsWith('ies')) return /[ae]ies$/.test(word) ? word : `${word.slice(0, -3)}y`;
  return /[us]s$/.test(word) ? word : word.slice(0, -1);
}
