// What a file is, by its first bytes, whatever its name says. What is not read is refused by name, with what to type.
import { UserError } from '../../base/errors.js';
import { shellQuoted } from '../../base/shell.js';
import { readAt, withFile } from '../arrow-file.js';
import { isZstd } from './zstd-stream.js';

/** `text`: none of the others, so it is for a decoder to say whether it is one. */
export type FileKind = 'text' | 'gzip' | 'zstd' | 'parquet' | 'arrow' | 'refused';

export interface IdentifiedKind {
  kind: FileKind;
  /** `this is …` */
  name: string;
  /** Any of these bytes, as Latin-1. */
  starts: string | readonly string[] | ((head: Buffer) => boolean);
  /** What to type instead, where it is refused. */
  next?(path: string): string;
}

/** Enough for the mark of a tar archive, which stands at 257. */
export const headBytes = 512;
const unpack = (command: string) => (path: string) => `Unpack it first: ${command} ${shellQuoted(path)}`;
const save = (as: string) => () => `Save it as ${as} first`;

const kinds: readonly IdentifiedKind[] = [
  { kind: 'gzip', name: 'a gzip file', starts: '\x1f\x8b' },
  { kind: 'zstd', name: 'a Zstandard file', starts: isZstd },
  { kind: 'parquet', name: 'a Parquet file', starts: ['PAR1', 'PARE'] },
  { kind: 'arrow', name: 'an Arrow file', starts: (head) => /^(?:ARROW1|FEA1)/.test(head.toString('latin1', 0, 6)) },
  { kind: 'arrow', name: 'an Arrow stream', starts: isArrowStream },
  {
    kind: 'refused',
    name: 'a bzip2 file',
    starts: (head) => /^BZh[1-9]1AY/.test(head.toString('latin1', 0, 7)),
    next: unpack('bunzip2 -k'),
  },
  { kind: 'refused', name: 'an xz file', starts: '\xfd7zXZ\0', next: unpack('unxz -k') },
  { kind: 'refused', name: 'an LZ4 file', starts: '\x04\x22\x4d\x18', next: unpack('unlz4 -k') },
  {
    kind: 'refused',
    name: 'a zip archive (an .xlsx or .docx file is one, too)',
    starts: ['PK\x03\x04', 'PK\x05\x06'],
    next: (path) => `Unpack it first: unzip ${shellQuoted(path)}; save a table as CSV, a document as plain text`,
  },
  { kind: 'refused', name: 'a 7z archive', starts: '7z\xbc\xaf\x27\x1c', next: unpack('7z x') },
  { kind: 'refused', name: 'a RAR archive', starts: 'Rar!\x1a\x07', next: unpack('unrar x') },
  {
    kind: 'refused',
    name: 'a tar archive',
    starts: (head) => head.toString('latin1', 257, 262) === 'ustar',
    next: (path) => `Unpack it first, and name the folder: tar xf ${shellQuoted(path)}`,
  },
  {
    kind: 'refused',
    name: 'a PDF file',
    starts: '%PDF-',
    next: (path) => `Take its text out first: pdftotext ${shellQuoted(path)}`,
  },
  {
    kind: 'refused',
    name: 'a file of an old Microsoft Office',
    starts: '\xd0\xcf\x11\xe0',
    next: save('CSV or plain text'),
  },
  { kind: 'refused', name: 'an SQLite database', starts: 'SQLite format 3\0', next: save('CSV or JSON lines') },
  { kind: 'refused', name: 'an ORC file', starts: 'ORC', next: save('Parquet') },
  { kind: 'refused', name: 'an Avro file', starts: 'Obj\x01', next: save('Parquet or JSON lines') },
  {
    kind: 'refused',
    name: 'a pointer of Git LFS, not the file itself',
    starts: 'version https://git-lfs.github.com/spec/',
    next: () => 'Fetch the file: git lfs pull',
  },
];

/** The mark of a message, and its length, which is below 16 MiB. */
function isArrowStream(head: Buffer): boolean {
  return head.length >= 8 && head.readInt32LE(0) === -1 && head.readUInt32LE(4) < 1 << 24;
}

const text: IdentifiedKind = { kind: 'text', name: 'text', starts: '' };

/** @param head the first `headBytes` of it, or fewer where it is shorter. */
export function identify(head: Buffer): IdentifiedKind {
  const start = head.toString('latin1');
  const fits = ({ starts }: IdentifiedKind): boolean => {
    return typeof starts === 'function' ? starts(head) : [starts].flat().some((one) => start.startsWith(one));
  };
  return kinds.find(fits) ?? text;
}

export async function identifyFile(path: string): Promise<IdentifiedKind> {
  const damaged = (where: string, why: string): Error =>
    new UserError({ what: 'this file cannot be read', where, why });
  return identify(await withFile(path, damaged, (file) => readAt(file, 0, Math.min(headBytes, file.size))));
}

/** The error for a file of a kind that is not read here. @param meant what is: `text`, `a Parquet file`. */
export function otherKind(
  path: string,
  { name, kind, next }: IdentifiedKind,
  meant: string,
  isPacked = false,
): UserError {
  return new UserError({
    what: `this is ${name}${isPacked ? ', compressed once more' : ''}`,
    where: path,
    why: `${meant} was expected`,
    next:
      kind !== 'refused' && isPacked
        ? `Unpack it once first: gunzip -k ${shellQuoted(path)}`
        : (next?.(path) ?? instead(kind)),
  });
}

function instead(kind: FileKind): string | undefined {
  if (kind === 'parquet' || kind === 'arrow') return `Where a data-spec reads it, say so: format: ${kind}`;
  return kind === 'text' ? 'Check that it is the file meant' : undefined;
}
