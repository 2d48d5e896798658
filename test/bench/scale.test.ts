// Two processes under a real mpirun beside one: what is counted, and never how fast it is.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, test } from 'node:test';
import { measureScale } from '../../src/bench/scale.js';
import { scaleTable } from '../../src/cli/scale-text.js';
import { tsxLoader } from '../e2e/cli.js';
import { until } from '../until.js';

const skip = spawnSync('mpirun', ['--version']).status === 0 ? false : 'mpirun is not installed';
const folder = mkdtempSync(join(tmpdir(), 'mossctl-scale-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const job = {
  ...({ shape: '100k', precision: 'fp32', backend: 'wasm', takesThreads: false } as const),
  ...{ seed: 1, steps: 1, rounds: 1, folder },
};

/** What a launcher that does `commands` is found under. */
function pathOf(commands: string): string {
  writeFileSync(join(folder, 'mpirun'), `#!/bin/sh\n[ "$1" = --version ] || {\n${commands}\n}\n`, { mode: 0o755 });
  return `${folder}${delimiter}${process.env.PATH}`;
}

async function withPath<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  const { PATH } = process.env;
  process.env.PATH = path;
  try {
    return await work();
  } finally {
    process.env.PATH = PATH;
  }
}

test('two processes move the fewest bytes that data parallelism can do with', { skip }, async () => {
  const result = await measureScale(job, 2);
  assert.ok('efficiency' in result, JSON.stringify(result));
  assert.equal(result.minBytesPerStep, 4 * 139_712);
  assert.ok(Math.abs(result.bytesPerStep - result.minBytesPerStep) <= 16, String(result.bytesPerStep));
  const { one, together } = result.tokensPerSecond;
  assert.equal(result.efficiency, together / (2 * one));
  assert.ok(result.exchangeShare > 0 && result.exchangeShare < 1, String(result.exchangeShare));
  assert.equal(result.peakRssMiB.together.length, 2);
  assert.equal(result.threads, null, 'this backend takes no number of them');
  assert.match(scaleTable([result]), /100k, 2 processes .*\n100k: (Open MPI|MPICH|mpich).*peak RSS \d+, \d+ MiB/i);
  assert.match(scaleTable([{ ...result, threads: 1 }]), /100k, 2 of 1 thread /);
});

test('on one core nothing is measured', async () => {
  const result = await measureScale(job, 1);
  assert.equal(scaleTable([result]), 'several processes: not measured, because there is one core');
});

test('without mpirun nothing is measured, and it is said why', async () => {
  const result = await withPath('', () => measureScale(job, 2));
  assert.deepEqual(result, { missing: 'there is no mpirun here' });
  assert.match(scaleTable([result]), /not measured, because there is no mpirun here/);
});

test('a launcher that starts nothing leaves the other sections theirs, and its words are kept', { skip }, async () => {
  const path = pathOf('echo no slots here >&2\nexit 3');
  const result = await withPath(path, () => measureScale(job, 2));
  assert.ok('missing' in result);
  assert.match(
    result.missing,
    /^the 2 processes that trained 100k ended with code 3\. No slots here\. Type `mpirun -n 2/,
  );
  assert.match(scaleTable([result]), /^several processes: not measured, because the 2 processes /);
});

test('a bench that is stopped ends its launcher', { skip }, async () => {
  const [begun, ended] = ['begun', 'ended'].map((name) => join(folder, name));
  const path = pathOf(`sleep 600 &\ntrap "kill $!; touch '${ended}'; exit" TERM\ntouch '${begun}'\nwait`);
  const source = new URL('../../src/bench/scale.ts', import.meta.url).href;
  const script = `import { measureScale } from '${source}';
    process.once('SIGTERM', () => process.exit(130));
    await measureScale(${JSON.stringify(job)}, 2);`;
  const bench = spawn(process.execPath, ['--import', tsxLoader, '--input-type=module', '-e', script], {
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await until(() => existsSync(begun), 'mpirun');
  bench.kill('SIGTERM');
  await until(() => existsSync(ended), 'the end of mpirun');
});
