// Our reader and writer against the reference implementation's file, and against files that lie.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import type { HostTensor } from '../../src/base/host-tensor.js';
import { readSafetensors, readSafetensorsHeader, writeSafetensors } from '../../src/checkpoint/safetensors.js';

const reference = new URL('fixtures/reference.safetensors', import.meta.url).pathname;
let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'safetensors-'));
});
after(() => rm(folder, { recursive: true }));

/** What scripts/golden/make_safetensors.py put into the fixture. */
const expected: HostTensor[] = [
  {
    name: 'model.embed_tokens.weight',
    shape: [4, 3],
    data: Float32Array.from({ length: 12 }, (_, i) => Math.fround(i - 5) / 7),
  },
  {
    name: 'model.norm.weight',
    shape: [7],
    data: Float32Array.from([0, -0, Infinity, -Infinity, NaN, 1e-45, 3.4028235e38]),
  },
  { name: 'a scalar', shape: [], data: Float32Array.of(0.1) },
  { name: 'nothing', shape: [0, 3], data: new Float32Array(0) },
  { name: '名字 "quoted"', shape: [2, 1, 1], data: Float32Array.of(1.5, -2.5) },
];

test('reads the file of the reference implementation, to the bit', async () => {
  const tensors = await readSafetensors(reference);
  assert.equal(tensors.size, 5);
  for (const { name, shape, data } of expected) {
    const read = tensors.get(name);
    assert.deepEqual(read?.shape, shape, name);
    assert.deepEqual(bits(read?.data), bits(data), name);
  }
});

test('writes the same bytes as the reference implementation, in whatever order the tensors come', async () => {
  const path = join(folder, 'ours.safetensors');
  for (const tensors of [expected, [...expected].reverse()]) {
    await writeSafetensors(path, tensors, { metadata: { format: 'pt' } });
    assert.deepEqual(await readFile(path), await readFile(reference));
  }
});

test('a float view inside a larger buffer is written from its own offset', async () => {
  const path = join(folder, 'view.safetensors');
  const whole = Float32Array.of(9, 1, 2, 9);
  await writeSafetensors(path, [{ name: 'v', shape: [2], data: whole.subarray(1, 3) }]);
  assert.deepEqual([...((await readSafetensors(path)).get('v')?.data ?? [])], [1, 2]);
});

test('16-bit floats: written rounded, read exactly, over more than one piece', async () => {
  const length = 2 ** 21 + 5; // one piece is 2^21 numbers
  const data = Float32Array.from({ length }, (_, i) => Math.fround((1.5 + Math.sin(i) / 2) * (-2) ** (i % 9)));
  for (const [dtype, bits] of [
    ['f16', 11],
    ['bf16', 8],
  ] as const) {
    const path = join(folder, `${dtype}.safetensors`);
    await writeSafetensors(path, [{ name: 'a', shape: [length], data }], { dtype });
    assert.deepEqual(await readSafetensorsHeader(path), [
      { name: 'a', dtype, shape: [length], begin: 0, end: length * 2 },
    ]);
    const read = (await readSafetensors(path)).get('a')?.data ?? new Float32Array();
    assert.equal(read.length, length);
    let worst = 0;
    for (let i = 0; i < length; i++) worst = Math.max(worst, Math.abs(read[i] - data[i]) / Math.abs(data[i] || 1));
    assert.ok(worst <= 2 ** -bits && worst > 2 ** -bits * 0.99, `${dtype}: ${worst}`);
    const again = join(folder, `${dtype}-again.safetensors`);
    await writeSafetensors(again, [{ name: 'a', shape: [length], data: read }], { dtype });
    assert.ok((await readFile(again)).equals(await readFile(path)));
  }
});

test('a number that f16 cannot hold is refused with its tensor; an infinity is not', async () => {
  const path = join(folder, 'large.safetensors');
  const of = (...values: number[]) => [
    { name: 'big.weight', shape: [values.length], data: Float32Array.of(...values) },
  ];
  await assert.rejects(writeSafetensors(path, of(1, -70000), { dtype: 'f16' }), (error: unknown) => {
    assert.ok(error instanceof UserError);
    assert.match(
      error.message,
      /"big.weight" does not fit into f16: 1 of 2 numbers.*largest is 70000.*65504.*--dtype bf16/s,
    );
    return true;
  });
  await writeSafetensors(path, of(Infinity, 65504), { dtype: 'f16' });
  assert.deepEqual([...((await readSafetensors(path)).get('big.weight')?.data ?? [])], [Infinity, 65504]);
});

test('a tensor beyond 4 GiB is read from where it lies (a sparse file)', async () => {
  const path = join(folder, 'far.safetensors');
  const far = 5 * 2 ** 30; // bytes of the tensor before
  const header = Buffer.from(
    JSON.stringify({
      hole: { dtype: 'BF16', shape: [far / 2], data_offsets: [0, far] },
      tail: { dtype: 'F32', shape: [3], data_offsets: [far, far + 12] },
      last: { dtype: 'F16', shape: [2], data_offsets: [far + 12, far + 16] },
    }),
  );
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(header.length));
  await writeFile(path, Buffer.concat([prefix, header]));
  const start = prefix.length + header.length;
  await truncate(path, start + far + 16);
  const entries = await readSafetensorsHeader(path);
  assert.deepEqual(
    entries.map(({ name, begin, end }) => [name, begin, end]),
    [
      ['hole', 0, far],
      ['tail', far, far + 12],
      ['last', far + 12, far + 16],
    ],
  );
});

