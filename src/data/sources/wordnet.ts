// WordNet's dict/data.* files (wndb(5WN)): one synset a line, its words, then `|` and the gloss with its examples.
import { readLines } from '../../base/jsonl.js';
import type { SourceFile } from './files.js';
import { type RawDocument, unexpected } from './raw.js';

export async function* readWordnet(file: SourceFile): AsyncGenerator<RawDocument> {
  for await (const { text, number } of readLines(file.path)) {
    // The licence stands on top, indented.
    if (text.startsWith(' ') || text.trim() === '') continue;
    const synset = synsetOf(text);
    if (synset === undefined) throw unexpected(`${file.path}:${number}`, 'this is no synset', 'wordnet');
    const { words, gloss } = synset;
    const fact = definitionOf(words[0], gloss);
    yield {
      at: `${file.name}:${number}`,
      text: `${words.join(', ')}: ${gloss}`,
      ...(fact === undefined ? {} : { facts: [{ key: words[0], value: fact }] }),
    };
  }
}

/** `offset file type count(hex) word id word id … | gloss` */
function synsetOf(line: string): { words: string[]; gloss: string } | undefined {
  const bar = line.indexOf(' | ');
  const fields = line.slice(0, bar).split(' ');
  const count = Number.parseInt(fields[3] ?? '', 16);
  if (bar === -1 || !(count > 0) || fields.length < 4 + 2 * count) return undefined;
  const words = Array.from({ length: count }, (_, i) =>
    fields[4 + 2 * i].replace(/\((?:a|p|ip)\)$/, '').replaceAll('_', ' '),
  );
  return { words, gloss: line.slice(bar + 3).trim() };
}

/** The gloss without examples and field labels, if both word and definition are plain and short. */
function definitionOf(word: string, gloss: string): string | undefined {
  const definition = gloss
    .split(/; "|;? *$/)[0]
    .replace(/^\([^)]*\) /, '')
    .trim();
  const plain = /^[a-z]{3,14}$/.test(word) && /^[a-z][a-z ,'-]{7,79}$/.test(definition);
  return plain && !definition.split(/[ ,]+/).includes(word) ? definition : undefined;
}
