// Packed batches: exact layout on hand-made rows; on random data, what must hold for any data.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { Random } from '../../src/base/random.js';
import { PackedBatches, type PackingState } from '../../src/data/packing.js';
import { BatchBuilder, batchesOnce, packPairs, packSequences, padSequences } from '../../src/data/sequences.js';
import type { TokenBatch, TokenSequence } from '../../src/data/types.js';

const padId = 0;
const abc: TokenSequence = { id: 'abc', tokens: [10, 11, 12, 13], loss: [0, 0, 1, 1] };
const xy: TokenSequence = { id: 'xy', tokens: [20, 21, 22] };

function sourceOf(sequences: readonly TokenSequence[]) {
  return { length: sequences.length, get: (index: number) => sequences[index] };
}

/** Sequences whose tokens are unique over all of them, so that a token names its place. */
function uniqueSequences(lengths: readonly number[]): TokenSequence[] {
  let next = 1;
  return lengths.map((length, i) => ({ id: `s${i}`, tokens: Array.from({ length }, () => next++) }));
}

/** What must hold for any batch: see TokenBatch. Returns the inputs and the targets that count. */
function checkBatch(batch: TokenBatch, sequences: readonly TokenSequence[]): { inputs: number[]; targets: number[] } {
  const byId = new Map(sequences.map((sequence) => [sequence.id, sequence]));
  const inputs: number[] = [];
  const targets: number[] = [];
  for (let row = 0; row < batch.rows; row++) {
    for (let column = 0; column < batch.columns; column++) {
      const cell = row * batch.columns + column;
      const [start, end] = [batch.ranges[2 * cell], batch.ranges[2 * cell + 1]];
      assert.equal(end, column, 'a position sees up to itself');
      if (batch.owners[cell] === -1) {
        assert.deepEqual([start, batch.tokens[cell], batch.weights[cell]], [column, padId, 0]);
        continue;
      }
      const sequence = byId.get(batch.ids[batch.owners[cell]]);
      assert.ok(sequence);
      assert.equal(batch.positions[cell], column - start, 'positions count from the start of the range');
      // Every key in the range is the same sequence, and runs on without a gap.
      const first = Array.from(sequence.tokens).indexOf(batch.tokens[row * batch.columns + start]);
      assert.notEqual(first, -1);
      assert.equal(batch.tokens[cell], sequence.tokens[first + column - start]);
      assert.equal(batch.targets[cell], sequence.tokens[first + column - start + 1]);
      inputs.push(batch.tokens[cell]);
      if (batch.weights[cell] > 0) targets.push(batch.targets[cell]);
    }
  }
  return { inputs, targets };
}

test('a builder lays two sequences in a row, then padding', () => {
  const builder = new BatchBuilder({ rows: 1, columns: 6, padId });
  builder.place(abc, { row: 0, column: 0, from: 0, count: 3 });
  builder.place(xy, { row: 0, column: 3, from: 0, count: 2 });
  const batch = builder.finish();
  assert.deepEqual([...batch.tokens], [10, 11, 12, 20, 21, 0]);
  assert.deepEqual([...batch.targets], [11, 12, 13, 21, 22, 0]);
  assert.deepEqual([...batch.weights], [0, 1, 1, 1, 1, 0]);
  assert.deepEqual([...batch.positions], [0, 1, 2, 0, 1, 0]);
  assert.deepEqual([...batch.ranges], [0, 0, 0, 1, 0, 2, 3, 3, 3, 4, 5, 5]);
  assert.deepEqual([...batch.owners], [0, 0, 0, 1, 1, -1]);
  assert.deepEqual(batch.ids, ['abc', 'xy']);
});

test('batchesOnce keeps what fits whole and cuts what is longer than a row', () => {
  const long: TokenSequence = { id: 'long', tokens: [30, 31, 32, 33, 34, 35, 36] };
  const batches = batchesOnce([abc, xy, long], { rows: 2, columns: 4, padId });
  assert.deepEqual(
    batches.map((batch) => batch.rows),
    [2, 2],
  );
  assert.deepEqual([...batches[0].tokens], [10, 11, 12, 0, 20, 21, 0, 0]);
  assert.deepEqual([...batches[1].tokens], [30, 31, 32, 33, 34, 35, 0, 0]);
  assert.deepEqual([...batches[1].targets], [31, 32, 33, 34, 35, 36, 0, 0]);
  assert.deepEqual([...batches[1].positions], [0, 1, 2, 3, 0, 1, 0, 0]);
  assert.deepEqual([...batches[1].ranges], [0, 0, 0, 1, 0, 2, 0, 3, 0, 0, 0, 1, 2, 2, 3, 3]);
  assert.deepEqual([...batches[1].owners], [0, 0, 0, 0, 0, 0, -1, -1], 'both parts of a cut sequence have one owner');
  assert.deepEqual(batches[1].ids, ['long']);
  assert.deepEqual(batchesOnce([], { rows: 2, columns: 4, padId }), []);
});

