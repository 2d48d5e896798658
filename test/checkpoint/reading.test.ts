// Reading beside a real training process that saves and deletes as fast as it can: no reader ever takes it for damage.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { identifyCheckpoint, openCheckpoint, readModel } from '../../src/checkpoint/directory.js';
import { listCheckpoints } from '../../src/checkpoint/history.js';
import { withCheckpoint } from '../../src/checkpoint/reading.js';
import { identify } from '../../src/inspect/files.js';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reading-'));
});
after(() => rm(folder, { recursive: true, force: true }));

test('while checkpoints are saved and deleted beside them, readers of run, stage and `latest` always read a whole one', async (t) => {
  const run = join(folder, 'run');
  const stage = join(run, 'pretrain');
  const script = new URL('fixtures/save-forever.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--import', 'tsx', script, stage, 'onward'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  await once(child.stdout, 'data');
  const seen = new Set<number>();
  let vanished = 0;
  const read = async (path: string): Promise<void> => {
    seen.add((await openCheckpoint(path, { training: true })).manifest.step);
    seen.add((await identifyCheckpoint(path)).manifest.step);
    await withCheckpoint(path, readModel);
    const { faults, files } = await withCheckpoint(path, async (directory) => {
      const found = await identify(directory, true);
      if (found.faults.length > 0) await stat(directory);
      return found;
    });
    assert.deepEqual(faults, []);
    assert.equal(files.length, 7);
  };
  // One that is named itself may go: then that is what is said.
  const readNamed = async (): Promise<void> => {
    const { path } = (await listCheckpoints(stage))[0] ?? { path: '' };
    await openCheckpoint(path).catch((error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(
        error.message,
        /was deleted while it was read\. A training that is running|There is nothing at this path/,
      );
      vanished++;
    });
  };
  for (let round = 0; round < 500 && (round < 60 || vanished < 3); round++) {
    await Promise.all([read(run), read(stage), read(join(run, 'latest')), readNamed()]);
  }
  assert.ok(seen.size > 10, `${seen.size} checkpoints were seen: too few came and went`);
  assert.ok(vanished > 0, 'none vanished under a reader: the test proved nothing');
});

test('what is damaged and still there is said to be damaged, at once', async () => {
  let reads = 0;
  const damaged = new UserError({ what: 'this checkpoint is damaged' });
  const run = join(folder, 'run');
  const reading = withCheckpoint(join(run, 'latest'), async () => {
    reads++;
    throw damaged;
  });
  await assert.rejects(reading, damaged);
  assert.equal(reads, 1);
});
