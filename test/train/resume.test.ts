// Resuming with what was changed on purpose: it counts from the resumed step on, and every later checkpoint says so.
import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Interrupted, UserError } from '../../src/base/errors.js';
import { openCheckpoint } from '../../src/checkpoint/directory.js';
import { stepDirectory } from '../../src/checkpoint/history.js';
import { PackedBatches } from '../../src/data/packing.js';
import { countingObjective, countingSequences, padId, trainConfig } from './tiny.js';
import { manifest, trainingWorld } from './world.js';

describe('resuming', () => {
  const { attempt } = trainingWorld();

  /** Trains 8 steps; stops after `stopAt` of those that it does now. */
  async function run(name: string, stopAt: number, own: Parameters<typeof attempt>[1] = {}) {
    const config = trainConfig({ checkpointEvery: 100 });
    const tried = await attempt(name, { config, steps: 8, ...own }, stopAt);
    const manifestAt = async (step: number) => (await openCheckpoint(stepDirectory(tried.directory, step))).manifest;
    return { ...tried, notes: tried.notes.map(({ text }) => text), manifestAt };
  }

  const rate = (to: string) => ({ key: 'pretrain.train.learningRate', from: '0.01', to });
  const faster = trainConfig({ checkpointEvery: 100, learningRate: 0.02, schedule: 'constant' });

  test('a changed setting counts from the resumed step on, and is recorded with it', async () => {
    assert.ok((await run('changed', 3)).outcome instanceof Interrupted);
    const second = await run('changed', 2, { config: faster, overrides: [rate('0.02')] });
    assert.deepEqual(
      second.steps.map(({ step, learningRate }) => [step, learningRate]),
      [
        [4, 0.02],
        [5, 0.02],
      ],
    );
    assert.deepEqual(second.notes, ['from step 3 on, pretrain.train.learningRate: 0.01 → 0.02 (--override)']);
    assert.deepEqual((await second.manifestAt(5)).overrides, [{ step: 3, ...rate('0.02') }]);
    assert.equal((await second.manifestAt(3)).overrides, undefined);
    // Stopped before it could save anything more, the next try still knows what is already recorded, and what is new.
    const third = await run('changed', 1, { config: faster, overrides: [rate('0.02')] });
    assert.deepEqual(third.notes, []);
    const last = await run('changed', 99, { config: faster, overrides: [rate('0.02'), rate('0.03')] });
    assert.deepEqual((await last.manifestAt(8)).overrides, [
      { step: 3, ...rate('0.02') },
      { step: 6, ...rate('0.03') },
    ]);
  });

  test('other data are read from their beginning; the same go on where they were', async () => {
    await run('data', 3);
    const start = (await countingObjective().next()).ids;
    const first = async (name: string, inputDigest: string) => {
      const seen: string[][] = [];
      const good = countingObjective();
      const objective = {
        ...good,
        next: async () => {
          const batch = await good.next();
          seen.push([...batch.ids]);
          return batch;
        },
      };
      const overrides = inputDigest === 'data' ? [] : [{ key: 'data', from: 'data', to: inputDigest }];
      await run(name, 1, { objective, manifest: { ...manifest, inputDigest }, overrides });
      return seen[0];
    };
    assert.notDeepEqual(await first('data', 'data'), start);
    assert.deepEqual(await first('data', 'other'), start);
    assert.notDeepEqual(await first('data', 'other'), start);
  });

  test('another batch size goes on with the very next tokens: none is read twice, none is left out', async () => {
    for (const mode of ['stream', 'whole'] as const) {
      const sequences = countingSequences(50, 9);
      const source = { length: sequences.length, get: (index: number) => sequences[index] };
      const supply = (rows: number) => new PackedBatches({ source, mode, seed: 3, rows, columns: 16, padId });
      const read = async (batches: PackedBatches, count: number) => {
        const tokens: number[] = [];
        for (let i = 0; i < count; i++) tokens.push(...(await batches.next()).tokens);
        return tokens;
      };
      const [before, after] = [supply(2), supply(5)];
      const first = await read(before, 3);
      after.restore(JSON.parse(JSON.stringify(before.state)));
      const resumed = [...first, ...(await read(after, 4))];
      assert.deepEqual(resumed, await read(supply(1), 2 * 3 + 5 * 4), mode);
    }
  });

  test('fewer steps than are done already are refused', async () => {
    await run('fewer', 5);
    const { outcome } = await run('fewer', 99, { steps: 4 });
    assert.ok(outcome instanceof UserError);
    assert.match(outcome.message, /already at step 5, beyond its 4 steps/);
  });

  test('it falls back to the newest whole checkpoint, whatever happened to the later ones', async () => {
    const config = trainConfig({ checkpointEvery: 1, keep: 'last=9' });
    const { directory } = await run('damaged', 99, { config, steps: 6 });
    await writeFile(join(stepDirectory(directory, 6), 'mossctl.json'), 'garbage');
    await rm(join(stepDirectory(directory, 5), 'mossctl.json'));
    await mkdir(join(stepDirectory(directory, 5), 'mossctl.json'));
    await rm(stepDirectory(directory, 4), { recursive: true });
    await writeFile(stepDirectory(directory, 4), 'a file');
    await writeFile(join(stepDirectory(directory, 3), 'training', 'optimizer.safetensors'), '');
    const again = await run('damaged', 99, { config, steps: 6 });
    assert.deepEqual(
      again.steps.map(({ step }) => step),
      [3, 4, 5, 6],
    );
    assert.equal(again.notes.length, 4);
    for (const [i, step] of [6, 5, 4, 3].entries()) {
      assert.match(again.notes[i], new RegExp(`^skipped a damaged checkpoint: .*step-00000${step}`));
    }
    const left = await readdir(directory);
    assert.equal(left.filter((name) => name.endsWith('.damaged')).length, 4, 'set aside, not deleted');
  });

  test('checkpoints of another training are set aside under a name that says so, whatever their age, and never resumed from', async () => {
    const config = trainConfig({ checkpointEvery: 1, keep: 'last=9' });
    const settings = { train: { learningRate: 0.01, checkpointing: true, keep: 'last=9' } };
    const own = { ...manifest, seed: 7, settings, parent: 'a'.repeat(64) };
    const other = {
      stage: { ...own, stage: 'sft' },
      parent: { ...own, parent: null },
      seed: { ...own, seed: 8 },
      data: { ...own, inputDigest: 'other' },
      settings: { ...own, settings: { train: { ...settings.train, learningRate: 0.02 } } },
    };
    const whole = await run('own', 99, { config, steps: 6, manifest: own });
    const { directory } = await run('mixed', 3, { config, steps: 6, manifest: own });
    for (const [i, name] of (['stage', 'parent', 'data', 'settings', 'seed'] as const).entries()) {
      const made = await run(`made-${name}`, 99, { config, steps: 8, manifest: other[name] });
      // One is older than what is resumed from, and would be deleted some day or count as the best.
      const step = [1, 4, 5, 6, 8][i];
      await rm(stepDirectory(directory, step), { recursive: true, force: true });
      await cp(stepDirectory(made.directory, step), stepDirectory(directory, step), { recursive: true });
    }
    await cp(stepDirectory(whole.directory, 2), stepDirectory(directory, 7), { recursive: true });
    // What may change: which are kept; and a name that a setting had before.
    const now = { ...own, settings: { train: { learningRate: 0.01, recompute: true, keep: 'last=1' } } };
    const again = await run('mixed', 99, { config, steps: 6, manifest: now });
    assert.deepEqual(
      again.steps.map(({ step }) => step),
      [4, 5, 6],
    );
    const reasons = [
      [1, 'it is of sft, not of pretrain'],
      [4, 'it began from a fresh model, this training from model aaaaaaaaaaaa'],
      [5, 'it was trained on other data'],
      [6, 'it was trained with other settings: pretrain.train.learningRate'],
      [7, 'it is of step 2'],
      [8, 'it has seed 8, not 7'],
    ] as const;
    assert.equal(again.notes.length, reasons.length, again.notes.join('\n'));
    for (const [i, [step, why]] of reasons.entries()) {
      const path = stepDirectory(directory, step);
      const text = `${path} is not a checkpoint of this training: ${why}. It is kept as step-00000${step}.foreign-`;
      assert.equal(again.notes[i].slice(0, -8), text);
      const aside = `${path}${again.notes[i].slice(again.notes[i].lastIndexOf('.foreign-'))}`;
      assert.ok((await openCheckpoint(aside, { training: true })).digest.startsWith(aside.slice(-8)));
    }
    const weights = async (path: string) => (await openCheckpoint(path)).manifest.files['model.safetensors'];
    assert.equal(await weights(stepDirectory(directory, 6)), await weights(stepDirectory(whole.directory, 6)));
  });

  test('where no checkpoint is whole, it begins again, and says so', async () => {
    const { directory } = await run('none', 99, { steps: 2 });
    for (const name of await readdir(directory)) await writeFile(join(directory, name, 'config.json'), '');
    const again = await run('none', 99, { steps: 2 });
    assert.match(
      again.notes.at(-1) ?? '',
      /^no whole checkpoint is left \(\d+ damaged\): training begins again at step 1$/,
    );
    assert.equal(again.steps[0].step, 1);
  });

  test('a changed byte anywhere in a checkpoint is noticed, in mossctl.json too', async () => {
    const config = trainConfig({ checkpointEvery: 100 });
    const { directory, manifestAt } = await run('byte', 99, { config, steps: 2 });
    const path = stepDirectory(directory, 2);
    for (const name of [...Object.keys((await manifestAt(2)).files), 'mossctl.json']) {
      const bytes = await readFile(join(path, name));
      for (const part of [0.1, 0.5, 0.97]) {
        const changed = Buffer.from(bytes);
        changed[Math.floor(part * bytes.length)] ^= 1;
        await writeFile(join(path, name), changed);
        const opened = openCheckpoint(path, { training: true });
        await assert.rejects(opened, UserError, `${name} at ${part}`);
      }
      await writeFile(join(path, name), bytes);
    }
    await openCheckpoint(path, { training: true });
  });
});
