// The little Markdown that models write, found in a text that stays text: fenced code, tables, headings, and in a line `code` and
// **bold**. What is not plainly one of these is shown as it is written; nothing becomes a link, an image or markup.

export type Block =
  | { type: 'text'; text: string }
  | { type: 'heading'; text: string }
  | { type: 'code'; language: string; text: string }
  | { type: 'table'; rows: string[][] };

export interface Span {
  type: 'text' | 'code' | 'bold';
  text: string;
}

const maxColumns = 30;
const fence = /^ {0,3}(`{3,}|~{3,})[ \t]*([\w+#.-]{0,30})$/;

/** In one pass over the lines. A fence that is not closed, as while an answer is written, goes to the end. */
export function blocksOf(text: string): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  let plain: string[] = [];
  const flush = (): void => {
    const said = plain.join('\n').replace(/^\n+/, '').trimEnd();
    if (said !== '') blocks.push({ type: 'text', text: said });
    plain = [];
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at];
    const [, mark, language] = fence.exec(line.trimEnd()) ?? [];
    const heading = /^#{1,6} +(\S.*)$/.exec(line)?.[1];
    if (mark !== undefined) {
      let end = at + 1;
      while (end < lines.length && !closes(lines[end].trim(), mark)) end++;
      flush();
      blocks.push({ type: 'code', language, text: lines.slice(at + 1, end).join('\n') });
      at = end;
    } else if (isTable(line, lines[at + 1])) {
      let end = at + 2;
      while (end < lines.length && lines[end].includes('|')) end++;
      flush();
      blocks.push({ type: 'table', rows: [line, ...lines.slice(at + 2, end)].map(cellsOf) });
      at = end - 1;
    } else if (heading !== undefined) {
      flush();
      blocks.push({ type: 'heading', text: heading });
    } else plain.push(line);
  }
  flush();
  return blocks;
}

/** Bold and code within a line: nothing is either across a line's end, nor inside a word or a number (`2**3**4`). */
export function spansOf(text: string): Span[] {
  const spans: Span[] = [];
  let from = 0;
  for (const match of text.matchAll(/`([^`\n]+)`|\*\*(?=[^\s*])([^\n*]*[^\s*])\*\*(?![\w*])/g)) {
    const [whole, code, bold] = match;
    if (code === undefined && /[\w*]/.test(text.charAt(match.index - 1))) continue;
    if (match.index > from) spans.push({ type: 'text', text: text.slice(from, match.index) });
    spans.push(code === undefined ? { type: 'bold', text: bold } : { type: 'code', text: code });
    from = match.index + whole.length;
  }
  if (from < text.length) spans.push({ type: 'text', text: text.slice(from) });
  return spans;
}

function closes(line: string, mark: string): boolean {
  return line.startsWith(mark) && line === mark[0].repeat(line.length);
}

function isTable(head: string, below: string | undefined): boolean {
  if (below === undefined || !head.includes('|') || !below.includes('-')) return false;
  const [columns, rules] = [cellsOf(head), cellsOf(below)];
  const isRuled = rules.length === columns.length && rules.every((cell) => /^:?-+:?$/.test(cell));
  return isRuled && columns.length > 1 && columns.length <= maxColumns;
}

function cellsOf(line: string): string[] {
  return line
    .trim()
    .replace(/^\||\|$/g, '')
    .split('|')
    .map((cell) => cell.trim());
}
