// Sets that the pipeline names, and the held-out half of the corpus itself.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { toJsonl } from '../../src/base/jsonl.js';
import { pipelineSchema } from '../../src/config/pipeline.js';
import { buildData } from '../../src/data/build.js';
import { readDataManifest } from '../../src/data/manifest.js';
import { dataInputDigest } from '../../src/data/spec.js';
import { resolved } from '../../src/pipeline/load.js';
import { evaluationSetsOf } from '../../src/pipeline/plan.js';
import { type Event, stageReporter } from '../../src/report/event.js';
import { stageTable } from '../../src/stages/catalog.js';
import { build, documentsOf, scratch } from './scratch.js';

const task = 'Which of the three rivers that meet in this city is the longest of them all?';

function specWith(decontaminate: Record<string, unknown>): string {
  const sources = [{ name: 'a', from: 'file:a.jsonl', format: 'jsonl', licence: 'x' }];
  return JSON.stringify({ name: 'x', filters: { decontaminate }, sources });
}

test('the sets that a pipeline names are looked for unless that is switched off', async () => {
  const rows = [
    { text: `Someone asked: ${task} Nobody knew.` },
    { text: 'A text about rivers in general, and of cities.' },
  ];
  const folder = await scratch({ 'a.jsonl': toJsonl(rows), 'tasks.jsonl': toJsonl([{ prompt: task }]) });
  const config = resolved(pipelineSchema.parse({ eval: { tasks: join(folder, 'tasks.jsonl') } }));
  const evaluationSets = evaluationSetsOf({ config, stages: stageTable });
  assert.deepEqual(evaluationSets, [join(folder, 'tasks.jsonl')]);
  for (const [options, kept] of [
    [{}, 1],
    [{ auto: false }, 2],
  ] as const) {
    await writeFile(join(folder, 'spec.yaml'), specWith(options));
    const events: Event[] = [];
    const { metrics } = await buildData({
      specPath: join(folder, 'spec.yaml'),
      ...{ validation: 0, directory: join(folder, 'data'), seed: 1, evaluationSets },
      reporter: stageReporter({ emit: (event) => events.push(event) }, 'data'),
    });
    assert.equal(metrics['documents.train'], kept);
    const told =
      kept === 1 ? /of tasks\.jsonl; tasks that are generated later are not among them/ : /nothing was looked for/;
    assert.ok(events.some((event) => event.type === 'note' && told.test(event.text)));
  }
});

test('a change of a set makes the corpus anew, where it is looked for', async () => {
  const folder = await scratch({ 'a.jsonl': toJsonl([{ text: 'x' }]), 'spec.yaml': specWith({}), tasks: 'one\n' });
  const spec = join(folder, 'spec.yaml');
  const digest = () => dataInputDigest(spec, undefined, [join(folder, 'tasks')]);
  const first = await digest();
  await writeFile(join(folder, 'tasks'), 'two\n');
  assert.notEqual(await digest(), first);
  await writeFile(spec, specWith({ auto: false }));
  const without = await digest();
  await writeFile(join(folder, 'tasks'), 'three\n');
  assert.equal(await digest(), without);
});

test('held-out documents that training quotes are taken out, and counted', async () => {
  const passage =
    'it is a truth universally acknowledged that a single man in possession of a good fortune must want a wife';
  const rows = Array.from({ length: 400 }, (_, i) => {
    const own = Array.from({ length: 30 }, (_, k) => `w${i}x${k}`).join(' ');
    return { text: i % 2 === 0 ? `${own} ${passage}` : own };
  });
  const folder = await scratch({ 'a.jsonl': toJsonl(rows), 'spec.yaml': specWith({ heldOut: true }) });
  const { path } = await build(folder, { validation: 0.2 });
  const manifest = await readDataManifest(path);
  const heldOut = await documentsOf(path, 'validation');
  assert.ok(heldOut.length > 20 && heldOut.every(({ text }) => !text.includes(passage)));
  const { dropped, total } = manifest.sources[0];
  assert.ok((dropped.decontaminate?.documents ?? 0) > 20);
  assert.equal(total.train.documents + total.validation.documents + (dropped.decontaminate?.documents ?? 0), 400);
  assert.equal(manifest.total.validation.documents, heldOut.length);
  assert.equal(
    manifest.languages.en.validation.bytes + manifest.languages.other.validation.bytes,
    heldOut.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
  );
});

test('a held-out half that does not fit in memory is said to be there', async () => {
  const folder = await scratch({ 'a.txt': '一'.repeat(8_000_001), 'b.txt': '二'.repeat(8_000_001) });
  const sources = [{ name: 'a', from: 'file:*.txt', format: 'txt', separator: '%', licence: 'x' }];
  const filters = { decontaminate: { heldOut: true } };
  await writeFile(join(folder, 'spec.yaml'), JSON.stringify({ name: 'x', maxCharacters: 1 << 24, filters, sources }));
  const events: Event[] = [];
  await buildData({
    specPath: join(folder, 'spec.yaml'),
    ...{ validation: 0.1, directory: join(folder, 'data'), seed: 1 },
    reporter: stageReporter({ emit: (event) => events.push(event) }, 'data'),
  });
  assert.ok(
    events.some((event) => event.type === 'note' && /1 held-out documents found no room in memory/.test(event.text)),
  );
});
