// A row's bits depend on the row alone: alone or among others, packed or not, read whole or in pieces, in training's
// forward pass or through a cache. What is sampled is then exactly what training computes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelConfig } from '../../src/architecture/config.js';
import { sizeOf } from '../../src/base/host-tensor.js';
import { Random } from '../../src/base/random.js';
import { encodeNumbers } from '../../src/checkpoint/quantize.js';
import { modelSchema } from '../../src/config/model.js';
import { packSequences } from '../../src/data/sequences.js';
import { TokenReader } from '../../src/inference/read-tokens.js';
import { createCache, disposeCache, growCache } from '../../src/model/cache.js';
import { forward, logits, modelInput } from '../../src/model/forward.js';
import { disposeModel, initModel, type Model } from '../../src/model/model.js';
import { openBackend } from '../../src/tensor/backends.js';
import { linear } from '../../src/tensor/ops/linear.js';
import { linearPacked, type PackedMatrix, packMatrix, packQ8 } from '../../src/tensor/ops/linear-packed.js';
import { memory, slice, type Tensor, type Tensor1D, type Tensor2D, tensor, tidy } from '../../src/tensor/tf.js';
import { openNative } from './native-world.js';

function normals(seed: number, ...shape: number[]): Tensor {
  const random = Random.stream(seed, 'bits');
  return tensor(
    Float32Array.from({ length: sizeOf(shape) }, () => random.normal()),
    shape,
  );
}

const bytesOf = (x: Tensor): Buffer => {
  const values = x.dataSync() as Float32Array;
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
};

function assertSameBits(actual: Tensor, wanted: Tensor, what: string): void {
  assert.deepEqual(actual.shape, wanted.shape, what);
  assert.ok(bytesOf(actual).equals(bytesOf(wanted)), `${what}: other bits`);
}

/** Depths of one block and of several, odd and even; rows of one panel, of many, and past where products are blocked. */
const sizes = [
  [1, 1],
  [33, 7],
  [100, 352],
  [70, 353],
  [40, 1376],
] as const;

for (const [threads, precision] of [
  [1, 'fp32'],
  [2, 'fp32'],
  [3, 'fp32'],
  [2, 'bf16'],
] as const) {
  test(`linear, packed or not, with ${threads} threads at ${precision}: one row is as many`, async (t) => {
    if ((await openNative(t)) === undefined) return;
    await openBackend('native', { threads, precision });
    tidy(() => {
      for (const [out, input] of sizes) {
        const [w, bias] = [normals(1, out, input) as Tensor2D, normals(2, out) as Tensor1D];
        const [x, residual] = [normals(3, 230, input) as Tensor2D, normals(4, 230, out) as Tensor2D];
        const packed = packMatrix(w);
        const whole = linear(x, w, { bias, residual });
        for (const count of [1, 2, 5, 8, 13, 32, 64, 65, 230]) {
          const rows = (all: Tensor2D): Tensor2D => slice(all, [7 % (231 - count), 0], [count, all.shape[1]]);
          const extra = { bias, residual: rows(residual) };
          assertSameBits(linear(rows(x), w, extra), rows(whole), `${count} rows of [${out}, ${input}]`);
          assertSameBits(
            linearPacked(rows(x), [{ matrix: packed, ...extra }])[0],
            rows(whole),
            `${count} packed rows of [${out}, ${input}]`,
          );
        }
      }
    });
    await openBackend('native', {});
  });
}

