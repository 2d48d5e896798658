// Which checkpoints stay, which go, and that SIGKILL at any instant loses none that was whole.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../src/base/errors.js';
import { exists } from '../../src/base/files.js';
import { Random } from '../../src/base/random.js';
import { openCheckpoint } from '../../src/checkpoint/directory.js';
import {
  displace,
  linkLatest,
  listCheckpoints,
  newestWholeCheckpoint,
  removeTemporary,
  stepDirectory,
} from '../../src/checkpoint/history.js';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import { checkpointContent } from './fixtures/content.js';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'history-'));
});
after(() => rm(folder, { recursive: true, force: true }));

test('steps are listed by number, and nothing else is', async () => {
  const stage = join(folder, 'list');
  for (const name of ['step-1000000', 'step-000200', 'step-000030', '.tmp-step-000400-ab', 'step-x', 'notes'])
    await mkdir(join(stage, name), { recursive: true });
  assert.deepEqual(
    (await listCheckpoints(stage)).map(({ step }) => step),
    [30, 200, 1000000],
  );
  assert.deepEqual(await listCheckpoints(join(folder, 'absent')), []);
  assert.equal((await newestWholeCheckpoint(stage)).damaged.length, 3);
});

test('latest that leads to another run says so once that one was trained again, and where the model is kept', async () => {
  const [own, other] = [join(folder, 'kept'), join(folder, 'other')];
  await mkdir(own);
  await saveCheckpoint(stepDirectory(join(other, 'sft'), 1), checkpointContent(1));
  await linkLatest(own, stepDirectory(join(other, 'sft'), 1));
  await rename(join(other, 'sft'), join(other, 'sft.replaced-0123abcd'));
  for (const named of [own, join(own, 'latest')]) {
    await assert.rejects(openCheckpoint(named), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /there no longer.*other\/sft\/step-000001.*trained again/s);
      assert.ok(error.message.includes(join(other, 'sft.replaced-0123abcd/step-000001')), error.message);
      return true;
    });
  }
  await rm(other, { recursive: true });
  await assert.rejects(openCheckpoint(own), /Name another checkpoint/);
});

test('latest is relative, survives moving the run, and never replaces a real folder', async () => {
  const run = join(folder, 'linked');
  const stage = join(run, 'sft');
  await saveCheckpoint(stepDirectory(stage, 1), checkpointContent(1));
  await saveCheckpoint(stepDirectory(stage, 2), checkpointContent(2));
  await linkLatest(run, stepDirectory(stage, 1));
  await linkLatest(run, stepDirectory(stage, 2));
  assert.equal(await readlink(join(run, 'latest')), 'sft/step-000002');
  await rename(run, `${run}-moved`);
  assert.equal((await openCheckpoint(`${run}-moved`)).manifest.step, 2);
  const other = join(folder, 'real');
  await mkdir(join(other, 'latest'), { recursive: true });
  await writeFile(join(other, 'latest/file'), '');
  await assert.rejects(linkLatest(other, stage), UserError);
  assert.deepEqual(await readdir(other), ['latest']);
});

test('a kill between moving the old and placing the new brings the old one back', async () => {
  const stage = join(folder, 'displaced');
  const path = stepDirectory(stage, 1);
  const { digest } = await saveCheckpoint(path, checkpointContent(1));
  await mkdir(join(stage, '.tmp-step-000001-12ab34cd'));
  await displace(path);
  assert.equal(await exists(path), false);
  await removeTemporary(stage);
  assert.deepEqual(await readdir(stage), ['step-000001']);
  assert.equal((await openCheckpoint(path)).digest, digest);
  await saveCheckpoint(path, checkpointContent(1, 99));
  assert.notEqual((await openCheckpoint(path)).digest, digest);
  assert.deepEqual(await readdir(stage), ['step-000001']);
});

test('SIGKILL at six random instants of saving: what was whole stays whole', async () => {
  const run = join(folder, 'kill');
  const stage = join(run, 'pretrain');
  const { digest } = await saveCheckpoint(stepDirectory(stage, 100), checkpointContent(100));
  const random = Random.stream(7, 'kill');
  const script = new URL('fixtures/save-forever.ts', import.meta.url).pathname;
  let leftovers = 0;
  for (let round = 0; round < 6; round++) {
    const child = spawn(process.execPath, ['--import', 'tsx', script, stage], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data'); // the first save is done, more are under way
    await sleep(random.uniform() * 40);
    child.kill('SIGKILL');
    await once(child, 'exit');
    leftovers += (await readdir(stage)).filter((name) => name.startsWith('.tmp-')).length;
    await removeTemporary(stage);
    await removeTemporary(run);
    const newest = await newestWholeCheckpoint(stage);
    assert.deepEqual(newest.damaged, [], `round ${round}`);
    for (const { path } of await listCheckpoints(stage)) await openCheckpoint(path, { training: true });
    assert.equal((await openCheckpoint(stepDirectory(stage, 100))).digest, digest);
    assert.match(basename((await openCheckpoint(join(run, 'latest'))).path), /^step-000[234]00$/);
    assert.ok(!(await readdir(stage)).some((name) => name.startsWith('.tmp-')));
  }
  assert.ok(leftovers > 0, 'no kill fell inside a save: the test proved nothing');
});
