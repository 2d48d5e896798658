// Which files a source names: one file, every file of a folder, or those that a pattern matches. The order is the same on
// every machine: numbers in names count as numbers, so poet.2 comes before poet.10.
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../../base/errors.js';
import { formatCount } from '../../base/format.js';
import { escapeRegex } from '../../tokenizer/escape-regex.js';

export interface SourceFile {
  path: string;
  /** Relative to the root, with forward slashes: part of the document ids. */
  name: string;
  /** Of the content that was checked, or is to be read: see `requireUnchanged`. */
  stamp?: string;
}

/** One that may be elsewhere: it is fetched when it is its turn. */
export interface RemoteFile {
  name: string;
  /** Unknown before an https file has been fetched. */
  bytes?: number;
  isCached: boolean;
  get(): Promise<SourceFile>;
}

const maxFiles = 1_000_000;
const wildcard = /[*?{]/;

/**
 * The files under `root` that `pattern` names, which may be a literal path. Hidden files and folders are skipped
 * unless the pattern's fixed beginning names them; links to files are followed, links to folders are not (no circles).
 */
export async function listFiles(root: string, pattern: string): Promise<SourceFile[]> {
  const kindOf = (path: string) => stat(path).catch(() => undefined);
  const isLiteral = !wildcard.test(pattern) || (await kindOf(resolve(root, pattern))) !== undefined;
  const fixed = isLiteral ? pattern : splitPattern(pattern).folder;
  const start = resolve(root, fixed);
  const kind = await kindOf(start);
  if (kind?.isFile()) return [{ path: start, name: fixed }];
  if (!kind?.isDirectory()) return [];
  const matches = isLiteral ? () => true : pathMatcher(pattern);
  const found: SourceFile[] = [];
  const walk = async (folder: string, prefix: string): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue;
      if (found.length >= maxFiles) {
        throw new UserError({
          what: `there are more than ${formatCount(maxFiles)} files`,
          where: start,
          next: 'Put them together into fewer and larger ones, or name a part of them',
        });
      }
      const path = join(folder, entry.name);
      const name = prefix === '' || prefix === '.' ? entry.name : `${prefix}/${entry.name}`;
      if (entry.isDirectory()) await walk(path, name);
      else if (!matches(name)) continue;
      else if (entry.isFile() || (entry.isSymbolicLink() && (await kindOf(path))?.isFile())) found.push({ path, name });
    }
  };
  await walk(start, fixed.replace(/\/+$/, ''));
  return found.sort((a, b) => compareNames(a.name, b.name));
}

/**
 * The files that a path from outside a data-spec names: one, those of a folder, or of a pattern. Names are short.
 * @throws UserError for a pipe or a device: a file is read more than once, and what a pipe gave is gone.
 */
export async function filesAt(path: string): Promise<SourceFile[]> {
  const kind = await stat(path).catch(() => undefined);
  if (kind?.isDirectory()) return listFiles(path, '.');
  if (kind?.isFile()) return [{ path, name: basename(path) }];
  if (kind !== undefined) {
    throw new UserError({
      what: 'this is a pipe or a device, not a file',
      where: path,
      why: 'it is read more than once: to see of which kind it is, and to see whether it has changed',
      next: 'Save what comes from it to a file, and give that',
    });
  }
  if (!wildcard.test(path)) return [];
  const { folder, names } = splitPattern(path);
  return listFiles(folder, names);
}

/** The folders before the first wildcard, `.` where there are none, and the pattern of the names in them. */
function splitPattern(pattern: string): { folder: string; names: string } {
  const at = pattern.search(wildcard);
  const before = `${pattern.slice(0, at)}x`;
  return { folder: dirname(before), names: basename(before).slice(0, -1) + pattern.slice(at) };
}

/**
 * `*` stands for any characters but a slash, `?` for one, `**` for any folders, `{a,b}` for either;
 * a folder stands for everything below it.
 */
export function pathMatcher(pattern: string): (name: string) => boolean {
  const trimmed = pattern.replace(/^\.\//, '').replace(/\/+$/, '');
  if (trimmed === '.') return () => true;
  const regex = new RegExp(`^(?:\\./)?${globSource(trimmed)}(?:/.*)?$`, 'su');
  return (name) => regex.test(name);
}

function globSource(glob: string): string {
  const parts = glob.split(/((?:\*\*\/)+|\*+|\?|\{[^{}]*\})/);
  return parts.map((part, i) => (i % 2 === 0 ? escapeRegex(part) : wildcardSource(part))).join('');
}

function wildcardSource(part: string): string {
  if (part.endsWith('/')) return '(?:[^/]+/)*';
  if (part.startsWith('**')) return '.*';
  if (part === '*') return '[^/]*';
  if (part === '?') return '[^/]';
  return `(?:${part.slice(1, -1).split(',').map(globSource).join('|')})`;
}

/** By code unit, digits runs by value. */
export function compareNames(a: string, b: string): number {
  const [left, right] = [a, b].map((name) => name.split(/(\d+)/));
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] === right[i]) continue;
    const difference = i % 2 === 1 ? Number(left[i]) - Number(right[i]) : 0;
    if (difference !== 0) return difference;
    return left[i] < right[i] ? -1 : 1;
  }
  return left.length - right.length;
}
