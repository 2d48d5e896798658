import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { availableCores, hostShare } from '../../src/base/cores.js';

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

test('ranks of a machine divide the cores that they share, and the time of their container', () => {
  const place = (allowed: string, allowedCount: number, more = {}) => ({
    ...{ host: 'a', allowed, allowedCount, quota: Number.POSITIVE_INFINITY, cores: 64, ...more },
  });
  const free = [place('0-63', 64), place('0-63', 64), place('0-63', 64, { host: 'b' })];
  assert.deepEqual(hostShare(free, 0), { cores: 32, ranks: 2, ranksInAll: 3 });
  assert.deepEqual(hostShare(free, 2), { cores: 64, ranks: 1, ranksInAll: 3 });
  const bound = [place('0', 1), place('1', 1)];
  assert.deepEqual(hostShare(bound, 1), { cores: 1, ranks: 2, ranksInAll: 2, bound: { used: 2, there: 64 } });
  const halves = [place('0-31', 32), place('32-63', 32)];
  assert.deepEqual(hostShare(halves, 0), { cores: 32, ranks: 2, ranksInAll: 2 });
  const container = [place('0-3', 4, { cores: 4 }), place('0-3', 4, { cores: 4 })];
  assert.equal(hostShare(container, 0).cores, 2);
  const timed = [place('0-63', 64, { quota: 8 }), place('0-63', 64, { quota: 8 })];
  assert.deepEqual(hostShare(timed, 0), { cores: 4, ranks: 2, ranksInAll: 2 });
});
