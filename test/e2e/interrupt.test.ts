// Ctrl-C twice, at random moments of a training that saves all the time: the first saves and stops, the second stops at
// once. Whatever they meet, everything on disk opens, and the same command comes to the same result.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Random } from '../../src/base/random.js';
import { newestWholeCheckpoint } from '../../src/checkpoint/history.js';
import { mossctl, shortSmoke } from './cli.js';

describe('Ctrl-C', () => {
  let folder: string;
  let whole: string;
  const settings = [
    'sft=null',
    'align=null',
    'eval=null',
    'pretrain.train.checkpointEvery=1',
    'pretrain.train.steps=30',
  ];
  const command = (out: string) => [
    ...shortSmoke,
    ...settings.flatMap((set) => ['--set', set]),
    '--out',
    out,
    '--json',
  ];
  const digest = async (run: string) =>
    (JSON.parse(await readFile(join(run, 'pretrain', 'stage.json'), 'utf8')) as { output: { digest: string } }).output
      .digest;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mossctl-interrupt-'));
    const run = join(folder, 'whole');
    const { code, stderr } = await mossctl(command(run));
    assert.equal(code, 0, stderr);
    whole = await digest(run);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('twice, at random moments in the middle of saving: what is on disk opens', async () => {
    const run = join(folder, 'twice');
    const random = Random.stream(5, 'signals');
    let killed = 0;
    let left = 0;
    let resumable = 0;
    for (let round = 0; round < 5; round++) {
      const [first, second] = [random.integer(300, 1500), random.integer(0, 60)];
      const signal = round % 2 === 0 ? 'SIGINT' : 'SIGTERM';
      // Now from the first step on, now from the first save: on a busy machine a save may take longer than all of that.
      const start = round % 2 === 0 ? '"type":"step"' : '"type":"checkpoint"';
      let armed = false;
      const { code, stderr } = await mossctl(command(run), {
        onOutput: (text, child) => {
          if (armed || !text.includes(start)) return;
          armed = true;
          setTimeout(() => {
            child.kill(signal);
            setTimeout(() => child.kill('SIGINT'), second).unref();
          }, first).unref();
        },
      });
      if (code === 0) break;
      assert.equal(code, 130, stderr);
      assert.match(stderr, /finishing the step and saving; press Ctrl-C again to stop at once/);
      if (!stderr.includes('mossctl: interrupted: stopped at step')) killed++;
      left += (await readdir(join(run, 'pretrain'))).filter((name) => name.startsWith('.tmp-')).length;
      const newest = await newestWholeCheckpoint(join(run, 'pretrain'));
      assert.deepEqual(newest.damaged, []);
      if (newest.path !== undefined) resumable++;
    }
    assert.ok(killed > 0, 'a second signal came before the first had been obeyed');
    assert.ok(resumable > 0, 'one came after the first save');
    let hungUp = false;
    const { code, stderr } = await mossctl(command(run), {
      env: { _: '/usr/bin/nohup' }, // as a shell says it of what it starts through nohup
      onOutput: (_, child) => {
        if (!hungUp) child.kill('SIGHUP');
        hungUp = true;
      },
    });
    assert.equal(code, 0, stderr);
    assert.equal(await digest(run), whole);
    const names = await readdir(run, { recursive: true });
    assert.deepEqual(
      names.filter((name) => name.includes('.tmp-')),
      [],
      `${left} were left by the second signals`,
    );
  });

  test('once, or by a terminal that closes: the step is finished, saved, and nothing is left to clear away', async () => {
    const run = join(folder, 'once');
    let asked = false;
    const first = await mossctl(command(run), {
      onOutput: (text, child) => {
        if (asked || !text.includes('"step":7,')) return;
        asked = true;
        child.kill('SIGHUP'); // from the system, and once more from the shell
        setTimeout(() => child.kill('SIGHUP'), 5).unref();
      },
    });
    assert.equal(first.code, 130, first.stderr);
    assert.match(first.stderr, /interrupted: stopped at step \d+ of 30; saved .*step-0000/);
    const names = await readdir(run, { recursive: true });
    assert.ok(!names.some((name) => name.includes('.tmp-') || name === '.lock'));
    const other = ['--set', 'pretrain.train.batchSize=3', '--set', 'pretrain.model.layers=1'];
    const refused = await mossctl(['pretrain', '--out', run, '--resume', '--quiet', ...other.slice(0, 2)]);
    assert.equal(refused.code, 2, refused.stderr);
    assert.match(
      refused.stderr,
      /error: pretrain was begun with other settings.*batchSize: 4 → 3.*--override pretrain/,
    );
    const never = ['--override', 'pretrain.train.batchSize', '--override', 'pretrain.model.layers', ...other];
    const shaped = await mossctl(['pretrain', '--out', run, '--quiet', ...never]);
    assert.equal(shaped.code, 2, shaped.stderr);
    assert.match(shaped.stderr, /error: pretrain cannot resume with pretrain\.model\.layers/);
    const second = await mossctl(command(run));
    assert.equal(second.code, 0, second.stderr);
    assert.equal(await digest(run), whole);
  });
});
