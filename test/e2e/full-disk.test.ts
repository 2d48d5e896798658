// A real disk that is full: for good, or for a while.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sha256File } from '../../src/base/files.js';
import { smallDisk } from '../small-disk.js';
import { mossctl, shortSmoke } from './cli.js';

describe('a disk that is full', () => {
  let folder: string;
  let good: string;
  const command = (out: string) => [...shortSmoke, '--set', 'sft=null', '--set', 'align=null', '--out', out];
  const weights = (run: string) => sha256File(join(run, 'latest', 'model.safetensors'));
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mossctl-full-'));
    const { code, stderr } = await mossctl([...command(join(folder, 'good')), '--quiet']);
    assert.equal(code, 0, stderr);
    good = await weights(join(folder, 'good'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** Something else takes all the space once training has begun. */
  function fillAtFirstStep(disk: string): (text: string) => void {
    let isFull = false;
    return (text) => {
      if (isFull || !text.includes('held-out at step')) return;
      isFull = true;
      spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'ballast')}`, 'bs=4k'], { stdio: 'ignore' });
    };
  }

  test('too small for what is kept: refused before the first step, with the figures and what to change', async (t) => {
    const disk = await smallDisk(t, '3m');
    if (disk === undefined) return;
    const run = join(disk, 'run');
    const { code, stderr } = await mossctl([...command(run), '--quiet']);
    assert.equal(code, 1, stderr);
    const pattern = new RegExp(
      `^mossctl: error: ${join(run, 'pretrain')}: the disk is too small for this\\. 3 checkpoints of .* take .*, and ${disk} has .* left\\. Free some space, choose another folder with --out, or keep fewer \\(--keep last=1\\)\\.$`,
      'm',
    );
    assert.match(stderr, pattern);
    assert.ok(!(await readdir(run)).includes('pretrain'), 'of a try that was refused nothing is left');
  });

  test('for good: the run fails, nothing that was saved is lost, and it goes on when there is room', async (t) => {
    const disk = await smallDisk(t, '64m');
    if (disk === undefined) return;
    const run = join(disk, 'run');
    const first = await mossctl(command(run), { onOutput: fillAtFirstStep(disk) });
    assert.equal(first.code, 1, first.stderr);
    assert.match(first.stderr, /warning: .*could not be saved: the disk is full.* Free some space\. It is tried again/);
    assert.match(first.stderr, /^mossctl: error: .*step-000012: the last checkpoint could not be saved/m);
    assert.doesNotMatch(first.stderr, /\n\s+at /);
    const left = (await readdir(run, { recursive: true })).filter((name) => name.includes('.tmp-'));
    assert.deepEqual(left, []);
    await rm(join(disk, 'ballast'));
    const second = await mossctl([...command(run), '--quiet']);
    assert.equal(second.code, 0, second.stderr);
    assert.equal(await weights(run), good);
  });

  test('for a while: training goes on to the same weights, and the run ends with exit code 1', async (t) => {
    const disk = await smallDisk(t, '64m');
    if (disk === undefined) return;
    const run = join(disk, 'run');
    const fill = fillAtFirstStep(disk);
    const slow = ['--set', 'pretrain.train.evaluateEvery=1', '--set', 'pretrain.train.checkpointEvery=1'];
    const { code, stderr } = await mossctl([...command(run), ...slow], {
      onOutput: (text) => {
        fill(text);
        if (text.includes('could not be saved')) rmSync(join(disk, 'ballast'), { force: true });
      },
    });
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^mossctl: error: .*step-0000\d\d: not every checkpoint could be saved while it trained/m);
    assert.match(stderr, /pretrain +finished/);
    assert.equal(await weights(run), good);
    const again = await mossctl([...command(run), ...slow, '--quiet']);
    assert.equal(again.code, 0, 'it has finished');
  });

  test('only under the logs: training ends with the same weights, and the run with exit code 1', async (t) => {
    const disk = await smallDisk(t, '4k');
    if (disk === undefined) return;
    const run = join(folder, 'beside');
    await mkdir(join(run, 'report.html'), { recursive: true }); // no file can take its place
    await symlink(join(disk, 'metrics.jsonl'), join(run, 'metrics.jsonl'));
    const log = await open(join(disk, 'log.txt'), 'w');
    await log.write('x'.repeat(4096));
    const { code, stderr } = await mossctl([...command(run), '--json'], { stdout: log.fd });
    await log.close();
    assert.equal(code, 1, stderr);
    assert.match(
      stderr,
      /^mossctl: warning: .*report\.html: .*\nmossctl: error: standard output, .*metrics\.jsonl, .*report\.html: not all of it could be written\./,
    );
    assert.equal(await weights(run), good);
  });
});
