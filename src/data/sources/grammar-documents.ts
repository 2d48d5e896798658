// Documents drawn from a grammar: every text is as likely as any other, every way to say a line, every row of a table. Within a
// document a place is filled once: {food} is the same food wherever it stands, {food2} another one.
import { UserError } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import type { SourceFile } from './files.js';
import { type Grammar, type Pair, place, readGrammar, type Table, type Text } from './grammar.js';
import type { RawDocument } from './raw.js';

/** Of the documents: in Chinese, in English, line by line in both. */
const inChinese = 0.45;
const inEnglish = 0.25;

/** Draws without a new document, in a row, after which there are taken to be no more. */
const maxRepeats = 1000;
/** Places of one document: a table that fills itself never ends. */
const maxPlaces = 500;
const maxDepth = 8;

/**
 * Each file's documents, all different from each other, the same for the same seed.
 * @throws UserError for a faulty grammar, and where it has fewer different documents than its file says.
 */
export async function* grammarDocuments(
  files: Iterable<SourceFile> | AsyncIterable<SourceFile>,
  seed: number,
): AsyncGenerator<RawDocument> {
  const grammar = await readGrammar(files);
  for (const { name, path, documents, texts } of grammar.files) {
    const random = Random.stream(seed, `grammar ${name}`);
    const known = new Set<string>();
    for (let repeats = 0; known.size < documents; ) {
      const text = drawDocument(random.choose(texts), grammar.tables, random, path);
      if (known.has(text)) {
        if (++repeats < maxRepeats) continue;
        const what = `this grammar gives about ${known.size} different documents, not ${documents}`;
        throw new UserError({
          what,
          where: path,
          next: 'Lower `documents`, or add words, lines and other ways to say them',
        });
      }
      repeats = 0;
      known.add(text);
      yield { text, at: `${name}#${known.size}` };
    }
  }
}

function drawDocument(text: Text, tables: Grammar['tables'], random: Random, path: string): string {
  const filler = new Filler(tables, random, path);
  const language = random.uniform();
  const lines: Pair[] = [];
  for (const { isOptional, ways } of text.lines) {
    if (isOptional && random.uniform() < 0.5) continue;
    const [zh, en] = random.choose(ways);
    const pair = [filler.fill(zh, 0), sentences(filler.fill(en, 1))] as const;
    if (text.speakers === undefined) lines.push(pair);
    else {
      const speaker = `{${text.speakers[lines.length % 2]}}`;
      lines.push([`${filler.fill(speaker, 0)}：${pair[0]}`, `${filler.fill(speaker, 1)}: ${pair[1]}`]);
    }
  }
  const isDialogue = text.speakers !== undefined;
  if (language < inChinese) return lines.map(([zh]) => zh).join(isDialogue ? '\n' : '');
  if (language < inChinese + inEnglish) return lines.map(([, en]) => en).join(isDialogue ? '\n' : ' ');
  return lines.map(([zh, en]) => (language < 0.85 ? `${zh}\n${en}` : `${en}\n${zh}`)).join('\n');
}

class Filler {
  readonly #tables: Grammar['tables'];
  readonly #random: Random;
  readonly #path: string;
  readonly #rows = new Map<string, string[]>();
  readonly #numbers = new Map<string, number>();
  #places = 0;

  constructor(tables: Grammar['tables'], random: Random, path: string) {
    this.#tables = tables;
    this.#random = random;
    this.#path = path;
  }

  /** @param side column where a place names none: 0 Chinese, 1 English. */
  fill(text: string, side: 0 | 1, depth = 0): string {
    if (depth > maxDepth || this.#places > maxPlaces) {
      const what = 'a table of this grammar fills itself, or a text has too many places';
      throw new UserError({ what, where: this.#path, why: `it came to: ${text.slice(0, 80)}` });
    }
    return text.replace(place, (whole, name?: string, again?: string, column?: string, low?: string, high?: string) => {
      this.#places++;
      if (name === undefined) return String(this.#number(whole, Number(low), Number(high)));
      const table = this.#tables.get(name);
      if (table === undefined) throw new Error(`unchecked: ${whole}`);
      const at = column === undefined ? side : table.columns.indexOf(column);
      return this.fill(this.#row(name, again ?? '', table)[at], side, depth + 1);
    });
  }

  #number(key: string, low: number, high: number): number {
    const number = this.#numbers.get(key) ?? this.#random.integer(low, high + 1);
    this.#numbers.set(key, number);
    return number;
  }

  /** Another row for each of {food}, {food2}, … as long as there are some. */
  #row(name: string, again: string, { rows }: Table): string[] {
    const key = name + again;
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const used = [...this.#rows].filter(([other]) => other.replace(/\d$/, '') === name).map(([, row]) => row);
    const unused = rows.filter((row) => !used.includes(row));
    const row = this.#random.choose(unused.length > 0 ? unused : rows);
    this.#rows.set(key, row);
    return row;
  }
}

/** Capitals where sentences begin, and `an` before vowels, whatever a place was filled with. */
function sentences(text: string): string {
  return text
    .replace(/\b([Aa]) (?=[aeiou])(?!uni|use|eu|one\b|once\b)/g, '$1n ')
    .replace(/(^|[.?!]["”]? |: ["“])([a-z])/g, (_, before: string, letter: string) => before + letter.toUpperCase());
}
