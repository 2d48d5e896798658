// What only a person's own notes say: Search. The notes are made up here and written beside the rows, for the tool to search.
import { Random } from '../../../base/random.js';
import { isHeldOutWord } from '../../../data/held-out-words.js';
import { call, type Draw, type Exercise, filled, holding, type Maker, type Spoken } from '../exercise.js';
import { asked, wordingSets } from '../wordings.js';
import type { Words } from './words.js';

const kinds = ['phone', 'room', 'place', 'birthday', 'meeting', 'price'] as const;
type NoteKind = (typeof kinds)[number];
const sets = () => wordingSets('search', kinds);

interface Subject {
  /** What the note says; `{s}` is whom or what it is of, `{v}` what is told. */
  says: string;
  of: 'people' | 'objects' | 'meetings';
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
  kind: NoteKind;
  s: string;
}

const list = (text: string): string[] => text.split(' ');
const join = (first: readonly string[], second: readonly string[], between: string): string[] =>
  first.flatMap((a) => second.map((b) => `${a}${between}${b}`));

const months = list('January February March April May June July August September October November December');
const days = list('Monday Tuesday Wednesday Thursday Friday Saturday Sunday');
const places = (
  'the cellar, the attic, the garage, the kitchen, the garden shed, the office, the top drawer, the car, the hall, the blue cupboard, ' +
  'the wooden box, the library, the bedroom, the bathroom, the study, the barn, the green bag, the old chest, the next room, ' +
  'the lower drawer, the white cabinet, the workshop, the back yard, the school, the tin box, the big wardrobe'
).split(', ');
const chinesePlaces = list(
  '地下室 阁楼 车库 厨房 花园小屋 办公室 上层抽屉 车里 门厅 蓝色柜子 木盒 书房 卧室 浴室 谷仓 绿色袋子 旧箱子 隔壁房间 下层抽屉 白色柜子 工坊 后院 学校 铁盒 大衣柜 客厅',
);

const names: Record<Spoken, Record<Subject['of'], () => string[]>> = {
  en: {
    people: () =>
      join(
        list(
          'Anna Boris Clara David Elena Frank Grace Henry Irene Jacob Karen Louis Maria Nora Oscar Paula Ralph Sarah Thomas Vera ' +
            'Adam Alice Bruce Carol Daniel Emma George Helen Ivan Julia Laura Martin Nina Peter Robert Simon Susan Tina Victor Walter',
        ),
        list(
          'Baker Carter Dixon Evans Fisher Grant Hughes Jones Keller Lowell Martin Newton Parker Reed Stone Turner Walker Young ' +
            'Adams Brown Clark Cook Ford Gray Hall Hill King Lane Moore Page Rose Smith Taylor Wood White West',
        ),
        ' ',
      ),
    objects: () =>
      join(
        list('red blue green black white old new small large yellow brown grey long short heavy light round broken'),
        list(
          'umbrella bicycle ladder key hammer lamp suitcase camera map kettle drill blanket radio tent rope mirror chair clock knife ' +
            'coat drum basket carpet bottle candle telephone guitar brush bucket pillow',
        ),
        ' ',
      ),
    meetings: () =>
      join(
        list('first second third next last open short big yearly weekly final special'),
        list(
          'budget garden harvest bridge school harbour music winter travel safety library market water forest road theatre station sports',
        ),
        ' ',
      ),
  },
  zh: {
    people: () =>
      join(
        [...'王李张刘陈杨赵黄周吴徐孙马朱胡林何高郭罗梁宋郑谢'],
        list(
          '明 芳 伟 敏 静 强 丽 军 艳 勇 杰 涛 秀英 小红 建国 文华 玉兰 平 春 海 山 林 月 志文 国强 小平 大海 美华 天明 子安 小云 文山 永春 安平',
        ),
        '',
      ),
    objects: () =>
      join(
        list('红色 蓝色 绿色 黑色 白色 旧 新 小 大 黄色 灰色 长 短 重 轻 圆 破'),
        list(
          '雨伞 自行车 梯子 钥匙 锤子 台灯 箱子 相机 地图 水壶 电钻 毯子 收音机 帐篷 绳子 镜子 椅子 闹钟 小刀 大衣 鼓 篮子 地毯 瓶子 蜡烛 电话 吉他 刷子 水桶 枕头',
        ),
        '',
      ),
    meetings: () =>
      join(
        list('第一次 第二次 第三次 下次 公开 临时 年度 每周 最后一次 特别'),
        list('预算 花园 收成 桥梁 学校 港口 音乐 冬季 旅行 安全 图书馆 市场 用水 森林 道路 剧院 车站 体育'),
        '',
      ),
  },
};

const digits = (random: Random, count: number): string =>
  Array.from({ length: count }, () => random.integer(0, 10)).join('');
const clock = (random: Random): string =>
  `${random.integer(8, 19)}:${random.choose(['00', '10', '15', '20', '30', '40', '45', '50'])}`;

