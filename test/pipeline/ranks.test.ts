// A pipeline of several ranks, in one process: the first runs the stages, the others are called in for all of one or for a part,
// and whatever ends one of them ends all of them alike.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Interrupted, stopIfAborted } from '../../src/base/errors.js';
import { checkAhead } from '../../src/pipeline/check.js';
import { loadPipeline } from '../../src/pipeline/load.js';
import { checkRanks, dismissRanks, followFirstRank, runOnRanks } from '../../src/pipeline/ranks.js';
import { type StageRecord, writeRecord } from '../../src/pipeline/record.js';
import { stageTable } from '../../src/stages/catalog.js';
import { onRanks } from '../../src/stages/ranks.js';
import type { Job, Stage, StageOutput } from '../../src/stages/stage.js';
import type { StageRow, StageTable } from '../../src/stages/stage-row.js';
import { type Communicator, RankFailed } from '../../src/tensor/communicator.js';
import { memoryRanks } from '../train/memory-ranks.js';

const made: StageOutput = { path: 'runs/a', digest: 'd', metrics: {} };

/** What the ranks end with, of which the first runs the stage and is then done; `aborted`: who has been asked to stop. */
async function ended(size: number, stage: Stage<unknown>, kind: StageRow['onRanks'], aborted: readonly number[] = []) {
  const [first, ...others] = memoryRanks(size);
  const stages = { align: { onRanks: kind, load: async () => stage } } as unknown as StageTable;
  const signalOf = (rank: number) => (aborted.includes(rank) ? AbortSignal.abort() : new AbortController().signal);
  const job = { config: { steps: 3 }, inputs: {}, directory: 'runs/a/align', seed: 1, compute: {}, reporter: {} };
  const lead = async () => {
    const all = { ...job, communicator: first, signal: signalOf(0) } as unknown as Job<unknown>;
    const output = await runOnRanks('align', stages.align, stage, all);
    await dismissRanks(first);
    return output;
  };
  const follow = (each: Communicator) => followFirstRank(each, signalOf(each.rank), stages);
  return Promise.allSettled([lead(), ...others.map(follow)]);
}

test('a part is done by all, with what the first one gives; the rest by the first alone', async () => {
  const seen: unknown[] = [];
  const together = async ({ communicator, config }: Job<unknown>, factor: number) => {
    seen.push(config);
    const all = await communicator?.gather(factor * communicator.rank);
    return { ...made, metrics: { sum: all?.reduce((sum, each) => sum + each, 0) ?? 0 } };
  };
  let runs = 0;
  const stage: Stage<unknown> = {
    parts: { adding: (job, given: { factor: number }) => together(job, given.factor) },
    run: (job) => {
      runs++;
      assert.equal(job.communicator?.size, 1); // what it trains by itself is its own
      const given = { factor: 10 };
      return onRanks(job, { stage: 'align', part: 'adding', given }, (own) => together(own, given.factor));
    },
  };
  const [first, ...others] = await ended(3, stage, 'parts');
  assert.deepEqual(first.status === 'fulfilled' && first.value?.metrics, { sum: 30 });
  assert.deepEqual(others, [
    { status: 'fulfilled', value: undefined },
    { status: 'fulfilled', value: undefined },
  ]);
  assert.deepEqual([runs, seen], [1, [{ steps: 3 }, { steps: 3 }, { steps: 3 }]]);
});

test('an interrupt of one that prepares its data ends all as interrupted; a fault of one ends the others as failed', async () => {
  const prepared: Stage<unknown> = {
    async run({ signal, communicator }) {
      stopIfAborted(signal, 'stopped while it read conversations');
      await communicator?.gather(null); // the others are in the midst of their work
      return made;
    },
  };
  for (const aborted of [[1], [0], [0, 1, 2]]) {
    for (const each of await ended(3, prepared, 'whole', aborted)) {
      const reason = each.status === 'rejected' ? each.reason : undefined;
      assert.ok(reason instanceof Interrupted, `${aborted.join()}: ${String(reason)}`);
      assert.match(reason.message, /stopped while it read conversations/);
    }
  }
  const broken: Stage<unknown> = {
    async run({ communicator }) {
      if (communicator?.rank === 2) throw new Error('no memory');
      await communicator?.gather(null);
      return made;
    },
  };
  const [first, second, third] = await ended(3, broken, 'whole');
  for (const each of [first, second]) assert.ok(each.status === 'rejected' && each.reason instanceof RankFailed);
  assert.match(String(third.status === 'rejected' && third.reason), /^Error: no memory/);
});

test('what samples while it learns is refused on ranks, by its method; what learns from rows is not', async () => {
  const check = async (...set: string[]) => {
    const config = await loadPipeline({ config: 'smoke', set });
    checkRanks(['pretrain', 'sft', 'align', 'eval'], { config, stages: stageTable }, { size: 2 } as Communicator);
  };
  for (const method of ['dpo', 'kto', 'orpo', 'best-of-n']) await check(`align.method=${method}`);
  await assert.rejects(
    check('align.method=grpo'),
    /cannot train align together yet.*align\.method=grpo samples answers while it learns.*Run pretrain, sft with mpirun/,
  );
});

test('statistics of a step are refused on ranks before anything is made, but of a stage that has finished', async (t) => {
  const runDirectory = await mkdtemp(join(tmpdir(), 'ranks-ahead-'));
  t.after(() => rm(runDirectory, { recursive: true }));
  const config = await loadPipeline({ config: 'smoke', set: ['align.train.statisticsEvery=5'] });
  const stages = { align: { load: async () => ({}) } } as unknown as StageTable;
  const reporter = { emit: () => undefined };
  const check = (size: number): Promise<void> => {
    const communicator = { size } as Communicator;
    return checkAhead({ config, stages, runDirectory, plan: ['align'], reporter, communicator });
  };
  await check(1);
  await assert.rejects(check(2), /align\.train\.statisticsEvery.*not collected from several processes/);
  const record = { stage: 'align', state: 'finished', inputDigest: 'd', overrides: [], files: {} };
  await mkdir(join(runDirectory, 'align'));
  await writeRecord(runDirectory, 'align', record as unknown as StageRecord, 'align');
  await check(2);
});
