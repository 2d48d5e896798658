// The licences of the texts behind a checkpoint: of its own run, and of those that it started from.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { attributionsOf, corpusEvents } from '../../src/cli/corpus-events.js';
import { scratch } from '../data/scratch.js';

test('a run that starts from another carries the licences of its texts, each once', async () => {
  const licence = (source: string) =>
    ({
      ...{ time: 1, type: 'licence', stage: 'data', source, licence: 'CC-BY-4.0', documents: 2, bytes: 9 },
      attribution: `${source}, by its authors`,
    }) as const;
  const lines = (...events: object[]): string => events.map((event) => `${JSON.stringify(event)}\n`).join('');
  const folder = await scratch({
    'base/pipeline.yaml': 'name: base\n',
    'base/metrics.jsonl': lines(licence('poems'), licence('tales')),
    'tuned/pipeline.yaml': 'name: tuned\nsft: {from: ../base/pretrain/step-000001}\n',
    'tuned/metrics.jsonl': lines(licence('tales'), licence('talks')),
    'aligned/pipeline.yaml': 'name: aligned\nalign: {from: ../tuned/sft/step-000001}\n',
    'circle/pipeline.yaml': 'name: circle\nsft: {from: sft/step-000001}\n',
    'circle/metrics.jsonl': lines(licence('itself')),
    'broken/pipeline.yaml': 'nonsense: [',
    'broken/metrics.jsonl': lines(licence('own')),
  });
  const places = ['base/pretrain', 'tuned/sft', 'aligned/align/round-01', 'circle/sft', 'broken/sft'];
  const steps = places.map((place) => join(folder, place, 'step-000001'));
  for (const step of steps) await mkdir(step, { recursive: true });
  const sources = [];
  for (const step of steps) {
    const events = await corpusEvents(step);
    sources.push(events.flatMap((event) => (event.type === 'licence' ? [event.source] : [])).join());
  }
  assert.deepEqual(sources, ['poems,tales', 'poems,tales,talks', 'poems,tales,talks', 'itself', 'own']);
  assert.ok((await attributionsOf(steps[2])).includes('poems: poems, by its authors'));
  await writeFile(join(folder, 'alone'), '');
  assert.deepEqual(await corpusEvents(join(folder, 'alone')), []);
});
