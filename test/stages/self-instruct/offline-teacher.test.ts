// Every answer of the offline teacher is computed again here from the text alone, by other code.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TaskKind, taskKinds } from '../../../src/config/pipeline.js';
import type { Fact } from '../../../src/data/types.js';
import { checkAnswer, isRefusal } from '../../../src/evaluation/checks.js';
import { families } from '../../../src/stages/self-instruct/families/table.js';
import { chatTopics } from '../../../src/stages/self-instruct/families/talk-chat.js';
import { identityTopics } from '../../../src/stages/self-instruct/families/talk-identity.js';
import { harmfulActs } from '../../../src/stages/self-instruct/families/talk-refusal.js';
import { answerFault, promptFault } from '../../../src/stages/self-instruct/filters.js';
import { OfflineTeacher } from '../../../src/stages/self-instruct/offline-teacher.js';
import { taskKey } from '../../../src/stages/self-instruct/task-key.js';
import type { ProposedTask, TaskLanguage } from '../../../src/stages/self-instruct/teacher.js';

const facts: Fact[] = [
  { kind: 'translation', key: '苹果', value: 'apple; (coll.) an apple tree', source: 's' },
  { kind: 'translation', key: '河', value: 'river', source: 's' },
  { kind: 'translation', key: '坏:的', value: 'must never be asked: its key holds a colon', source: 's' },
  { kind: 'definition', key: 'island', value: 'land surrounded by water', source: 's' },
  { kind: 'definition', key: 'long', value: 'a word '.repeat(40), source: 's' },
  { kind: 'poem-line', key: '床前明月光', value: '疑是地上霜。', source: 's' },
];

async function tasksOf(kind: TaskKind, language: TaskLanguage, requests = 40): Promise<ProposedTask[]> {
  const teacher = new OfflineTeacher(7, facts);
  assert.equal(teacher.can(kind), true);
  const tasks: ProposedTask[] = [];
  for (let index = 0; index < requests; index++)
    tasks.push(...(await teacher.propose({ index, kind, language, wanted: 8, examples: [] })).tasks);
  return tasks;
}

const answerOf = (task: ProposedTask): string => task.solution?.answer ?? '';
const promptOf = (task: ProposedTask): string => task.turns[task.turns.length - 1];
const numbersIn = (text: string): number[] => (text.match(/\d+/g) ?? []).map(Number);

/** × before + and −, left to right. */
function evaluate(expression: string): number {
  let sum = 0;
  for (const [, sign, product] of expression.matchAll(/([+-]?)([\d×]+)/g))
    sum += (sign === '-' ? -1 : 1) * product.split('×').reduce((value, factor) => value * Number(factor), 1);
  return sum;
}

