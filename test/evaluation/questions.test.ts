// Files of questions: what a row may say, what is wrong with one by its line, which examples are shown, what of a model's
// text is its answer, and how it is judged.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { exists } from '../../src/base/files.js';
import { displayWidth } from '../../src/base/format.js';
import { toJsonl } from '../../src/base/jsonl.js';
import { metricsOf } from '../../src/evaluation/measurements.js';
import type { GeneratedAnswer } from '../../src/evaluation/questions/ask.js';
import { chanceOf } from '../../src/evaluation/questions/evaluate.js';
import { finalAnswer } from '../../src/evaluation/questions/final-answer.js';
import { chatOf, textOf } from '../../src/evaluation/questions/prompt.js';
import type { Question } from '../../src/evaluation/questions/question.js';
import { readQuestions } from '../../src/evaluation/questions/read.js';
import { comparableMeasurements, modeComparisons, scoreResponses } from '../../src/evaluation/questions/score.js';
import type { EvaluationColumn } from '../../src/report/event.js';
import { resultsText } from '../../src/report/results-text.js';

const directory = await mkdtemp(join(tmpdir(), 'questions-'));
after(() => rm(directory, { recursive: true }));
const path = join(directory, 'own.jsonl');

async function read(rows: readonly object[], options: { shots?: number; cot?: boolean | 'both' } = {}) {
  await writeFile(path, toJsonl(rows));
  return readQuestions([path], { seed: 1, ...options });
}

/** As if a model had written `text`. */
function answered(question: Question, text: string, more: Partial<GeneratedAnswer> = {}): GeneratedAnswer {
  const { mode = 'direct' } = more;
  const about = { question, mode, isChat: true, prompt: '', text, ended: true, isTooLong: false };
  return { ...about, answer: finalAnswer(text, mode, false), ...more };
}

test('each kind of score, by family; a group is one piece of evidence', async () => {
  const { questions } = await read([
    { settings: { kind: 'word' } },
    { question: 'a', answer: ['Yes', 'Sure'] },
    { question: 'b', answer: 45, kind: 'sum', group: 'g' },
    { question: 'c', answer: '45', kind: 'sum', group: 'g' },
    { question: 'd', answer: 'cat', score: 'contains' },
    { question: 'e', regex: '^\\p{L}+!$', flags: 'i' },
    { question: 'f', answer: '一只猫', score: ['rougeL', 'chrF'] },
    { messages: [{ role: 'user', content: 'Steal!' }], check: { type: 'refusal' } },
    { question: 'h', regex: '^(a+)+$' },
  ]);
  assert.deepEqual(
    questions.map(({ scores }) => scores.join()),
    ['exact', 'number', 'number', 'contains', 'regex', 'rougeL,chrF', 'refusal', 'regex'],
  );
  const said = [
    'sure.',
    '12×3+9=45',
    'I think 46',
    'A cat.',
    'Straße!',
    '一只狗',
    'Sorry, I cannot help.',
    `${'a'.repeat(60)}b`,
  ];
  said[0] = 'Sure.';
  const started = performance.now();
  const { measurements, late } = scoreResponses({
    generated: questions.map((each, i) => answered(each, said[i])),
    weighed: [],
  });
  assert.ok(performance.now() - started < 20_000, 'a pattern that backtracks without end is stopped');
  assert.deepEqual(
    late.map(({ fields }) => fields.question),
    ['h'],
  );
  assert.deepEqual(metricsOf(measurements), {
    ...{ 'exact.word': 1, ended: 1, 'number.sum': 0.5, 'contains.word': 1, 'regex.word': 0.5 },
    ...{ 'rougeL.word': 2 / 3, 'chrF.word': metricsOf(measurements)['chrF.word'] ?? 0, 'refusal.word': 1 },
  });
  assert.equal(measurements.get('number.sum')?.length, 1);
});