test('q8_0 multiplies by the numbers that its blocks stand for', async (t) => {
  if ((await openNative(t)) === undefined) return;
  tidy(() => {
    for (const [out, input] of [
      [1, 32],
      [45, 96],
      [70, 704],
      [64, 1376],
    ] as const) {
      const values = normals(5, out, input).dataSync() as Float32Array;
      const blocks = encodeNumbers(values, 'q8_0') as Uint8Array;
      const q8: PackedMatrix = packQ8(blocks, [out, input]);
      const w = tensor(dequantized(blocks), [out, input]) as Tensor2D;
      const bias = normals(6, out) as Tensor1D;
      for (const count of [1, 2, 31, 100]) {
        const extra = { bias, residual: normals(7, count, out) as Tensor2D };
        const x = normals(8, count, input) as Tensor2D;
        assertSameBits(
          linearPacked(x, [{ matrix: q8, ...extra }])[0],
          linear(x, w, extra),
          `${count} rows of [${out}, ${input}]`,
        );
      }
    }
  });
});

/** By ggml's definition: f16 scale times signed byte. */
function dequantized(blocks: Uint8Array): Float32Array {
  const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.byteLength);
  return Float32Array.from({ length: (blocks.length / 34) * 32 }, (_, i) => {
    const at = Math.floor(i / 32) * 34;
    const half = view.getUint16(at, true);
    const [exponent, digits] = [(half >> 10) & 31, half & 1023];
    const scale = exponent === 0 ? digits * 2 ** -24 : (1 + digits / 1024) * 2 ** (exponent - 15);
    return Math.fround(scale * view.getInt8(at + 2 + (i % 32)));
  });
}

const shapes = {
  'grouped queries, several blocks of depth': {
    hiddenSize: 96,
    layers: 2,
    heads: 6,
    keyValueHeads: 2,
    intermediateSize: 400,
  },
  'as many heads as groups': { hiddenSize: 64, layers: 1, heads: 2, keyValueHeads: 2 },
  'a head of more than one block of depth': { hiddenSize: 360, layers: 1, heads: 1, keyValueHeads: 1 },
};

function modelOf(settings: object): Model {
  const config = modelConfig(modelSchema.parse({ ...settings, contextLength: 1024 }), {
    ...{ vocabSize: 300, endOfText: 0, pad: 1 },
  });
  return initModel(config, 3);
}

const idsOf = (seed: number, length: number): number[] => {
  const random = Random.stream(seed, 'ids');
  return Array.from({ length }, () => random.integer(2, 300));
};

/** Documents one after the other in one row, as training packs them: logits of all tokens. */
function packedLogits(model: Model, documents: readonly (readonly number[])[]): Tensor2D {
  const tokens = documents.flat();
  const positions = documents.flatMap((ids) => [...ids.keys()]);
  const ends = [...tokens.keys()];
  const batch = {
    ...{ rows: 1, columns: tokens.length, tokens: Int32Array.from(tokens), positions: Int32Array.from(positions) },
    ranges: Int32Array.from(ends.flatMap((end) => [end - positions[end], end])),
  };
  return tidy(() => logits(model, forward(model, modelInput(batch))));
}