for (const language of ['zh', 'en'] as const) {
  test(`arithmetic (${language}): every step and every result is right`, async () => {
    for (const task of await tasksOf('arithmetic', language)) {
      const answer = answerOf(task);
      const steps = [...answer.matchAll(/([\d×+-]+)=(\d+)/g)];
      assert.ok(steps.length === 1 || steps.length === 2, answer);
      for (const [, left, right] of steps) assert.equal(evaluate(left), Number(right), answer);
      const result = numbersIn(answer).at(-1);
      const expression = promptOf(task).match(/\d+(?:[×+-]\d+)+/)?.[0];
      if (expression !== undefined) assert.equal(evaluate(expression), result, promptOf(task));
      else assert.deepEqual(numbersIn(promptOf(task)), numbersIn(steps[0][1]), promptOf(task));
      assert.deepEqual(task.solution?.check, { type: 'number', answer: result });
      assert.equal(Number(steps.at(-1)?.[2]), result);
    }
  });

  test(`parity and comparison (${language}): recomputed from the prompt`, async () => {
    for (const task of await tasksOf('parity', language)) {
      const [n, ...others] = numbersIn(promptOf(task));
      assert.equal(others.length, 0);
      const name = language === 'zh' ? ['偶数。', '奇数。'] : ['Even.', 'Odd.'];
      assert.equal(answerOf(task), name[n % 2], promptOf(task));
    }
    for (const task of await tasksOf('comparison', language)) {
      const numbers = numbersIn(promptOf(task));
      assert.equal(numbers.length, 2);
      assert.notEqual(numbers[0], numbers[1]);
      const large = /大|larger|bigger|greater/.test(promptOf(task));
      assert.deepEqual(numbersIn(answerOf(task)), [large ? Math.max(...numbers) : Math.min(...numbers)]);
      assert.equal(/大|larger/.test(answerOf(task)), large);
      assert.deepEqual(task.solution?.check, { type: 'equals', answer: answerOf(task).replace(/[.。]$/, '') });
    }
  });

  test(`language (${language}): the sentence is in the language named`, async () => {
    for (const task of await tasksOf('language', language)) {
      const sentence = taskKey('language', task.turns) ?? '';
      const chinese = /^[\u4e00-\u9fff。]+$/.test(sentence);
      assert.equal(chinese, !/^[a-z .]+$/.test(sentence), sentence);
      const names = { zh: ['中文。', '英文。'], en: ['Chinese.', 'English.'] }[language];
      assert.equal(answerOf(task), names[chinese ? 0 : 1], promptOf(task));
    }
  });

  test(`formatting (${language}): the answer has the prompt's words, and is what was asked`, async () => {
    for (const task of await tasksOf('formatting', language)) {
      const prompt = promptOf(task);
      const payload = (prompt.match(/[“"](.+)[”"]/)?.[1] ?? prompt.split(/[:：]\s*/)[1]).trim();
      const words = payload.split(/,? /);
      const answer = answerOf(task);
      if (/逗号|commas/.test(prompt)) assert.equal(answer, words.join(language === 'zh' ? '，' : ', '));
      else if (/倒过来|相反|Reverse|backwards/.test(prompt)) assert.equal(answer, [...words].reverse().join(' '));
      else if (/一行：|分行|own line|each line/.test(prompt) && !/编号/.test(prompt))
        assert.equal(answer, words.join('\n'));
      else if (/编号|umber/.test(prompt)) assert.equal(answer, words.map((w, i) => `${i + 1}. ${w}`).join('\n'));
      else if (/书名号/.test(prompt)) assert.equal(answer, `《${payload}》`);
      else if (/方括号|brackets/.test(prompt)) assert.equal(answer, `[${payload}]`);
      else if (/第一个|开头|first word/.test(prompt)) assert.equal(answer, words[0]);
      else if (/最后|末尾/.test(prompt)) assert.equal(answer, words.at(-1));
      else if (/空格|连起来/.test(prompt)) assert.equal(answer, words.join(''));
      else if (/capital letters|upper/.test(prompt)) assert.equal(answer, payload.toUpperCase());
      else if (/capital/i.test(prompt))
        assert.equal(
          answer,
          payload.replace(/\b\w/g, (c) => c.toUpperCase()),
        );
      else if (/alphabet/.test(prompt)) assert.equal(answer, [...words].sort().join(', '));
      else assert.fail(`no rule for ${prompt}`);
    }
  });

  test(`lookups (${language}): the answer is what the corpus states, long or unquotable facts are left out`, async () => {
    const keys = new Set<string>();
    for (const kind of ['translation', 'definition', 'poem-line'] as const)
      for (const task of await tasksOf(kind, language)) {
        const key = taskKey(kind, task.turns) ?? '';
        keys.add(key);
        const fact = facts.find((each) => each.kind === kind && each.key === key);
        assert.ok(fact?.value.startsWith(answerOf(task)), `${key} → ${answerOf(task)}`);
      }
    assert.deepEqual([...keys].sort(), ['island', '床前明月光', '河', '苹果']);
  });

  test(`identity, chat, refusal (${language}): short, in the right language, refusing what is to be refused`, async () => {
    for (const kind of ['identity', 'chat', 'refusal'] as const)
      for (const task of await tasksOf(kind, language)) {
        assert.equal(isRefusal(answerOf(task), language), kind === 'refusal', answerOf(task));
        assert.ok(answerOf(task).length < (language === 'zh' ? 40 : 90));
        assert.notEqual(task.solution?.check, undefined);
        if (task.turns.length > 1) continue;
        const core = task.core ?? '';
        assert.ok(core !== '' && promptOf(task).includes(core), promptOf(task));
        // An opening or a closing around what is no question is nothing that anyone says.
        if (kind !== 'refusal' && !/[?？]$/.test(core)) assert.equal(promptOf(task), core);
        assert.doesNotMatch(task.turns.join(' ') + answerOf(task), /\{\}/);
      }
  });

  for (const kind of [
    'arithmetic',
    'parity',
    'comparison',
    'language',
    'formatting',
    'identity',
    'chat',
    'refusal',
  ] as const)
    test(`${kind} (${language}): passes every filter and its own check, in at least 12 wordings`, async () => {
      const tasks = await tasksOf(kind, language);
      assert.equal(tasks.length, 320);
      const wordings = new Set<string>();
      for (const task of tasks) {
        assert.equal(promptFault(task), undefined, promptOf(task));
        assert.equal(answerFault(task, task.solution ?? { answer: '' }), undefined, JSON.stringify(task));
        const check = task.solution?.check;
        if (check !== undefined) assert.equal(checkAnswer(check, answerOf(task), language), true, JSON.stringify(task));
        const payload = /formatting|language/.test(kind) ? (taskKey(kind, task.turns) ?? '') : '';
        wordings.add(
          promptOf(task)
            .toLowerCase()
            .replace(payload, '')
            .replace(/[\d×+-]+/g, '#'),
        );
      }
      assert.ok(wordings.size >= 12, `${wordings.size} wordings`);
    });
}

