// What only a person's own notes say: Search. The notes are made up here and written beside the rows, for the tool to search.
import { Random } from '../../../base/random.js';
import { isHeldOutWord } from '../../../data/held-out-words.js';
import { call, type Draw, type Exercise, filled, holding, type Maker, type Spoken, wordingsFor } from '../exercise.js';

interface Subject {
  /** What the note says; `{s}` is whom it is of, `{v}` what is told. */
  says: string;
  asks: readonly string[];
  subjects(): string[];
  value(random: Random): string;
  /** What is searched for. */
  query: string;
}

export interface Note {
  language: Spoken;
  title: string;
  text: string;
}

interface Told extends Note {
  subject: Subject;
  s: string;
  v: string;
}

const join = (first: readonly string[], second: readonly string[], between: string): string[] =>
  first.flatMap((a) => second.map((b) => `${a}${between}${b}`));

const english = {
  first: [
    'Anna',
    'Boris',
    'Clara',
    'David',
    'Elena',
    'Frank',
    'Grace',
    'Henry',
    'Irene',
    'Jacob',
    'Karen',
    'Louis',
    'Maria',
    'Nora',
    'Oscar',
    'Paula',
    'Ralph',
    'Sarah',
    'Thomas',
    'Vera',
  ],
  last: [
    'Baker',
    'Carter',
    'Dixon',
    'Evans',
    'Fisher',
    'Grant',
    'Hughes',
    'Jones',
    'Keller',
    'Lowell',
    'Martin',
    'Newton',
    'Parker',
    'Reed',
    'Stone',
    'Turner',
    'Walker',
    'Young',
  ],
  colours: ['red', 'blue', 'green', 'black', 'white', 'old', 'new', 'small', 'large', 'yellow'],
  things: [
    'umbrella',
    'bicycle',
    'ladder',
    'key',
    'hammer',
    'lamp',
    'suitcase',
    'camera',
    'map',
    'kettle',
    'drill',
    'blanket',
    'radio',
    'tent',
    'rope',
  ],
  places: [
    'the cellar',
    'the attic',
    'the garage',
    'the kitchen',
    'the garden shed',
    'the office',
    'the top drawer',
    'the car',
    'the hall',
    'the blue cupboard',
    'the wooden box',
    'the library',
  ],
  topics: [
    'budget',
    'garden',
    'harvest',
    'bridge',
    'school',
    'harbour',
    'music',
    'winter',
    'travel',
    'safety',
    'library',
    'market',
  ],
  days: ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'],
  months: [
    'January',
    'February',
    'March',
    'April',
    'May',
    'June',
    'July',
    'August',
    'September',
    'October',
    'November',
    'December',
  ],
};
const chinese = {
  last: ['王', '李', '张', '刘', '陈', '杨', '赵', '黄', '周', '吴', '徐', '孙', '马', '朱', '胡'],
  first: [
    '明',
    '芳',
    '伟',
    '敏',
    '静',
    '强',
    '丽',
    '军',
    '洋',
    '艳',
    '勇',
    '杰',
    '涛',
    '秀英',
    '小红',
    '建国',
    '文华',
    '玉兰',
  ],
  colours: ['红色', '蓝色', '绿色', '黑色', '白色', '旧', '新', '小', '大', '黄色'],
  things: [
    '雨伞',
    '自行车',
    '梯子',
    '钥匙',
    '锤子',
    '台灯',
    '箱子',
    '相机',
    '地图',
    '水壶',
    '电钻',
    '毯子',
    '收音机',
    '帐篷',
    '绳子',
  ],
  places: [
    '地下室',
    '阁楼',
    '车库',
    '厨房',
    '花园小屋',
    '办公室',
    '上层抽屉',
    '车里',
    '门厅',
    '蓝色柜子',
    '木盒',
    '书房',
  ],
  topics: ['预算', '花园', '收成', '桥梁', '学校', '港口', '音乐', '冬季', '旅行', '安全', '图书馆', '市场'],
};
const digits = (random: Random, count: number): string =>
  Array.from({ length: count }, () => random.integer(0, 10)).join('');