test('batchesOnce counts every target of random sequences once', () => {
  const random = Random.stream(7, 'once');
  for (let trial = 0; trial < 20; trial++) {
    const sequences = uniqueSequences(Array.from({ length: 15 }, () => random.integer(0, 30)));
    const batches = batchesOnce(sequences, { rows: 3, columns: random.integer(1, 12), padId });
    const targets = batches.flatMap((batch) => checkBatch(batch, sequences).targets);
    const expected = sequences.flatMap((sequence) => Array.from(sequence.tokens).slice(1));
    assert.deepEqual(targets, expected);
  }
});

test('padSequences: one sequence a row, equal sequences keep their own rows', () => {
  const batch = padSequences([abc, xy, xy, { id: 'one', tokens: [5] }], { padId });
  assert.deepEqual([batch.rows, batch.columns], [4, 3]);
  assert.deepEqual([...batch.tokens], [10, 11, 12, 20, 21, 0, 20, 21, 0, 0, 0, 0]);
  assert.deepEqual([...batch.weights], [0, 1, 1, 1, 1, 0, 1, 1, 0, 0, 0, 0]);
  assert.deepEqual([...batch.owners], [0, 0, 0, 1, 1, -1, 2, 2, -1, -1, -1, -1]);
  assert.deepEqual(batch.ids, ['abc', 'xy', 'xy', 'one']);
  assert.equal(padSequences([xy], { padId, columns: 5 }).columns, 5);
  assert.throws(() => padSequences([xy, abc], { padId, columns: 2 }), /abc: a sequence of 4 tokens does not fit/);
});

test('packSequences: all whole, in their order by owner, in fewer positions than a row for each', () => {
  const batch = packSequences([xy, abc, xy, { id: 'one', tokens: [5] }], { padId });
  assert.deepEqual([batch.rows, batch.columns], [2, 4]);
  assert.deepEqual([...batch.tokens], [10, 11, 12, 0, 20, 21, 20, 21]);
  assert.deepEqual([...batch.owners], [1, 1, 1, -1, 0, 0, 2, 2]);
  assert.deepEqual([...batch.ranges], [0, 0, 0, 1, 0, 2, 3, 3, 0, 0, 0, 1, 2, 2, 2, 3]);
  assert.deepEqual(batch.ids, ['xy', 'abc', 'xy', 'one']);
  const random = Random.stream(5, 'even');
  for (let trial = 0; trial < 20; trial++) {
    const sequences = uniqueSequences(Array.from({ length: 16 }, () => random.integer(0, 30)));
    const packed = packSequences(sequences, { padId });
    const padded = padSequences(sequences, { padId });
    assert.deepEqual(checkBatch(packed, sequences).targets.length, padded.tokenCount);
    assert.deepEqual([packed.ids, packed.tokenCount], [padded.ids, padded.tokenCount]);
    assert.ok(packed.rows * packed.columns - packed.tokenCount < 0.2 * packed.tokenCount);
    assert.ok(packed.columns <= 2 * padded.columns);
  }
});

