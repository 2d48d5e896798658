// Answers that ranks give together are those of one process, whichever of them gave each; and what the other ranks cannot give is
// an error on all of them.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Interrupted } from '../../src/base/errors.js';
import { openCheckpoint } from '../../src/checkpoint/directory.js';
import { samplingAt } from '../../src/config/sampling.js';
import type { Conversation } from '../../src/data/types.js';
import { type Answer, type AnswerOptions, answerTasks } from '../../src/evaluation/tasks.js';
import { LocalModel, type OpenedModel } from '../../src/inference/local-model.js';
import { dismissRanks, followFirstRank, runOnRanks } from '../../src/pipeline/ranks.js';
import { answerOnRanks, answersPart, atATime, joinAnswers } from '../../src/stages/answers.js';
import type { Job, Stage } from '../../src/stages/stage.js';
import type { StageTable } from '../../src/stages/stage-row.js';
import { openBackend } from '../../src/tensor/backends.js';
import type { Communicator } from '../../src/tensor/communicator.js';
import { memoryRanks } from '../train/memory-ranks.js';
import { published } from './align/say-e.js';

let folder: string;
let model: OpenedModel;

before(async () => {
  Object.assign(atATime, { rank: 6, all: 12 }); // 7 tasks of 3 answers are asked in two goes, the last of which has none for the third rank
  folder = await mkdtemp(join(tmpdir(), 'mossctl-answers-'));
  await openBackend('auto', {});
  model = await LocalModel.of(await openCheckpoint(published));
});
after(async () => {
  await model.dispose();
  await rm(folder, { recursive: true, force: true });
});

const tasks = Array.from({ length: 7 }, (_, i): Conversation => {
  return { id: `t${i}`, messages: [{ role: 'user', content: `say ${i}` }] } as Conversation;
});
const options = { maxNewTokens: 4, samples: 3, sampling: samplingAt(1), seed: 5 };

/** A stage that asks these of `size` ranks. */
async function asked(size: number, { stopped, ...heard }: Partial<AnswerOptions> & { stopped?: number } = {}) {
  const [first, ...others] = memoryRanks(size);
  let answers: Answer[] = [];
  const stage: Stage<unknown> = {
    parts: { [answersPart]: joinAnswers },
    async run(job) {
      answers = await answerOnRanks(job, 'align', model, tasks, { ...options, ...heard });
      return { path: folder, digest: 'd', metrics: {} };
    },
  };
  const stages = { align: { onRanks: 'parts', load: async () => stage } } as unknown as StageTable;
  const signalOf = (rank: number) => (rank === stopped ? AbortSignal.abort() : new AbortController().signal);
  const job = { config: {}, inputs: {}, directory: folder, seed: 1, compute: { backend: 'auto', precision: 'fp32' } };
  const reporter = { emit: () => undefined, note: () => undefined };
  const lead = async () => {
    await runOnRanks('align', stages.align, stage, {
      ...job,
      communicator: first,
      signal: signalOf(0),
      reporter,
    } as never as Job<unknown>);
    await dismissRanks(first);
  };
  const follow = (each: Communicator) => followFirstRank(each, signalOf(each.rank), stages);
  return { ended: await Promise.allSettled([lead(), ...others.map(follow)]), answers };
}

test('ranks answer as one process does, each task by one of them; all of it is heard once', async () => {
  const expected = await answerTasks(model, tasks, options);
  assert.ok(new Set(expected.map(({ text }) => text)).size > 3); // they are not all alike
  for (const size of [2, 3]) {
    const heard: string[] = [];
    const counts: number[] = [];
    const { ended, answers } = await asked(size, {
      onAnswers: (own) => void heard.push(own[0].task.id),
      onProgress: (done, total) => void counts.push(done / total),
    });
    assert.ok(
      ended.every(({ status }) => status === 'fulfilled'),
      JSON.stringify(ended),
    );
    assert.deepEqual(answers, expected);
    assert.deepEqual(
      heard.sort(),
      tasks.map(({ id }) => id),
    );
    assert.deepEqual([counts.at(-1), counts.toSorted((a, b) => a - b)], [1, counts]);
  }
});

test('one that is asked to stop ends all of them as interrupted', async () => {
  const { ended } = await asked(2, { stopped: 1 });
  for (const each of ended)
    assert.ok(each.status === 'rejected' && each.reason instanceof Interrupted, JSON.stringify(each));
});
