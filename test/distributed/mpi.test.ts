// Real processes under a real mpirun, of each MPI that is installed; `npm run test:mpi` does the same with whole trainings.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launchedRank, unjoinedTasks } from '../../src/base/launcher.js';
import { chunksOf } from '../../src/distributed/mpi.js';
import { tsxLoader } from '../e2e/cli.js';

interface Said {
  rank: number;
  size: number;
  losses: number[];
  failure: string;
}

const child = fileURLToPath(new URL('rank.ts', import.meta.url));
const launchers = { 'mpirun.openmpi': ['--oversubscribe'], 'mpirun.mpich': [] };

function ranks(launcher: keyof typeof launchers | undefined, shard: 'moments' | 'weights'): Said[] {
  const own = [process.execPath, '--import', tsxLoader, child, '4', 'muon', shard, '3'];
  const [command, ...rest] = launcher === undefined ? own : [launcher, ...launchers[launcher], '-n', '2', ...own];
  const root = { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };
  const { stdout, stderr, status } = spawnSync(command, rest, { encoding: 'utf8', env: { ...process.env, ...root } });
  assert.equal(status, 0, stderr);
  const said = stdout.split('\n').filter((line) => line.startsWith('{'));
  return said.map((line) => JSON.parse(line) as Said).sort((a, b) => a.rank - b.rank);
}

for (const [launcher, shard] of [
  ['mpirun.openmpi', 'weights'],
  ['mpirun.mpich', 'moments'],
] as const) {
  const isThere = spawnSync(launcher, ['--version']).status === 0;
  const skip = isThere ? false : `${launcher} is not installed`;
  test(`two ranks of ${launcher} that share out ${shard} take the steps of one process, and end together`, {
    skip,
  }, () => {
    const [one] = ranks(undefined, 'moments');
    const both = ranks(launcher, shard);
    assert.deepEqual(
      both.map(({ rank, size }) => [rank, size]),
      [
        [0, 2],
        [1, 2],
      ],
    );
    assert.deepEqual(both[0].losses, both[1].losses);
    assert.equal(one.losses.length, 3);
    for (const [i, loss] of one.losses.entries()) {
      assert.ok(Math.abs(both[0].losses[i] - loss) <= 1e-5 * loss, `${both[0].losses[i]}, ${loss}`);
    }
    assert.match(both[0].failure, /rank 1 of 2 failed\. Error: no more/);
    assert.match(both[1].failure, /^Error: no more/);
  });
}

test('what is under way at a time takes no more memory with more ranks, be one of them the only one with a share', () => {
  const values = new Float32Array((1 << 20) + 5);
  for (const size of [2, 64]) {
    const only = new Array<number>(size).fill(0).with(1, values.length);
    for (const counts of [only, only.map((_, rank) => 16_000 + rank)]) {
      const next = counts.map((_, rank) => counts.slice(0, rank).reduce((sum, count) => sum + count, 0));
      const ends = next.map((begin, rank) => begin + counts[rank]);
      for (const parts of chunksOf(values, counts, size)) {
        assert.ok(Math.max(...parts.map(({ length }) => length)) * size <= 1 << 20);
        for (const [rank, { byteOffset, length }] of parts.entries()) {
          if (length > 0 && byteOffset !== 4 * next[rank]) assert.fail(`${size} ranks: ${byteOffset} of ${rank}`);
          next[rank] += length;
        }
      }
      assert.deepEqual(next, ends);
    }
  }
});

test('what a launcher says of a rank is read; a batch script and a single process are none', () => {
  const openMpi = { OMPI_COMM_WORLD_RANK: '1', OMPI_COMM_WORLD_SIZE: '4' };
  assert.deepEqual(launchedRank(openMpi), { family: 'Open MPI', rank: 1, size: 4, localRank: 0 });
  const mpich = { PMI_RANK: '0', PMI_SIZE: '2', MPI_LOCALRANKID: '0', MPI_LOCALNRANKS: '2' };
  assert.equal(launchedRank(mpich)?.family, 'MPICH');
  assert.equal(
    launchedRank({ PMIX_RANK: '3', SLURM_NTASKS: '2', SLURM_STEP_NUM_TASKS: '8', SLURM_LOCALID: '1' })?.rank,
    3,
  );
  for (const none of [
    {},
    { SLURM_NTASKS: '8', SLURM_PROCID: '0' },
    { PMI_RANK: '0', PMI_SIZE: '1' },
    { PMI_RANK: '2', PMI_SIZE: '2' },
    { PMI_RANK: '-1', PMI_SIZE: '2' },
    { PMI_RANK: '0', PMI_SIZE: '1e3' },
  ]) {
    assert.equal(launchedRank(none), undefined, JSON.stringify(none));
  }
});

test('tasks of one srun that do not know of each other are noticed, and only there', () => {
  const task = { SLURM_NTASKS: '4', SLURM_STEP_ID: '0', SLURM_STEP_NUM_TASKS: '4', SLURM_PROCID: '0' };
  assert.equal(unjoinedTasks(task), 4);
  for (const other of [
    { ...task, SLURM_PROCID: '1' }, // the first says it
    { ...task, SLURM_STEP_NUM_TASKS: '1' }, // srun -n 1 in a larger job
    { ...task, SLURM_STEP_ID: undefined }, // the batch script itself
    { ...task, PMIX_RANK: '0' },
    { ...task, PMI_RANK: '0', PMI_SIZE: '4' },
    { ...task, SLURM_STEP_NUM_TASKS: '1e3' },
    {},
  ]) {
    assert.equal(unjoinedTasks(other), 0, JSON.stringify(other));
  }
});
