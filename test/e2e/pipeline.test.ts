import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sha256File } from '../../src/base/files.js';
import { mossctl, shortSmoke } from './cli.js';

/** What a run comes to: the digest of every stage's output, and the bytes of the final weights. */
async function outcome(run: string): Promise<Record<string, string>> {
  const result: Record<string, string> = {};
  for (const stage of ['data', 'tokenizer', 'tokens', 'pretrain', 'self-instruct', 'sft', 'align', 'eval']) {
    const record = JSON.parse(await readFile(join(run, stage, 'stage.json'), 'utf8')) as { output: { digest: string } };
    result[stage] = record.output.digest;
  }
  result.weights = await sha256File(join(run, 'latest', 'model.safetensors'));
  return result;
}

describe('the whole pipeline', () => {
  let folder: string;
  let reference: Record<string, string>;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mossctl-e2e-'));
    const { code, stderr } = await mossctl([...shortSmoke, '--out', join(folder, 'whole')]);
    assert.equal(code, 0, stderr);
    reference = await outcome(join(folder, 'whole'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('leaves a report, metrics, and a link to the last model', async () => {
    const run = join(folder, 'whole');
    const report = await readFile(join(run, 'report.html'), 'utf8');
    for (const expected of ['bitsPerByte', '<svg', 'mossctl run']) assert.ok(report.includes(expected), expected);
    assert.doesNotMatch(report, /<script[^>]+src=|<link[^>]+href="http/);
    assert.match(await readlink(join(run, 'latest')), /^(align|sft)\//);
    assert.ok((await readFile(join(run, 'metrics.jsonl'), 'utf8')).split('\n').length > 30);
  });

  test('run again, it skips every stage', async () => {
    const { code, stdout, stderr } = await mossctl([...shortSmoke, '--out', join(folder, 'whole'), '--json']);
    assert.equal(code, 0, stderr);
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type?: string; state?: string });
    assert.equal(events.filter(({ type, state }) => type === 'stage' && state === 'skipped').length, 8);
    assert.equal(events.filter(({ type }) => type === 'step').length, 0);
  });

  test('Ctrl-C writes a checkpoint and exits 130; going on gives the same result', async () => {
    const run = join(folder, 'interrupted');
    let asked = false;
    const first = await mossctl([...shortSmoke, '--out', run, '--json'], {
      onOutput: (text, child) => {
        if (asked || !text.includes('"step":5,') || !text.includes('pretrain')) return;
        asked = true;
        child.kill('SIGINT');
      },
    });
    assert.equal(first.code, 130, first.stderr);
    const saved = (await readdir(join(run, 'pretrain'))).filter((name) => name.startsWith('step-'));
    assert.ok(saved.length > 0);
    const second = await mossctl([...shortSmoke, '--out', run]);
    assert.equal(second.code, 0, second.stderr);
    assert.deepEqual(await outcome(run), reference);
  });

  test('chat answers piped lines, one answer a line', async () => {
    const { code, stdout, stderr } = await mossctl(['chat', join(folder, 'whole', 'latest'), '--max-new-tokens', '5'], {
      stdin: '12×3+9=?\nhello\n',
    });
    assert.equal(code, 0, stderr);
    assert.ok(stdout.endsWith('\n'));
  });
});
