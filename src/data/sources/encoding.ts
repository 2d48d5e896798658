// Which encoding a text is in: what its first bytes say, UTF-8 where it is that, else GB18030 or Big5 where the whole of it
// decodes as one of them and not as the other. Nothing is guessed beyond that: who reads is told what it would be as each.
import { isAscii, isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { UserError } from '../../base/errors.js';
import { shorten } from '../../base/format.js';
import { commandLine } from '../../base/shell.js';

export const encodings = ['auto', 'utf-8', 'gb18030', 'big5', 'utf-16'] as const;
export type Encoding = (typeof encodings)[number];

/** How lines are decoded. `unsure`: not UTF-8, and it is not known what. */
export type Decoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'gb18030' | 'big5' | 'unsure';

export const encodingNames: Record<Exclude<Decoding, 'unsure'>, string> = {
  'utf-8': 'UTF-8',
  'utf-16le': 'UTF-16 (little-endian)',
  'utf-16be': 'UTF-16 (big-endian)',
  gb18030: 'GB18030 (GBK)',
  big5: 'Big5',
};

/**
 * What a decoder of ICU gives for bytes that stand for no character of the encoding: it puts them into the private use
 * area, even where it is to be fatal (Node's big5 refuses no byte at all).
 */
const noCharacter = /[\uE000-\uF8FF\uFFFD\u0080-\u009F]/;

/** What text does not have: control characters, private and non-characters. */
const unlikely = /[^\P{Cc}\t-\r]|[\p{Co}\uFFFE\uFFFF]/u;

const nonAsciiLetter = /(?=[^\0-\x7f])\p{L}/gu;

/** Half of a character of UTF-16. */
export const loneSurrogate = /\p{Cs}/u;

/** Text of whole lines. undefined where the bytes are not in that encoding. */
export function decode(bytes: Uint8Array, decoding: 'gb18030' | 'big5'): string | undefined {
  const text = decodeFatal(bytes, decoding);
  return decoding === 'big5' && text !== undefined && noCharacter.test(text) ? undefined : text;
}

function decodeFatal(bytes: Uint8Array, label: string): string | undefined {
  try {
    return new TextDecoder(label, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Encodings that are not read, but whose bytes are sound GB18030 as well: told by the share of letters that are kana or
 * Hangul. Chinese in GB18030 that is decoded so has nearly no kana, and Hanja for about half of its characters.
 */
const neighbours = [
  { label: 'shift_jis', name: 'Shift-JIS', own: /[\u3041-\u30FA]/g, share: 0.2 },
  { label: 'euc-jp', name: 'EUC-JP', own: /[\u3041-\u30FA]/g, share: 0.2 },
  { label: 'euc-kr', name: 'EUC-KR', own: /[\uAC00-\uD7A3]/g, share: 0.9 },
] as const;

/** Bytes of a mark of UTF-8 at the beginning: 3 or none. */
export function utf8MarkBytes(head: Buffer): number {
  return head.toString('latin1', 0, 3) === '\xef\xbb\xbf' ? 3 : 0;
}

/** By a byte-order mark, or by where zeros stand; undefined where the first bytes do not tell. @param head at least 2 */
export function byFirstBytes(head: Buffer, path: string): { decoding: Decoding; markBytes: number } | undefined {
  const start = head.toString('latin1', 0, 4);
  const markBytes = utf8MarkBytes(head);
  if (markBytes > 0) return { decoding: 'utf-8', markBytes };
  if (start === '\xff\xfe\0\0' || start === '\0\0\xfe\xff') {
    throw new UserError({ what: 'this is UTF-32 text, which is not read', where: path, next: 'Save it as UTF-8' });
  }
  if (start.startsWith('\xff\xfe')) return { decoding: 'utf-16le', markBytes: 2 };
  if (start.startsWith('\xfe\xff')) return { decoding: 'utf-16be', markBytes: 2 };
  if (start === '\x84\x31\x95\x33') return { decoding: 'gb18030', markBytes: 4 };
  const zeros = [0, 0];
  // A first block of an odd length is the whole of the text.
  if (head.length % 2 === 1) return undefined;
  const units = Math.min(head.length, 1 << 16) >> 1;
  for (let i = 0; i < units * 2; i++) if (head[i] === 0) zeros[i & 1]++;
  // UTF-16 has a zero beside every line end, digit and space, and none on the other side; other text has none at all.
  for (const [side, decoding] of [[1, 'utf-16le'] as const, [0, 'utf-16be'] as const]) {
    if (zeros[side] < 2 || zeros[1 - side] > 0 || zeros[side] * 100 < units) continue;
    const text = decodeUtf16(Buffer.from(head.subarray(0, units * 2)), decoding);
    if (!loneSurrogate.test(text.slice(0, -1)) && !unlikely.test(text)) {
      return { decoding, markBytes: 0 };
    }
  }
  return undefined;
}

/** @param bytes an even number of them; those of big-endian text are swapped where they lie. */
export function decodeUtf16(bytes: Buffer, decoding: 'utf-16le' | 'utf-16be'): string {
  return (decoding === 'utf-16be' ? bytes.swap16() : bytes).toString('utf16le');
}

/** A whole text that is not UTF-8, from its beginning to its end, tried as GB18030 and as Big5. */
export async function tryOut(bytes: AsyncIterable<Buffer>): Promise<Decoding> {
  const trials = { gb18030: new Trial('gb18030'), big5: new Trial('big5') };
  const others = neighbours.map(({ label, own, share }) => new Trial(label, own, share));
  const all = [...Object.values(trials), ...others];
  const lines = { utf8: 0, other: 0 };
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    for (const trial of all) trial.push(chunk);
    const joined = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    const end = joined.lastIndexOf(10) + 1;
    for (const isSound of nonAsciiLines(joined.subarray(0, end))) lines[isSound ? 'utf8' : 'other']++;
    pending = joined.subarray(Math.max(end, joined.length - (1 << 20)));
    if (!trials.gb18030.fits && !trials.big5.fits && lines.utf8 > 0) return 'utf-8';
  }
  for (const isSound of nonAsciiLines(pending)) lines[isSound ? 'utf8' : 'other']++;
  for (const trial of all) trial.push();
  // Most of it is UTF-8, with damage here and there.
  if (lines.utf8 > lines.other) return 'utf-8';
  if (others.some((trial) => trial.isNeighbour)) return 'unsure';
  return trials.gb18030.fits && trials.gb18030.isLikely && !trials.big5.fits ? 'gb18030' : 'unsure';
}

class Trial {
  fits = true;
  #characters = 0;
  #runs = 0;
  #letters = 0;
  #own = 0;
  readonly #decoder: TextDecoder;
  readonly own: RegExp | undefined;
  readonly share: number;

  constructor(decoding: string, own?: RegExp, share = 1) {
    this.own = own;
    this.share = share;
    this.#decoder = new TextDecoder(decoding, { fatal: true });
  }

  /** Without: the end. */
  push(chunk?: Buffer): void {
    if (!this.fits) return;
    try {
      const text = chunk === undefined ? this.#decoder.decode() : this.#decoder.decode(chunk, { stream: true });
      if (noCharacter.test(text)) this.fits = false;
      for (const [run] of text.matchAll(/[^\0-\x7f]+/g)) {
        this.#characters += run.length;
        this.#runs++;
      }
      if (this.own === undefined) return;
      this.#letters += text.match(nonAsciiLetter)?.length ?? 0;
      this.#own += text.match(this.own)?.length ?? 0;
    } catch {
      this.fits = false;
    }
  }

  /** Chinese stands in words and sentences; a single character between Latin letters is an accented letter misread. */
  get isLikely(): boolean {
    return this.#characters >= this.#runs * 2;
  }

  get isNeighbour(): boolean {
    return this.fits && this.#own > 0 && this.#own >= this.#letters * this.share;
  }
}

/** For each line that is not ASCII whether it is UTF-8. */
function* nonAsciiLines(bytes: Buffer): Generator<boolean> {
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(10, start);
    const end = found === -1 ? bytes.length : found;
    const line = bytes.subarray(start, end);
    if (!isAscii(line)) yield isUtf8(line);
    start = end + 1;
  }
}

/** The fault of a line that cannot be decoded. */
export function undecodable(line: Uint8Array, decoding: Decoding, path: string, number: number): UserError {
  const where = `${path}:${number}`;
  if (decoding !== 'unsure' && decoding !== 'utf-8') {
    const why = `the bytes there are no ${encodingNames[decoding]}, as which the file is read`;
    return new UserError({ what: `this is not ${encodingNames[decoding]} text`, where, why });
  }
  const readings = decoding === 'unsure' ? readingsOf(line) : [];
  const as = readings.map(({ name, text }) => `in ${name} it reads ${JSON.stringify(excerpt(text))}`);
  const convert = readings.map(({ label }) => commandLine('iconv', '-f', label.toUpperCase(), '-t', 'UTF-8', path));
  const keys = readings.flatMap(({ label, isRead }) => (isRead ? [`encoding: ${label}`] : []));
  const key = keys.length === 0 ? '' : `for a source of a data-spec ${keys.join(' or ')}; else `;
  return new UserError({
    what: 'this is not UTF-8 text',
    where,
    why: readings.length === 0 ? 'the bytes there are not valid UTF-8, and not clearly GB18030 or Big5' : as.join('; '),
    next:
      readings.length === 0
        ? 'Find out which encoding it is in and convert it to UTF-8, or delete that line'
        : `Choose the one that reads right: ${key}convert the file with ${convert.join(' or ')}`,
  });
}

/** What a line would be in each encoding in which it is sound. `isRead`: by a key of ours. */
function readingsOf(line: Uint8Array): { label: string; name: string; text: string; isRead: boolean }[] {
  const ours = (['gb18030', 'big5'] as const).map((label) => ({ label, name: encodingNames[label], isRead: true }));
  const others = neighbours.filter(({ label, own, share }) => {
    const trial = new Trial(label, own, share);
    trial.push(Buffer.from(line));
    return trial.isNeighbour;
  });
  return [...ours, ...others.map(({ label, name }) => ({ label, name, isRead: false }))].flatMap((reading) => {
    const text = decodeFatal(line, reading.label);
    return text === undefined || noCharacter.test(text) ? [] : [{ ...reading, text }];
  });
}

/** Where it begins to matter: of a row of JSON neither field names nor quotes, and nothing that reads alike in each. */
export function excerpt(text: string): string {
  return shorten((/[^\p{ASCII}][^"\\]*/u.exec(text)?.[0] ?? text).trim(), 40);
}