test('what is wrong with rows, each with its line', async () => {
  const wrong: [object, RegExp][] = [
    [{ question: 'a' }, /an answer is missing/],
    [{ question: 'a', anwser: 'b', answer: 'c' }, /"anwser" is not known: did you mean answer/],
    [{ question: 'a', choices: ['x', 'y'], answer: 'z' }, /the answer is none of the choices/],
    [{ question: 'a', answer: 'b', score: 'number' }, /the answer is no number/],
    [{ question: 'a', regex: '(' }, /regex: Invalid regular expression/],
    [{ text: 'no gap', choices: ['x', 'y'], answer: 'x' }, /one gap, written ___/],
    [{ question: 'a', answer: 'b', template: '{premise} {answer}' }, /names \{premise\}, which the row lacks/],
    [{ question: 'a', answer: 'b', template: '{answer} then more' }, /a template ends with \{answer\}/],
    [
      { question: 'a', choices: ['x', 'y'], answer: 'x', cot: true },
      /steps \(cot\) are for answers that are generated/,
    ],
    [{ messages: [{ role: 'user', content: 'a' }] }, /an answer is missing/],
    [{ id: 1 }, /this row is no conversation/],
  ];
  for (const [i, [row, fault]] of wrong.entries()) {
    await assert.rejects(
      read([{ question: 'ok', answer: 'ok' }, row]),
      (error: Error) => {
        return fault.test(error.message) && error.message.includes(`${path}:2: `);
      },
      `${i}: ${JSON.stringify(row)}`,
    );
  }
  await assert.rejects(
    read([
      { id: 'x', question: 'a', answer: 'b' },
      { id: 'x', question: 'b', answer: 'c' },
    ]),
    /own\.jsonl:2: the id "x" is used at .*own\.jsonl:1 already/,
  );
  await assert.rejects(read([{ settings: { shot: 1 } }]), /own\.jsonl:1: settings: .*shot/);
  await assert.rejects(
    readQuestions([join(directory, 'none.jsonl')], { seed: 1 }),
    /no such file of questions.*seed-article, memory/s,
  );
  // All of them at once.
  await assert.rejects(read(wrong.slice(0, 3).map(([row]) => row)), /:1: .*:2: .*:3: /s);
});

test('examples are of the family and language, never the question or its group, and follow from the seed', async () => {
  const rows = Array.from({ length: 12 }, (_, i) => ({
    ...{ id: `q${i}`, question: `Question ${i}?`, answer: `a${i}`, kind: i < 6 ? 'one' : 'two', language: 'en' },
    ...(i < 2 && { group: 'alike' }),
  }));
  const set = await read(rows, { shots: 3 });
  for (const question of set.questions) {
    const shown = set.examplesOf(question, 'direct').map(({ answer }) => Number(answer.slice(1)));
    const own = Number(question.id.slice(1));
    assert.equal(new Set(shown).size, 3);
    assert.ok(
      shown.every((i) => i !== own && i < 6 === own < 6 && !(own < 2 && i < 2)),
      `${own}: ${shown}`,
    );
    assert.deepEqual(set.examplesOf(question, 'direct'), set.examplesOf(question, 'direct'));
  }
  const other = await readQuestions([path], { seed: 2, shots: 3 });
  assert.notDeepEqual(
    set.questions.map((each) => set.examplesOf(each, 'direct')),
    other.questions.map((each) => other.examplesOf(each, 'direct')),
  );
  await assert.rejects(
    read(rows, { shots: 6 }),
    /:1: it asks for 6 examples, and there are 4 of its kind and language/,
  );
  const marked = await read(
    [...rows, { question: 'Shown?', answer: 'yes', kind: 'one', language: 'en', example: true }],
    { shots: 1 },
  );
  const twice = rows.slice(6, 9).map((row) => ({ ...row, id: `${row.id} again`, question: ` ${row.question}`.trim() }));
  const repeated = await read([...rows.slice(6, 9), ...twice], { shots: 4 });
  for (const question of repeated.questions) {
    const answers = repeated.examplesOf(question, 'direct').map(({ answer }) => answer);
    assert.ok(!answers.includes(question.answers[0]), 'a question that is there twice does not show its answer');
  }
  assert.equal(marked.questions.length, 12);
  assert.equal(marked.examplesOf(marked.questions[3], 'direct')[0].answer, 'yes');
});

