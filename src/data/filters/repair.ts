// Text that was UTF-8 once and was then read as something else. Where the bytes can be got back exactly, they are;
// where some were lost on the way, the text is dropped. Nothing is guessed.
import { z } from 'zod';
import { defineFilter, type FilterVerdict } from './filter.js';

/** What CP1252 puts at 0x80–0x9f; 0 where it has nothing, and Latin-1's control characters are used. */
const cp1252 =
  '\u20ac\0\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\0\u017d\0\0\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\0\u017e\u0178';
const byteOfCp1252 = new Map<string, number>();
for (const [i, character] of [...cp1252].entries()) if (character !== '\0') byteOfCp1252.set(character, 0x80 + i);

const tail = `[\\u0080-\\u00bf${cp1252.replaceAll('\0', '')}]`;
const utf8AsLatin = new RegExp(
  `[\\u00c2-\\u00df]${tail}|[\\u00e0-\\u00ef]${tail}{2}|[\\u00f0-\\u00f4]${tail}{3}`,
  'gu',
);
const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** Ã©, â€™, ä½ å¥½ → é, ’, 你好. Undefined where the text is none of that. */
export function repairLatin(text: string): { text: string; count: number } | undefined {
  const leads = text.match(/[\u00c2-\u00f4]/g)?.length ?? 0;
  if (leads === 0) return undefined;
  let count = 0;
  const repaired = text.replace(utf8AsLatin, (sequence) => {
    const character = decodeLatin(sequence);
    // No such letters in the languages we read: an É before a closing », not a misread ɻ.
    if (character === undefined || /[\u0180-\u02af]/.test(character)) return sequence;
    count++;
    return character;
  });
  // In a text that was misread, every such letter begins a sequence; in French, hardly one does.
  return count > 0 && count >= leads * 0.9 ? { text: repaired, count } : undefined;
}

function decodeLatin(sequence: string): string | undefined {
  const bytes = Uint8Array.from([...sequence], (c) => byteOfCp1252.get(c) ?? c.charCodeAt(0));
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

let gbkCodes: Uint16Array | undefined;

/** Code unit → its two bytes in GBK, 0 where it has none. Made on first use, out of the decoder. */
function gbkTable(): Uint16Array {
  if (gbkCodes !== undefined) return gbkCodes;
  const table = new Uint16Array(1 << 16);
  const decoder = new TextDecoder('gbk');
  for (let high = 0x81; high <= 0xfe; high++) {
    for (let low = 0x40; low <= 0xfe; low++) {
      const character = decoder.decode(Uint8Array.of(high, low));
      if (low !== 0x7f && character.length === 1 && character !== '\ufffd')
        table[character.charCodeAt(0)] ||= (high << 8) | low;
    }
  }
  gbkCodes = table;
  return table;
}

function gbkBytes(text: string): Buffer {
  const table = gbkTable();
  const bytes = Buffer.allocUnsafe(text.length * 2);
  let size = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const pair = code < 0x80 ? code : table[code] || 0xff;
    if (pair > 0xff) bytes[size++] = pair >> 8;
    bytes[size++] = pair & 0xff;
  }
  return bytes.subarray(0, size);
}

const sampled = 400;

/** 浣犲ソ → 你好. `lossy`: it was such a text, and bytes were lost, as happens wherever a line has an odd number. */
export function repairGbk(text: string): { text: string; count: number } | 'lossy' | undefined {
  const sample = text.slice(0, sampled).replace(/[\0-\x7f]+/g, '');
  if (sample.length < 4 || !/^[\u4e00-\u9fff]/.test(sample) || share3(gbkBytes(sample)) < 0.8) return undefined;
  try {
    const repaired = strictUtf8.decode(gbkBytes(text));
    const count = repaired.match(/[^\0-\x7f]/gu)?.length ?? 0;
    return { text: repaired, count };
  } catch {
    return 'lossy';
  }
}

/** Share of the bytes that lie in three-byte sequences of UTF-8. Ordinary Chinese in GBK has next to none in a row. */
function share3(bytes: Uint8Array): number {
  let inside = 0;
  for (let i = 0; i + 2 < bytes.length; ) {
    const found = bytes[i] >> 4 === 0xe && bytes[i + 1] >> 6 === 2 && bytes[i + 2] >> 6 === 2;
    if (found) inside += 3;
    i += found ? 3 : 1;
  }
  return inside / bytes.length;
}

export const repair = defineFilter({
  about: 'repairs UTF-8 that was read as Latin-1, CP1252 or GBK; drops text whose bytes are lost (� and 锟斤拷)',
  schema: z.strictObject({
    maxLost: z.number().min(0).max(1).default(0.001).describe('largest share of � and 锟斤拷 among the characters'),
  }),
  scope: 'raw',
  make:
    ({ maxLost }) =>
    ({ text }): FilterVerdict | undefined => {
      const lost = (text.match(/\ufffd|锟斤拷/g)?.length ?? 0) / Math.max(1, text.length);
      if (lost > maxLost) return { drop: `${percent(lost)} of the characters are lost` };
      const latin = repairLatin(text);
      if (latin !== undefined) return { text: latin.text, counts: { latin: latin.count } };
      const gbk = repairGbk(text);
      if (gbk === 'lossy') return { drop: 'UTF-8 read as GBK, with bytes lost' };
      return gbk && { text: gbk.text, counts: { gbk: gbk.count } };
    },
});

export function percent(share: number): string {
  return `${share < 0.1 ? (share * 100).toPrecision(2) : Math.round(share * 100)} %`;
}
