// Two supplies in one batch: the share holds, each supply is read as it would be alone, and a position can be restored.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { SecondShare } from '../../src/data/apportionment.js';
import { MixedBatches } from '../../src/data/mixed-batches.js';
import { PackedBatches } from '../../src/data/packing.js';
import type { TokenSequence } from '../../src/data/types.js';

const shape = { rows: 4, columns: 12, padId: 0 };

function supply(name: string, mode: 'stream' | 'whole', first: number): PackedBatches {
  const sequences: TokenSequence[] = Array.from({ length: 30 }, (_, i) => ({
    id: `${name}${i}`,
    tokens: Array.from({ length: 3 + (i % 9) }, (_, k) => first + 12 * i + k),
    ...(mode === 'whole' && { loss: Array.from({ length: 3 + (i % 9) }, (_, k) => Number(k > 1)) }),
  }));
  const source = { length: sequences.length, get: (index: number) => sequences[index] };
  return new PackedBatches({ source, mode, seed: 4, ...shape });
}

const mixed = (secondShare: number): MixedBatches =>
  new MixedBatches({
    supplies: new Map([
      ['main', supply('chat', 'whole', 1)],
      ['second', supply('text', 'stream', 10_000)],
    ]),
    apportionment: new SecondShare(secondShare),
    ...shape,
  });

/** Which supply each row is from. */
function origins(tokens: Int32Array): string {
  return Array.from({ length: shape.rows }, (_, row) => (tokens[row * shape.columns] >= 10_000 ? 't' : 'c')).join('');
}

test('the share of rows holds on average, however few rows a batch has', async () => {
  for (const [share, expected] of [
    [0.2, ['cccc', 'ccct', 'ccct', 'ccct', 'ccct', 'cccc', 'ccct']],
    [0.5, ['cctt', 'cctt', 'cctt']],
    [0.05, ['cccc', 'cccc', 'cccc', 'cccc', 'ccct', 'cccc']],
  ] as const) {
    const batches = mixed(share);
    const found: string[] = [];
    for (let i = 0; i < expected.length; i++) found.push(origins((await batches.next()).tokens));
    assert.deepEqual(found, expected);
  }
});

test('each supply is read in the order it would have alone; text rows carry loss at every position', async () => {
  const batches = mixed(0.5);
  const [chat, text] = [supply('chat', 'whole', 1), supply('text', 'stream', 10_000)];
  const half = shape.rows * shape.columns * 0.5;
  const alone = { chat: await chat.next(), text: await text.next() };
  const together = [await batches.next(), await batches.next()];
  assert.deepEqual(
    [...together[0].tokens.subarray(0, half), ...together[1].tokens.subarray(0, half)],
    [...alone.chat.tokens],
  );
  assert.deepEqual(
    [...together[0].tokens.subarray(half), ...together[1].tokens.subarray(half)],
    [...alone.text.tokens],
  );
  assert.ok(together[0].weights.subarray(half).every((weight) => weight === 1));
  assert.ok(together[0].weights.subarray(0, half).some((weight) => weight === 0));
  // Every owner is a sequence of this batch, and rows of one kind never name the other.
  for (const [cell, owner] of together[0].owners.entries()) {
    if (owner >= 0) assert.match(together[0].ids[owner], cell < half ? /^chat/ : /^text/);
  }
});

test('a restored position gives the same batches', async () => {
  const straight = mixed(0.3);
  for (let i = 0; i < 7; i++) await straight.next();
  const state = JSON.parse(JSON.stringify(straight.state)) as unknown;
  const resumed = mixed(0.3);
  resumed.restore(state);
  assert.deepEqual(resumed.state, state);
  for (let i = 0; i < 20; i++) assert.deepEqual(await resumed.next(), await straight.next());
  // Checkpoints hold it in this form.
  assert.deepEqual(Object.keys(straight.state), ['main', 'second', 'batches']);
  assert.equal(straight.state.batches, 27);
  assert.throws(() => mixed(0.3).restore(supply('chat', 'whole', 1).state), UserError);
});