const subjects: Record<Spoken, readonly Subject[]> = {
  en: [
    {
      says: 'The phone number of {s} is {v}.',
      asks: [
        "What is {s}'s phone number?",
        'Phone number of {s}?',
        'How can I call {s}?',
        'Give me the phone number of {s}.',
        'What is the phone number of {s}?',
      ],
      subjects: () => join(english.first, english.last, ' '),
      value: (random) => digits(random, 6),
      query: '{s} phone number',
    },
    {
      says: 'The {s} is in {v}.',
      asks: [
        'Where is the {s}?',
        'Where did I put the {s}?',
        'In which place is the {s}?',
        'I am looking for the {s}. Where is it?',
        'Where can I find the {s}?',
      ],
      subjects: () => join(english.colours, english.things, ' '),
      value: (random) => random.choose(english.places),
      query: '{s}',
    },
    {
      says: 'The birthday of {s} is {v}.',
      asks: [
        'When is the birthday of {s}?',
        "When is {s}'s birthday?",
        'Tell me the birthday of {s}.',
        'On which day is the birthday of {s}?',
        'What is the birthday of {s}?',
      ],
      subjects: () => join(english.first, english.last, ' '),
      value: (random) => `${random.integer(1, 29)} ${random.choose(english.months)}`,
      query: '{s} birthday',
    },
    {
      says: 'The {s} meeting is on {v}.',
      asks: [
        'When is the {s} meeting?',
        'On which day is the {s} meeting?',
        'What do my notes say about the {s} meeting?',
        'Look up when the {s} meeting is.',
        'When does the {s} meeting take place?',
      ],
      subjects: () => join(['first', 'second', 'third', 'next', 'last', 'open', 'short', 'big'], english.topics, ' '),
      value: (random) =>
        `${random.choose(english.days)} at ${random.integer(8, 19)}:${random.choose(['00', '15', '30', '45'])}`,
      query: '{s} meeting',
    },
  ],
  zh: [
    {
      says: '{s}的电话号码是{v}。',
      asks: [
        '{s}的电话号码是多少？',
        '{s}的电话？',
        '怎么给{s}打电话？',
        '告诉我{s}的电话号码。',
        '请问{s}的电话号码是什么？',
      ],
      subjects: () => join(chinese.last, chinese.first, ''),
      value: (random) => digits(random, 6),
      query: '{s} 电话号码',
    },
    {
      says: '{s}在{v}。',
      asks: ['{s}在哪里？', '我把{s}放在哪儿了？', '{s}在什么地方？', '我在找{s}，它在哪儿？', '哪里能找到{s}？'],
      subjects: () => join(chinese.colours, chinese.things, ''),
      value: (random) => random.choose(chinese.places),
      query: '{s}',
    },
    {
      says: '{s}的生日是{v}。',
      asks: [
        '{s}的生日是哪天？',
        '{s}什么时候过生日？',
        '告诉我{s}的生日。',
        '请问{s}的生日是几月几日？',
        '{s}的生日是什么时候？',
      ],
      subjects: () => join(chinese.last, chinese.first, ''),
      value: (random) => `${random.integer(1, 13)}月${random.integer(1, 29)}日`,
      query: '{s} 生日',
    },
    {
      says: '{s}会议在{v}开。',
      asks: [
        '{s}会议什么时候开？',
        '{s}会议在星期几？',
        '笔记里怎么说{s}会议？',
        '查一下{s}会议的时间。',
        '{s}会议是什么时间？',
      ],
      subjects: () => join(['第一次', '第二次', '第三次', '下次', '公开', '临时'], chinese.topics, ''),
      value: (random) => `星期${random.choose([...'一二三四五六日'])}${random.integer(8, 19)}点`,
      query: '{s} 会议',
    },
  ],
};

export interface Notebook {
  notes: Note[];
  maker: Maker;
}

/** A note of every subject. */
export function notebook(seed: number): Notebook {
  const random = Random.stream(seed, 'notes');
  const told: Told[] = [];
  for (const language of ['zh', 'en'] as const) {
    for (const subject of subjects[language]) {
      for (const s of subject.subjects()) {
        const v = subject.value(random);
        const text = filled(subject.says, { s, v });
        told.push({ language, title: filled(subject.query, { s }), text, subject, s, v });
      }
    }
  }
  const side = (language: Spoken, isHeldOut: boolean): Told[] =>
    told.filter((note) => note.language === language && isHeldOutWord(note.s) === isHeldOut);
  const sides = {
    zh: { learnt: side('zh', false), heldOut: side('zh', true) },
    en: { learnt: side('en', false), heldOut: side('en', true) },
  };
  const maker = ({ random: own, language, isHeldOut }: Draw): Exercise => {
    const { subject, s, text } = own.choose(sides[language][isHeldOut ? 'heldOut' : 'learnt']);
    const wording = own.choose(wordingsFor(subject.asks, isHeldOut));
    return {
      ...{ kind: 'search', language, wording, needs: ['Search'] },
      question: filled(wording, { s }),
      turns: [() => [call('Search', { query: filled(subject.query, { s }) })]],
      ending: ([r]) => (r.includes(text) ? holding(text, text) : undefined),
    };
  };
  return { notes: told.map(({ language, title, text }) => ({ language, title, text })), maker };
}
