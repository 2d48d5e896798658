// CC-CEDICT in memory: Chinese words, simplified and traditional, to their entries; and English words back to the Chinese
// words that mean just that. Read when the first word is asked for.
import { cedictEntries, commonCharacters, withoutReferences } from '../../data/sources/cc-cedict.js';
import type { SourceFile } from '../../data/sources/files.js';
import type { Dictionary, DictionaryEntry } from './dictionary.js';
import { shownPinyin } from './pinyin.js';

interface Word {
  simplified: string;
  pinyin: string;
  meanings: string[];
}

/** A meaning that only says where else to look, or how a word is counted. */
const pointer =
  /^(?:\([^)]*\) *)?(?:old |erhua |archaic |Japanese |ancient |unofficial )?(?:variants? of|surname |CL:|Taiwan pr|also pr)/;
const aside = /\s*\([^)]*\)\s*/g;
const han = /\p{Script=Han}/u;
const maxTranslations = 3;

export class Cedict implements Dictionary {
  readonly #files: readonly SourceFile[];
  #index: Promise<{ words: Map<string, Word[]>; english: Map<string, Word[]> }> | undefined;

  constructor(files: readonly SourceFile[]) {
    this.#files = files;
  }

  async lookUp(word: string): Promise<DictionaryEntry[]> {
    this.#index ??= this.#read();
    const { words, english } = await this.#index;
    const found = words.get(word) ?? [];
    if (found.length > 0 || han.test(word)) return entriesOf(found);
    const key = word.toLowerCase();
    const translations = [...new Set((english.get(key) ?? []).map(({ simplified }) => simplified))];
    if (translations.length === 0) return [];
    return [{ word: key, label: 'Chinese', senses: [translations.slice(0, maxTranslations).join(', ')] }];
  }

  async #read(): Promise<{ words: Map<string, Word[]>; english: Map<string, Word[]> }> {
    const words = new Map<string, Word[]>();
    const translations = new Map<string, [rank: number, Word][]>();
    const put = <T>(map: Map<string, T[]>, key: string, value: T): void => {
      const list = map.get(key);
      if (list === undefined) map.set(key, [value]);
      else list.push(value);
    };
    const common = commonCharacters();
    for (const file of this.#files) {
      for await (const entry of cedictEntries(file)) {
        if ('fault' in entry) throw entry.fault;
        const { simplified, traditional, pinyin, meanings } = entry;
        const word = { simplified, pinyin, meanings: meanings.map(withoutReferences) };
        put(words, simplified, word);
        if (traditional !== simplified) put(words, traditional, word);
        for (const [key, rank] of englishKeys(word, common)) put(translations, key, [rank, word]);
      }
    }
    const english = new Map<string, Word[]>();
    for (const [key, list] of translations)
      english.set(
        key,
        list.sort(([a], [b]) => a - b).map(([, word]) => word),
      );
    return { words, english };
  }
}

/** One of each pronunciation and word, names and mere variants last. */
function entriesOf(words: readonly Word[]): DictionaryEntry[] {
  const weight = ({ pinyin, meanings }: Word): number =>
    (meanings.every((meaning) => pointer.test(meaning)) ? 2 : 0) + (/^\p{Lu}/u.test(pinyin) ? 1 : 0);
  const sorted = [...new Set(words)].map((word) => [weight(word), word] as const).sort(([a], [b]) => a - b);
  return sorted.map(([, { simplified, pinyin, meanings }]) => {
    const plain = meanings.filter((meaning) => !pointer.test(meaning));
    const label = shownPinyin(pinyin);
    return { word: simplified, ...(label !== '' && { label }), senses: plain.length > 0 ? plain : meanings };
  });
}

/** What the word is the plain translation of: "to hit; to strike" of hit and strike. The plainer and more usual, the lower. */
function* englishKeys(
  { meanings, pinyin, simplified }: Word,
  common: ReadonlySet<string>,
): Generator<[string, number]> {
  const isUsual = [...simplified].every((character) => common.has(character));
  const weight = (isUsual ? 0 : 10) + (/^\p{Lu}/u.test(pinyin) ? 3 : 0) + (simplified.length > 2 ? 1 : 0);
  for (const [at, meaning] of meanings.slice(0, 3).entries()) {
    if (pointer.test(meaning)) continue;
    const parts = meaning.split(';');
    for (const [place, part] of parts.slice(0, 3).entries()) {
      const key = part
        .replace(aside, ' ')
        .trim()
        .replace(/^(?:to|a|an|the) /, '')
        .toLowerCase();
      if (!/^[a-z][a-z' -]{0,39}$/.test(key)) continue;
      yield [key, weight + at + place + (part.includes('(') ? 3 : 0) + Math.min(parts.length - 1, 2) / 2];
    }
  }
}