for (const [name, settings] of Object.entries(shapes)) {
  for (const threads of [1, 2]) {
    test(`logits of a document, ${name}, ${threads} threads: packed, cached, in pieces and in company`, async (t) => {
      if ((await openNative(t)) === undefined) return;
      await openBackend('native', { threads });
      const held = memory().numTensors;
      const model = modelOf(settings);
      const others = [37, 5, 18].map((length, i) => idsOf(10 + i, length));
      const ids = idsOf(1, 420);
      const whole = packedLogits(model, [ids]);
      const among = packedLogits(model, [others[0], ids, others[1]]);
      tidy(() => assertSameBits(slice(among, [37, 0], [420, 300]), whole, 'behind another document'));
      // Three that go on from its first 400 tokens, of which it is the second: what they share is computed once.
      const endings = [9, 20, 30].map((length, i) =>
        i === 1 ? ids : [...ids.slice(0, 400), ...idsOf(20 + i, length)],
      );
      const family = packSequences(
        endings.map((tokens, i) => ({
          id: `${i}`,
          tokens: [...tokens, 2],
          loss: [...tokens, 2].map((_, at) => +(at > 400)),
        })),
        { padId: 1, groups: [[0, 1, 2]] },
      );
      assert.equal(family.tokenCount, 400 + 9 + 20 + 30);
      tidy(() => {
        const all = logits(model, forward(model, modelInput(family)));
        const ending = slice(whole, [400, 0], [20, 300]);
        assertSameBits(slice(all, [409, 0], [20, 300]), ending, 'behind a beginning that others share');
      });
      const cache = createCache(model.config, 64);
      const reader = new TokenReader(model);
      const starts = [512, 0, 64, 128];
      growCache(cache, 1024, 2048);
      // The document in uneven pieces, while others begin, decode and end beside it.
      let at = 0;
      const read = (count: number, company: readonly number[]): void => {
        const wanted = Array.from({ length: count }, (_, i) => i);
        const pieces = [{ ids: ids.slice(at, at + count), from: at, start: starts[0], wanted }];
        for (const [i, from] of company.entries()) {
          if (from < 0) continue;
          pieces.unshift({ ids: [others[i][from]], from, start: starts[i + 1], wanted: [0] });
        }
        const before = pieces.length - 1;
        const got = reader.read(cache, pieces);
        tidy(() => {
          const expected = slice(whole, [at, 0], [count, 300]);
          assertSameBits(slice(got, [before, 0], [count, 300]), expected, `${count} tokens from ${at} on`);
        });
        reader.release(got);
        at += count;
      };
      read(50, []);
      for (let i = 0; i < 4; i++) read(1, [i, -1, i]);
      read(3, [4, -1, -1]);
      for (let i = 0; i < 3; i++) read(1, []);
      read(300, [5, 0, 4]);
      growCache(cache, 1500, 2048);
      for (let i = 0; i < 5; i++) read(1, [6 + i, -1, 5 + i]);
      read(55, []);
      assert.equal(at, ids.length);
      reader.dispose();
      disposeCache(cache);
      for (const each of [whole, among]) each.dispose();
      disposeModel(model);
      assert.equal(memory().numTensors, held, 'tensors are left behind');
      await openBackend('native', {});
    });
  }
}

for (const threads of [1, 2, 3]) {
  test(`a step of 25 rows with ${threads} threads, in two halves, beginnings read together: each row is as alone`, async (t) => {
    if ((await openNative(t)) === undefined) return;
    await openBackend('native', { threads });
    const held = memory().numTensors;
    const model = modelOf(shapes['grouped queries, several blocks of depth']);
    // Five by five they begin alike, and it is said of four of five.
    const rows = Array.from({ length: 25 }, (_, i) => {
      const first = i - (i % 5);
      const ids = [...idsOf(30 + first, 63), ...idsOf(60 + i, 7 + i)];
      return { ids, start: 128 * i, ...(i % 5 !== 3 && { twin: { start: 128 * first, count: 63 } }) };
    });
    const wanted = rows.map(({ ids }) => packedLogits(model, [ids]));
    const cache = createCache(model.config, 128 * rows.length);
    const reader = new TokenReader(model);
    // 63 tokens of each, then token by token: past a block of columns, and past a table of 64 rotations.
    for (const { ids, start } of rows) {
      reader.release(reader.read(cache, [{ ids: ids.slice(0, 63), from: 0, start, wanted: [0] }]));
    }
    for (let from = 63; from < 70; from++) {
      const got = reader.read(
        cache,
        rows.map(({ ids, ...place }) => ({ ids: [ids[from]], from, ...place, wanted: [0] })),
      );
      for (const i of rows.keys()) {
        tidy(() =>
          assertSameBits(
            slice(got, [i, 0], [1, 300]),
            slice(wanted[i], [from, 0], [1, 300]),
            `row ${i}, token ${from}`,
          ),
        );
      }
      reader.release(got);
    }
    reader.dispose();
    disposeCache(cache);
    for (const each of wanted) each.dispose();
    disposeModel(model);
    assert.equal(memory().numTensors, held, 'tensors are left behind');
    await openBackend('native', {});
  });
}
