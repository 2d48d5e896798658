// Families answered by rule: which language a sentence is in, and small changes of form (lists, case, order, marks).
import type { Random } from '../../../base/random.js';
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
} from './family.js';
import type { Wordings } from './wordings.js';

/** Any three of them make a sentence: habits in Chinese, whose verbs need no mark of time then; the past in English. */
const sentenceParts: Record<TaskLanguage, { who: string[]; what: string[]; when: string[] }> = {
  zh: {
    who: ['我', '妈妈', '老师', '邻居', '妹妹', '弟弟', '他们', '医生', '爷爷', '那个女孩', '我的朋友', '工人们'],
    what: [
      '看书',
      '喝茶',
      '去公园散步',
      '做饭',
      '学画画',
      '骑车',
      '听音乐',
      '唱歌',
      '写信',
      '打扫房间',
      '种花',
      '跑步',
    ],
    when: ['每天', '早上', '中午', '下午', '晚上', '周末', '星期一', '星期天', '假期里', '春天', '秋天', '有时候'],
  },
  en: {
    who: [
      'I',
      'My mother',
      'The teacher',
      'Our neighbour',
      'My sister',
      'His brother',
      'They',
      'The doctor',
      'Grandpa',
      'That girl',
      'My friend',
      'The workers',
    ],
    what: [
      'read a book',
      'drank tea',
      'walked in the park',
      'baked bread',
      'bought new shoes',
      'rode a bike',
      'wrote a letter',
      'sang a song',
      'cleaned the room',
      'planted flowers',
      'watched the rain',
      'played chess',
    ],
    when: [
      'today',
      'yesterday',
      'in the morning',
      'in the afternoon',
      'in the evening',
      'on Sunday',
      'on Monday',
      'at noon',
      'before lunch',
      'after work',
      'last week',
      'once more',
    ],
  },
};

function sentence(language: TaskLanguage, random: Random): string {
  const { who, what, when } = sentenceParts[language];
  const [w, t, n] = [random.choose(who), random.choose(what), random.choose(when)];
  return language === 'zh' ? `${w}${n}${t}。` : `${w} ${t} ${n}.`;
}

const languageWordings: Wordings = {
  zh: [
    '这句话是什么语言：{}',
    '“{}”是哪种语言？',
    '判断语言：{}',
    '中文还是英文：{}',
    '请问“{}”是用什么语言写的？',
    '下面这句是中文还是英文：{}',
    '识别语言：{}',
    '“{}”属于中文还是英文？',
    '我收到一句“{}”，这是什么语言？',
    '说出这句话的语言：{}',
    '看看这句话用的是哪种语言：{}',
    '书上写着“{}”，是什么语言？',
  ],
  en: [
    'Which language is this: {}',
    'Is "{}" Chinese or English?',
    'Name the language: {}',
    'Chinese or English: {}',
    'What language is "{}" written in?',
    'Identify the language of this sentence: {}',
    'Tell me the language of "{}".',
    'In which language is this sentence: {}',
    'Someone wrote "{}". Which language is that?',
    'Read this and name its language: {}',
    'Decide whether this is Chinese or English: {}',
    'I heard "{}". Was it Chinese or English?',
  ],
};

const languageNames = {
  zh: { zh: '中文', en: '英文' },
  en: { zh: 'Chinese', en: 'English' },
} as const;

function makeLanguage(draw: Draw): SolvedTask | undefined {
  const { language, random } = draw;
  const actual: TaskLanguage = random.uniform() < 0.5 ? 'zh' : 'en';
  const text = operandFor(draw, () => sentence(actual, random), String);
  if (text === undefined) return undefined;
  const name = languageNames[language][actual];
  return {
    turns: [phrase(languageWordings[language], draw, text)],
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
    {
      wordings: ['把这些词倒过来排：{}', '按相反的顺序写出：{}'],
      separator: ' ',
      apply: (w) => w.toReversed().join(' '),
    },
    { wordings: ['每个词写一行：{}', '把这些词分行写：{}'], separator: ' ', apply: (w) => w.join('\n') },
    { wordings: ['写成编号列表：{}', '给这些词编号，一行一个：{}'], separator: ' ', apply: numbered },
    { wordings: ['加上书名号：{}', '给“{}”加上书名号。'], separator: '', apply: (w) => `《${w.join('')}》` },
    { wordings: ['放进方括号里：{}', '给“{}”加上方括号。'], separator: '', apply: (w) => `[${w.join('')}]` },
    { wordings: ['写出第一个词：{}', '只留下开头的词：{}'], separator: ' ', apply: (w) => w[0] },
    { wordings: ['写出最后一个词：{}', '只留下末尾的词：{}'], separator: ' ', apply: (w) => w[w.length - 1] },
    { wordings: ['去掉空格：{}', '把这些字连起来写：{}'], separator: ' ', apply: (w) => w.join('') },
  ],
  en: [
    {
      wordings: ['Join these words with commas: {}', 'Put commas between these words: {}'],
      separator: ' ',
      apply: (w) => w.join(', '),
    },
    {
      wordings: ['Reverse the order of these words: {}', 'Write these words backwards, last first: {}'],
      separator: ' ',
      apply: (w) => w.toReversed().join(' '),
    },
    {
      wordings: ['Write one word on each line: {}', 'Put every word on its own line: {}'],
      separator: ' ',
      apply: (w) => w.join('\n'),
    },
    { wordings: ['Make a numbered list: {}', 'Number these items, one a line: {}'], separator: ', ', apply: numbered },
    {
      wordings: ['Write in capital letters: {}', 'Put "{}" in upper case.'],
      count: 2,
      separator: ' ',
      apply: (w) => w.join(' ').toUpperCase(),
    },
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
    maker: () => makeLanguage,
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