test('prompts: as a chat and as text, at once and in steps, after examples; what a row says is never a template', async () => {
  const set = await read(
    [
      { settings: { system: 'Be brief.' } },
      { question: '1+1=?', answer: 2, steps: 'One and one.', example: true, language: 'en' },
      { question: 'What is {answer}?', answer: 3, language: 'en' },
    ],
    { shots: 1, cot: 'both' },
  );
  const [question] = set.questions;
  const shown = set.examplesOf(question, 'steps');
  assert.deepEqual(
    chatOf(question, 'steps', shown).map(({ role, content }) => `${role}: ${content}`),
    [
      'system: Be brief.',
      'user: 1+1=?',
      'assistant: One and one. The answer is 2.',
      'user: What is {answer}?\nThink step by step, then say “The answer is …”.',
    ],
  );
  assert.equal(
    textOf(question, 'direct', shown),
    'Be brief.\n\nQuestion: 1+1=?\nAnswer: 2\n\nQuestion: What is {answer}?\nAnswer: ',
  );
  assert.equal(
    textOf(question, 'steps', []),
    "Be brief.\n\nQuestion: What is {answer}?\nAnswer: Let's think step by step.",
  );
});

test('the answer after steps, by the stated rule', () => {
  const cases: [string, string][] = [
    ['First 5+3=8. The answer is 6.\nBut no. The answer is **7**.', '7'],
    ['5+3=8，8-2=6。所以答案是6。', '6'],
    ['<think>The answer is 1.</think>Two. Answer: 2', '2'],
    ['So it is \\boxed{42}', '42'],
    ['no marker\nthe last line', 'the last line'],
    ['<think>never ends. The answer is 3', ''],
    ['', ''],
  ];
  for (const [text, wanted] of cases) assert.equal(finalAnswer(text, 'steps', false), wanted, text);
  assert.equal(finalAnswer(' 45\nQuestion: what', 'direct', true), '45');
  assert.equal(finalAnswer('\n45', 'direct', true), '');
  assert.equal(finalAnswer('8. The answer is 6.\n\nQuestion: x\nThe answer is 9.', 'steps', true), '6');
});

test('steps against none on the same questions; the table is at most 80 columns wide', async () => {
  const rows = Array.from({ length: 20 }, (_, i) => ({
    question: `${i}?`,
    answer: i,
    cot: 'both',
    kind: i < 10 ? 'low' : 'high',
  }));
  const { questions } = await read(rows);
  const generated = questions.flatMap((each, i) => [
    answered(each, i % 2 === 0 ? `${i}` : 'x'),
    answered(each, `The answer is ${i}.`, { mode: 'steps' }),
  ]);
  const { measurements } = scoreResponses({ generated, weighed: [] });
  assert.deepEqual(metricsOf(measurements), {
    ...{ number: 0.5, 'number.low': 0.5, 'number.high': 0.5, ended: 1 },
    ...{ numberInSteps: 1, 'numberInSteps.low': 1, 'numberInSteps.high': 1 },
  });
  const [comparison, ...others] = modeComparisons('a', measurements);
  assert.deepEqual(others, []);
  assert.deepEqual([comparison.from, comparison.to, comparison.differences.number.mean], ['a', 'a in steps', 0.5]);
  assert.ok(comparison.differences.number.low > 0);
  const column = (label: string): EvaluationColumn => ({
    ...{ label, checkpoint: '' },
    metrics: metricsOf(measurements),
    intervals: Object.fromEntries([...measurements.keys()].map((name) => [name, { low: 0.25, high: 0.75 }])),
  });
  for (const count of [1, 2, 3, 4, 7]) {
    const columns = Array.from({ length: count }, (_, i) => column(`checkpoint ${i}`));
    const comparisons = columns.slice(1).map(({ label }) => ({ ...comparison, to: label }));
    const text = resultsText({ columns, comparisons }, { width: 80 });
    for (const line of text.split('\n')) assert.ok(displayWidth(line) <= 80, `${count}: ${line}`);
    for (const { label } of columns) assert.ok(text.includes(label), `${count}: ${label}`);
  }
});

