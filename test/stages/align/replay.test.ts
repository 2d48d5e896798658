// How much of what a round replays, and what is said where it cannot.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../../src/base/errors.js';
import { toJsonl } from '../../../src/base/jsonl.js';
import type { AlignConfig } from '../../../src/config/align.js';
import type { TokenBatch } from '../../../src/data/types.js';
import { loadPipeline } from '../../../src/pipeline/load.js';
import { type Event, stageReporter } from '../../../src/report/event.js';
import { openReplays } from '../../../src/stages/align/replay.js';
import type { Job } from '../../../src/stages/stage.js';
import type { Communicator } from '../../../src/tensor/communicator.js';
import { Tokenizer } from '../../../src/tokenizer/tokenizer.js';
import { memoryRanks } from '../../train/memory-ranks.js';

const directory = await mkdtemp(join(tmpdir(), 'align-replay-'));
after(() => rm(directory, { recursive: true }));
const model = fileURLToPath(new URL('../../interop/fixtures/qwen3', import.meta.url));
const tokenizer = await Tokenizer.open(model);
const rows = join(directory, 'rows.jsonl');
const row = (i: number) => ({
  messages: [
    { role: 'user', content: `${i}?` },
    { role: 'assistant', content: `${i}!` },
  ],
});
await writeFile(rows, toJsonl(Array.from({ length: 30 }, (_, i) => row(i))));

async function open(set: string[], tokens: number, communicator?: Communicator) {
  const { align } = await loadPipeline({ set: ['align.rounds=1', ...set] });
  const events: Event[] = [];
  const job: Job<Pick<AlignConfig, 'replay'>> = {
    config: align ?? assert.fail(),
    inputs: {},
    directory,
    communicator,
    seed: 1,
    compute: { backend: 'cpu', precision: 'fp32' },
    reporter: stageReporter({ emit: (event) => void events.push(event) }, 'align'),
  };
  const opened = await openReplays(job, {
    round: 1,
    tokenizer,
    context: 64,
    padId: 0,
    where: model,
    tokens,
    learnt: 'pairs',
  });
  return { ...opened, notes: events.flatMap((event) => (event.type === 'note' ? [event.text] : [])) };
}

test('a step has as many tokens more as make the share; only answers are learnt of conversations', async () => {
  const set = ['align.replay.instructions=0.25', `align.replay.data=${rows}`, 'align.replay.weight=0.5'];
  const { replays, positions, digest, notes } = await open(set, 540);
  const [{ name, weight, batches }] = replays;
  assert.deepEqual([replays.length, name, weight, positions], [1, 'instructions', 0.5, 180]);
  const batch = (await batches.next()) as TokenBatch;
  assert.deepEqual([batch.rows, batch.columns], [3, 60]);
  assert.ok(batch.weight > 0 && batch.weight < batch.tokenCount / 2);
  assert.match(notes.at(-1) ?? '', /^round 1: beside 540 tokens of pairs, each step replays 180 of instructions$/);
  // Without anything to replay nothing is opened, and it is another training.
  assert.deepEqual(await open([], 540), { replays: [], positions: 0, digest: null, notes: [] });
  assert.match(digest ?? '', /^[0-9a-f]{64}$/);
});

test('no conversations, or no room for pairs, is an error that says what to give', async () => {
  await assert.rejects(open(['align.replay.instructions=0.25'], 540), (error) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /align\.replay\.instructions[\s\S]*--set align\.replay\.data=FILE/);
    return true;
  });
  await assert.rejects(open(['align.replay.text=0.6', 'align.replay.instructions=0.6'], 540), /0\.9 of a step/);
});

test('of several processes the first looks for the conversations, and the others once it has them', async () => {
  const later = join(directory, 'later.jsonl');
  const set = ['align.replay.instructions=0.25', `align.replay.data=${later}`];
  const [first, second] = memoryRanks(2);
  const waiting = open(set, 540, second);
  waiting.catch(() => undefined);
  await open(['align.replay.instructions=0.25', `align.replay.data=${rows}`], 540); // long enough to look for them
  await writeFile(later, toJsonl([row(1), row(2), row(3)]));
  const [leader, follower] = await Promise.all([open(set, 540, first), waiting]);
  assert.equal(leader.digest, follower.digest);
});
