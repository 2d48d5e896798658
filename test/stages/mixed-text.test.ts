// Pretraining on a mixture, from a corpus on disk to a checkpoint: what it says it reads is what it reads, and a training
// that is stopped again and again comes to the bits of one that was not.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Interrupted } from '../../src/base/errors.js';
import { loadPipeline } from '../../src/pipeline/load.js';
import { runPipeline } from '../../src/pipeline/run.js';
import type { Event, Metrics } from '../../src/report/event.js';
import { abortedWhen } from '../signals.js';

const settings = [
  'tokenizer.vocabSize=306',
  'pretrain.model={hiddenSize: 16, layers: 1, heads: 2, keyValueHeads: 1, contextLength: 64}',
  'pretrain.train={steps: 20, batchSize: 2, accumulation: 2, batchWarmup: 0.3, checkpointEvery: 6, evaluateEvery: 0}',
  ...['selfInstruct', 'sft', 'align', 'eval'].map((stage) => `${stage}=null`),
];
/** English first, then poems and, in short, words. */
const mixture =
  'pretrain.mixture={phases: [{until: 0.5, languages: {en: 1}}], sources: {glossary: 1, tang-poems: 3}, epochs: {glossary: 0.1}}';

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'mossctl-mixed-'));
});
after(() => rm(root, { recursive: true, force: true }));

interface Outcome {
  digest: string;
  metrics: Metrics;
  notes: string[];
  warnings: string[];
}

/** Runs until it is done; pretraining stops each time it has asked `patience` times whether it should. */
async function run(
  name: string,
  set: string[],
  patience = Number.POSITIVE_INFINITY,
): Promise<Outcome & { stops: number }> {
  const config = await loadPipeline({ config: 'smoke', set: [...settings, ...set], flags: { backend: 'wasm' } });
  const events: Event[] = [];
  let stage = '';
  for (let stops = 0; ; stops++) {
    let asked = 0;
    const signal = abortedWhen(() => stage === 'pretrain' && ++asked > patience);
    try {
      const reporter = {
        emit(event: Event) {
          events.push(event);
          stage = event.stage;
        },
      };
      const { outputs } = await runPipeline({ config, runDirectory: join(root, name), reporter, signal });
      const { digest, metrics } = outputs.pretrain ?? assert.fail();
      const said = events.flatMap((event) => (event.type === 'note' && event.stage === 'pretrain' ? [event] : []));
      const notes = said.flatMap(({ level, text }) => (level === 'info' ? [text] : []));
      const warnings = said.flatMap(({ level, text }) => (level === 'warning' ? [text] : []));
      return { digest, metrics, notes, warnings, stops };
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
    }
    assert.ok(stops < 60);
  }
}

test('a mixture is told before and after; stopped again and again, its bits are the same', async () => {
  const whole = await run('whole', [mixture]);
  const plan = whole.notes.filter((note) => note.startsWith('mixture: '));
  assert.equal(whole.notes.filter((note) => note.startsWith('tokens read: ')).length, 1);

  // Steps 1 to 6 warm up to two batches of two rows: 1, 1, 1, 2, 2, 2. Ten steps are 17 batches, twenty 37.
  const read = Object.entries(whole.metrics).filter(([name]) => name.startsWith('tokens.'));
  const all = read.reduce((sum, [, tokens]) => sum + tokens, 0);
  assert.equal(all, 37 * 2 * 64);
  const english = read.filter(([name]) => name.startsWith('tokens.en.')).reduce((sum, [, tokens]) => sum + tokens, 0);
  assert.equal(english, 17 * 2 * 64);
  assert.deepEqual(
    plan.map((note) => note.replace(/^mixture: (.*?):? .*/, '$1')),
    [...['tang-poems', 'classics-en', 'plain-en', 'glossary', 'definitions', 'not', 'glossary']],
  );
  assert.match(plan[3], /glossary \(other\): 5\.4 % of the training, 0\.090 passes over 248 documents/);
  assert.match(plan[6], /used up after 0\.1 passes, at 67\.6 % of the training/);
  assert.equal(whole.metrics['tokens.other.glossary'], 4 * 64);
  assert.deepEqual(whole.warnings, []);

  const stopped = await run('stopped', [mixture], 3);
  assert.ok(stopped.stops >= 3, `${stopped.stops} stops`);
  assert.equal(stopped.digest, whole.digest);
  assert.deepEqual(stopped.metrics, whole.metrics);

  const plain = await run('plain', []);
  assert.notEqual(plain.digest, whole.digest);
  assert.ok(Object.keys(plain.metrics).every((name) => !name.startsWith('tokens.')));
});

test('text that is read more than four times is warned about', async () => {
  const { warnings } = await run('often', ['pretrain.mixture.sources={definitions: 1}', 'pretrain.train.steps=60']);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /more than 4 times.*Muennighoff.*: definitions \(en\) 9\.\d times/);
});