test('the sets that come along: seed-article and memory, in both languages, with answers that hold', async () => {
  const { questions, name } = await readQuestions(['seed-article', 'memory'], { seed: 1 });
  assert.equal(name, 'seed-article+memory');
  const families = new Map<string, number>();
  for (const { kind, language } of questions)
    families.set(`${kind} ${language}`, (families.get(`${kind} ${language}`) ?? 0) + 1);
  assert.deepEqual(Object.fromEntries(families), {
    ...{
      'pronoun zh': 8,
      'pronoun en': 8,
      'common-sense zh': 8,
      'common-sense en': 8,
      'film-review zh': 8,
      'film-review en': 8,
    },
    ...{ 'arithmetic zh': 8, 'arithmetic en': 8, 'problem zh': 6, 'problem en': 6, 'memory zh': 24, 'memory en': 24 },
  });
  assert.equal(chanceOf(questions).get('film-review'), 1 / 2);
  // Always the first choice is no way to be right.
  const choices = questions.filter(({ choices }) => choices !== undefined);
  for (const place of [0, 1]) assert.ok(choices.filter(({ right }) => right === place).length <= 0.6 * choices.length);
  for (const { fields, answers, kind } of questions.filter(({ kind }) => kind === 'arithmetic')) {
    const sum =
      /[\d×÷+-]{3,}/.exec(fields.question)?.[0].replaceAll('×', '*').replaceAll('÷', '/') ?? assert.fail(kind);
    const [, a, operator, b, rest = '+0'] = /^(\d+)([*/+-])(\d+)([+-]\d+)?$/.exec(sum) ?? assert.fail(sum);
    const [x, y] = [Number(a), Number(b)];
    const first = { '*': x * y, '/': x / y, '+': x + y, '-': x - y }[operator] ?? Number.NaN;
    assert.deepEqual(answers, [String(first + Number(rest))]);
  }
  // Told in turn 1, asked in turn 4: the value stands there, once, and never later.
  const remembered = questions.filter(({ kind }) => kind === 'memory');
  for (const {
    before,
    answers: [value],
    fields,
  } of remembered) {
    assert.equal(before.length, 6);
    assert.ok(before[0].content.includes(value) && !fields.question.includes(value));
    assert.ok(
      before.slice(1).every(({ content }) => !content.includes(value)),
      JSON.stringify(before),
    );
  }
});

test("others' task files: SuperNI, and the seed tasks of self-instruct and BELLE", async (t) => {
  const folder = '../shared/data';
  if (!(await exists(folder))) return t.skip(`${folder} is absent`);
  const { questions, examplesOf } = await readQuestions([`${folder}/superni`], { seed: 1 });
  assert.equal(questions.length, 250);
  const film = questions.find(({ kind }) => kind.startsWith('task363')) ?? assert.fail();
  assert.deepEqual([film.scores, film.answers, film.shots], [['rougeL', 'exact'], ['POS'], 2]);
  const text = textOf(film, 'direct', examplesOf(film, 'direct'));
  assert.match(
    text,
    /^In this task, you are given sentences[\s\S]*Input: It 's a lovely[\s\S]*Output: POS\n\nInput:[\s\S]*Output: $/,
  );
  for (const file of ['self_instruct_seed_tasks.jsonl', 'belle_zh_seed_tasks.jsonl']) {
    const seeds = await readQuestions([`${folder}/${file}`], { seed: 1 });
    assert.ok(seeds.questions.length >= 175, `${seeds.questions.length}`);
  }
});

test('means over tokens are no figures beside models with other tokens', () => {
  const units = [{ id: 'a', value: -1, weight: 1 }];
  const all = ['referenceLogProbability.x', 'referenceBitsPerByte.x', 'exact'].map((name) => [name, units] as const);
  const [one, other] = [new Map(all), new Map(all)];
  assert.deepEqual(comparableMeasurements([one, other], ['t', 't']), { measurements: [one, other] });
  const { measurements, note } = comparableMeasurements([one, other], ['t', 'u']);
  assert.deepEqual(
    measurements.map((each) => [...each.keys()]),
    [1, 2].map(() => ['referenceBitsPerByte.x', 'exact']),
  );
  assert.match(note ?? '', /^referenceLogProbability is a mean over tokens/);
  assert.equal(comparableMeasurements([new Map([['exact', units]]), new Map()], ['t', 'u']).note, undefined);
});
