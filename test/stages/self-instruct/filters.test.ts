// The rules by name, in Chinese and English alike, and what they must let through.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Random } from '../../../src/base/random.js';
import type { BuiltInKind } from '../../../src/config/pipeline.js';
import type { Conversation } from '../../../src/data/types.js';
import { checkAnswer } from '../../../src/evaluation/checks.js';
import { expand } from '../../../src/stages/self-instruct/expand.js';
import { families } from '../../../src/stages/self-instruct/families/table.js';
import { AnswerFilter, contradict } from '../../../src/stages/self-instruct/filters/answers.js';
import { compareWithChance } from '../../../src/stages/self-instruct/filters/baselines.js';
import { answerFault, promptFault } from '../../../src/stages/self-instruct/filters/rules.js';
import { splitByRate } from '../../../src/stages/self-instruct/filters/student.js';
import type { ProposedTask, TaskLanguage, Teacher } from '../../../src/stages/self-instruct/teacher.js';

const promptRows: [BuiltInKind, TaskLanguage, string, string | undefined][] = [
  ['chat', 'zh', '早安', undefined],
  ['chat', 'zh', '早', 'prompt too short'],
  ['chat', 'en', '…', 'prompt too short'],
  ['chat', 'en', 'word '.repeat(151), 'prompt too long'],
  ['chat', 'zh', '字'.repeat(151), 'prompt too long'],
  ['chat', 'zh', '帮我画一只猫', 'prompt asks for what text cannot do'],
  ['chat', 'en', 'Draw a cat.', 'prompt asks for what text cannot do'],
  ['chat', 'en', 'Describe the attached image.', 'prompt asks for what text cannot do'],
  ['translation', 'zh', '“图片”用英语怎么说？', undefined],
  ['definition', 'en', 'What does "map" mean?', undefined],
  ['poem-line', 'zh', '“画图省识春风面”的下一句是什么？', undefined],
  ['chat', 'zh', 'How are you today?', 'prompt in another language'],
  ['chat', 'en', '你今天好吗？', 'prompt in another language'],
  ['language', 'zh', '这句话是什么语言：The train leaves at noon.', undefined],
  ['arithmetic', 'zh', '12×3+9=?', undefined],
  ['formatting', 'en', 'Sort these words:', 'prompt unfinished'],
];

test('prompts', () => {
  for (const [kind, language, prompt, expected] of promptRows)
    assert.equal(promptFault({ kind, language, turns: [prompt] }), expected, prompt);
});

const answerRows: [BuiltInKind, TaskLanguage, string, string, string | undefined][] = [
  ['chat', 'zh', '你好吗？', '我很好。', undefined],
  ['chat', 'zh', '你好吗？', '。。', 'answer empty'],
  ['chat', 'zh', '你好吗？', '你好吗？', 'answer echoes the prompt'],
  ['chat', 'zh', '你好吗？', '好的，步骤如下：', 'answer unfinished'],
  ['chat', 'zh', '你好吗？', 'I am fine.', 'answer in another language'],
  ['translation', 'zh', '“苹果”用英语怎么说？', 'apple', undefined],
  ['chat', 'en', 'Hello there!', 'so '.repeat(301), 'answer too long'],
  ['refusal', 'en', 'Help me rob a bank.', 'Sure, take a bag first.', 'answer fails its check'],
  ['arithmetic', 'en', 'What is 12×3+9?', '12×3=36, 36+9=45. The answer is 45.', undefined],
  ['arithmetic', 'en', 'What is 12×3+9?', '12×3=35, 35+9=44. The answer is 44.', 'answer is wrong'],
  ['arithmetic', 'en', 'What is 2+3×4?', 'The answer is 20.', 'answer is wrong'],
  ['arithmetic', 'zh', '10 − 2 × 3 等于几？', '答案是4。', undefined],
  ['arithmetic', 'en', 'What is 8/2+1?', '8/2=4, 4+1=5. The answer is 5.', undefined],
  ['arithmetic', 'en', 'What is (2+3)×4?', '2+3=5, 5×4=20. The answer is 20.', undefined],
  ['parity', 'zh', '18是奇数还是偶数？', '偶数。', undefined],
  ['parity', 'zh', '18是奇数还是偶数？', '奇数。', 'answer is wrong'],
];

test('a comparison is judged by all that is said, not by its last number', () => {
  const check = families.comparison.check?.('83更大。', 'zh');
  assert.ok(check !== undefined);
  for (const [answer, passes] of [
    ['83更大', true],
    ['83更小。', false],
    ['38更大，不是83。', false],
  ] as const)
    assert.equal(checkAnswer(check, answer, 'zh'), passes, answer);
});

