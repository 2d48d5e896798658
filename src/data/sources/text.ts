// Plain text → documents: a file, a paragraph, a line, or what lies between separator lines.
import { UserError } from '../../base/errors.js';
import type { Line } from '../../base/jsonl.js';
import type { SourceSpec } from '../spec.js';
import type { SourceFile } from './files.js';
import { type BadLine, type LineOptions, readRawLines } from './lines.js';
import type { BadRow, RawDocument } from './raw.js';

/** Lines of a text file; one that cannot be decoded or has a NUL byte comes as a fault. */
async function* textLines(path: string, options: LineOptions): AsyncGenerator<Line | BadLine> {
  for await (const line of readRawLines(path, options)) {
    if ('fault' in line || !line.text.includes('\0')) yield line;
    else {
      const fault = new UserError({
        what: 'this is not a text file',
        where: `${path}:${line.number}`,
        why: 'there is a NUL byte on that line, so the file is binary',
        next: 'Take it out of the source, or save it as text',
      });
      yield { number: line.number, fault };
    }
  }
}

/** A document never exceeds `maxCharacters` for being many lines: it ends there and the next one begins. */
export async function* readText(
  file: SourceFile,
  source: Pick<SourceSpec, 'split' | 'separator'>,
  maxCharacters: number,
  options: LineOptions = {},
): AsyncGenerator<RawDocument | BadRow> {
  const { split, separator } = source;
  const ends = (text: string): boolean =>
    separator !== undefined ? text.trim() === separator : split === 'paragraphs' && text.trim() === '';
  let lines: string[] = [];
  let length = 0;
  let start = 1;
  const next = (): RawDocument => {
    const document = { text: lines.join('\n'), at: `${file.name}:${start}` };
    lines = [];
    length = 0;
    return document;
  };
  for await (const line of textLines(file.path, options)) {
    const { number } = line;
    if ('fault' in line) {
      // The document that the line is in ends before it: what follows is not joined to what came before.
      if (lines.length > 0) yield next();
      yield { at: `${file.name}:${number}`, fault: line.fault };
      continue;
    }
    const { text } = line;
    const ended = ends(text);
    if (lines.length > 0 && (ended || length + text.length + 1 > maxCharacters)) yield next();
    if (ended) continue;
    if (separator === undefined && split === 'lines') {
      if (text.trim() !== '') yield { text, at: `${file.name}:${number}` };
      continue;
    }
    if (lines.length === 0) start = number;
    lines.push(text);
    length += text.length + 1;
  }
  if (lines.length > 0) yield next();
}
