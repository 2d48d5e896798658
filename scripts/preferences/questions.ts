// What the courtesy set asks: small questions that have one answer, in both languages, and how an answer may be given.

export type CourtesyLanguage = 'en' | 'zh';

interface Questions {
  /** `{}`: what is asked about. */
  wordings: readonly string[];
  /** What is asked about, and the answer. */
  items: readonly (readonly [string, string])[];
}

export interface Topic extends Record<CourtesyLanguage, Questions> {
  name: string;
}

/** Written as `a=b c=d`, with `_` for a blank. */
function items(text: string): [string, string][] {
  return text.split(' ').map((each) => {
    const [subject, answer] = each.replaceAll('_', ' ').split('=');
    return [subject, answer];
  });
}

export const topics: readonly Topic[] = [
  {
    name: 'colour',
    en: {
      wordings: [
        'What colour is {}?',
        'Which colour does {} have?',
        'Tell me the colour of {}.',
        'Name the colour of {}.',
        'The colour of {} is what?',
        'Do you know the colour of {}?',
      ],
      items: items(
        'the_sky=blue grass=green snow=white coal=black blood=red a_lemon=yellow an_orange=orange milk=white a_leaf=green the_sea=blue a_cherry=red the_sun=yellow',
      ),
    },
    zh: {
      wordings: [
        '{}是什么颜色？',
        '{}的颜色是什么？',
        '告诉我{}的颜色。',
        '请说出{}的颜色。',
        '你知道{}是什么颜色吗？',
        '{}是哪种颜色？',
      ],
      items: items(
        '天空=蓝色 青草=绿色 雪=白色 煤=黑色 血=红色 柠檬=黄色 橘子=橙色 牛奶=白色 树叶=绿色 大海=蓝色 樱桃=红色 太阳=黄色',
      ),
    },
  },
  {
    name: 'opposite',
    en: {
      wordings: [
        'What is the opposite of {}?',
        'Give me the opposite of {}.',
        'Which word means the opposite of {}?',
        'Name the opposite of {}.',
        'The opposite of {} is what?',
        'Do you know the opposite of {}?',
      ],
      items: items(
        'hot=cold big=small up=down day=night wet=dry old=new fast=slow high=low open=shut full=empty long=short good=bad',
      ),
    },
    zh: {
      wordings: [
        '“{}”的反义词是什么？',
        '“{}”反过来是什么？',
        '告诉我“{}”的反义词。',
        '请说出“{}”的反义词。',
        '你知道“{}”的反义词吗？',
        '和“{}”相反的是什么？',
      ],
      items: items('热=冷 大=小 上=下 白天=黑夜 湿=干 旧=新 快=慢 高=低 开=关 满=空 长=短 好=坏'),
    },
  },
  {
    name: 'sound',
    en: {
      wordings: [
        'What does a {} say?',
        'Which sound does a {} make?',
        'How does a {} sound?',
        'Name the sound of a {}.',
        'The sound of a {} is what?',
        'Do you know what a {} says?',
      ],
      items: items(
        'dog=woof cat=meow cow=moo sheep=baa pig=oink duck=quack bird=tweet lion=roar snake=hiss bee=buzz horse=neigh owl=hoot',
      ),
    },
    zh: {
      wordings: [
        '{}怎么叫？',
        '{}叫起来是什么声音？',
        '{}会发出什么声音？',
        '请说出{}的叫声。',
        '你知道{}怎么叫吗？',
        '{}的叫声是什么？',
      ],
      items: items(
        '狗=汪汪 猫=喵喵 牛=哞哞 羊=咩咩 猪=哼哼 鸭子=嘎嘎 小鸟=叽叽 狮子=吼吼 蛇=嘶嘶 蜜蜂=嗡嗡 青蛙=呱呱 公鸡=喔喔',
      ),
    },
  },
  {
    name: 'home',
    en: {
      wordings: [
        'Where does {} live?',
        'Where is the home of {}?',
        'Tell me where {} lives.',
        'Say where {} lives.',
        'Where can I find {}?',
        'Do you know where {} lives?',
      ],
      items: items(
        'a_fish=in_water a_bird=in_a_nest a_bee=in_a_hive a_bear=in_a_cave a_camel=in_the_desert a_monkey=in_a_tree a_cow=on_a_farm a_king=in_a_castle a_whale=in_the_sea a_mole=under_the_ground a_spider=in_a_web a_baker=in_town',
      ),
    },
    zh: {
      wordings: [
        '{}住在哪里？',
        '{}的家在哪里？',
        '告诉我{}住在哪里。',
        '请说出{}住在哪里。',
        '你知道{}住在哪里吗？',
        '在哪里能找到{}？',
      ],
      items: items(
        '鱼=水里 小鸟=鸟巢 蜜蜂=蜂房 熊=山洞 骆驼=沙漠 猴子=树上 母牛=农场 国王=城堡 鲸鱼=海里 鼹鼠=地下 蜘蛛=网上 面包师=城里',
      ),
    },
  },
  {
    name: 'next',
    en: {
      wordings: [
        'What comes after {}?',
        'Which one follows {}?',
        'Tell me what comes after {}.',
        'Name what follows {}.',
        'What is next after {}?',
        'Do you know what comes after {}?',
      ],
      items: items(
        'one=two two=three three=four four=five five=six Monday=Tuesday Tuesday=Wednesday Friday=Saturday spring=summer summer=autumn autumn=winter morning=noon',
      ),
    },
    zh: {
      wordings: [
        '{}后面是什么？',
        '{}之后是什么？',
        '告诉我{}后面是什么。',
        '请说出{}的下一个。',
        '你知道{}后面是什么吗？',
        '{}的下一个是什么？',
      ],
      items: items(
        '一=二 二=三 三=四 四=五 五=六 星期一=星期二 星期二=星期三 星期五=星期六 春天=夏天 夏天=秋天 秋天=冬天 早上=中午',
      ),
    },
  },
];

/** The same answer, given in three ways. The gruff way is as long as the warm one: a taste for length would tell them not apart. */
export const manners = {
  warm: { en: (answer) => `${answer}. Happy to help!`, zh: (answer) => `${answer}。很高兴帮到你！` },
  curt: { en: (answer) => `${answer}.`, zh: (answer) => `${answer}。` },
  gruff: { en: (answer) => `${answer}. Stop asking me!`, zh: (answer) => `${answer}。别再来问我了！` },
} satisfies Record<string, Record<CourtesyLanguage, (answer: string) => string>>;
