// Teaching tools: what is made to learn from and to measure with, and that an interrupted stage asks its student nothing twice.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { toJsonl } from '../../src/base/jsonl.js';
import { Random } from '../../src/base/random.js';
import { isHeldOutWord } from '../../src/data/held-out-words.js';
import { answerCredit } from '../../src/evaluation/checks.js';
import { referenceTurn, wantedCalls } from '../../src/evaluation/reference.js';
import { loadPipeline } from '../../src/pipeline/load.js';
import { stageReporter } from '../../src/report/event.js';
import { composed, listed } from '../../src/stages/tool-use/conversations.js';
import { drawExchanges, type Exchange, questionOf } from '../../src/stages/tool-use/exchange.js';
import type { Maker } from '../../src/stages/tool-use/exercise.js';
import { arithmetic } from '../../src/stages/tool-use/exercises/arithmetic.js';
import { clock } from '../../src/stages/tool-use/exercises/clock.js';
import { equations } from '../../src/stages/tool-use/exercises/equations.js';
import { houses } from '../../src/stages/tool-use/exercises/house.js';
import { notebook } from '../../src/stages/tool-use/exercises/notes.js';
import { tables } from '../../src/stages/tool-use/exercises/tables.js';
import { talk } from '../../src/stages/tool-use/exercises/talk.js';
import { chineseFor, firstSense } from '../../src/stages/tool-use/exercises/words.js';
import { sortedByStudent } from '../../src/stages/tool-use/sorted.js';
import { toolUseStage } from '../../src/stages/tool-use/stage.js';
import type { Message, Tool } from '../../src/tokenizer/message.js';
import { openTools } from '../../src/tools/open.js';
import type { Toolbox } from '../../src/tools/toolbox.js';

const known = {
  zh: ['苹果', '天空', '温室', '阳光', '老虎', '早晨', '电话', '城市', '河流', '音乐', '桌子', '医生', '火车'],
  en: [
    'apple',
    'river',
    'cloud',
    'whistle',
    'tiger',
    'sun',
    'stone',
    'music',
    'table',
    'doctor',
    'train',
    'winter',
    'garden',
  ],
};
const all: Record<string, Maker> = { calculate: arithmetic, solve: equations, now: clock, world: houses(known) };
let toolbox: Toolbox;
let root: string;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'tool-use-'));
  const { notes, maker } = notebook(1, known);
  all.search = maker;
  await writeFile(join(root, 'notes.jsonl'), toJsonl(notes.map(({ text }) => ({ text }))));
  toolbox = await openTools(['Calculate', 'Solve', 'Now', 'World', `Search=${join(root, 'notes.jsonl')}`]);
});
after(() => rm(root, { recursive: true, force: true }));

const drawn = async (
  makers: Record<string, Maker>,
  isHeldOut: boolean,
  count: number,
  retryShare?: number,
): Promise<Exchange[]> => {
  const shared = Object.fromEntries(Object.entries(makers).map(([kind, maker]) => [kind, { maker, share: 1 }]));
  return (await drawExchanges({ makers: shared, count, seed: 7, isHeldOut, toolbox, retryShare })).exchanges;
};

test('exercises: tools really ran, answers pass their own checks, wordings of one side are none of the other', async () => {
  const [learnt, heldOut] = [await drawn(all, false, 120), await drawn(all, true, 40)];
  assert.equal(learnt.length, 120);
  const { calculate, solve, now } = all; // a search has a result always, and so has a look
  const retried = await drawn({ calculate, solve, now }, false, 30, 1);
  const faults = retried.flatMap(({ messages }) => (messages[1].weight === 0 ? [messages[2].content] : []));
  assert.ok(faults.length > 18, `${faults.length} of 30 begin with a call that fails`);
  assert.ok(faults.some((text) => /is missing after|time zone|not a date/.test(text)));
  const wordings = new Set(learnt.map(({ kind, wording }) => `${kind} ${wording}`));
  assert.deepEqual(
    heldOut.filter(({ kind, wording }) => wordings.has(`${kind} ${wording}`)),
    [],
  );
  for (const exchange of [...learnt, ...heldOut, ...retried]) {
    const { messages, check, language, start, calls } = exchange;
    const session = toolbox.session(start);
    const ran = [];
    const made = messages.flatMap(({ toolCalls = [] }) => toolCalls);
    for (const call of made) ran.push({ call, result: await session.call(call) });
    assert.deepEqual(
      ran.map(({ result }) => result.content),
      messages.filter(({ role }) => role === 'tool').map(({ content }) => content),
    );
    const text = messages.at(-1)?.content ?? '';
    assert.equal(answerCredit({ task: { check, language, start }, text, calls: ran }), 1, JSON.stringify(messages));
    // A call that goes wrong is never learnt, and those that are learnt went well.
    const slips = messages.filter(({ weight }) => weight === 0).length;
    assert.equal(ran.filter(({ result }) => result.fault !== undefined).length, slips);
    assert.equal(calls, made.length - slips);
  }
  // A house that is held out has no name of one that is learnt.
  const namesOf = (exchanges: readonly Exchange[]): Set<string> =>
    new Set(exchanges.flatMap(({ start }) => start?.scene?.match(/[a-z]{3,}|\p{Script=Han}+/gu) ?? []));
  const states = ['closed', 'doors', 'open', 'you', '你', '关着', '开着', '门'];
  const same = [...namesOf(heldOut)].filter((name) => namesOf(learnt).has(name));
  assert.deepEqual(
    same.filter((name) => !states.includes(name)),
    [],
  );
  assert.ok(learnt.some(({ messages }) => messages.some(({ weight }) => weight === 0)));
  assert.ok(learnt.some(({ messages }) => messages.some(({ toolCalls = [] }) => toolCalls.length === 2)));
  assert.ok(learnt.some(({ kind, calls }) => kind === 'calculate' && calls === 2));
});