test('no question or act is part of another: each can be held out alone; many to each topic', () => {
  for (const language of ['zh', 'en'] as const) {
    const acts = harmfulActs[language].flatMap((each) => each.acts);
    const asks = identityTopics[language].flatMap((topic) => topic.asks);
    assert.ok(acts.length >= 50 && asks.length >= 100, `${acts.length} acts, ${asks.length} questions`);
    assert.ok(identityTopics[language].every((topic) => topic.asks.length >= 6));
    assert.ok(chatTopics[language].every((topic) => topic.asks.length * (topic.slots?.length ?? 1) >= 5));
    for (const [kind, list] of [
      ['identity', asks],
      ['refusal', acts],
    ] as const)
      for (const text of list) assert.equal(promptFault({ kind, language, turns: [text] }), undefined, text);
    for (const list of [acts, asks, chatTopics[language].flatMap((topic) => topic.asks)])
      for (const [i, one] of list.entries())
        assert.equal(
          list.findIndex((other) => other.includes(one)),
          i,
          one,
        );
  }
});

test('says what it can do and what it cannot', () => {
  assert.deepEqual(Object.keys(families).sort(), [...taskKinds].sort());
  const without = new OfflineTeacher(1, []);
  assert.equal(without.can('translation'), false);
  assert.match(without.notes('your 2 seeds are').join('\n'), /cannot make translation, definition, poem-line/);
  assert.doesNotMatch(new OfflineTeacher(1, facts).notes('your 2 seeds are').join('\n'), /cannot/);
});

test('the same request gives the same tasks, another seed gives others', async () => {
  const request = { index: 3, kind: 'arithmetic', language: 'zh', wanted: 8, examples: [] } as const;
  const [a, b, c] = await Promise.all([7, 7, 8].map((seed) => new OfflineTeacher(seed, []).propose(request)));
  assert.deepEqual(a, b);
  assert.notDeepEqual(a, c);
});
