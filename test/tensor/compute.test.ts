// Threads and precision as they are asked for: set on the native engine, refused elsewhere, never silently dropped.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { availableCores } from '../../src/base/cores.js';
import { UserError } from '../../src/base/errors.js';
import { openBackend } from '../../src/tensor/backends.js';
import { defaultThreads } from '../../src/tensor/native/addon.js';
import { runOp } from '../../src/tensor/op.js';
import { linearOp } from '../../src/tensor/ops/linear.js';
import { mul, ones, scalar, tidy } from '../../src/tensor/tf.js';
import { openNative } from './native-world.js';

test('the native engine takes threads and precision, and its defaults again when neither is asked for', async (t) => {
  const backend = await openNative(t);
  if (backend === undefined) return;
  const { addon } = backend;
  const all = defaultThreads();
  assert.equal(addon.threads(), all);
  const three = await openBackend('native', { threads: 3 });
  assert.equal(addon.threads(), 3);
  assert.deepEqual([three.threads, three.precision], [3, 'fp32']);
  assert.equal(three.note, `backend native (${addon.isa()}, 3 threads)`);
  const again = await openBackend('native');
  assert.deepEqual([addon.threads(), again.threads], [all, all]);
  assert.equal((await openBackend('native', { threads: 1 })).note, `backend native (${addon.isa()}, 1 thread)`);
});

test('more threads than cores are set as asked, with a warning', async (t) => {
  if ((await openNative(t)) === undefined) return;
  const cores = availableCores();
  const many = await openBackend('native', { threads: cores + 1 });
  assert.equal(many.threads, cores + 1);
  assert.match(many.warning ?? '', new RegExp(`^${cores + 1} threads on ${cores} cores? .*--threads ${cores},`));
  assert.equal((await openBackend('native', { threads: cores })).warning, undefined);
  assert.equal((await openBackend('native')).warning, undefined);
});

test('bf16 rounds the operands of products, and says where it is no faster', async (t) => {
  const backend = await openNative(t);
  if (backend === undefined) return;
  // 1 + 2⁻¹⁰ is a float and no bf16: it rounds to 1. (A product of few rows is bound by memory, and may stay fp32.)
  const product = (): number =>
    tidy(() => {
      const x = mul(ones([64, 16]), scalar(1 + 2 ** -10));
      const w = mul(ones([64, 16]), scalar(64));
      return runOp(linearOp, [x, w], { bias: false, residual: false, halves: false }).dataSync()[0];
    });
  assert.equal(product(), 1025);
  const { note, precision } = await openBackend('native', { precision: 'bf16' });
  assert.equal(precision, 'bf16');
  assert.equal(product(), 1024);
  const gain = backend.addon.bf16IsFast() ? 'bf16)' : 'bf16: no faster than fp32 on this processor)';
  assert.ok(note.endsWith(gain), note);
  await openBackend('native');
  assert.equal(product(), 1025);
});

test('a change of settings is worth a note, the same again is not', async (t) => {
  if ((await openNative(t)) === undefined) return;
  const fresh = async (threads?: number): Promise<boolean> => (await openBackend('native', { threads })).fresh;
  assert.deepEqual([await fresh(), await fresh(2), await fresh(2), await fresh(3)].slice(2), [false, true]);
  await openBackend('cpu');
  assert.equal(await fresh(3), true);
});

test('a backend that cannot compute as asked says what to leave out', async () => {
  await assert.rejects(openBackend('wasm', { precision: 'bf16', threads: 2 }), (error: Error) => {
    assert.ok(error instanceof UserError);
    assert.match(
      error.message,
      /^the backend wasm computes in fp32 only and takes no thread count\. Omit precision bf16 and the 2 threads, or use `--backend native`/,
    );
    return true;
  });
  await assert.rejects(openBackend('cpu', { threads: 1 }), /the backend cpu takes no thread count\. Omit the 1 thread/);
  const { threads, precision, note } = await openBackend('wasm', { precision: 'fp32' });
  assert.deepEqual([threads, precision, note], [null, 'fp32', 'backend wasm']);
});

test('auto passes over what cannot compute as asked, and says so', async (t) => {
  if ((await openNative(t)) === undefined) return;
  const { name, note } = await openBackend('auto', { precision: 'bf16' });
  assert.equal(name, 'native');
  assert.match(note, /^backend native \(\w+, .* bf16.*; tensorflow: it computes in fp32 only\)$/);
});
