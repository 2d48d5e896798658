// Plain text → documents: a file, a paragraph, a line, or what lies between separator lines.
import { UserError } from '../../base/errors.js';
import { type Line, readLines } from '../../base/jsonl.js';
import type { SourceSpec } from '../spec.js';
import type { SourceFile } from './files.js';
import type { RawDocument } from './raw.js';

/** Lines of a text file. @throws UserError for a file that is binary or not UTF-8, with the line. */
async function* textLines(path: string): AsyncGenerator<Line> {
  for await (const line of readLines(path)) {
    if (line.text.includes('\0')) {
      throw new UserError({
        what: 'this is not a text file',
        where: `${path}:${line.number}`,
        why: 'there is a NUL byte on that line, so the file is binary',
        next: 'Take it out of the source, or convert it to UTF-8 text',
      });
    }
    yield line;
  }
}

/** A document never exceeds `maxCharacters` for being many lines: it ends there and the next one begins. */
export async function* readText(
  file: SourceFile,
  source: Pick<SourceSpec, 'split' | 'separator'>,
  maxCharacters: number,
): AsyncGenerator<RawDocument> {
  const { split, separator } = source;
  const ends = (text: string): boolean =>
    separator !== undefined ? text.trim() === separator : split === 'paragraphs' && text.trim() === '';
  let lines: string[] = [];
  let length = 0;
  let start = 1;
  for await (const { text, number } of textLines(file.path)) {
    const ended = ends(text);
    if (lines.length > 0 && (ended || length + text.length + 1 > maxCharacters)) {
      yield { text: lines.join('\n'), at: `${file.name}:${start}` };
      lines = [];
      length = 0;
    }
    if (ended) continue;
    if (separator === undefined && split === 'lines') {
      if (text.trim() !== '') yield { text, at: `${file.name}:${number}` };
      continue;
    }
    if (lines.length === 0) start = number;
    lines.push(text);
    length += text.length + 1;
  }
  if (lines.length > 0) yield { text: lines.join('\n'), at: `${file.name}:${start}` };
}
