// The one-line rule of which checkpoints stay.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepRule, parseKeep } from '../../src/config/keep.js';
import { trainSchema } from '../../src/config/train.js';
import { loadPipeline } from '../../src/pipeline/load.js';

test('each part once, in any order; both spellings of a metric', () => {
  assert.deepEqual(keepRule('last=3,every=1000,best=bits_per_byte'), {
    last: 3,
    every: 1000,
    best: 'heldOutBitsPerByte',
  });
  assert.deepEqual(keepRule(' best = bitsPerByte.zh , last=1'), { last: 1, best: 'heldOutBitsPerByte.zh' });
  assert.deepEqual(keepRule('best=held_out_loss'), { last: 2, best: 'heldOutLoss' });
  assert.deepEqual(keepRule(trainSchema.parse({}).keep), { last: 2 });
});

test('what says nothing, or says it twice, is refused with the right form', () => {
  const faults: [string, RegExp][] = [
    ['', /"" says nothing: write it as last=3,every=1000,best=bits_per_byte/],
    ['3', /"3" says nothing/],
    ['last=', /"last=" says nothing/],
    ['last=2=3', /says nothing/],
    ['last=0', /last must be a whole number of at least 1, got "0"/],
    ['every=1e3', /every must be a whole number/],
    ['last=-1', /last must be/],
    ['last=2,last=3', /last is said twice/],
    ['first=2', /"first" is not one of last, every, best/],
    [`${'x'.repeat(1000)}=1`, /^"x{60}…" is not one of/],
  ];
  for (const [text, pattern] of faults) {
    const parsed = parseKeep(text);
    assert.ok('fault' in parsed, text);
    assert.match(parsed.fault, pattern);
  }
});

test('in a file, with --set and with --keep: an error says where', async () => {
  const request = (set: string[], keep?: string) =>
    loadPipeline({ set, flags: { 'sft.train.keep': keep }, blocks: ['sft'] });
  assert.equal((await request(['sft.train.keep=every=50,last=1'])).sft?.train.keep, 'every=50,last=1');
  assert.equal((await request([], 'best=held_out_loss')).sft?.train.keep, 'best=held_out_loss');
  await assert.rejects(request([], 'newest'), /--keep newest: sft\.train\.keep: "newest" says nothing/);
});
