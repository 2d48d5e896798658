// Every answer of the offline teacher is computed again here from the text alone, by other code.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TaskKind, taskKinds } from '../../../src/config/pipeline.js';
import type { Fact } from '../../../src/data/types.js';
import { checkAnswer, isRefusal } from '../../../src/evaluation/checks.js';
import { families } from '../../../src/stages/self-instruct/families/table.js';
import { readHarm, readTopics, readWordings } from '../../../src/stages/self-instruct/families/wordings.js';
import { answerFault, promptFault } from '../../../src/stages/self-instruct/filters/rules.js';
import { OfflineTeacher } from '../../../src/stages/self-instruct/offline-teacher.js';
import { taskKey } from '../../../src/stages/self-instruct/task-key.js';
import type { ProposedTask, TaskLanguage } from '../../../src/stages/self-instruct/teacher.js';
import { anyFifth } from '../../../src/stages/self-instruct/unseen-sums.js';

const facts: Fact[] = [
  { kind: 'translation', key: '苹果', value: 'apple; (coll.) an apple tree', source: 's' },
  { kind: 'translation', key: '河', value: 'river', source: 's' },
  { kind: 'translation', key: '坏:的', value: 'must never be asked: its key holds a colon', source: 's' },
  { kind: 'definition', key: 'island', value: 'land surrounded by water', source: 's' },
  { kind: 'definition', key: 'long', value: 'a word '.repeat(40), source: 's' },
  { kind: 'poem-line', key: '床前明月光', value: '疑是地上霜。', source: 's' },
];

const sources = { facts, isUnseenPair: anyFifth, isWorked: false };

async function tasksOf(
  kind: TaskKind,
  language: TaskLanguage,
  { requests = 40, isWorked = false, isHeldOut = false } = {},
): Promise<ProposedTask[]> {
  const teacher = new OfflineTeacher(7, { ...sources, isWorked });
  assert.equal(teacher.can(kind), true);
  const tasks: ProposedTask[] = [];
  for (let index = 0; index < requests; index++)
    tasks.push(
      ...(await teacher.propose({ index, method: 'families', kind, language, wanted: 8, examples: [], isHeldOut }))
        .tasks,
    );
  return tasks;
}

