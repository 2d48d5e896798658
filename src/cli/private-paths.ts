// Where things lie on the machine of who shares a run is nobody else's business: paths in what is shared become short.
import { homedir, tmpdir } from 'node:os';
import { basename, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mapTexts } from '../base/secrets.js';
import { escapeRegex } from '../tokenizer/escape-regex.js';

const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

// Which folders a machine has is not known, so that every absolute path of two parts counts: a word too few in a message is
// better than the name of somebody's client.

/** Not within a word, an address, or a path that is relative. */
const begin = String.raw`(?<![\p{L}\p{N}_.~/\\-])`;
const character = String.raw`(?:[^\s/\\"'<>|:;,()\[\]{}\u0060]|,(?!\s)|(?<=\p{L})'(?=\p{L}))`;
const word = `${character}{1,255}`;
/** Where a blank ends a path: after the name of a file. */
const fileEnd = String.raw`(?<!\.(?:txt|md|jsonl?|ya?ml|csv|tsv|parquet|arrow|safetensors|gguf|gz|zip|html|pdf|log|js|ts))`;
/** `my novels (old)`, where another part follows: else where a name with blanks ends cannot be known. */
const folder = String.raw`${word}(?:(?:${fileEnd} {1,3}${word}| ?\([^()/\\"<>|\n]{1,60}\)(?:${word})?)){0,8}`;

function pathPattern(separator: string): string {
  return `(?:${folder}${separator})*${word}`;
}

const onWindows = String.raw`(?:/|\\{1,2})`;
const absolute = new RegExp(
  [
    String.raw`(?:file|smb|nfs|afp|sftp|ssh|rsync)://[^\s"'<>]*[^\s"'<>.,:;)]`,
    `[A-Za-z]:${onWindows}${pathPattern(onWindows)}${onWindows}?`,
    String.raw`\\{2}(?:\\{2})?${word}\\{1,2}${pathPattern(String.raw`\\{1,2}`)}`,
    `/${folder}/${pathPattern('/')}/?`,
  ]
    .map((each) => begin + each)
    .join('|'),
  'giu',
);

const homes = /^(?:[A-Za-z]:)?\/(?:home|Users|Documents and Settings)\/[^/]+$/i;

/** Its last part; of a home, which is somebody's name, nothing. */
function shortened(path: string): string {
  const plain = path.replace(/\\+/g, '/').replace(/^file:\/\/(?:localhost)?/i, '');
  const whole = plain.replace(/(.)\/+$/, '$1');
  return homes.test(whole) || whole === homedir().replaceAll('\\', '/') ? '~' : basename(whole);
}

/** The last part of a path of any system. */
export function lastPart(path: string): string {
  return basename(path.replaceAll('\\', '/'));
}

export class PrivatePaths {
  /** What a folder and all below it is found by, and what is written in the folder's place; longest first. */
  readonly #roots: readonly { pattern: RegExp; short: string }[];

  /** Paths below folders that are a person's own, wherever these are and however short. */
  readonly #personal: readonly RegExp[];

  /** @param runDirectory real and absolute. */
  constructor(runDirectory: string) {
    const roots: [string, string][] = [
      [runDirectory, ''],
      [process.cwd(), ''],
      [packageRoot, 'mossctl/'],
    ];
    this.#roots = roots
      .map(([path, short]): [string, string] => [path.endsWith(sep) ? path.slice(0, -1) : path, short])
      .filter(([path]) => path.length > 1)
      .sort(([a], [b]) => b.length - a.length)
      .map(([path, short]) => {
        const end = `(?:${escapeRegex(sep)}|$)`;
        return { pattern: new RegExp(begin + escapeRegex(path) + end, 'gu'), short };
      });
    this.#personal = [homedir(), tmpdir()]
      .filter((path) => path.length > 1)
      .map((path) => new RegExp(`${begin}${escapeRegex(path)}(?:${onWindows}${word})*(?![\\p{L}\\p{N}_-])`, 'gu'));
  }

  /** Of any value made of plain objects and lists. */
  shorten<T>(value: T): T {
    return mapTexts(value, (text) => this.#shortened(text));
  }

  /** The first path of this machine in a value that was to have none. */
  firstIn(value: unknown): string | undefined {
    let first: string | undefined;
    mapTexts(value, (text) => {
      for (const pattern of [...this.#roots.map(({ pattern }) => pattern), absolute, ...this.#personal])
        first ??= text.match(pattern)?.find((found) => found !== '');
      return text;
    });
    return first;
  }

  #shortened(text: string): string {
    let short = text;
    for (const { pattern, short: name } of this.#roots)
      short = short.replace(pattern, (found) => (found.endsWith(sep) ? name : name || '.'));
    return [absolute, ...this.#personal].reduce((text, path) => text.replace(path, shortened), short);
  }
}
