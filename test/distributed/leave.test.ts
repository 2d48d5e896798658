// A rank that leaves while the others are in the midst of a stage ends them: none is left to wait for it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isKilledEarly } from '../../src/base/launcher.js';
import { tsxLoader } from '../e2e/cli.js';

const child = fileURLToPath(new URL('leaver.ts', import.meta.url));
const launcher = 'mpirun.openmpi';
const skip = spawnSync(launcher, ['--version']).status === 0 ? false : `${launcher} is not installed`;

test('the first rank leaves in the midst of a stage, and the job ends', { skip }, () => {
  const ranks = ['--oversubscribe', '-n', '2', process.execPath, '--import', tsxLoader, child];
  const env = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };
  const { status, signal, stderr } = spawnSync(launcher, ranks, { encoding: 'utf8', env, timeout: 90_000 });
  assert.equal(signal, null, `it hung: ${stderr}`);
  // The exit code of the abort. What Open MPI writes about it is its own, and is sometimes lost on the way.
  assert.equal(status, 1, stderr);
});

test('mpirun of Open MPI gives its processes a second to save, unless it is given more', () => {
  const openMpi = { OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_SIZE: '2' };
  assert.equal(isKilledEarly(openMpi), true);
  assert.equal(isKilledEarly({ ...openMpi, OMPI_MCA_odls_base_sigkill_timeout: '600' }), false);
  assert.equal(isKilledEarly({ PMI_RANK: '0', PMI_SIZE: '2' }), false);
  assert.equal(isKilledEarly({ PMIX_RANK: '0', SLURM_STEP_NUM_TASKS: '2' }), false);
});
