// Families whose answers are computed: arithmetic with its steps, odd or even, larger or smaller.
import type { Random } from '../../../base/random.js';
import { lastNumber } from '../../../evaluation/checks.js';
import { parityHolds, sumsHold } from '../sums.js';
import type { TaskLanguage } from '../teacher.js';
import { exactly, type FamilyRows, fill, phrase, type SolvedTask, type Wordings } from './family.js';

const arithmetic: Wordings = {
  zh: [
    '{}=?',
    '计算：{}',
    '请算一下{}。',
    '{}等于多少？',
    '{}的结果是多少？',
    '算出{}，写出步骤。',
    '帮我算{}。',
    '求{}的值。',
    '一步一步算：{}',
    '你会算{}吗？',
    '口算：{}',
    '请问{}等于几？',
    '{}得多少？',
    '老师让我算{}，答案是多少？',
  ],
  en: [
    '{}=?',
    'Compute {}.',
    'What is {}?',
    'Work out {}.',
    'How much is {}?',
    'Calculate: {}',
    'Find the value of {}.',
    'Solve {} step by step.',
    'Please work out {} for me.',
    'Show the steps: {}',
    'Can you compute {}?',
    'Tell me what {} equals.',
    'What does {} come to?',
    'I need the result of {}.',
  ],
};

interface Story {
  operator: '+' | '-' | '×';
  text: string;
}

/** Short stories behind one operation. */
const stories: Record<TaskLanguage, readonly Story[]> = {
  zh: [
    { operator: '+', text: '小红有{}本书，又买了{}本，一共有几本？' },
    { operator: '+', text: '车上有{}个人，上来{}个，现在有多少人？' },
    { operator: '-', text: '篮子里有{}个鸡蛋，用掉{}个，还剩几个？' },
    { operator: '-', text: '我有{}元，花了{}元，还有多少元？' },
    { operator: '×', text: '每盒{}支笔，{}盒一共多少支？' },
    { operator: '×', text: '一排坐{}人，{}排能坐多少人？' },
  ],
  en: [
    { operator: '+', text: 'Ann has {} books and buys {} more. How many now?' },
    { operator: '+', text: '{} people are on a bus and {} get on. How many in all?' },
    { operator: '-', text: 'There were {} eggs and {} were used. How many are left?' },
    { operator: '-', text: 'I had {} coins and spent {}. How many remain?' },
    { operator: '×', text: 'A box holds {} pens. How many pens in {} boxes?' },
    { operator: '×', text: 'Each row seats {} people. How many fit in {} rows?' },
  ],
};

function operate(a: number, operator: string, b: number): number {
  return operator === '+' ? a + b : operator === '-' ? a - b : a * b;
}

/** One- and two-digit operands, 2 at least ("1 people"); a difference is never negative. */
function operands(operator: string, random: Random): [number, number] {
  if (operator === '×') return [random.integer(2, 40), random.integer(2, 10)];
  const pair: [number, number] = [random.integer(2, 100), random.integer(2, 100)];
  return operator === '-' && pair[0] < pair[1] ? [pair[1], pair[0]] : pair;
}

function concluding(language: TaskLanguage, steps: readonly string[], result: number): SolvedTask['solution'] {
  const answer =
    language === 'zh' ? `${steps.join('，')}。答案是${result}。` : `${steps.join(', ')}. The answer is ${result}.`;
  return { answer, check: { type: 'number', answer: result } };
}

function makeArithmetic(language: TaskLanguage, random: Random): SolvedTask {
  if (random.uniform() < 0.2) {
    const story = random.choose(stories[language]);
    const [a, b] = operands(story.operator, random);
    const result = operate(a, story.operator, b);
    const step = `${a}${story.operator}${b}=${result}`;
    return { turns: [fill(story.text, a, b)], solution: concluding(language, [step], result) };
  }
  const first = random.choose(['+', '-', '×', '×']);
  const [a, b] = operands(first, random);
  const middle = operate(a, first, b);
  if (first !== '×' || random.uniform() < 0.3) {
    const expression = `${a}${first}${b}`;
    const solution = concluding(language, [`${expression}=${middle}`], middle);
    return { turns: [phrase(arithmetic[language], random, expression)], solution };
  }
  const second = random.choose(['+', '-']);
  const c = random.integer(1, second === '-' ? Math.min(99, middle) : 100);
  const result = operate(middle, second, c);
  const steps = [`${a}×${b}=${middle}`, `${middle}${second}${c}=${result}`];
  return {
    turns: [phrase(arithmetic[language], random, `${a}×${b}${second}${c}`)],
    solution: concluding(language, steps, result),
  };
}

