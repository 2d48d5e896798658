// What a machine has, as Linux and its containers say it, and what is refused because it surely does not fit.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { freemem, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { diskAt } from '../../src/base/disk.js';
import { UserError } from '../../src/base/errors.js';
import { memoryRoom } from '../../src/base/memory.js';
import { requireDisk, requireMemory } from '../../src/base/room.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-room-'));
after(() => rm(folder, { recursive: true }));
const GiB = 2 ** 30;

let machines = 0;
async function machine(files: Record<string, string>) {
  const root = join(folder, `machine-${machines++}`);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
  return memoryRoom({ proc: join(root, 'proc'), groups: join(root, 'groups') });
}

test('memory: of the machine, of its containers of either kind, without what is only cached', async () => {
  const kilobytes = (gibibytes: number): string => `${gibibytes * 1024 * 1024} kB`;
  const meminfo = `MemTotal:  ${kilobytes(16)}\nMemFree: ${kilobytes(1)}\nMemAvailable: ${kilobytes(12)}\nSwapTotal:  ${kilobytes(2)}\n`;
  const plain = { 'proc/meminfo': meminfo };
  assert.deepEqual(await machine(plain), { total: 16 * GiB, swap: 2 * GiB, available: 12 * GiB });
  const stat = `anon 5\ninactive_file ${2 * GiB}\n`;
  const inside = { ...plain, 'proc/self/cgroup': '0::/\n' };
  const version2 = (max: string) => ({
    ...inside,
    ...{ 'groups/memory.max': `${max}\n`, 'groups/memory.current': `${3 * GiB}\n`, 'groups/memory.stat': stat },
  });
  assert.deepEqual(await machine(version2('max')), { total: 16 * GiB, swap: 2 * GiB, available: 12 * GiB });
  assert.deepEqual(await machine(version2(String(4 * GiB))), { total: 4 * GiB, swap: 2 * GiB, available: 3 * GiB });
  // A limit that is set further out counts as well.
  const nested = {
    ...plain,
    'proc/self/cgroup': '0::/jobs/mine\n',
    'groups/jobs/memory.max': String(8 * GiB),
    'groups/jobs/memory.current': String(7 * GiB),
    'groups/jobs/mine/memory.max': 'max\n',
  };
  assert.deepEqual(await machine(nested), { total: 8 * GiB, swap: 2 * GiB, available: GiB });
  const version1 = {
    ...plain,
    'proc/self/cgroup': '7:cpu,cpuacct:/x\n5:memory:/x\n0::/\n',
    'groups/memory/memory.limit_in_bytes': '9223372036854771712\n',
    'groups/memory/x/memory.limit_in_bytes': String(2 * GiB),
    'groups/memory/x/memory.usage_in_bytes': String(3 * GiB),
    'groups/memory/x/memory.stat': `cache 1\ntotal_inactive_file ${GiB}\n`,
  };
  assert.deepEqual(await machine(version1), { total: 2 * GiB, swap: 2 * GiB, available: 0 });
  const elsewhere = await machine({});
  assert.equal(elsewhere.total, totalmem());
  assert.ok(elsewhere.available <= totalmem() && elsewhere.available >= freemem() / 2);
  const here = memoryRoom();
  assert.ok(here.available > 0 && here.available <= here.total);
});

test('what surely does not fit is refused with the figures and exit code 1; what may fit is not', () => {
  const room = { total: 4 * GiB, swap: GiB, available: 0 };
  requireMemory(5 * GiB, { what: 'weights', next: 'Use fewer' }, room);
  assert.throws(
    () => requireMemory(5 * GiB + 1, { what: 'weights', where: 'x', next: 'Use fewer' }, room),
    (error: UserError) => {
      const text =
        'x: this does not fit into the memory of this machine. Weights take 5.0 GiB, and there are 4.0 GiB and 1.0 GiB of swap. Use fewer.';
      assert.equal(error.message, text);
      return error.exitCode === 1;
    },
  );
  const { freeBytes = 0, mount } = diskAt(folder) ?? {};
  assert.ok(freeBytes > 0);
  const path = join(folder, 'not', 'there', 'yet');
  requireDisk(path, freeBytes / 2, { what: 'files', next: '' });
  assert.throws(
    () => requireDisk(path, freeBytes * 2, { what: '2 files', next: 'Choose' }),
    (error: UserError) => {
      assert.ok(error instanceof UserError && error.exitCode === 1);
      assert.match(
        error.message,
        /yet: the disk is too small for this\. 2 files take .*iB, and .* has .* left\. Choose\.$/,
      );
      return error.message.includes(` ${mount} has`);
    },
  );
});