test('tables: the rows that are asked for in one side are none of the other, and every column is in one table alone', () => {
  const { tables: written, maker } = tables(1, known.en);
  const columns = written.flatMap((table) => table.columns);
  assert.equal(new Set(columns).size, columns.length);
  const keys = written.flatMap(({ rows }) => rows.map(([key]) => String(key)));
  const asked = (isHeldOut: boolean): Set<string> => {
    const random = Random.stream(1, 'tables');
    const questions = Array.from({ length: 150 }, () => maker({ random, language: 'en', isHeldOut })?.question ?? '');
    assert.ok(questions.every((question) => !/[{}]|undefined/.test(question)));
    return new Set(keys.filter((key) => questions.some((question) => question.includes(key))));
  };
  const [learnt, heldOut] = [asked(false), asked(true)];
  assert.ok(learnt.size > 30 && heldOut.size > 30);
  assert.ok([...heldOut].every((key) => isHeldOutWord(key)) && [...learnt].every((key) => !isHeldOutWord(key)));
});

test('a dictionary answer is its first sense, where that is short', () => {
  assert.equal(firstSense('恼人 (nǎo rén): 1. annoying 2. irksome 3. to irritate'), 'annoying');
  assert.equal(firstSense('夸称 (kuā chēng): 1. to praise 2. to acclaim (1 more)'), 'to praise');
  assert.equal(firstSense('lazybones (noun): a lazy person\nlazybones (Chinese): 懒鬼'), 'a lazy person');
  assert.equal(firstSense(`x: ${'long '.repeat(20)}`), undefined);
  assert.equal(firstSense('x: five words are too many'), undefined);
  assert.equal(chineseFor('ski (noun): narrow runners\nski (Chinese): 滑雪板, 滑雪'), '滑雪板');
  assert.equal(chineseFor('恼人 (nǎo rén): annoying'), undefined);
});

test('what the student fails is a call, what it can do is its own answer, what is between is left out', async () => {
  const exchanges = (await drawn({ calculate: arithmetic }, false, 12)).slice(0, 4);
  const rates = [0, 0.25, 0.5, 1];
  const attempts = new Map(
    exchanges.map(({ id }, i) => [id, { rate: rates[i], ...(rates[i] > 0 && { answer: `answer ${i}` }) }]),
  );
  const { calls, direct, between } = sortedByStudent(exchanges, attempts, { callBelow: 0.3, directAbove: 0.9 });
  assert.deepEqual(calls, exchanges.slice(0, 2));
  assert.deepEqual(between, { calculate: 1 });
  assert.deepEqual(
    direct.map(({ messages, needs }) => [messages.map(({ content }) => content), needs]),
    [[[questionOf(exchanges[3]), 'answer 3'], []]],
  );
});