test('a Git LFS pointer in the place of the file is recognised', async () => {
  const path = join(folder, 'pointer.safetensors');
  await writeFile(path, 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n');
  await refuses(path, /Git LFS pointer.*git lfs pull/s);
});

test('refuses to write what no reader could read', async () => {
  const path = join(folder, 'never.safetensors');
  const one = { name: 'a', shape: [1], data: new Float32Array(1) };
  await assert.rejects(writeSafetensors(path, [one, one]), /used twice/);
  await assert.rejects(writeSafetensors(path, [{ ...one, shape: [2] }]), /does not hold 1 numbers/);
});

const f32 = (begin: number, end: number, shape = [(end - begin) / 4]) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});
const hostile: [string, string | Record<string, unknown>, number, RegExp][] = [
  ['truncated data', { a: f32(0, 8) }, 4, /8 bytes of tensors were announced, 4 are there: truncated/],
  ['extra bytes', { a: f32(0, 8) }, 12, /4 bytes follow the last tensor/],
  ['overlap', { a: f32(0, 8), b: f32(4, 12) }, 12, /"b" overlaps/],
  ['hole', { a: f32(0, 4), b: f32(8, 12) }, 12, /"b" leaves a hole/],
  ['hole at the start', { a: f32(4, 8) }, 8, /"a" leaves a hole/],
  ['wrong size', { a: f32(0, 8, [3]) }, 8, /needs 12 bytes, not 8/],
  ['product beyond integers', { a: f32(0, 8, [2 ** 27, 2 ** 27]) }, 8, /needs .* bytes, not 8/],
  ['negative shape', { a: f32(0, 4, [-1]) }, 4, /entry for "a" is malformed/],
  ['fractional offset', { a: f32(0, 2.5, [1]) }, 4, /malformed/],
  ['end before begin', { a: f32(8, 4, [1]) }, 8, /needs 4 bytes, not -4/],
  ['too many dimensions', { a: f32(0, 4, Array(17).fill(1)) }, 4, /malformed/],
  [
    'other dtype',
    { inv_freq: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } },
    8,
    /"inv_freq" has dtype I64; only F32, F16, BF16 can be read/,
  ],
  ['half the bytes', { a: { dtype: 'BF16', shape: [2], data_offsets: [0, 8] } }, 8, /needs 4 bytes, not 8/],
  ['no header object', '[1]     ', 0, /does not begin with "\{"/],
  ['broken JSON', '{"a":   ', 0, /not valid JSON/],
  ['metadata of numbers', { __metadata__: { a: 1 } }, 0, /__metadata__ is not a map of strings/],
  [
    'a key twice',
    `{"a":${JSON.stringify(f32(0, 4))},"\\u0061":${JSON.stringify(f32(0, 4))}}`,
    4,
    /its header names "a" twice/i,
  ],
  ['a field twice', '{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4, /names "dtype" twice/],
];

for (const [title, head, dataBytes, message] of hostile) {
  test(`refuses: ${title}`, async () => {
    const path = join(folder, `${title}.safetensors`);
    const json = Buffer.from(typeof head === 'string' ? head : JSON.stringify(head));
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(json.length));
    await writeFile(path, Buffer.concat([prefix, json, Buffer.alloc(dataBytes)]));
    await refuses(path, message);
  });
}

test('refuses: a header length that lies, before taking memory for it', async () => {
  const path = join(folder, 'length.safetensors');
  for (const [length, message] of [
    [2n ** 54n, /claims 18014398509481984 bytes; 100000000 is the limit/],
    [1000n, /claims 1000 bytes but the file ends after 10: truncated/],
  ] as const) {
    const bytes = Buffer.from('........{}');
    bytes.writeBigUInt64LE(length);
    await writeFile(path, bytes);
    await refuses(path, message);
  }
  await writeFile(path, 'short');
  await refuses(path, /5 bytes, fewer than the 8/);
});

test('a key that looks like a string with brackets is not mistaken for structure', async () => {
  const path = join(folder, 'brackets.safetensors');
  await writeSafetensors(path, [{ name: '{"[,\\"}', shape: [1], data: Float32Array.of(7) }], {
    metadata: { '}': ',"a":{' },
  });
  assert.equal((await readSafetensors(path)).get('{"[,\\"}')?.data[0], 7);
});

test('a full disk is an error, not a short file', {
  skip: !existsSync('/dev/full') && 'no /dev/full here',
}, async () => {
  await assert.rejects(writeSafetensors('/dev/full', expected), { code: 'ENOSPC' });
});

async function refuses(path: string, message: RegExp): Promise<void> {
  await assert.rejects(readSafetensors(path), (error: unknown) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, message);
    assert.ok(error.message.includes(path));
    return true;
  });
}

function bits(data: Float32Array | undefined): number[] {
  return data === undefined ? [] : [...new Uint32Array(data.slice().buffer)];
}