test('answers to one prompt: what they begin with is there once, its keys before those of each', () => {
  const prompt = [1, 2, 3];
  const answer = (id: string, ...own: number[]): TokenSequence => {
    return { id, tokens: [...prompt, ...own], loss: [...prompt.map(() => 0), ...own.map(() => 1)] };
  };
  const [chosen, rejected] = [answer('chosen', 10, 11, 12), answer('rejected', 20, 21)];
  const batch = packPairs([[chosen, rejected]], { padId });
  // The last token of the prompt is there twice, for what follows it differs.
  assert.deepEqual([...batch.tokens], [1, 2, 3, 10, 11, 3, 20]);
  assert.deepEqual([...batch.targets], [2, 3, 10, 11, 12, 20, 21]);
  assert.deepEqual([...batch.weights], [0, 0, 1, 1, 1, 1, 1]);
  assert.deepEqual([...batch.positions], [0, 1, 2, 3, 4, 2, 3]);
  assert.deepEqual([...batch.owners], [0, 0, 0, 0, 0, 1, 1]);
  assert.deepEqual([...(batch.keys ?? [])], [0, 1, 2, 3, 4, 0, 1, 5, 6]);
  assert.deepEqual([...batch.ranges], [0, 0, 0, 1, 0, 2, 0, 3, 0, 4, 5, 7, 5, 8]);
  assert.deepEqual([batch.ids, batch.weight, batch.tokenCount], [['chosen', 'rejected'], 5, 7]);
  // What counts is never shared, nor is anything after the first difference.
  for (const [alone, tokens] of [
    [abc, 5],
    [xy, 4],
  ] as const) {
    assert.equal(packPairs([[alone, alone]], { padId }).tokenCount, tokens);
  }
  assert.equal(packPairs([[xy, xy]], { padId }).keys, undefined, 'keys as they lie');
  const two = packPairs(
    [
      [chosen, rejected],
      [rejected, chosen],
    ],
    { padId },
  );
  assert.deepEqual(two.ids, ['chosen', 'rejected', 'rejected', 'chosen']);
});

test('groups of any sizes: every answer sees all of its own, in its order, and nothing else', () => {
  const random = Random.stream(11, 'groups');
  for (let trial = 0; trial < 20; trial++) {
    const sequences: TokenSequence[] = [];
    const groups = Array.from({ length: random.integer(1, 5) }, (_, group) => {
      const prompt = Array.from({ length: random.integer(1, 30) }, (_, i) => 1000 * group + i);
      return Array.from({ length: random.integer(1, 6) }, () => {
        const own = Array.from({ length: random.integer(1, trial === 0 ? 600 : 20) }, () => random.integer(1, 999));
        const tokens = [...prompt, ...own];
        return (
          sequences.push({ id: `${sequences.length}`, tokens, loss: tokens.map((_, i) => +(i >= prompt.length)) }) - 1
        );
      });
    });
    const batch = packSequences(sequences, { padId, groups });
    const keyColumns = (batch.keys?.length ?? batch.tokens.length) / batch.rows;
    const targets = sequences.map((): number[] => []);
    batch.owners.forEach((owner, cell) => {
      if (owner < 0) return;
      const keyAt = (key: number) => {
        const at = Math.floor(cell / batch.columns) * keyColumns + key;
        return batch.keys?.[at] ?? at;
      };
      const [first, last] = [batch.ranges[2 * cell], batch.ranges[2 * cell + 1]];
      const seen = Array.from({ length: last - first + 1 }, (_, i) => keyAt(first + i));
      const { tokens } = sequences[owner];
      assert.deepEqual(
        seen.map((at) => batch.tokens[at]),
        Array.from(tokens).slice(0, batch.positions[cell] + 1),
      );
      assert.deepEqual(
        seen.map((at) => batch.positions[at]),
        [...seen.keys()],
      );
      assert.equal(seen.at(-1), cell);
      assert.equal(batch.targets[cell], tokens[batch.positions[cell] + 1]);
      if (batch.weights[cell] > 0) targets[owner].push(batch.targets[cell]);
    });
    assert.deepEqual(
      targets,
      sequences.map(({ tokens, loss }) => Array.from(tokens).filter((_, i) => loss?.[i] === 1)),
    );
    const alone = packSequences(sequences, { padId });
    assert.deepEqual([batch.ids, batch.weight], [alone.ids, alone.weight]);
    assert.ok(batch.tokenCount <= alone.tokenCount);
    assert.ok(batch.columns <= 2 * Math.max(1024, 2 * alone.columns));
  }
});

test('stream: rows are always full and every token is predicted exactly once per epoch', async () => {
  const random = Random.stream(3, 'stream');
  for (let trial = 0; trial < 10; trial++) {
    const sequences = uniqueSequences(Array.from({ length: 12 }, () => random.integer(0, 25)));
    const [rows, columns] = [random.integer(1, 4), random.integer(1, 11)];
    const packed = new PackedBatches({
      source: sourceOf(sequences),
      rows,
      columns,
      padId,
      seed: trial,
      mode: 'stream',
    });
    const expected = sequences.flatMap((sequence) => Array.from(sequence.tokens).slice(1)).sort((a, b) => a - b);
    const seen: number[] = [];
    const epochs = 3;
    while (seen.length < epochs * expected.length) {
      const batch = await packed.next();
      const { inputs, targets } = checkBatch(batch, sequences);
      assert.equal(inputs.length, rows * columns, 'no padding');
      seen.push(...targets);
    }
    const orders = new Set<string>();
    for (let epoch = 0; epoch < epochs; epoch++) {
      const part = seen.slice(epoch * expected.length, (epoch + 1) * expected.length);
      orders.add(part.join());
      assert.deepEqual(
        part.sort((a, b) => a - b),
        expected,
      );
    }
    assert.equal(orders.size, epochs, 'each epoch has an order of its own');
    assert.equal(packed.epoch >= epochs, true);
    assert.equal(await packed.countRows(), expected.length / columns, 'not rounded: that is for the steps');
  }
});

