// A checkpoint as teacher: programs set the tasks, it answers in its own words, and only what is right becomes a row.
import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { methodShares } from '../../../src/config/methods.js';
import type { ChatModel, Reply } from '../../../src/inference/chat-model.js';
import { Recording } from '../../../src/inference/recording.js';
import { RequestLedger } from '../../../src/inference/request-ledger.js';
import { SpokenModel } from '../../../src/inference/thoughts.js';
import { AskedModel } from '../../../src/stages/self-instruct/asked-model.js';
import { bucketsFor } from '../../../src/stages/self-instruct/buckets.js';
import { CheckpointTeacher } from '../../../src/stages/self-instruct/checkpoint-teacher.js';
import { expand } from '../../../src/stages/self-instruct/expand.js';
import { OfflineTeacher } from '../../../src/stages/self-instruct/offline-teacher.js';
import { checkTeacher } from '../../../src/stages/self-instruct/open-teacher.js';
import { anyFifth } from '../../../src/stages/self-instruct/unseen-sums.js';
import type { Message } from '../../../src/tokenizer/message.js';

/** Tells odd from even, but for numbers that end in 7. */
const student: ChatModel & { asked: number } = {
  identity: 'student',
  asked: 0,
  async *reply(messages: readonly Message[]): AsyncGenerator<string, Reply> {
    this.asked++;
    const question = messages.at(-1)?.content ?? '';
    const number = /\d+/.exec(question)?.[0] ?? '0';
    const isEven = Number(number) % 2 === 0;
    const isSaidEven = number.endsWith('7') ? !isEven : isEven;
    const isChinese = /\p{Script=Han}/u.test(question);
    const text = isChinese ? (isSaidEven ? '偶数' : '奇数') : isSaidEven ? 'even' : 'odd';
    yield text;
    return { text, finish: 'stop' };
  },
};

test('of its answers, those that a program finds right are kept, in its own words; nothing is answered twice', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'checkpoint-teacher-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'ledger.jsonl');
  const run = async () => {
    const ledger = await RequestLedger.open(path);
    const setter = new OfflineTeacher(1, { facts: [], isUnseenPair: anyFifth, isWorked: false });
    const spoken = new SpokenModel(new Recording(student, ledger));
    const teacher = new CheckpointTeacher(new AskedModel('checkpoint:tiny', spoken), spoken, setter);
    const buckets = bucketsFor(new Map([['parity', 1]]), teacher, methodShares());
    const expansion = await expand({
      seeds: [],
      teacher,
      buckets,
      target: 60,
      heldOut: 12,
      maxSimilarity: 0.7,
      seed: 1,
    });
    await ledger.close();
    return expansion;
  };
  const { tasks, dropped, stopped } = await run();
  assert.equal(stopped, undefined);
  assert.equal(tasks.length, 72);
  assert.equal(tasks.filter(({ isHeldOut }) => isHeldOut).length, 12);
  for (const { turns, solution } of tasks) {
    const number = Number(/\d+/.exec(turns.at(-1) ?? '')?.[0]);
    assert.ok(number % 10 !== 7, `${number} was answered wrongly`);
    assert.match(
      solution.answer,
      number % 2 === 0 ? /^(?:even|偶数)$/ : /^(?:odd|奇数)$/,
      'not the answer of the program',
    );
  }
  assert.ok((dropped.get('wrong answer')?.count ?? 0) > 3);
  const { asked } = student;
  assert.deepEqual((await run()).tasks, tasks);
  assert.equal(student.asked, asked, 'kept as those that cost money are');
});

test('a checkpoint has to be named, and to have learnt to answer', async () => {
  const config = { teacher: 'checkpoint' } as Parameters<typeof checkTeacher>[0];
  await assert.rejects(
    checkTeacher(config),
    /selfInstruct\.checkpoint: no checkpoint is named.*--set selfInstruct\.checkpoint=/,
  );
  const chat = fileURLToPath(new URL('../../interop/fixtures/llama-3.2', import.meta.url));
  const without = await mkdtemp(join(tmpdir(), 'mossctl-teacher-'));
  after(() => rm(without, { recursive: true }));
  await cp(chat, without, { recursive: true });
  await checkTeacher({ ...config, checkpoint: without });
  await rm(join(without, 'chat_template.jinja'));
  await assert.rejects(checkTeacher({ ...config, checkpoint: without }), /a base model answers no questions/);
  await assert.rejects(checkTeacher({ ...config, checkpoint: join(without, 'none') }), /not a mossctl checkpoint/);
});