const subjects: Record<Spoken, Record<NoteKind, Subject>> = {
  en: {
    phone: {
      ...{ of: 'people', says: 'The phone number of {s} is {v}.', query: '{s} phone number' },
      value: (random) => digits(random, 6),
    },
    room: {
      ...{ of: 'people', says: 'The room of {s} is {v}.', query: '{s} room' },
      value: (random) => String(random.integer(100, 900)),
    },
    place: {
      ...{ of: 'objects', says: 'The {s} is in {v}.', query: '{s}' },
      value: (random) => random.choose(places),
    },
    birthday: {
      ...{ of: 'people', says: 'The birthday of {s} is {v}.', query: '{s} birthday' },
      value: (random) => `${random.integer(1, 29)} ${random.choose(months)}`,
    },
    meeting: {
      ...{ of: 'meetings', says: 'The {s} meeting is on {v}.', query: '{s} meeting' },
      value: (random) => `${random.choose(days)} at ${clock(random)}`,
    },
    price: {
      ...{ of: 'objects', says: 'The price of the {s} was {v} dollars.', query: '{s} price' },
      value: (random) => String(random.integer(2, 900)),
    },
  },
  zh: {
    phone: {
      ...{ of: 'people', says: '{s}的电话号码是{v}。', query: '{s} 电话号码' },
      value: (random) => digits(random, 6),
    },
    room: {
      ...{ of: 'people', says: '{s}的房间是{v}号。', query: '{s} 房间' },
      value: (random) => String(random.integer(100, 900)),
    },
    place: {
      ...{ of: 'objects', says: '{s}在{v}。', query: '{s}' },
      value: (random) => random.choose(chinesePlaces),
    },
    birthday: {
      ...{ of: 'people', says: '{s}的生日是{v}。', query: '{s} 生日' },
      value: (random) => `${random.integer(1, 13)}月${random.integer(1, 29)}日`,
    },
    meeting: {
      ...{ of: 'meetings', says: '{s}会议在{v}开。', query: '{s} 会议' },
      value: (random) => `星期${random.choose([...'一二三四五六日'])}${random.integer(8, 19)}点`,
    },
    price: {
      ...{ of: 'objects', says: '{s}的价钱是{v}元。', query: '{s} 价钱' },
      value: (random) => String(random.integer(2, 900)),
    },
  },
};

export interface Notebook {
  notes: Note[];
  maker: Maker;
}

/** Of each kind and language: more only make the notes long. */
const maxNotes = 300;

/** Names made of any word, for notes to learn from: who reads only thirty nouns learns them by heart. */
function wideNames({ en, zh }: Words): Record<Spoken, Record<Subject['of'], (random: Random) => string>> {
  const capital = (word: string): string => word[0].toUpperCase() + word.slice(1);
  const some = (list: readonly string[], random: Random): string => random.choose(list).split(' ')[0];
  const own = { en: names.en.people(), zh: names.zh.people() };
  return {
    en: {
      people: (random) => `${some(own.en, random)} ${capital(random.choose(en))}`,
      objects: (random) => `${some(names.en.objects(), random)} ${random.choose(en)}`,
      meetings: (random) => `${some(names.en.meetings(), random)} ${random.choose(en)}`,
    },
    zh: {
      people: (random) => random.choose(own.zh)[0] + random.choose(zh),
      objects: (random) => random.choose(zh),
      meetings: (random) => random.choose(zh),
    },
  };
}

/**
 * Notes of every kind, in both languages.
 * @param words that are not held out: as many notes again are of them, to be learnt from
 */
export function notebook(seed: number, words: Words = { en: [], zh: [] }): Notebook {
  const random = Random.stream(seed, 'notes');
  const told: Told[] = [];
  const wide = wideNames(words);
  for (const language of ['zh', 'en'] as const) {
    for (const kind of kinds) {
      const { of, says, query, value } = subjects[language][kind];
      const own = random.shuffle(names[language][of]()).slice(0, maxNotes);
      const others = words[language].length === 0 ? [] : Array.from(own, () => wide[language][of](random));
      for (const s of new Set([...own, ...others.filter((name) => !isHeldOutWord(name))])) {
        const text = filled(says, { s, v: value(random) });
        told.push({ language, title: filled(query, { s }), text, kind, s });
      }
    }
  }
  const side = (language: Spoken, isHeldOut: boolean): Told[] =>
    told.filter((note) => note.language === language && isHeldOutWord(note.s) === isHeldOut);
  const sides = {
    zh: { learnt: side('zh', false), heldOut: side('zh', true) },
    en: { learnt: side('en', false), heldOut: side('en', true) },
  };
  const maker = (draw: Draw): Exercise => {
    const { language, isHeldOut } = draw;
    const { kind, s, text, title } = draw.random.choose(sides[language][isHeldOut ? 'heldOut' : 'learnt']);
    return {
      ...{ kind: 'search', language, needs: ['Search'], ...asked(sets()[kind], { s }, draw) },
      turns: [() => [call('Search', { query: title })]],
      ending: ([r]) => (r.includes(text) ? holding(text, text) : undefined),
    };
  };
  return { notes: told.map(({ language, title, text }) => ({ language, title, text })), maker };
}