test('conversations: a quarter and more needs no call, the tools that are called are offered, a lacking one is not', async () => {
  const calls = await drawn(all, false, 80);
  const pool = { calls, talk: await drawn({ talk: talk(known) }, false, 30), direct: [] };
  const lengthOf = (messages: readonly Message[], tools: readonly Tool[] = []): number =>
    messages.length + tools.length;
  const room = 30;
  const composition = {
    tools: toolbox.tools,
    noCallShare: 0.35,
    count: 100,
    seed: 3,
    isHeldOut: false,
    room,
    lengthOf,
  };
  const rows = composed(pool, composition);
  assert.equal(rows.length, 100);
  const none = rows.filter((row) => wantedCalls(row)?.length === 0);
  assert.ok(none.length >= 25 && none.length <= 48, `${none.length}`);
  const lacking = rows.filter(({ group }) => group?.startsWith('unserved'));
  assert.ok(lacking.length > 2);
  for (const row of rows) {
    const names = new Set(row.tools?.map(({ name }) => name));
    const called = row.messages.filter(({ weight }) => weight !== 0).flatMap(({ toolCalls = [] }) => toolCalls);
    assert.ok(called.every(({ name }) => names.has(name)));
    assert.ok(lengthOf(row.messages, row.tools) <= room);
    assert.equal(row.kind === 'none', none.includes(row));
    assert.equal(referenceTurn(row.messages).answer, row.messages.at(-1)?.content);
  }
  for (const { messages, tools = [] } of lacking) {
    const question = messages.findLast(({ role }) => role === 'user')?.content;
    const needed = calls.find((call) => questionOf(call) === question)?.needs ?? assert.fail();
    assert.ok(tools.every(({ name }) => !needed.includes(name)));
  }
  assert.deepEqual(composed(pool, composition), rows);
});

test('lists: half of the questions have their tool there, and are called; the others are told that there is none', async () => {
  const calls = await drawn(all, false, 80);
  const rows = listed(calls, toolbox.tools, { count: 200, seed: 3 });
  let there = 0;
  for (const { messages, tools = [] } of rows) {
    const [asked, answer] = messages;
    const needed = calls.find((each) => questionOf(each) === asked.content)?.needs ?? assert.fail();
    const isThere = needed.every((name) => tools.some((tool) => tool.name === name));
    assert.equal(messages.length, 2);
    assert.equal(answer.toolCalls !== undefined, isThere);
    assert.ok(tools.length > 0 && tools.every(({ description }) => description === ''));
    there += isThere ? 1 : 0;
  }
  assert.ok(there > 70 && there < 130, `${there}`);
  assert.deepEqual(listed(calls, toolbox.tools, { count: 200, seed: 3 }), rows);
});

test('the stage: rows, their counts and a checkpoint that knows its tools; what the student said before a kill is not asked again', async () => {
  const { dataStage } = await import('../../src/stages/data.js');
  const settings = [
    'tools=[Calculate]',
    'count=12',
    'heldOut=4',
    'samples=2',
    'maxNewTokens=3',
    'textShare=0',
    `tasks=${join(root, 'tasks.jsonl')}`,
  ];
  await writeFile(
    join(root, 'tasks.jsonl'),
    toJsonl([{ messages: [{ role: 'user', content: 'a?' }], check: { type: 'equals', answer: 'b' }, language: 'en' }]),
  );
  const set = [...settings, 'train={steps: 2, batchSize: 2, evaluateEvery: 0}'].map((each) => `toolUse.${each}`);
  const { data, toolUse } = await loadPipeline({ config: 'smoke', set, flags: { backend: 'auto' } });
  const job = {
    seed: 1,
    compute: { backend: 'auto', precision: 'fp32' } as const,
    reporter: stageReporter({ emit: () => undefined }, 'toolUse'),
  };
  const corpus = await dataStage.run({
    ...job,
    config: data ?? assert.fail(),
    inputs: {},
    directory: join(root, 'data'),
  });
  const published = fileURLToPath(new URL('../interop/fixtures/qwen3', import.meta.url));
  const run = (name: string) =>
    toolUseStage.run({
      ...job,
      config: toolUse ?? assert.fail(),
      inputs: { sft: published, data: corpus.path },
      directory: join(root, name),
    });
  const whole = await run('whole');
  const asked = await readFile(join(root, 'whole', 'student.jsonl'), 'utf8');
  // A kill in the middle of a line.
  const killed = asked.slice(0, asked.length >> 1);
  await mkdir(join(root, 'killed'));
  await writeFile(join(root, 'killed', 'student.jsonl'), killed);
  assert.equal((await run('killed')).digest, whole.digest);
  const kept = killed.slice(0, killed.lastIndexOf('\n') + 1);
  assert.ok((await readFile(join(root, 'killed', 'student.jsonl'), 'utf8')).startsWith(kept));
  const report = JSON.parse(await readFile(join(root, 'whole', 'report.json'), 'utf8'));
  assert.equal(report.train.rows, 12);
  assert.ok(
    'callRecall' in whole.metrics && 'toolAnswerWithoutTools' in whole.metrics,
    Object.keys(whole.metrics).join(),
  );
});
