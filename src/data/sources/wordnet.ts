// WordNet's dict/data.* files (wndb(5WN)): one synset a line, its words, then `|` and the gloss with its examples.
import type { SourceFile } from './files.js';
import { type LineOptions, readRawLines } from './lines.js';
import { type BadRow, type RawDocument, type RawFact, unexpected } from './raw.js';

export async function* readWordnet(file: SourceFile, options: LineOptions = {}): AsyncGenerator<RawDocument | BadRow> {
  for await (const line of readRawLines(file.path, options)) {
    const at = `${file.name}:${line.number}`;
    if ('fault' in line) {
      yield { at, fault: line.fault };
      continue;
    }
    // The licence is on top, indented.
    if (line.text.startsWith(' ') || line.text.trim() === '') continue;
    const synset = synsetOf(line.text);
    if (synset === undefined) {
      yield { at, fault: unexpected(`${file.path}:${line.number}`, 'this is no synset', 'wordnet') };
      continue;
    }
    const { words, gloss } = synset;
    yield { at, text: `${words.join(', ')}: ${gloss}`, facts: definitionsOf(words, gloss) };
  }
}

export interface Synset {
  words: string[];
  /** With its examples, each in quotation marks behind a semicolon. */
  gloss: string;
}

/** `offset file type count(hex) word id word id … | gloss` */
export function synsetOf(line: string): Synset | undefined {
  const bar = line.indexOf(' | ');
  const fields = line.slice(0, bar).split(' ');
  const count = Number.parseInt(fields[3] ?? '', 16);
  if (bar === -1 || !(count > 0) || fields.length < 4 + 2 * count) return undefined;
  const words = Array.from({ length: count }, (_, i) =>
    fields[4 + 2 * i].replace(/\((?:a|p|ip)\)$/, '').replaceAll('_', ' '),
  );
  return { words, gloss: line.slice(bar + 3).trim() };
}

/**
 * The gloss without examples and field labels, as a sense of each of the words. It may be asked for where it is plain
 * and short, and of the first word only; as a word has one sense in a synset, a second one shows that it has several.
 */
function definitionsOf(words: readonly string[], gloss: string): RawFact[] {
  const first = withoutExamples(gloss);
  const value = first.replace(/^\([^)]*\) /, '').trim();
  const plain = /^[a-z]{3,14}$/.test(words[0]) && /^[a-z][a-z ,'-]{7,79}$/.test(value);
  const usable = plain && !value.split(/[ ,]+/).includes(words[0]);
  return words.map((word, i) => ({ key: word.toLowerCase(), value, usable: usable && i === 0 }));
}

export function withoutExamples(gloss: string): string {
  return gloss.split(/; "|;? *$/, 1)[0];
}