const parity: Wordings = {
  zh: [
    '{}是奇数还是偶数？',
    '判断奇偶：{}',
    '请问{}是奇数还是偶数？',
    '数字{}的奇偶性是什么？',
    '{}是单数还是双数？回答“奇数”或“偶数”。',
    '{}属于奇数还是偶数？',
    '告诉我{}是偶数还是奇数。',
    '{}能被二整除吗？回答“偶数”或“奇数”。',
    '奇数还是偶数：{}',
    '帮我看看{}是奇数还是偶数。',
    '老师问：{}是奇是偶？',
    '说出{}是奇数还是偶数。',
  ],
  en: [
    'Is {} odd or even?',
    'Odd or even: {}',
    'Tell me whether {} is odd or even.',
    'Is the number {} even or odd?',
    'What is the parity of {}?',
    'Say if {} is an odd or an even number.',
    '{}: odd or even?',
    'Would you call {} odd or even?',
    'Decide whether {} is even or odd.',
    'Is {} an even number or an odd number?',
    'Name the parity of {}.',
    'Check {}: is it odd or even?',
  ],
};

/** Mostly one to three digits, a few have four. */
function naturalNumber(random: Random): number {
  const limit = random.choose([100, 100, 1000, 1000, 1000, 10_000]);
  return random.integer(0, limit);
}

function makeParity(language: TaskLanguage, random: Random): SolvedTask {
  const n = naturalNumber(random);
  const even = n % 2 === 0;
  const name = language === 'zh' ? (even ? '偶数' : '奇数') : even ? 'Even' : 'Odd';
  const solution = {
    answer: `${name}${language === 'zh' ? '。' : '.'}`,
    check: { type: 'equals', answer: name } as const,
  };
  return { turns: [phrase(parity[language], random, n)], solution };
}

const larger: Wordings = {
  zh: [
    '{}和{}哪个大？',
    '{}与{}相比，较大的是哪个？',
    '选出较大的数：{}、{}',
    '{}、{}，大的是哪一个？',
    '请问{}和{}谁更大？',
    '比一比：{}和{}，哪个更大？',
    '在{}和{}中找出更大的数。',
  ],
  en: [
    'Which is larger, {} or {}?',
    'Pick the larger number: {}, {}',
    'Between {} and {}, which is bigger?',
    'Compare {} and {}. Which is greater?',
    'Name the greater of {} and {}.',
    '{} or {}: which one is larger?',
    'Of {} and {}, tell me the bigger one.',
  ],
};

const smaller: Wordings = {
  zh: [
    '{}和{}哪个小？',
    '{}与{}相比，较小的是哪个？',
    '选出较小的数：{}、{}',
    '{}、{}，小的是哪一个？',
    '请问{}和{}谁更小？',
    '比一比：{}和{}，哪个更小？',
    '在{}和{}中找出更小的数。',
  ],
  en: [
    'Which is smaller, {} or {}?',
    'Pick the smaller number: {}, {}',
    'Between {} and {}, which is less?',
    'Compare {} and {}. Which is smaller?',
    'Name the lesser of {} and {}.',
    '{} or {}: which one is smaller?',
    'Of {} and {}, tell me the smaller one.',
  ],
};

function makeComparison(language: TaskLanguage, random: Random): SolvedTask {
  const a = naturalNumber(random);
  let b = naturalNumber(random);
  if (a === b) b += 1;
  const wantsLarger = random.uniform() < 0.5;
  const result = wantsLarger ? Math.max(a, b) : Math.min(a, b);
  const [more, less, stop] = language === 'zh' ? ['更大', '更小', '。'] : [' is larger', ' is smaller', '.'];
  const said = `${result}${wantsLarger ? more : less}`;
  return {
    turns: [phrase((wantsLarger ? larger : smaller)[language], random, a, b)],
    solution: { answer: said + stop, check: { type: 'equals', answer: said } },
  };
}

export const numberFamilies = {
  arithmetic: {
    task: 'arithmetic with small whole numbers, one or two operations, with all numbers written as digits',
    answerForm: 'Show each step as an equation, then state the result; the last number is the result.',
    key: 'numbers',
    anyLanguage: 'prompt',
    check(answer) {
      const number = lastNumber(answer);
      return number === undefined ? undefined : { type: 'number', answer: number };
    },
    isRight: (question, answer) => sumsHold(question, answer, lastNumber(answer)),
    maker: () => makeArithmetic,
  },
  parity: {
    task: 'deciding whether one given whole number, written in digits, is odd or even',
    answerForm: 'Answer with exactly one word: "Odd." or "Even." (in Chinese "奇数。" or "偶数。").',
    key: 'numbers',
    check: exactly,
    isRight: parityHolds,
    maker: () => makeParity,
  },
  comparison: {
    task: 'picking the larger or the smaller of two whole numbers written in digits',
    answerForm: 'Answer like "47 is larger." or "9 is smaller." (in Chinese "47更大。" or "9更小。").',
    key: 'numbers',
    // The last number alone would let "38 is larger, not 83" pass for 83.
    check: exactly,
    maker: () => makeComparison,
  },
} satisfies FamilyRows;
