// Which models of a run are packed, and what is said where it has none of its own.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { modelsToPack } from '../../src/cli/packed-run.js';
import { writeRecord } from '../../src/pipeline/record.js';
import { scratch } from '../data/scratch.js';

test('of a run whose rounds kept another model, it names the run of that model, or how to export a published one', async () => {
  const folder = await scratch();
  const [run, source] = [join(folder, 'kept-run'), join(folder, 'source')];
  const [sft, published] = [join(source, 'sft/step-000004'), join(folder, 'published/snapshot/model')];
  for (const each of [sft, published, join(run, 'align')]) await mkdir(each, { recursive: true });
  await writeFile(join(source, 'pipeline.yaml'), 'name: source\n');
  for (const [kept, next] of [
    [sft, `mossctl pack ${source} --out FILE.tar.gz`],
    [published, `mossctl export ${published} --out FOLDER`],
  ]) {
    const output = { path: relative(run, kept), digest: 'a'.repeat(12), metrics: {} };
    const state = { stage: 'align', state: 'finished', inputDigest: 'b', files: {} } as const;
    await writeRecord(run, 'align', { ...state, overrides: [], output });
    await assert.rejects(modelsToPack(run), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /no round promoted a model/);
      assert.ok(error.message.includes(next), error.message);
      return true;
    });
  }
});
