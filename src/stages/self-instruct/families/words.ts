// Families answered by rule: which language a sentence is in, and small changes of form (lists, case, order, marks).

import { partFor } from '../../../tools/wordings.js';
import type { TaskLanguage } from '../teacher.js';
import {
  type Draw,
  exactly,
  exactlyIfShort,
  type FamilyRows,
  fill,
  fixed,
  operandFor,
  phrase,
  type SolvedTask,
  type Sources,
} from './family.js';
import { makerFrom, type NamedWordings } from './wordings.js';

/** Any three of them make a sentence: habits in Chinese, whose verbs need no mark of time then; the past in English. */
function sentence(language: TaskLanguage, { random, isHeldOut }: Draw, { who, what, when }: NamedWordings): string {
  const [w, n] = [random.choose(who[language]), random.choose(when[language])];
  const t = random.choose(partFor(what[language], isHeldOut));
  return language === 'zh' ? `${w}${n}${t}。` : `${w} ${t} ${n}.`;
}

const languageNames = {
  zh: { zh: '中文', en: '英文' },
  en: { zh: 'Chinese', en: 'English' },
} as const;

function makeLanguage(draw: Draw, _: Sources, wordings: NamedWordings): SolvedTask {
  const { language, random } = draw;
  const actual: TaskLanguage = random.uniform() < 0.5 ? 'zh' : 'en';
  const name = languageNames[language][actual];
  return {
    turns: [phrase(wordings.asks[language], draw, sentence(actual, draw, wordings))],
    solution: fixed(language === 'zh' ? `${name}。` : `${name}.`),
  };
}

const items: Record<TaskLanguage, readonly string[]> = {
  zh: [...'山水花草鸟鱼云雨风雪月星树石火木金土马牛羊狗猫虎车船门窗桌椅笔纸书灯茶米'],
  en: 'apple bread chair dance earth fish glass house ink juice king lamp milk night ocean pear queen river salt tree unit voice wind year zoo bird cake door egg fire gold hand'.split(
    ' ',
  ),
};

/** A change of form: 2 or 3 ways to ask for it, and the rule that does it. */
interface Change {
  wordings: readonly string[];
  /** Words it works on; absent: 2 to 4. */
  count?: number;
  /** Between the words of the prompt. */
  separator: string;
  apply(words: readonly string[]): string;
}

const changes: Record<TaskLanguage, readonly Change[]> = {
  zh: [
    { wordings: ['用逗号连接这些词：{}', '把这些词用逗号隔开：{}'], separator: ' ', apply: (w) => w.join('，') },
    { wordings: ['每个词写一行：{}', '把这些词分行写：{}'], separator: ' ', apply: (w) => w.join('\n') },
    { wordings: ['写成编号列表：{}', '给这些词编号，一行一个：{}'], separator: ' ', apply: numbered },
    { wordings: ['加上书名号：{}', '给“{}”加上书名号。'], separator: '', apply: (w) => `《${w.join('')}》` },
    { wordings: ['放进方括号里：{}', '给“{}”加上方括号。'], separator: '', apply: (w) => `[${w.join('')}]` },
    { wordings: ['写出第一个词：{}', '只留下开头的词：{}'], separator: ' ', apply: (w) => w[0] },
    { wordings: ['去掉空格：{}', '把这些字连起来写：{}'], separator: ' ', apply: (w) => w.join('') },
  ],
  en: [
    {
      wordings: ['Join these words with commas: {}', 'Put commas between these words: {}'],
      separator: ' ',
      apply: (w) => w.join(', '),
    },
    {
      wordings: ['Write one word on each line: {}', 'Put every word on its own line: {}'],
      separator: ' ',
      apply: (w) => w.join('\n'),
    },
    { wordings: ['Make a numbered list: {}', 'Number these items, one a line: {}'], separator: ', ', apply: numbered },
    {
      wordings: ['Capitalise the first letter of each word: {}', 'Start every word with a capital: {}'],
      separator: ' ',
      apply: (w) => w.map((x) => x[0].toUpperCase() + x.slice(1)).join(' '),
    },
    {
      wordings: ['Sort these words alphabetically: {}', 'Put these in alphabetical order: {}'],
      separator: ', ',
      apply: (w) => w.toSorted().join(', '),
    },
    {
      wordings: ['Wrap "{}" in square brackets.', 'Put square brackets around this: {}'],
      count: 2,
      separator: ' ',
      apply: (w) => `[${w.join(' ')}]`,
    },
    {
      wordings: ['Keep only the first word: {}', 'Write just the first word of this: {}'],
      separator: ' ',
      apply: (w) => w[0],
    },
  ],
};

function numbered(words: readonly string[]): string {
  return words.map((item, i) => `${i + 1}. ${item}`).join('\n');
}

/** Each change has two wordings or three: none can be held out, the words are. */
function makeFormatting(draw: Draw): SolvedTask | undefined {
  const { language, random } = draw;
  const change = random.choose(changes[language]);
  const make = (): string[] => random.shuffle([...items[language]]).slice(0, change.count ?? random.integer(2, 5));
  const chosen = operandFor(draw, make, (words) => words.join(' '));
  if (chosen === undefined) return undefined;
  const answer = change.apply(chosen);
  return {
    turns: [fill(random.choose(change.wordings), chosen.join(change.separator))],
    solution: { answer, check: { type: 'equals', answer } },
  };
}

export const wordFamilies = {
  language: {
    task: 'deciding whether a quoted sentence is Chinese or English',
    answerForm: 'Answer with exactly one word: "Chinese." or "English." (in Chinese "中文。" or "英文。").',
    key: 'quotation',
    anyLanguage: 'answer',
    check: exactly,
    asked: () => 'language',
    maker: makerFrom('language', makeLanguage),
  },
  formatting: {
    task: 'small changes of form of a few words that are given after a colon: case, order, lists, punctuation',
    answerForm: 'Answer with the changed text alone.',
    key: 'quotation',
    anyLanguage: 'answer',
    check: exactlyIfShort,
    maker: () => makeFormatting,
  },
} satisfies FamilyRows;
