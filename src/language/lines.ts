// Printed text in another language, line by line: a paragraph that was wrapped is one message; a line of a table is its
// cells, each of which stays where it was: at its left edge, or at its right one where the column has that in common.
import { terminalColumns, wrapped } from '../base/format.js';

interface Cell {
  text: string;
  /** Columns of the terminal, from 0; `end` is the one after the last. */
  start: number;
  end: number;
}

type Find = (text: string) => string | undefined;
type Width = (text: string) => number;

/** Codes of colours, which have no width. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is how a terminal is told
const color = /(\u001b\[\d{1,3}m)/;

export function translatedLines(text: string, find: Find, width: Width): string {
  return text
    .split(/(\n{2,})/)
    .map((block, i) => (i % 2 === 1 ? block : translatedBlock(block, find, width)))
    .join('');
}

/** Lines with nothing between them. */
function translatedBlock(block: string, find: Find, width: Width): string {
  const lines = block.split('\n');
  const [, before = '', inner = '', after = ''] = /^(\n*)([\s\S]*?)(\n*)$/.exec(block) ?? [];
  const paragraph = inner.split(/\n */);
  const whole = isWrapped(paragraph, width) ? find(paragraph.join(' ')) : undefined;
  if (whole !== undefined) return before + wrapped(whole, terminalColumns).replaceAll('\n  ', '\n') + after;
  const cells = lines.map((line) => cellsOf(line, width));
  const rule = lines.findIndex((line) => /^-+(?: +-+)*$/.test(line));
  return lines
    .map((line, i) => {
      // One word in the body of a table, or behind a label, is a name of something.
      const findCell = (cell: string, j: number): string | undefined =>
        (rule === -1 ? j > 0 : i > rule) && !cell.includes(' ') ? undefined : find(cell);
      return translatedLine(line, cells[i], cells, findCell, width);
    })
    .join('\n');
}

/** The first word of each line would not have fitted onto the one before. */
function isWrapped(paragraph: readonly string[], width: Width): boolean {
  const longest = Math.max(...paragraph.map(width));
  return (
    paragraph.length > 1 &&
    !paragraph.some((line) => /\S {2,}\S/.test(line)) &&
    paragraph.slice(1).every((line, i) => width(`${paragraph[i]} ${line.split(' ')[0]}`) > longest)
  );
}

function cellsOf(line: string, width: Width): Cell[] {
  const bare = line
    .split(color)
    .filter((_, i) => i % 2 === 0)
    .join('');
  return [...bare.matchAll(/\S+(?: \S+)*/g)].map(([text], i, all) => {
    const start = width(bare.slice(0, all[i].index));
    return { text, start, end: start + width(text) };
  });
}

function translatedLine(
  line: string,
  own: readonly Cell[],
  all: readonly Cell[][],
  find: (text: string, cell: number) => string | undefined,
  width: Width,
): string {
  const said = own.map(({ text }, i) => find(text, i));
  if (said.every((each) => each === undefined)) return line;
  let rest = line;
  let made = '';
  for (const [i, cell] of own.entries()) {
    const at = rest.indexOf(cell.text);
    // A colour ends inside the cell: it is said as it was.
    if (at === -1) return line;
    const text = said[i] ?? cell.text;
    const column = i > 0 && isRight(cell, all) ? Math.max(0, cell.end - width(text)) : cell.start;
    const codes = rest
      .slice(0, at)
      .split(color)
      .filter((_, j) => j % 2 === 1)
      .join('');
    const taken = width(
      made
        .split(color)
        .filter((_, j) => j % 2 === 0)
        .join(''),
    );
    made += codes + ' '.repeat(Math.max(i === 0 ? 0 : 2, column - taken)) + text;
    rest = rest.slice(at + cell.text.length);
  }
  return made + rest;
}

/** Other lines have a cell that ends there and begins elsewhere, more than the other way round. */
function isRight(cell: Cell, all: readonly Cell[][]): boolean {
  const others = all.flat().filter((each) => each !== cell);
  const right = others.filter(({ start, end }) => end === cell.end && start !== cell.start).length;
  const left = others.filter(({ start, end }) => start === cell.start && end !== cell.end).length;
  return right > left;
}
