// How a sum is asked for: in signs, in words, two at once, one after the other. `{e}` and `{f}` are expressions, `{a}` to
// `{c}` numbers.
import type { Wordings } from '../exercise.js';

export const asked: Wordings = {
  en: [
    'What is {e}?',
    'Calculate {e}.',
    'Compute {e}.',
    'How much is {e}?',
    'Work out {e} for me.',
    'Evaluate {e}.',
    'I need the value of {e}.',
    'Tell me the result of {e}.',
    'Could you calculate {e}?',
    "What's the value of {e}?",
    '{e} = ?',
    'Find {e}.',
    'Please give me the result of {e}.',
    'What does {e} come to?',
    'Let me know what {e} is.',
    '{e}',
    'What do you get for {e}?',
    'Can you tell me how much {e} is?',
    'Help me with this sum: {e}',
    'Please calculate this: {e}',
    'What number is {e}?',
    'Do this for me: {e}',
    'Give me {e}.',
    'The result of {e}?',
    'What is the result of {e}?',
  ],
  zh: [
    '{e}等于多少？',
    '计算{e}。',
    '请算一下{e}。',
    '{e}是多少？',
    '帮我算算{e}。',
    '{e}=？',
    '求{e}的值。',
    '我想知道{e}的结果。',
    '{e}的结果是多少？',
    '请计算：{e}',
    '算出{e}。',
    '告诉我{e}等于几。',
    '{e}',
    '请问{e}得多少？',
    '{e}的值是多少？',
    '你能算{e}吗？',
    '麻烦计算一下{e}。',
    '{e}等于几？',
    '做一下这道题：{e}',
    '请问{e}等于多少？',
    '{e}得几？',
    '我要{e}的结果。',
    '这个算式的结果是什么：{e}',
    '把{e}算出来。',
    '请告诉我{e}是多少。',
  ],
};

/** Heads and what they are about: eleven heads, so that no head and nothing it is about is always held out. */
const heads: Wordings = {
  en: [
    'What is {p}?',
    'Calculate {p}.',
    'Find {p}.',
    'Tell me {p}.',
    'How much is {p}?',
    'Compute {p}.',
    'Give me {p}.',
    'I need {p}.',
    'Work out {p}.',
    'Please find {p}.',
    'Can you tell me {p}?',
  ],
  zh: [
    '{p}是多少？',
    '求{p}。',
    '请算{p}。',
    '计算{p}。',
    '{p}等于多少？',
    '告诉我{p}。',
    '帮我算{p}。',
    '{p}得多少？',
    '请问{p}是几？',
    '我要知道{p}。',
    '{p}等于几？',
  ],
};

function about(en: readonly string[], zh: readonly string[], stories: Wordings = { en: [], zh: [] }): Wordings {
  const all = (language: keyof Wordings, phrases: readonly string[]): string[] => [
    ...phrases.flatMap((phrase) => heads[language].map((head) => head.replace('{p}', phrase))),
    ...stories[language],
  ];
  return { en: all('en', en), zh: all('zh', zh) };
}

/** The sign is said in words. */
export const worded: Record<'+' | '-' | '*' | '/', Wordings> = {
  '+': about(['{a} plus {b}', 'the sum of {a} and {b}'], ['{a}加{b}', '{a}与{b}的和', '{a}加上{b}'], {
    en: [
      'Add {a} and {b}.',
      'I have {a} coins and get {b} more. How many coins do I have?',
      'There are {a} boys and {b} girls. How many children are there?',
    ],
    zh: ['我有{a}个硬币，又得到{b}个，一共有几个？', '有{a}个男孩和{b}个女孩，一共有几个孩子？'],
  }),
  '-': about(['{a} minus {b}', 'the difference between {a} and {b}'], ['{a}减{b}', '{a}与{b}的差', '{a}减去{b}'], {
    en: [
      'Subtract {b} from {a}.',
      'I had {a} coins and lost {b} of them. How many are left?',
      'Of {a} tickets {b} are sold. How many are left?',
    ],
    zh: ['我有{a}个硬币，丢了{b}个，还剩几个？', '{a}张票卖了{b}张，还剩几张？'],
  }),
  '*': about(
    ['{a} times {b}', 'the product of {a} and {b}', '{a} multiplied by {b}'],
    ['{a}乘{b}', '{a}与{b}的积', '{a}乘以{b}'],
    {
      en: ['Multiply {a} by {b}.', 'There are {a} boxes with {b} pens each. How many pens are there?'],
      zh: ['有{a}个盒子，每个盒子有{b}支笔，一共有几支笔？'],
    },
  ),
  '/': about(['{a} divided by {b}', 'the quotient of {a} and {b}'], ['{a}除以{b}', '{a}除以{b}的商'], {
    en: ['Divide {a} by {b}.', 'Share {a} equally among {b} people. How much does each get?'],
    zh: ['{a}平均分给{b}个人，每人得多少？'],
  }),
};

export const roots = about(['the square root of {a}'], ['{a}的平方根']);
export const powers = about(['{a} to the power of {b}'], ['{a}的{b}次方']);
export const percents = about(['{a}% of {b}'], ['{b}的{a}%']);

export const both: Wordings = {
  en: [
    'What is {e}, and what is {f}?',
    'Calculate {e} and {f}.',
    'I need {e} and also {f}.',
    'Tell me {e} and {f}.',
    'Compute {e} as well as {f}.',
  ],
  zh: ['{e}和{f}各是多少？', '计算{e}和{f}。', '请算{e}，还有{f}。', '告诉我{e}和{f}。', '{e}与{f}分别等于多少？'],
};
export const chained: Wordings = {
  en: [
    'Calculate {e}, then {sign} the result {by} {c}.',
    'First work out {e}. Then {sign} the result {by} {c}.',
    'Find {e} and {sign} what you get {by} {c}.',
    'What is {e}? Afterwards {sign} the result {by} {c}.',
    'Compute {e}, and then {sign} the result {by} {c}.',
  ],
  zh: [
    '先算{e}，再把结果{sign}{c}。',
    '计算{e}，然后把结果{sign}{c}。',
    '求{e}，再{sign}{c}。',
    '{e}是多少？再把结果{sign}{c}。',
    '请先计算{e}，再将结果{sign}{c}。',
  ],
};
