// Rounds that sample with tools: what a tool said is in the sequence and carries no loss, an answer is scored by what its calls
// did, and answers that an interrupted try has kept are learnt from without another call.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { digestOf } from '../../../src/base/files.js';
import { Journal } from '../../../src/base/journal.js';
import { toJsonl } from '../../../src/base/jsonl.js';
import { openCheckpoint } from '../../../src/checkpoint/directory.js';
import { loadPipeline } from '../../../src/pipeline/load.js';
import { type Event, stageReporter } from '../../../src/report/event.js';
import { isPair, readRoundRows } from '../../../src/stages/align/pairs.js';
import { alignStage } from '../../../src/stages/align/stage.js';

const published = fileURLToPath(new URL('../../interop/fixtures/qwen3', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'mossctl-align-tools-'));
after(() => rm(folder, { recursive: true, force: true }));

const scene = (room: string): string => `${room}: cup, box (closed)\nyou: ${room}`;
const rooms = ['kitchen', 'hall', 'study', 'cellar', 'attic', 'garage'];
const tasks = rooms.map((room) => ({
  // The same words in another house ask something else: each task is its own.
  ...{ id: room, messages: [{ role: 'user', content: 'Open the box.' }], language: 'en' },
  ...{ start: { scene: scene(room) }, check: { type: 'world', goal: 'box open' } },
}));
await writeFile(join(folder, 'tasks.jsonl'), toJsonl(tasks));

async function align(): Promise<Event[]> {
  const set = [
    ...[
      `prompts=${join(folder, 'tasks.jsonl')}`,
      'tools=[World]',
      'rounds=1',
      'promptsPerRound=6',
      'samplesPerPrompt=2',
    ],
    ...['maxNewTokens=4', 'heldOutSamples=1', 'gate.alphas=[1]', 'train={steps: 1, batchSize: 2, learningRate: 0.001}'],
  ];
  const { align: config } = await loadPipeline({ set: set.map((each) => `align.${each}`), flags: { backend: 'auto' } });
  const events: Event[] = [];
  await alignStage.run({
    ...{ config: config ?? assert.fail(), inputs: { sft: published }, directory: join(folder, 'align'), seed: 1 },
    compute: { backend: 'auto', precision: 'fp32' },
    reporter: stageReporter({ emit: (event) => void events.push(event) }, 'align'),
  });
  return events;
}

test('forced tokens are in the sequence without loss; kept answers are scored by their calls and not sampled again', async () => {
  await align();
  const round = join(folder, 'align', 'round-01');
  const { source } = JSON.parse(await readFile(join(round, 'sampled.json'), 'utf8')) as { source: { tools?: string } };
  assert.match(source.tools ?? '', /^[0-9a-f]{64}$/, 'what the model is told of its tools is in the source');
  const journal = join(round, 'answers.jsonl');
  const call = (action: string) => ({
    call: { name: 'World', arguments: { action, ...(action === 'open' && { place: 'box' }) } },
    result: { content: '' },
  });
  const [kept] = await Journal.use(journal, digestOf(source), async ({ entries }) => entries as { prompt: number[] }[]);
  assert.ok(kept.prompt.length > 50, 'the tool is in the prompt');
  for (const name of ['round.json', 'sampled.json', 'pairs.jsonl', 'answers.jsonl']) {
    await rm(join(round, name), { force: true });
  }
  await Journal.use(journal, digestOf(source), async (written) => {
    for (let task = 0; task < 5; task++) {
      const answer = { tokens: [5, 6, 7], text: 'Done.', ended: true, loss: [1, 0, 1] };
      const answers = [
        { ...answer, calls: [call('look'), call('open')] },
        { ...answer, tokens: [5, 8, 7], calls: [call('look')] },
      ];
      written.append({ task, prompt: kept.prompt, answers });
    }
  });
  const events = await align();
  assert.ok(
    !events.some((event) => event.type === 'progress' && event.label.endsWith('sampling')),
    'nothing is sampled',
  );
  const rows = (await readRoundRows(join(round, 'pairs.jsonl'))).filter(isPair);
  assert.equal(rows.length, 5);
  const { tokenizerFolder } = await openCheckpoint(published);
  assert.ok(tokenizerFolder);
  for (const { chosen, rejected } of rows) {
    assert.deepEqual(
      [chosen.tokens.slice(0, 3), rejected.tokens.slice(0, 3)],
      [
        [5, 6, 7],
        [5, 8, 7],
      ],
    );
    assert.deepEqual(
      [chosen.loss, rejected.loss],
      [
        [1, 0, 1, 1],
        [1, 0, 1, 1],
      ],
      'the end is learnt, the result is not',
    );
    assert.ok(
      Math.abs((chosen.reward ?? 0) - (rejected.reward ?? 0) - 0.6 / 1.1) < 1e-9,
      `${chosen.reward} ${rejected.reward}`,
    );
  }
});
