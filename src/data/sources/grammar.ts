// Everyday language by rule: a grammar of two languages at once. A line is a pair, Chinese | English, whose places `{food}` are
// filled from the same row of a table on both sides, so that what comes out says the same in both. A grammar is data: nothing in
// it is run. Tables of all files of a source are shared; each file says how many documents it gives.
import { z } from 'zod';
import { nearest, UserError } from '../../base/errors.js';
import { loadYaml } from '../../base/yaml.js';
import type { SourceFile } from './files.js';

const tableName = z.string().regex(/^[a-z][a-z-]*$/, 'a table is named with small letters and dashes');
const lines = z.string().min(1).max(20_000);

const grammarSchema = z.strictObject({
  documents: z.int().min(1).max(1_000_000).optional().describe('different documents that the texts of this file give'),
  words: z
    .record(tableName, lines)
    .default({})
    .describe('tables, a row a line: `苹果 | apple | apples`; the first line names the columns: `zh | en | plural`'),
  paragraphs: z
    .array(lines)
    .default([])
    .describe(
      'texts, a pair a line: `今天{weather}。 | It is {weather} today.`; `/` begins another way to say the line before, `?` one that may be missing',
    ),
  dialogues: z
    .array(lines)
    .default([])
    .describe('the same, said in turn by two people: rows of the tables that `speakers` names'),
  speakers: z.tuple([z.string(), z.string()]).optional().describe('places that name who speaks: [person, person2]'),
});

/** A place in a text: `{food}`, another one `{food2}`, another column `{food.plural}`, a number `{3-20}`. */
export const place = /\{(?:([a-z][a-z-]*)(\d?)(?:\.([^{}.|]+))?|(\d+)-(\d+)([a-z]?))\}/gu;

/** [Chinese, English] */
export type Pair = readonly [zh: string, en: string];

export interface Line {
  isOptional: boolean;
  ways: Pair[];
}

export interface Table {
  columns: string[];
  rows: string[][];
}

export interface Text {
  lines: Line[];
  speakers?: readonly [string, string];
}

export interface Grammar {
  tables: ReadonlyMap<string, Table>;
  files: { name: string; path: string; documents: number; texts: Text[] }[];
}

/** @throws UserError with every fault: a place that no table fills, a row or line without its other half. */
export async function readGrammar(files: Iterable<SourceFile> | AsyncIterable<SourceFile>): Promise<Grammar> {
  const tables = new Map<string, Table>();
  const grammar: Grammar = { tables, files: [] };
  const faults: { what: string; where: string; next?: string }[] = [];
  for await (const { path, name } of files) {
    const read = await loadYaml(path, grammarSchema);
    const complain = (what: string, next?: string): void =>
      void faults.push({ what, where: path, ...(next && { next }) });
    for (const [table, text] of Object.entries(read.words)) {
      if (tables.has(table)) complain(`two tables are called ${table}`);
      tables.set(table, tableOf(table, text, complain));
    }
    const { dialogues, paragraphs, speakers, documents } = read;
    if (dialogues.length > 0 && speakers === undefined)
      complain('speakers is missing', 'Name who speaks: [person, person2]');
    const texts: Text[] = [
      ...paragraphs.map((text) => ({ lines: linesOf(text, complain) })),
      ...dialogues.map((text) => ({ lines: linesOf(text, complain), speakers })),
    ];
    if (texts.length > 0 !== (documents !== undefined)) {
      complain(
        documents === undefined ? 'documents is missing' : 'there are no paragraphs and no dialogues',
        'Say how many documents the texts give',
      );
    }
    grammar.files.push({ name, path, documents: documents ?? 0, texts });
  }
  if (grammar.files.every(({ texts }) => texts.length === 0) && faults.length === 0) {
    faults.push({
      what: 'this grammar has no texts',
      where: grammar.files[0]?.path ?? '',
      next: 'Add paragraphs or dialogues',
    });
  }
  for (const { path, texts } of grammar.files) {
    const said = texts.flatMap((text) => [
      ...text.lines.flatMap(({ ways }) => ways.flat()),
      ...(text.speakers ?? []).map((speaker) => `{${speaker}}`),
    ]);
    for (const fault of new Set(said.flatMap((each) => placeFaults(each, tables))))
      faults.push({ what: fault, where: path });
  }
  const [first] = grammar.files;
  for (const [name, { rows }] of tables) {
    for (const fault of new Set(rows.flat().flatMap((cell) => placeFaults(cell, tables)))) {
      faults.push({ what: `${name}: ${fault}`, where: first.path });
    }
  }
  if (faults.length > 0) throw new UserError(faults.slice(0, 50));
  return grammar;
}

type Complain = (what: string, next?: string) => void;

function cellsOf(line: string): string[] {
  return line.split('|').map((cell) => cell.trim());
}

function tableOf(name: string, text: string, complain: Complain): Table {
  const [columns = [], ...rows] = text.trim().split('\n').map(cellsOf);
  if (columns[0] !== 'zh' || columns[1] !== 'en') complain(`${name}: the first two columns must be zh | en`);
  if (rows.length === 0) complain(`${name}: the table has no row`);
  for (const row of rows) {
    if (row.length !== columns.length)
      complain(`${name}: ${columns.length} columns, but ${row.length} in: ${row.join(' | ')}`);
  }
  return { columns, rows };
}

function linesOf(text: string, complain: Complain): Line[] {
  const found: Line[] = [];
  for (const line of text.trim().split('\n')) {
    const [, mark, said] = /^([/?]?)\s*(.*)$/u.exec(line.trim()) ?? [];
    const cells = cellsOf(said);
    if (cells.length !== 2 || cells.includes('')) {
      complain(`a line is Chinese | English, not: ${line}`);
      continue;
    }
    const pair: Pair = [cells[0], cells[1]];
    const before = found.at(-1);
    if (mark !== '/') found.push({ isOptional: mark === '?', ways: [pair] });
    else if (before === undefined) complain(`there is no line before: ${line}`);
    else before.ways.push(pair);
  }
  return found;
}

/** What no table fills. */
function placeFaults(text: string, tables: Grammar['tables']): string[] {
  const faults: string[] = [];
  const rest = text.replace(
    place,
    (whole, name?: string, _again?: string, column?: string, low?: string, high?: string) => {
      if (name === undefined) {
        if (Number(low) >= Number(high) || Number(high) > 1e9) faults.push(`${whole} is no range of numbers`);
        return '';
      }
      const table = tables.get(name);
      if (table === undefined) {
        const near = nearest(name, [...tables.keys()]);
        faults.push(`no table is called ${name}${near === undefined ? '' : ` (did you mean ${near}?)`}`);
      } else if (column !== undefined && !table.columns.includes(column)) {
        faults.push(`table ${name} has no column ${column}, only ${table.columns.join(', ')}`);
      }
      return '';
    },
  );
  if (/[{}]/.test(rest)) faults.push(`a place is {table}, {table2}, {table.column} or {3-20}, not as in: ${text}`);
  return faults;
}
