// Compressed files that were damaged on their way: what their checksums, sizes and ends show is never kept in silence.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openBytes } from '../../src/data/sources/bytes.js';
import { Xxh64 } from '../../src/data/sources/xxh64.js';
import { ZstdStream } from '../../src/data/sources/zstd-stream.js';
import { scratch } from './scratch.js';

/** Two frames of 20 rows each, with checksums, as libzstd makes them (scripts/golden/make_zstd.py). */
const packed = await readFile(new URL('fixtures/rows.jsonl.zst', import.meta.url));
const rows = Array.from({ length: 40 }, (_, i) => `{"text": "第${i}行 row ${i}, packed by zstd"}\n`).join('');

function unpack(bytes: Uint8Array, pieceBytes = bytes.length): string {
  const stream = new ZstdStream();
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    chunks.push(...stream.push(bytes.subarray(at, at + pieceBytes)));
  }
  if (!stream.isWhole) throw new Error('cut short');
  return Buffer.concat(chunks).toString('utf8');
}

test('XXH64 of what xxhash hashes, in one piece and in many', () => {
  const content = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * i * 7 + i) % 251));
  const expected: [number, number][] = [
    [0, 1373170073],
    [1, 3674548072],
    [3, 2756523740],
    [4, 507874484],
    [7, 3161547299],
    [8, 4267463709],
    [12, 985395703],
    [31, 3236839333],
    [32, 837692096],
    [33, 3929394305],
    [63, 2904204801],
    [64, 1224962235],
    [100, 3040414119],
    [3000, 1853408983],
  ];
  for (const [length, hash] of expected) {
    for (const pieceBytes of [1, 31, 77, 3000]) {
      const hashed = new Xxh64();
      for (let at = 0; at < length; at += pieceBytes)
        hashed.update(content.subarray(at, Math.min(length, at + pieceBytes)));
      assert.equal(hashed.low32(), hash, `${length} bytes`);
    }
  }
});

test('a Zstandard file whole, byte by byte, between frames that are to be skipped', () => {
  assert.equal(unpack(packed), rows);
  assert.equal(unpack(packed, 1), rows);
  const skipped = Buffer.from('5a2a4d1803000000616263', 'hex');
  assert.equal(unpack(Buffer.concat([skipped, packed, skipped]), 7), rows);
});

test('one wrong bit anywhere in a Zstandard file is noticed, or changes nothing', () => {
  let refused = 0;
  for (let bit = 0; bit < packed.length * 8; bit++) {
    const damaged = Buffer.from(packed);
    damaged[bit >> 3] ^= 1 << (bit & 7);
    let text: string | undefined;
    try {
      text = unpack(damaged);
    } catch {
      refused++;
    }
    assert.ok(text === undefined || text === rows, `bit ${bit}`);
  }
  assert.equal(refused, packed.length * 8 - 20);
});

test('what a frame says of itself is held against it', () => {
  const changed = (at: number, to: number) => unpack(packed.with(at, to));
  assert.equal(packed[4], 0x64, 'one segment, two bytes of size, a checksum');
  assert.throws(() => changed(4, 0x65), /needs a dictionary/);
  assert.throws(() => changed(4, 0x6c), /reserved bit/);
  assert.throws(() => changed(5, packed[5] + 1), /holds 860 bytes, not the 861/);
  const claimsTwo = Buffer.from('28b52ffd805802000000190000616263', 'hex');
  assert.throws(() => unpack(claimsTwo), /holds more than the 2 bytes/);
  assert.throws(() => changed(30, packed[30] ^ 1), /checksum of a frame is not that of its content.*already read/);
  assert.throws(() => unpack(Buffer.from('28b52ffd00a0190000616263', 'hex')), /window of more than 128 MiB/);
  assert.throws(() => unpack(Buffer.concat([packed, Buffer.from('more')])), /stands something else/);
  for (const bytes of [1, 3, 5, 100, packed.length - 1]) {
    assert.throws(() => unpack(packed.subarray(0, bytes)), /cut short/);
  }
});

test('files: gzip in several members and filled up with zeros; a wrong bit or end of it, and of Zstandard', async () => {
  const [one, two] = [gzipSync('one\n'), gzipSync('two\n')];
  const flipped = (bytes: Buffer, at: number) => Buffer.from(bytes.with(at, bytes[at] ^ 1));
  const read = async (content: Uint8Array): Promise<string> => {
    const path = join(await scratch({ file: content }), 'file');
    const chunks: Buffer[] = [];
    for await (const chunk of await openBytes(path)) chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
  };
  assert.equal(await read(Buffer.concat([one, two, Buffer.alloc(512)])), 'one\ntwo\n');
  assert.equal(await read(packed), rows);
  const damaged: [Uint8Array, RegExp][] = [
    [flipped(one, one.length - 6), /incorrect data check/i],
    [flipped(one, one.length - 2), /incorrect length check/i],
    [one.subarray(0, -1), /unexpected end of file/i],
    [Buffer.concat([one, Buffer.from('more')]), /incorrect header check/i],
    [Buffer.concat([one, Buffer.alloc(9), two]), /behind its end stands something else/i],
    [flipped(packed, 30), /checksum of a frame/],
    [packed.subarray(0, -1), /ends within a frame/],
  ];
  for (const [content, words] of damaged) await assert.rejects(read(content), words);
});
