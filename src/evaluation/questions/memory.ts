// Memory over turns: a person says something of themselves in turn 1, talks of other things in turns 2 and 3, and asks for it
// in turn 4. Made by rule, so that the answer can be checked; in every other conversation somebody else's value comes in
// between, so that repeating the last name is not remembering.
import { Random } from '../../base/random.js';
import type { Message } from '../../tokenizer/message.js';
import type { Question } from './question.js';
import type { QuestionSet } from './read.js';
import type { QuestionFlags } from './row.js';

interface Fact {
  says: string;
  /** Of somebody else. */
  other: string;
  asks: string;
  values: readonly string[];
}

const facts: Readonly<Record<'zh' | 'en', readonly Fact[]>> = {
  zh: [
    {
      says: '我的狗叫{}。',
      other: '我妹妹的狗叫{}。',
      asks: '我的狗叫什么名字？',
      values: ['豆豆', '小黑', '阿福', '毛毛', '来福'],
    },
    {
      says: '我住在{}。',
      other: '我哥哥住在{}。',
      asks: '我住在哪个城市？',
      values: ['杭州', '成都', '西安', '青岛', '长沙'],
    },
    {
      says: '我最喜欢{}。',
      other: '我同桌最喜欢{}。',
      asks: '我最喜欢什么颜色？',
      values: ['蓝色', '绿色', '红色', '紫色', '黄色'],
    },
    {
      says: '我的座位是{}号。',
      other: '我朋友的座位是{}号。',
      asks: '我的座位是几号？',
      values: ['17', '32', '58', '64', '91'],
    },
    {
      says: '我在学{}。',
      other: '我姐姐在学{}。',
      asks: '我在学什么？',
      values: ['游泳', '画画', '钢琴', '书法', '下棋'],
    },
    {
      says: '我早饭吃了{}。',
      other: '我爸爸早饭吃了{}。',
      asks: '我早饭吃了什么？',
      values: ['包子', '面条', '鸡蛋', '馒头', '米粥'],
    },
  ],
  en: [
    {
      says: 'My dog is called {}.',
      other: "My sister's dog is called {}.",
      asks: 'What is my dog called?',
      values: ['Rex', 'Bella', 'Max', 'Daisy', 'Charlie'],
    },
    {
      says: 'I live in {}.',
      other: 'My brother lives in {}.',
      asks: 'In which city do I live?',
      values: ['Paris', 'London', 'Rome', 'Berlin', 'Boston'],
    },
    {
      says: 'My favourite colour is {}.',
      other: 'My friend likes {} best.',
      asks: 'What is my favourite colour?',
      values: ['blue', 'green', 'red', 'purple', 'yellow'],
    },
    {
      says: 'My seat is number {}.',
      other: 'My friend has seat number {}.',
      asks: 'What is the number of my seat?',
      values: ['17', '32', '58', '64', '91'],
    },
    {
      says: 'I am learning to {}.',
      other: 'My sister is learning to {}.',
      asks: 'What am I learning to do?',
      values: ['swim', 'paint', 'cook', 'sing', 'dance'],
    },
    {
      says: 'I had {} for breakfast.',
      other: 'My father had {} for breakfast.',
      asks: 'What did I have for breakfast?',
      values: ['eggs', 'bread', 'soup', 'rice', 'fruit'],
    },
  ],
};

/** What is said between, and the replies to it: the same for every model. */
const talk: Readonly<Record<'zh' | 'en', readonly (readonly [string, string])[]>> = {
  zh: [
    ['今天天气真好。', '是啊。'],
    ['我有点累了。', '休息一下吧。'],
    ['一天有多少个小时？', '24个。'],
    ['你喜欢看书吗？', '喜欢。'],
  ],
  en: [
    ['The weather is lovely today.', 'Yes, it is.'],
    ['I am a little tired.', 'Then have a rest.'],
    ['How many hours has a day?', '24 hours.'],
    ['Do you like books?', 'Yes, I do.'],
  ],
};
const replies = { zh: '好的。', en: 'I see.' } as const;

const perFact = 4;

/** 48 questions, the same ones every time; half of them in Chinese. */
export function memoryQuestions({ maxNewTokens = 32 }: QuestionFlags = {}): Question[] {
  const random = Random.stream(0, 'memory over turns');
  return (['zh', 'en'] as const).flatMap((language) =>
    facts[language].flatMap(({ says, other, asks, values }, fact) =>
      Array.from({ length: perFact }, (_, i): Question => {
        const [value, otherValue] = random.shuffle([...values]);
        const [first, second] = random.shuffle([...talk[language]]);
        const between = i % 2 === 0 ? first : ([other.replace('{}', otherValue), replies[language]] as const);
        const turns = random.shuffle([between, second]);
        const told = [says.replace('{}', value), replies[language]] as const;
        const before = [told, ...turns].flatMap(([user, assistant]): Message[] => [
          { role: 'user', content: user },
          { role: 'assistant', content: assistant },
        ]);
        const id = `memory-${language}-${fact + 1}-${i + 1}`;
        return {
          ...{ id, where: id, kind: 'memory', language, before, fields: { question: asks } },
          ...{ scores: ['contains'], answers: [value], modes: ['direct'], examples: [], shots: 0, maxNewTokens },
        };
      }),
    ),
  );
}

/** The same, ready to be asked. */
export function memorySet(): Pick<QuestionSet, 'questions' | 'examplesOf'> {
  return { questions: memoryQuestions(), examplesOf: () => [] };
}