const columns = 64;
for (const [longest, share] of [
  [columns + 1, 0.95],
  [columns / 2, 0.99],
] as const) {
  test(`whole: of sequences up to ${longest} none is cut, each comes once per epoch, and rows are well filled`, async () => {
    const random = Random.stream(11, 'whole');
    const sequences = uniqueSequences(Array.from({ length: 600 }, () => random.integer(2, longest + 1)));
    const packed = new PackedBatches({ source: sourceOf(sequences), rows: 1, columns, padId, seed: 1, mode: 'whole' });
    const total = sequences.reduce((sum, sequence) => sum + sequence.tokens.length - 1, 0);
    const batches = await packed.countRows();
    const seen = new Map<string, number>();
    for (let i = 0; i < batches; i++) {
      const batch = await packed.next();
      const { inputs } = checkBatch(batch, sequences);
      for (const id of batch.ids) seen.set(id, (seen.get(id) ?? 0) + 1);
      const whole = batch.ids.reduce((sum, id) => sum + sequences[Number(id.slice(1))].tokens.length - 1, 0);
      assert.equal(inputs.length, whole, 'every sequence of the batch is whole');
    }
    assert.equal(packed.epoch, 1);
    assert.equal(seen.size, sequences.length);
    assert.deepEqual([...new Set(seen.values())], [1]);
    const filled = total / (batches * columns);
    assert.ok(filled > share, `only ${(100 * filled).toFixed(1)}% of the positions are used`);
  });
}

for (const mode of ['stream', 'whole'] as const) {
  test(`${mode}: a restored supply gives the same batches for ever`, async () => {
    const random = Random.stream(5, mode);
    const sequences = uniqueSequences(Array.from({ length: 150 }, () => random.integer(0, 18)));
    const options = { source: sourceOf(sequences), rows: 3, columns: 17, padId, seed: 9, mode };
    const straight = new PackedBatches(options);
    const states: PackingState[] = [];
    const batches: TokenBatch[] = [];
    while (straight.epoch < 4) {
      states.push(JSON.parse(JSON.stringify(straight.state)));
      batches.push(await straight.next());
    }
    for (let from = 0; from < batches.length; from += 5) {
      const resumed = new PackedBatches(options);
      resumed.restore(states[from]);
      assert.deepEqual(resumed.state, states[from], 'a restored state reads back as it was');
      for (let i = from; i < batches.length; i++) assert.deepEqual(await resumed.next(), batches[i]);
      assert.deepEqual(resumed.state, straight.state);
    }
    const other = new PackedBatches({ ...options, seed: 10 });
    assert.notDeepEqual((await other.next()).tokens, batches[0].tokens);
  });
}

test('what cannot be packed is refused', async () => {
  const options = { rows: 1, columns: 2, padId, seed: 0 } as const;
  assert.throws(() => new PackedBatches({ ...options, source: sourceOf([]), mode: 'stream' }), UserError);
  const single = sourceOf([{ id: 'a', tokens: [1] }]);
  for (const mode of ['stream', 'whole'] as const) {
    await assert.rejects(new PackedBatches({ ...options, source: single, mode }).next(), /nothing to train on/);
  }
  const whole = new PackedBatches({ ...options, source: sourceOf([abc]), mode: 'whole' });
  await assert.rejects(whole.next(), /abc: a sequence of 4 tokens does not fit in a row of 2/);
  const state = new PackedBatches({ ...options, source: sourceOf([abc, xy]), mode: 'stream' }).state;
  assert.throws(() => whole.restore(state), /written with 2 sequences, there are 1 now/);
  assert.throws(() => whole.restore({ ...state, length: 1, index: -1 }), UserError);
  assert.throws(() => whole.restore({ ...state, length: 1, waiting: [1] }), UserError);
  assert.throws(() => whole.restore('nonsense'), /an unknown number of sequences/);
});