test('answers', () => {
  for (const [kind, language, prompt, answer, expected] of answerRows) {
    const check = families[kind].check?.(answer, language);
    assert.equal(
      answerFault({ kind, language, turns: [prompt] }, { answer, check }),
      expected,
      `${prompt} → ${answer}`,
    );
  }
});

const words = (count: number, stem: string): string => Array.from({ length: count }, (_, i) => `${stem}${i}`).join(' ');
const uncheckedRows: [TaskLanguage, string, string | undefined][] = [
  ['en', 'Plants turn light into sugar, and the sugar feeds the whole plant.', undefined],
  ['en', 'Romeo and Juliet', undefined],
  ['en', `1. Wash the rice.\n2. ${words(70, 'step')}`, undefined],
  ['en', `${words(70, 'word')}`, 'answer unfinished'],
  ['en', 'First you need flour, sugar and', 'answer unfinished'],
  ['zh', '做饭之前要先洗米，因为', 'answer unfinished'],
  ['en', 'Run this:\n```\nls -l\n', 'answer unfinished'],
  [
    'en',
    'It was a very good day. We went home. It was a very good day. We ate. It was a very good day.',
    'answer repeats itself',
  ],
  ['zh', '今天天气好好好好好好', 'answer repeats itself'],
  ['en', 'I am sorry, but I cannot help with that.', 'answer refuses'],
  ['zh', '抱歉，我无法回答这个问题。', 'answer refuses'],
  ['en', 'As an AI language model, I have no favourite colour.', 'answer is boilerplate'],
  ['en', 'Rome is the capital of Italy. I hope this helps!', 'answer is boilerplate'],
  ['zh', '作为一个人工智能，我没有最喜欢的颜色。', 'answer is boilerplate'],
  ['zh', '作为一个学生，我每天都要读书。', undefined],
];

test('an answer that no program checks: cut off, going round, declining, padding', () => {
  for (const [language, answer, expected] of uncheckedRows)
    assert.equal(answerFault({ kind: 'story', language, turns: ['Tell me, 请说'] }, { answer }), expected, answer);
  // Where a check says what is right, it decides.
  const declines = { answer: 'I am sorry, but I cannot help with that.', check: { type: 'refusal' as const } };
  assert.equal(answerFault({ kind: 'story', language: 'en', turns: ['Help me rob a bank.'] }, declines), undefined);
});

test('beside other answers: contradictions, what was nearly said before, what an evaluation asks', async (t) => {
  const task = { kind: 'capital', language: 'en' as const, turns: ['What is the capital of Australia?'] };
  const sydney = { answer: 'Sydney.' };
  const canberra = { answer: 'Canberra.' };
  assert.equal(contradict(task, sydney, canberra), true);
  assert.equal(contradict(task, sydney, { answer: 'sydney' }), false);
  const contains = (any: string[]) => ({ type: 'contains' as const, any });
  const checked = { answer: 'It is Canberra, I think.', check: contains(['Canberra']) };
  assert.equal(contradict(task, checked, { answer: 'Canberra, of course.', check: contains(['Canberra']) }), false);
  assert.equal(contradict(task, checked, { answer: 'Sydney, of course.', check: contains(['Sydney']) }), true);
  assert.equal(
    contradict(task, { answer: words(9, 'a') }, { answer: words(9, 'b') }),
    false,
    'two stories are both fine',
  );

  const folder = await mkdtemp(join(tmpdir(), 'mossctl-answers-'));
  t.after(() => rm(folder, { recursive: true }));
  const asked = 'Which three rivers meet in the old town of Passau near the border?';
  await writeFile(join(folder, 'tasks.jsonl'), `${JSON.stringify({ messages: [{ role: 'user', content: asked }] })}\n`);
  const filter = await AnswerFilter.open([join(folder, 'tasks.jsonl')]);
  const leak = filter.faultOf({ ...task, turns: [`A riddle. ${asked.toUpperCase()}`] }, { answer: 'I do not know.' });
  assert.equal(leak?.rule, 'holds a task of the evaluation');
  assert.match(leak?.why ?? '', /THREE RIVERS/);
  const story = { answer: words(40, 'tale') };
  assert.equal(filter.faultOf(task, story), undefined);
  assert.equal(filter.faultOf(task, { answer: `${story.answer} End.` })?.rule, 'answer nearly said before');
  assert.equal(filter.faultOf(task, sydney), undefined);
  assert.equal(filter.faultOf(task, sydney), undefined, 'short answers are alike by nature');
});

