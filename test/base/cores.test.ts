import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { availableCores } from '../../src/base/cores.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-cores-'));
after(() => rm(folder, { recursive: true }));

async function groups(name: string, files: Record<string, string>): Promise<string> {
  await mkdir(join(folder, name, 'cpu'), { recursive: true });
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, name, file), text);
  return join(folder, name);
}

test('a container gets no more threads than its share of processor time, and at least one', async () => {
  const all = availableParallelism();
  const cases: [Record<string, string>, number][] = [
    [{ 'cpu.max': 'max 100000\n' }, all],
    [{ 'cpu.max': '100000 100000\n' }, 1],
    [{ 'cpu.max': '50000 100000\n' }, 1],
    [{ 'cpu.max': '290000 100000\n' }, Math.min(all, 2)],
    [{ 'cpu/cpu.cfs_quota_us': '-1\n', 'cpu/cpu.cfs_period_us': '100000\n' }, all],
    [{ 'cpu/cpu.cfs_quota_us': '100000\n', 'cpu/cpu.cfs_period_us': '100000\n' }, 1],
    [{ 'cpu.max': 'nonsense' }, all],
    [{}, all],
  ];
  for (const [i, [files, cores]] of cases.entries()) {
    assert.equal(availableCores(await groups(String(i), files)), cores, JSON.stringify(files));
  }
  assert.equal(availableCores(join(folder, 'nowhere')), all);
});
