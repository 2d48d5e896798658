// CC-CEDICT in memory: Chinese words, simplified and traditional, to their entries; and English words back to the Chinese
// words that mean just that. Read when the first word is asked for.
import { type CedictEntry, cedictEntries, commonCharacters, withoutReferences } from '../../data/sources/cc-cedict.js';
import type { SourceFile } from '../../data/sources/files.js';
import { baseForms } from './base-forms.js';
import type { Dictionary, DictionaryEntry } from './dictionary.js';
import { Lines } from './lines.js';
import { shownPinyin } from './pinyin.js';

/** A meaning that only says where else to look, or how a word is counted. */
const pointer =
  /^(?:\([^)]*\) *)?(?:old |erhua |archaic |Japanese |ancient |unofficial )?(?:variants? of|surname |CL:|Taiwan pr|also pr)/;
const aside = /\s*\([^)]*\)\s*/g;
const han = /\p{Script=Han}/u;
const maxTranslations = 3;

interface Book {
  entries: CedictEntry[];
  simplified: Lines;
  traditional: Lines;
  /** Lower case. */
  meanings: Lines;
}

export class Cedict implements Dictionary {
  readonly #files: readonly SourceFile[];
  #book: Promise<Book> | undefined;

  constructor(files: readonly SourceFile[]) {
    this.#files = files;
  }

  async lookUp(word: string): Promise<DictionaryEntry[]> {
    if (word.includes('\n')) return [];
    this.#book ??= this.#read();
    const book = await this.#book;
    const found = new Set([...book.simplified.equal(word), ...book.traditional.equal(word)]);
    if (found.size > 0 || han.test(word)) return entriesOf([...found].map((i) => book.entries[i]));
    const key = word.toLowerCase();
    for (const form of new Set([key, ...baseForms(key, 'noun'), ...baseForms(key, 'verb')])) {
      const likely = book.meanings.containing(form).map((i) => book.entries[i]);
      const translations = translationsOf(form, likely);
      if (translations.length > 0) return translations;
    }
    return [];
  }

  async #read(): Promise<Book> {
    const entries: CedictEntry[] = [];
    for (const file of this.#files) {
      for (const entry of await cedictEntries(file)) {
        if ('fault' in entry) throw entry.fault;
        entries.push(entry);
      }
    }
    const lines = (of: (entry: CedictEntry) => string): Lines =>
      new Lines(entries.map((entry) => of(entry).replaceAll('\n', ' ')));
    return {
      entries,
      simplified: lines(({ simplified }) => simplified),
      traditional: lines(({ traditional }) => traditional),
      meanings: lines(({ meanings }) => meanings.join(' ').toLowerCase()),
    };
  }
}

/** One of each pronunciation and word, names and mere variants last. */
function entriesOf(entries: readonly CedictEntry[]): DictionaryEntry[] {
  const weight = ({ pinyin, meanings }: CedictEntry): number =>
    (meanings.every((meaning) => pointer.test(meaning)) ? 2 : 0) + (/^\p{Lu}/u.test(pinyin) ? 1 : 0);
  const sorted = entries.map((entry) => [weight(entry), entry] as const).sort(([a], [b]) => a - b);
  return sorted.map(([, { simplified, pinyin, meanings }]) => {
    const plain = meanings.filter((meaning) => !pointer.test(meaning));
    const label = shownPinyin(pinyin);
    const senses = (plain.length > 0 ? plain : meanings).map(withoutReferences);
    return { word: simplified, ...(label !== '' && { label }), senses };
  });
}

/** The words that an English one is the plain translation of, the likeliest first. */
function translationsOf(key: string, entries: readonly CedictEntry[]): DictionaryEntry[] {
  const common = commonCharacters();
  const ranked = entries.flatMap((entry) => {
    const rank = rankOf(key, entry);
    if (rank === undefined) return [];
    const isUsual = [...entry.simplified].every((character) => common.has(character));
    return [{ word: entry.simplified, rank: rank + (isUsual ? 0 : 10) - (entry.isCounted ? 2 : 0) }];
  });
  const words = new Set(ranked.sort((a, b) => a.rank - b.rank).map(({ word }) => word));
  if (words.size === 0) return [];
  return [{ word: key, label: 'Chinese', senses: [[...words].slice(0, maxTranslations).join(', ')] }];
}

/** "to hit; to strike" is the translation of hit and strike. Lower: sooner, plainer. */
function rankOf(key: string, { meanings, pinyin, simplified }: CedictEntry): number | undefined {
  for (const [at, meaning] of meanings.entries()) {
    if (at >= 3) break;
    if (pointer.test(meaning)) continue;
    const parts = meaning.split(';');
    const place = parts.slice(0, 3).findIndex((part) => plainMeaning(part) === key);
    if (place === -1) continue;
    const isName = /^\p{Lu}/u.test(pinyin);
    const isAside = parts[place].includes('(');
    return at + place + (isAside ? 3 : 0) + (isName ? 3 : 0) + (simplified.length > 2 ? 1 : 0) + (parts.length - 1) / 4;
  }
  return undefined;
}

function plainMeaning(part: string): string {
  return part
    .replace(aside, ' ')
    .trim()
    .replace(/^(?:to|a|an|the) /i, '')
    .toLowerCase();
}