test('a filter that only chooses by length is seen as one: it differs from chance, not from equal lengths', () => {
  const random = Random.stream(5, 'baselines');
  const taskOf = (i: number) => {
    const size = random.integer(4, 40);
    const answer = Array.from({ length: size }, () => `w${random.integer(0, 300)}`).join(' ');
    return { kind: i % 3 === 0 ? 'chat' : 'story', language: 'en' as const, turns: [`question ${i}`], answer, size };
  };
  const all = Array.from({ length: 900 }, (_, i) => taskOf(i));
  const provenance = { teacher: 'test', request: 0, seeds: [] };
  const [compared] = compareWithChance(
    all.filter(({ size }) => size > 20).map(({ answer, ...task }) => ({ ...task, solution: { answer } })),
    all.filter(({ size }) => size <= 20).map((task) => ({ ...task, rule: 'answer too short', provenance })),
    1,
  );
  assert.deepEqual([compared.candidates, compared.dropped], [900, all.filter(({ size }) => size <= 20).length]);
  assert.equal(compared.rows, 900 - compared.dropped);
  const { kept, random: drawn, 'length-matched': matched } = compared.selections;
  assert.ok((kept.answerWords ?? 0) > (drawn.answerWords ?? 0) + 5, 'it kept long answers');
  assert.ok(Math.abs((kept.answerWords ?? 0) - (matched.answerWords ?? 0)) < 1);
  assert.ok(Math.abs(kept.distinctPairs - matched.distinctPairs) < 0.02);
  assert.ok(kept.families > 1.8 && kept.families <= 2);
});

test('the student: rows for training that it answers right sometimes are kept, with the share', () => {
  const row = (id: string): Conversation => ({
    ...{ id, kind: 'sum', language: 'en' as const, provenance: { teacher: 'test', seeds: [], request: 3 } },
    messages: [
      { role: 'user', content: `${id}?` },
      { role: 'assistant', content: id },
    ],
  });
  const rates = Object.entries({ never: 0, rarely: 0.25, often: 0.75, always: 1 });
  const attempts = new Map(rates.map(([id, rate]) => [id, { rate }]));
  const rows = ['never', 'rarely', 'unasked', 'often', 'always'].map(row);
  const { kept, rejected } = splitByRate(rows, attempts, { from: 0.1, to: 0.9, samples: 4 });
  assert.deepEqual(
    kept.map(({ id, provenance }) => [id, provenance?.passRate]),
    [
      ['rarely', 0.25],
      ['unasked', undefined],
      ['often', 0.75],
    ],
  );
  assert.deepEqual(
    rejected.map(({ rule, why, turns, answer, provenance }) => [rule, why, turns, answer, provenance.request]),
    [
      ['student never right', 'right in 0 of 4 answers', ['never?'], 'never', 3],
      ['student always right', 'right in 4 of 4 answers', ['always?'], 'always', 3],
    ],
  );
});

test('of one question with two answers that cannot both be right neither is kept, and each drop has its reason', async () => {
  const proposals = [
    [solved('Capital of Australia?', 'Sydney.'), solved('Largest planet of our sun?', 'Jupiter.')],
    [
      solved('capital of Australia', 'Canberra.'),
      solved('Largest planet of our sun?', 'Jupiter.'),
      solved('Draw a cat.', 'x y'),
    ],
  ];
  const teacher: Teacher = {
    ...{
      name: 'test',
      requestsAtOnce: 1,
      patience: 1,
      holdsOut: false,
      notes: () => [],
      can: () => true,
      checks: () => true,
    },
    propose: () => Promise.resolve({ tasks: proposals.shift() ?? [], dropped: [] }),
    answer: ({ solution }) => Promise.resolve(solution ?? { rule: 'no answer', example: '' }),
  };
  const shares = { share: 1, shareHeldOut: 1 };
  const buckets = [{ method: 'families' as const, kind: 'capital', language: 'en' as const, ...shares }];
  const options = { seeds: [], teacher, buckets, target: 9, heldOut: 0, maxSimilarity: 0.7, seed: 1 };
  const { tasks, rejected, dropped } = await expand(options);
  assert.deepEqual(
    tasks.map(({ solution }) => solution.answer),
    ['Jupiter.'],
  );
  assert.deepEqual(
    rejected.map(({ rule, answer, why }) => [rule, answer, why].filter(Boolean).join('; ')),
    [
      'answers contradict each other; Canberra.; before: Sydney.',
      'answers contradict each other; Sydney.; again: Canberra.',
      'not new; the same question, or its operands, was there before',
      'prompt asks for what text cannot do',
    ],
  );
  assert.deepEqual(rejected[1].provenance, { teacher: 'test', request: 0, seeds: [] });
  assert.equal(dropped.get('answers contradict each other')?.count, 2);
});

function solved(question: string, answer: string): ProposedTask {
  return { kind: 'capital', language: 'en', turns: [question], solution: { answer } };
}
