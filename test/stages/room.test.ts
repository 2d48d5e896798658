// What a training takes of memory and disk, said before its first step.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { trainingMemory } from '../../src/architecture/cost.js';
import { rankMemory } from '../../src/architecture/rank-plan.js';
import { shareHost } from '../../src/base/cores.js';
import { type StageReporter, stageReporter } from '../../src/report/event.js';
import { checkpointsAtOnce, checkTrainingDisk, checkTrainingMemory } from '../../src/stages/room.js';
import { smallDisk } from '../small-disk.js';
import { tinyConfig, trainConfig } from '../train/tiny.js';

function listener(): { notes: string[]; reporter: StageReporter } {
  const notes: string[] = [];
  const reporter = stageReporter({ emit: (event) => notes.push(event.type === 'note' ? event.text : '') }, 'sft');
  return { notes, reporter };
}

test('as many checkpoints as there are at once: those kept before the last save, and that one', () => {
  const count = (steps: number, checkpointEvery: number, keep: string): number =>
    checkpointsAtOnce(steps, { checkpointEvery, keep });
  assert.equal(count(100, 100, 'last=2'), 1);
  assert.equal(count(101, 100, 'last=2'), 2);
  assert.equal(count(1000, 100, 'last=2'), 3);
  assert.equal(count(1000, 100, 'last=1'), 2);
  assert.equal(count(1000, 100, 'last=50'), 10);
  // Before the save of step 1000: 800 and 900, and of the older ones 250 (not saved), 500.
  assert.equal(count(1000, 100, 'last=2,every=250'), 2 + 1 + 1);
  assert.equal(count(1000, 100, 'last=2,every=100'), 10);
});

test('memory: refused where nothing can help, a warning that says what can where it is only short', () => {
  const config = tinyConfig();
  const train = trainConfig();
  const [rows, columns] = [64, 1024];
  const { weights, moments, peak, recomputedPeak } = trainingMemory(config, { rows, columns }, train);
  const check = (total: number, available: number, own = {}, factor = 1) => {
    const { notes, reporter } = listener();
    const need = { stage: 'sft', config, train, rows, columns, reporter, ...own };
    checkTrainingMemory(need, { total, swap: 0, available }, factor);
    return notes;
  };
  const least = 2 * (weights + moments);
  assert.throws(() => check(least - 1, least), /does not fit.*moments of adamw and the copy of both.*mossctl plan/);
  const copy = weights + moments;
  assert.deepEqual(check(peak + copy, peak + copy), []);
  assert.deepEqual(check(peak + copy, peak + copy - weights, { isLoaded: true }), []);
  assert.deepEqual(check(peak + copy, recomputedPeak + copy, { train: { ...train, recompute: true } }), []);
  const { activations } = trainingMemory(config, { rows, columns });
  const both = peak + copy + activations;
  const withCritic = [check(both, both, { critic: config }), check(both, both - 1, { critic: config })];
  assert.deepEqual(
    withCritic.map(({ length }) => length),
    [0, 1],
    "a critic's passes are there at once with the policy's",
  );
  assert.throws(() => check(least, least, { beside: 1e6 }), /both that is saved, the frozen models beside them take/);
  const [short, ...rest] = check(peak + copy + 1e6, peak + copy, { beside: 1e6, cache: 8 });
  assert.match(short, /or fewer answers at once or shorter ones \(promptsPerStep/);
  const most = copy + weights + moments + 1e9;
  assert.deepEqual([rest, check(most, most, { cache: 1e9 })], [[], []], 'a cache is gone when the step begins');
  const [onTensorflow] = check(peak + copy, 2 * (peak + copy), {}, 3);
  assert.match(
    onTensorflow,
    /of memory \(on TensorFlow, about 3 times what it takes on native\).*, or --backend native$/,
  );
  assert.deepEqual(check(peak + copy, 3 * (peak + copy), {}, 3), []);
  const [warning] = check(peak + copy, peak + copy - 1);
  assert.match(
    warning,
    /^training takes about .* of memory, and .* are available: .*sft\.train\.recompute=true \(then about/,
  );
});

test('memory on several processes: what each computes of a step, as the plan says it, and one copy', (t) => {
  t.after(() => shareHost({ cores: 1, ranks: 1, ranksInAll: 1 }));
  shareHost({ cores: 1, ranks: 2, ranksInAll: 4 });
  const config = tinyConfig();
  const train = trainConfig({ accumulation: 3 });
  const [rows, columns] = [8, 1024];
  for (const together of [undefined, 2, rows]) {
    const { peak, saved } = rankMemory(config, { rows, columns, together }, { ...train, ranks: 4 });
    const check = (available: number): number => {
      const { notes, reporter } = listener();
      const need = { stage: 'sft', config, train, rows, columns, together, reporter };
      checkTrainingMemory(need, { total: 1e12, swap: 0, available }, 1);
      return notes.length;
    };
    assert.deepEqual([check(2 * peak + saved), check(2 * peak + saved - 1)], [0, 1], String(together));
  }
});

test('disk: the checkpoints that are kept must fit, less those that are there', async (t) => {
  const disk = await smallDisk(t, '256k');
  if (disk === undefined) return;
  const config = tinyConfig();
  const { weights, moments } = trainingMemory(config, { rows: 1, columns: 1 }, trainConfig());
  const size = weights + moments;
  const fitting = Math.floor((256 << 10) / size);
  assert.ok(fitting >= 2, `${size} bytes each`);
  const check = async (last: number, steps = 1000) => {
    const { notes, reporter } = listener();
    const train = trainConfig({ checkpointEvery: 1, keep: `last=${last}` });
    await checkTrainingDisk({ config, train, steps, directory: join(disk, 'sft'), reporter });
    return notes;
  };
  await assert.rejects(
    check(fitting + 1),
    /sft: the disk is too small for this\. \d+ checkpoints of .* take .*--keep last=1/,
  );
  assert.deepEqual(await check(fitting + 1, 1), [], 'one step, one checkpoint');
  for (let step = 1; step <= fitting; step++) await mkdir(join(disk, 'sft', `step-00000${step}`), { recursive: true });
  await check(fitting + 1);
});
