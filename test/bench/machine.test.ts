// The machine's limits: measured where the addon is, absent with a reason where it is not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { type Addon, loadAddon } from '../../src/tensor/native/addon.js';
import { probeMachine } from '../../src/tensor/native/probe.js';

test('without the native engine every limit is null, and why is said', () => {
  const before = process.env.MOSSCTL_NATIVE;
  process.env.MOSSCTL_NATIVE = '/nowhere/mossctl.node';
  try {
    const { missing, ...limits } = probeMachine();
    assert.deepEqual(Object.values(limits), [null, null, null, null, null]);
    assert.match(missing ?? '', /MOSSCTL_NATIVE names \/nowhere\/mossctl\.node, which does not exist/);
  } finally {
    if (before === undefined) delete process.env.MOSSCTL_NATIVE;
    else process.env.MOSSCTL_NATIVE = before;
  }
});

test('the limits are what a processor can do, and the thread count is given back', (context) => {
  const addon = addonIfBuilt();
  if (typeof addon === 'string') return context.skip(addon);
  const threads = addon.threads();
  const one = probeMachine(1);
  assert.equal(addon.threads(), threads);
  assert.deepEqual([one.threads, one.isa, one.missing], [1, addon.isa(), undefined]);
  // One core: 8 operations a cycle at 0.5 GHz at least, 128 at 6 GHz at most; no memory is faster than 1 TB/s.
  const { fp32PeakGflops: fp32, bf16PeakGflops: bf16, bandwidthGBs: bandwidth } = one;
  assert.ok(fp32 !== null && fp32 > 4 && fp32 < 768, `${fp32} GFLOP/s`);
  assert.ok(bandwidth !== null && bandwidth > 0.2 && bandwidth < 1000, `${bandwidth} GB/s`);
  assert.equal(bf16 === null, !addon.hasBf16());
});

function addonIfBuilt(): Addon | string {
  try {
    return loadAddon();
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}