const answerOf = (task: ProposedTask): string => task.solution?.answer ?? '';
const promptOf = (task: ProposedTask): string => task.turns[task.turns.length - 1];
const pairIn = (text: string): [number, number] => numbersIn(text).slice(0, 2) as [number, number];
/** In quotes at the end or the start, or behind the last colon. */
function quotedIn(prompt: string): string {
  const behind = prompt.match(/[:：]\s*([^“”":：]+)$/)?.[1];
  return behind ?? prompt.match(/[“"]([^”"]+)[”"]/)?.[1] ?? '';
}

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

  test(`small sums (${language}): the equation is what was asked, and holds`, async () => {
    const signs = { 加: '+', 减: '-', 乘: '×', ' plus ': '+', ' minus ': '-', ' times ': '×' };
    for (const task of await tasksOf('small-sums', language)) {
      const prompt = Object.entries(signs).reduce((text, [word, sign]) => text.replace(word, sign), promptOf(task));
      const expression = prompt.match(/\d+[×+-]\d+/)?.[0] ?? '';
      assert.equal(answerOf(task), `${expression}=${evaluate(expression)}${language === 'zh' ? '。' : '.'}`);
      assert.deepEqual(task.solution?.check, { type: 'number', answer: evaluate(expression) });
      const [a, b] = numbersIn(expression);
      assert.ok(!anyFifth(a, b));
    }
    const heldOut = await tasksOf('small-sums', language, { requests: 4, isHeldOut: true });
    assert.ok(heldOut.every((task) => numbersIn(answerOf(task)).length === 3 && anyFifth(...pairIn(answerOf(task)))));
  });

  test(`parity and comparison (${language}): recomputed from the prompt, alone and with what decides`, async () => {
    for (const isWorked of [false, true]) {
      for (const task of await tasksOf('parity', language, { isWorked })) {
        const [n, ...others] = numbersIn(promptOf(task));
        assert.equal(others.length, 0);
        const name = language === 'zh' ? ['偶数', '奇数'][n % 2] : ['Even', 'Odd'][n % 2];
        const short = language === 'zh' ? `${name}。` : `${name}.`;
        const worked =
          language === 'zh' ? `${n}的末位是${n % 10}，是${short}` : `${n} ends in ${n % 10}: ${short.toLowerCase()}`;
        assert.equal(answerOf(task), isWorked ? worked : short, promptOf(task));
      }
      for (const task of await tasksOf('comparison', language, { isWorked })) {
        const numbers = numbersIn(promptOf(task));
        assert.equal(numbers.length, 2);
        assert.notEqual(numbers[0], numbers[1]);
        const large = /大|larger|bigger|greater/i.test(promptOf(task));
        const said = numbersIn(answerOf(task));
        assert.equal(said.at(-1), large ? Math.max(...numbers) : Math.min(...numbers), answerOf(task));
        assert.equal(/大|larger/.test(answerOf(task)), large);
        assert.deepEqual(task.solution?.check, { type: 'equals', answer: answerOf(task).replace(/[.。]$/, '') });
        if (!isWorked) continue;
        // "45 and 54, 4 < 5: 54 is larger."
        assert.deepEqual(said.slice(0, 2), numbers);
        const [left, right] = numbers.map(String);
        const place = [...left].findIndex((digit, i) => digit !== right[i]);
        const deciding = left.length === right.length ? [left[place], right[place]] : [left.length, right.length];
        assert.deepEqual(said.slice(2, 4), deciding.map(Number), answerOf(task));
        assert.equal(answerOf(task).includes('<'), numbers[0] < numbers[1]);
      }
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

  test(`strings (${language}): recomputed from what stands in quotes or behind the colon`, async () => {
    const rules: Record<string, (words: string[]) => string> = {
      'last-word': (words) => words[words.length - 1],
      'upper-case': (words) =>
        words.map((word) => word.replace(/[a-z]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 32))).join(' '),
      reverse: (words) => words.reduceRight((text, word) => (text === '' ? word : `${text} ${word}`), ''),
      copying: (words) => words.join(' '),
    };
    for (const [kind, rule] of Object.entries(rules))
      for (const task of [
        ...(await tasksOf(kind, language)),
        ...(await tasksOf(kind, language, { requests: 4, isHeldOut: true })),
      ]) {
        const words = quotedIn(promptOf(task)).split(' ');
        assert.equal(answerOf(task), rule(words), promptOf(task));
        assert.deepEqual(task.solution?.check, { type: 'equals', answer: answerOf(task) });
      }
    for (const isWorked of [false, true])
      for (const task of await tasksOf('count', language, { isWorked })) {
        const payload = quotedIn(promptOf(task));
        const isInRow = language === 'zh' && /字/.test(promptOf(task).replace(payload, ''));
        const parts = isInRow ? [...payload] : payload.split(' ');
        assert.deepEqual(task.solution?.check, { type: 'number', answer: parts.length }, promptOf(task));
        assert.equal(numbersIn(answerOf(task)).at(-1), parts.length);
        assert.deepEqual(numbersIn(answerOf(task)).slice(0, -1), isWorked ? parts.map((_, i) => i + 1) : []);
        if (isWorked) assert.ok(parts.every((part) => answerOf(task).includes(part)));
      }
  });

  test(`dates (${language}): recomputed with a calendar`, async () => {
    // 2023 is no leap year; each of its days by its names, and the first of the next year.
    const dayMs = 86_400_000;
    const times = Array.from({ length: 366 }, (_, i) => Date.UTC(2023, 0, 1 + i));
    const firsts = times.filter((time) => new Date(time).getUTCDate() === 1);
    const list = (all: number[], options: Intl.DateTimeFormatOptions): string[] => {
      const names = new Intl.DateTimeFormat(language === 'zh' ? 'zh-CN' : 'en-GB', { ...options, timeZone: 'UTC' });
      return all.map((time) => names.format(time));
    };
    const weekdays = list(times.slice(0, 14), { weekday: 'long' });
    const months = list(firsts, { month: language === 'zh' ? 'short' : 'long' });
    const dates = list(times, { month: 'long', day: 'numeric' });
    /** Where the longest of the names in the prompt stands: 12月 before 2月. */
    const placeOf = (names: string[], prompt: string): number => {
      const found = names.filter((name) => prompt.includes(name)).toSorted((a, b) => b.length - a.length);
      assert.ok(found.length > 0, prompt);
      return names.indexOf(found[0]);
    };
    const kinds = new Set<string>();
    for (const isWorked of [false, true])
      for (const task of await tasksOf('dates', language, { isWorked })) {
        const [prompt, answer] = [promptOf(task), answerOf(task).replace(/[.。]$/, '')];
        const kind = (task.core ?? '').split(':')[0];
        kinds.add(kind);
        if (kind === 'days-in') {
          const place = placeOf(months, prompt);
          assert.equal(numbersIn(answer)[0], (firsts[place + 1] - firsts[place]) / dayMs, prompt);
          continue;
        }
        const names =
          kind === 'date-after' ? dates : kind.startsWith('month') ? months.slice(0, 12) : weekdays.slice(0, 7);
        const steps = kind === 'days-later' ? (numbersIn(prompt).at(-1) ?? 0) : kind.endsWith('before') ? -1 : 1;
        const expected = names[(placeOf(names, prompt) + steps + names.length) % names.length];
        const stations = answer.split(/，|, /);
        assert.equal(stations.at(-1), expected, prompt);
        assert.equal(stations.length, kind === 'days-later' && isWorked ? steps + 1 : 1);
      }
    assert.equal(kinds.size, 7, 'each of the seven questions');
  });

  test(`formatting (${language}): the answer has the prompt's words, and is what was asked`, async () => {
    for (const task of await tasksOf('formatting', language)) {
      const prompt = promptOf(task);
      const payload = (prompt.match(/[“"](.+)[”"]/)?.[1] ?? prompt.split(/[:：]\s*/)[1]).trim();
      const words = payload.split(/,? /);
      const answer = answerOf(task);
      if (/逗号|commas/.test(prompt)) assert.equal(answer, words.join(language === 'zh' ? '，' : ', '));
      else if (/一行：|分行|own line|each line/.test(prompt) && !/编号/.test(prompt))
        assert.equal(answer, words.join('\n'));
      else if (/编号|umber/.test(prompt)) assert.equal(answer, words.map((w, i) => `${i + 1}. ${w}`).join('\n'));
      else if (/书名号/.test(prompt)) assert.equal(answer, `《${payload}》`);
      else if (/方括号|brackets/.test(prompt)) assert.equal(answer, `[${payload}]`);
      else if (/第一个|开头|first word/.test(prompt)) assert.equal(answer, words[0]);
      else if (/空格|连起来/.test(prompt)) assert.equal(answer, words.join(''));
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
      for (const task of [
        ...(await tasksOf(kind, language)),
        ...(await tasksOf(kind, language, { isHeldOut: true })),
      ]) {
        const key = taskKey(kind, task.turns) ?? '';
        keys.add(key);
        const fact = facts.find((each) => each.kind === kind && each.key === key);
        assert.ok(fact?.value.startsWith(answerOf(task)), `${key} → ${answerOf(task)}`);
      }
    assert.deepEqual([...keys].sort(), ['island', '床前明月光', '河', '苹果']);
  });

  test(`what is said (${language}): short, in the right language, refusing what is to be refused`, async () => {
    for (const kind of ['identity', 'chat', 'refusal', 'over-refusal', 'unanswerable'] as const)
      for (const task of await tasksOf(kind, language)) {
        assert.equal(isRefusal(answerOf(task), language), kind === 'refusal', answerOf(task));
        assert.ok(answerOf(task).length < (language === 'zh' ? 40 : 90));
        assert.notEqual(task.solution?.check, undefined);
        if (/refusal/.test(kind)) assert.ok(promptOf(task).includes(task.core ?? '?'), promptOf(task));
        assert.doesNotMatch(task.turns.join(' ') + answerOf(task), /[{}<>|]/);
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
    'small-sums',
    'dates',
    'last-word',
    'upper-case',
    'reverse',
    'count',
    'copying',
    'over-refusal',
    'unanswerable',
  ] as const)
    test(`${kind} (${language}): passes every filter and its own check, in many wordings`, async () => {
      const tasks = await tasksOf(kind, language);
      assert.equal(tasks.length, 320);
      const wordings = new Set<string>();
      for (const task of tasks) {
        assert.equal(promptFault(task), undefined, promptOf(task));
        assert.equal(answerFault(task, task.solution ?? { answer: '' }), undefined, JSON.stringify(task));
        const check = task.solution?.check;
        if (check !== undefined) assert.equal(checkAnswer(check, answerOf(task), language), true, JSON.stringify(task));
        const payload = /formatting|language|word|case|reverse|count|copying/.test(kind)
          ? (taskKey(kind, task.turns) ?? '')
          : '';
        wordings.add(
          promptOf(task)
            .toLowerCase()
            .replace(payload, '')
            .replace(/[\d×+-]+/g, '#'),
        );
      }
      assert.ok(wordings.size >= (kind === 'formatting' ? 12 : 24), `${wordings.size} wordings`);
    });
}

test('many wordings to each topic, none of them twice; kinds of harm in both languages alike', () => {
  for (const language of ['zh', 'en'] as const) {
    const harm = readHarm()[language];
    assert.ok(harm.length >= 15 && harm.every(({ acts }) => acts.length >= 10));
    for (const [name, least, total] of [
      ['identity', 6, 100],
      ['chat', 20, 360],
      ['unanswerable', 20, 130],
    ] as const) {
      const topics = readTopics(name)[language];
      assert.ok(topics.every(({ asks }) => asks.length >= least));
      const asks = topics.flatMap((topic) => topic.asks);
      assert.ok(asks.length >= total, `${name}/${language}: ${asks.length}`);
      assert.deepEqual(
        asks.filter((ask, i) => asks.indexOf(ask) !== i),
        [],
        `${name}/${language}`,
      );
    }
    for (const file of [
      'parity',
      'language',
      'last-word',
      'upper-case',
      'reverse',
      'copying',
      'requests',
      'arithmetic',
    ])
      for (const [name, wordings] of Object.entries(readWordings(file))) {
        const lines = wordings[language];
        assert.deepEqual(
          lines.filter((line, i) => lines.indexOf(line) !== i),
          [],
          `${file}: ${name}`,
        );
        if (/asks|plain/.test(name)) assert.ok(lines.length >= 30, `${file}: ${lines.length}`);
      }
    const acts = harm.flatMap((each) => each.acts);
    assert.deepEqual(
      acts.filter((act, i) => acts.indexOf(act) !== i),
      [],
    );
  }
});

test('says what it can do and what it cannot', () => {
  assert.deepEqual(Object.keys(families).sort(), [...taskKinds].sort());
  const without = new OfflineTeacher(1, { ...sources, facts: [] });
  assert.equal(without.can('translation'), false);
  const said = (teacher: OfflineTeacher, kinds: readonly string[]): string =>
    teacher.notes('both are', kinds).join('\n');
  assert.match(said(without, taskKinds), /no facts to make translation, definition, poem-line of/);
  assert.doesNotMatch(said(without, ['parity']), /facts|chat/, 'of what is asked for alone');
  assert.doesNotMatch(said(new OfflineTeacher(1, sources), taskKinds), /facts/);
});

test('the same request gives the same tasks, another seed gives others', async () => {
  const how = { method: 'families', wanted: 8, examples: [], isHeldOut: false } as const;
  const request = { index: 3, kind: 'arithmetic', language: 'zh', ...how } as const;
  const [a, b, c] = await Promise.all([7, 7, 8].map((seed) => new OfflineTeacher(seed, sources).propose(request)));
  assert.deepEqual(a, b);
  assert.notDeepEqual(a, c);
});
