// The JSON of npm's chinese-poetry, in all the shapes its collections use: wherever an object holds a list of lines,
// it is one work; its title and author are above the lines. A couplet's first half states its second half.
import { isRecord } from '../../base/objects.js';
import { readJsonFile } from '../json-file.js';
import type { SourceFile } from './files.js';
import type { LineOptions } from './lines.js';
import { type RawDocument, type RawFact, strings } from './raw.js';

const lineKeys = ['paragraphs', 'content', 'para'];
const titleKeys = ['title', 'rhythmic', 'chapter'];
/** Halves of equal length, as in regulated verse: 床前明月光，疑是地上霜。 */
const couplet = /^(\p{Script=Han}{4,7})，(\p{Script=Han}{4,7})[。！？；]$/u;
/** Editors' notes on readings and stage directions: (劝客 一作：唤客), （末云了） */
const note = /[(（][^()（）]*[)）]/gu;
/** Typed in the wrong width: 何不改乎此度? */
const halfWidth = /(?<=[\p{Script=Han}”’」』])[?!,;:]/gu;
/** The dynasty before an author's name: （宋）苏轼, 宋代：苏轼 */
const dynasty = /^(?:[（(][^）)]*[）)]|[^：]{1,3}：)/u;
const maxDepth = 8;

export async function* readChinesePoetry(file: SourceFile, options: LineOptions = {}): AsyncGenerator<RawDocument> {
  let index = 0;
  for (const work of worksIn(await readJsonFile(file.path, options), {}, 0))
    yield { at: `${file.name}#${index++}`, ...work };
}

function* worksIn(value: unknown, outer: Record<string, unknown>, depth: number): Generator<Omit<RawDocument, 'at'>> {
  if (depth > maxDepth) return;
  if (Array.isArray(value)) {
    for (const item of value) yield* worksIn(item, outer, depth + 1);
    return;
  }
  if (!isRecord(value)) return;
  // An author named above (朱子家訓's 朱柏廬) holds for what is inside.
  const inner = { author: outer.author, ...value };
  const lines = lineKeys.map((key) => strings(value[key])).find((found) => found !== undefined);
  if (lines !== undefined) {
    const plain = lines.map(tidy).filter((line) => /\p{L}/u.test(line));
    if (plain.length === 0) return;
    // The same lines are in several collections, with other punctuation, under other titles and names.
    const identity = plain.join('').normalize('NFC').replace(/\P{L}/gu, '');
    yield { text: [heading(inner), ...plain].join('\n'), facts: plain.flatMap(coupletOf), identity };
    return;
  }
  for (const key of lineKeys) yield* worksIn(value[key], inner, depth + 1);
}

function tidy(line: string): string {
  const full = (mark: string): string => String.fromCharCode(mark.charCodeAt(0) + 0xfee0);
  return line.replace(note, '').replace(halfWidth, full).trim();
}

/** 《静夜思》李白 */
function heading(work: Record<string, unknown>): string {
  const texts = titleKeys.map((key) => work[key]).filter((text) => typeof text === 'string' && text.trim() !== '');
  const title = typeof texts[0] === 'string' ? texts[0].trim() : '';
  const author = typeof work.author === 'string' ? work.author.trim().replace(dynasty, '') : '';
  return `${title === '' ? '' : `《${title}》`}${author}`;
}

function coupletOf(line: string): RawFact[] {
  const halves = couplet.exec(line);
  return halves !== null && halves[1].length === halves[2].length ? [{ key: halves[1], value: halves[2] }] : [];
}
