// GGUF files of strangers: whatever the header claims, reading ends with a UserError or a file that is what it says.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { parseGgufHeader, readGguf } from '../../src/checkpoint/gguf-read.js';
import { inspectGguf } from '../../src/inspect/gguf.js';
import { readGgufTensor } from './fixtures/gguf-numbers.js';

let path = '';
before(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'mossctl-gguf-read-')), 'strange.gguf');
});
after(() => rm(join(path, '..'), { recursive: true }));

const types = { uint8: 0, uint32: 4, float32: 6, bool: 7, string: 8, array: 9, uint64: 10, int64: 11, float64: 12 };
const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value: number | bigint): Buffer => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const text = (value: string): Buffer => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
const entry = (name: string, type: number, ...value: Buffer[]): Buffer =>
  Buffer.concat([text(name), u32(type), ...value]);

interface Parts {
  magic?: string;
  version?: number;
  entries?: Buffer[];
  tensors?: Buffer[];
  counts?: [number | bigint, number | bigint];
  data?: number;
}

/** By hand, not by our writer: what a writer would not write. */
function file({ magic = 'GGUF', version = 3, entries = [], tensors = [], counts, data = 64 }: Parts = {}): Buffer {
  const [tensorCount, entryCount] = counts ?? [tensors.length, entries.length];
  const head = [Buffer.from(magic), u32(version), u64(tensorCount), u64(entryCount), ...entries, ...tensors];
  const length = head.reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat([...head, Buffer.alloc((32 - (length % 32)) % 32), Buffer.alloc(data, 1)]);
}

/** dtype 0 is f32. Dimensions are innermost first. */
function tensor(name: string, dimensions: (number | bigint)[], offset: number | bigint, dtype = 0): Buffer {
  return Buffer.concat([text(name), u32(dimensions.length), ...dimensions.map(u64), u32(dtype), u64(offset)]);
}

const good = file({
  entries: [
    entry('general.alignment', types.uint32, u32(32)),
    entry('a', types.array, u32(types.string), u64(3), text('词'), text(''), text('\u{1f600}')),
    entry('b', types.array, u32(types.float32), u64(2), Buffer.from(Float32Array.of(1.5, -2).buffer)),
    entry('c', types.int64, u64(2n ** 64n - 5n)),
    entry('d', types.array, u32(types.bool), u64(2), Buffer.of(1, 0)),
    entry('e', types.bool, Buffer.of(1)),
  ],
  tensors: [tensor('x', [2, 3], 0), tensor('y', [8], 32)],
});

test('a file of any writer is read: every type of value, offsets in the file, shapes row-major', async () => {
  await writeFile(path, good);
  const { version, metadata, tensors } = await readGguf(path);
  assert.equal(version, 3);
  assert.deepEqual(metadata.get('a'), ['词', '', '\u{1f600}']);
  assert.deepEqual(metadata.get('b'), Float32Array.of(1.5, -2));
  assert.equal(metadata.get('c'), -5n);
  assert.deepEqual(metadata.get('d'), Uint8Array.of(1, 0));
  assert.equal(metadata.get('e'), true);
  const start = good.length - 64;
  assert.deepEqual(tensors, [
    { name: 'x', dtype: 'f32', shape: [3, 2], offset: start, bytes: 24 },
    { name: 'y', dtype: 'f32', shape: [8], offset: start + 32, bytes: 32 },
  ]);
  assert.equal((await readGgufTensor(path, tensors[1]))[7], new Float32Array(Uint8Array.of(1, 1, 1, 1).buffer)[0]);
});

/** The value of an array inside `depth` others. */
const deep = (depth: number): Buffer[] =>
  depth === 0 ? [u32(types.uint8), u64(1), Buffer.of(5)] : [u32(types.array), u64(1), ...deep(depth - 1)];

test('arrays of arrays are read as the format has them, and inspect says that llama.cpp refuses them', async () => {
  const ragged = [
    u32(types.array),
    u64(2),
    u32(types.uint8),
    u64(2),
    Buffer.of(1, 2),
    u32(types.string),
    u64(1),
    text('x'),
  ];
  const entries = [
    entry('a', types.array, ...ragged),
    entry('b', types.array, ...deep(7)),
    entry('c', types.uint32, u32(9)),
  ];
  await writeFile(path, file({ entries, tensors: [tensor('x', [16], 0)] }));
  const { metadata, tensors } = await readGguf(path);
  assert.deepEqual(metadata.get('a'), [Uint8Array.of(1, 2), ['x']]);
  assert.deepEqual(metadata.get('b'), [[[[[[[Uint8Array.of(5)]]]]]]]);
  assert.deepEqual([metadata.get('c'), tensors.length], [9, 1]);
  const inspection = await inspectGguf(path);
  assert.equal(inspection.metadata.a, '[[1, 2], [x]]');
  assert.match(inspection.warnings.join(), /^metadata "a" and 1 more are arrays of arrays: .*llama.cpp refuses/);
  await writeFile(path, good);
  assert.deepEqual((await inspectGguf(path)).warnings, []);
});

test('a header longer than the first read is read whole', async () => {
  const tokens = Array.from({ length: 100_000 }, (_, i) => text(`token ${i}`));
  const entries = [entry('tokens', types.array, u32(types.string), u64(tokens.length), ...tokens)];
  await writeFile(path, file({ entries, tensors: [tensor('x', [16], 0)] }));
  const { metadata, tensors } = await readGguf(path);
  const read = metadata.get('tokens') as string[];
  assert.deepEqual([read.length, read[99_999], tensors[0].bytes], [100_000, 'token 99999', 64]);
});

test('every truncation of a file is refused', () => {
  const headerEnd = good.lastIndexOf(u64(32)) + 8; // the offset of the last tensor
  for (let length = 0; length < good.length; length++) {
    const cut = good.subarray(0, length);
    assert.throws(() => parseGgufHeader(cut, length, 'cut'), UserError, `${length} bytes`);
    // The same bytes of a longer file only ask for more, until the header is whole.
    if (length < headerEnd) assert.equal(parseGgufHeader(cut, good.length, 'part'), undefined, `${length} bytes`);
  }
});

test('each false claim is refused by name, and costs no memory', async () => {
  const x = tensor('x', [16], 0);
  const claims: [Parts, RegExp][] = [
    [{ magic: 'GGUX' }, /does not begin with "GGUF"/i],
    [{ version: 1 }, /version 1 is not read/i],
    [{ version: 0x03000000 }, /big-endian/i],
    [{ counts: [2 ** 40, 0] }, /claims 1099511627776 items/i],
    [{ counts: [0, 2n ** 54n] }, /claims a size of 18014398509481984/i],
    [{ counts: [0, 200_000], data: 4_000_000 }, /more than 100000 entries/i],
    [{ entries: [entry('a', types.string, u64(2 ** 50))] }, /claims 1125899906842624 items/i],
    [{ entries: [entry('a', types.array, u32(types.string), u64(2 ** 45))] }, /claims 35184372088832 items/i],
    [{ entries: [entry('a', types.array, u32(types.float64), u64(90))] }, /claims 90 items/i],
    [{ entries: [entry('a', types.array, u32(types.array), u64(90))] }, /claims 90 items/i],
    [{ entries: [entry('a', types.array, u32(13), u64(0))] }, /"a" is an array of an unknown type/i],
    [{ entries: [entry('a', types.array, ...deep(8))] }, /"a" has arrays more than 8 deep/i],
    [{ entries: [entry('a', 13, u32(1))] }, /"a" has an unknown type/i],
    [{ entries: [entry('a', types.bool, Buffer.of(1)), entry('a', types.bool, Buffer.of(0))] }, /has "a" twice/i],
    [{ entries: [entry('general.alignment', types.uint32, u32(24))] }, /general.alignment is "24"/i],
    [{ entries: [entry('general.alignment', types.uint32, u32(0))] }, /general.alignment is "0"/i],
    [{ entries: [entry('general.alignment', types.float32, Buffer.from(Float32Array.of(32.5).buffer))] }, /is "32.5"/i],
    [{ entries: [entry('general.alignment', types.string, text('32'))] }, /general.alignment is "32"/i],
    [{ tensors: [x, tensor('y', [16], 32)] }, /"y" overlaps another/i],
    [{ tensors: [x, x] }, /two tensors called "x"/i],
    [{ tensors: [tensor('x', [17], 0)] }, /"x" ends after the file: truncated/i],
    [{ tensors: [tensor('x', [1], 2 ** 52)] }, /"x" ends after the file/i],
    [{ tensors: [tensor('x', [1], 33)] }, /"x" is not aligned to 32/i],
    [{ tensors: [tensor('x', [2 ** 27, 2 ** 27], 0)] }, /"x" has an impossible shape/i],
    [{ tensors: [tensor('x', [0], 0)] }, /"x" has an impossible shape/i],
    [{ tensors: [tensor('x', [1, 1, 1, 1, 1], 0)] }, /"x" has 5 dimensions/i],
    [{ tensors: [tensor('x', [16], 0, 4)] }, /"x" has the unknown dtype 4/i],
    [{ tensors: [tensor('x', [48], 0, 8)] }, /rows of 48 numbers, which q8_0 cannot store/i],
  ];
  const before = process.memoryUsage().rss;
  for (const [parts, message] of claims) {
    await writeFile(path, file(parts));
    await assert.rejects(readGguf(path), (error: unknown) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
  assert.ok(process.memoryUsage().rss - before < 200 << 20);
  await assert.rejects(readGguf(`${path}-not-there`), /no such file/);
  await assert.rejects(readGguf(join(path, '..')), (error: unknown) => error instanceof UserError);
});
