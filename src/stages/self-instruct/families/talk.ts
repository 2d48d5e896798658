// Families that are said rather than computed: who the assistant is, small talk, declining to harm, and remembering
// what was said a turn ago. Questions are recombined from an opening, a core and a closing; every answer is our own.
import type { Random } from '../../../base/random.js';
import type { TextCheck } from '../../../data/types.js';
import type { TaskLanguage } from '../teacher.js';
import { type FamilyRows, fill, type SolvedTask, type TaskMaker, type Topics } from './family.js';
import { chatTopics } from './talk-chat.js';
import { identityTopics } from './talk-identity.js';
import { harmfulActs, refusalAnswers, refusalFrames } from './talk-refusal.js';

function makeFrom(topics: Topics): TaskMaker {
  return (language, random) => {
    const topic = random.choose(topics[language]);
    const slot = topic.slots === undefined ? '' : random.choose(topic.slots);
    const ask = fill(random.choose(topic.asks), slot);
    const answer = fill(random.choose(topic.answers), slot);
    const check: TextCheck = { type: 'contains', any: topic.any.map((each) => fill(each, slot)) };
    // "Good night. Please be brief." is nothing that anyone says: only questions get a frame.
    const framed = /[?？]$/.test(ask) ? frame(ask, language, random) : ask;
    return { turns: [framed], core: ask, solution: { answer, check } };
  };
}

/** What people put before and after a question. */
const greetings = {
  zh: {
    openings: [
      '你好，',
      '嗨，',
      '想请教一下，',
      '打扰了，',
      '我有点好奇，',
      '第一次用这个，',
      '有件事想问问：',
      '对了，',
      '问个小问题，',
      '喂，',
      '说真的，',
      '先不忙别的，',
    ],
    closings: ['简单说就行。', '我想知道。', '一句话回答我吧。', '别说太长。', '认真回答哦。', '我等你回话。'],
  },
  en: {
    openings: [
      'Hello!',
      'Hi there.',
      'Excuse me.',
      'Just curious:',
      'Quick question:',
      'One more thing.',
      'I am new here.',
      'Something I wonder about:',
      'Be honest.',
      'Sorry to bother you.',
      'Well then.',
      'One thing first:',
    ],
    closings: [
      'Keep it short.',
      'I would like to know.',
      'One sentence is enough.',
      'Please be brief.',
      'Just say it plainly.',
      'I am listening.',
    ],
  },
} as const;

/** Nearly half of the questions stand alone; others have an opening, a closing, or both. */
function frame(ask: string, language: TaskLanguage, random: Random): string {
  const { openings, closings } = greetings[language];
  const opening = random.uniform() < 0.4 ? random.choose(openings) : '';
  const closing = random.uniform() < 0.25 ? random.choose(closings) : '';
  return language === 'zh' ? opening + ask + closing : [opening, ask, closing].filter(Boolean).join(' ');
}

function makeRefusal(language: TaskLanguage, random: Random): SolvedTask {
  const { acts, reason } = random.choose(harmfulActs[language]);
  const act = random.choose(acts);
  const ask = fill(random.choose(refusalFrames[language]), act);
  const answer = fill(random.choose(refusalAnswers[language]), reason);
  return { turns: [ask], core: act, solution: { answer, check: { type: 'refusal' } } };
}

const names = {
  zh: ['小明', '小红', '李雷', '王芳', '张伟', '刘洋', '陈静', '阿强', '小丽', '大卫', '小雨', '晓东'],
  en: ['Ann', 'Ben', 'Carla', 'David', 'Emma', 'Frank', 'Grace', 'Henry', 'Iris', 'Jack', 'Lucy', 'Tom'],
};
const colours = {
  zh: ['红色', '蓝色', '绿色', '黄色', '白色', '黑色', '紫色', '橙色'],
  en: ['red', 'blue', 'green', 'yellow', 'white', 'black', 'purple', 'orange'],
};
const cities = {
  zh: ['北京', '上海', '广州', '成都', '西安', '杭州', '武汉', '南京', '昆明', '青岛'],
  en: ['London', 'Paris', 'Beijing', 'Rome', 'Cairo', 'Boston', 'Dublin', 'Tokyo', 'Oslo', 'Lima'],
};

interface Memory {
  values: readonly string[];
  says: readonly string[];
  replies: readonly string[];
  asks: readonly string[];
  answer: string;
}

/** Two turns: a fact about the person, then a question about it. */
const memories: Record<TaskLanguage, readonly Memory[]> = {
  zh: [
    {
      values: names.zh,
      says: ['我叫{}。', '你好，我是{}。', '大家都叫我{}。', '我的名字是{}。'],
      replies: ['你好，{}！', '{}，很高兴认识你。'],
      asks: ['我叫什么名字？', '你还记得我的名字吗？', '我是谁？', '该怎么称呼我？'],
      answer: '你叫{}。',
    },
    {
      values: colours.zh,
      says: ['我最喜欢{}。', '我喜欢的颜色是{}。', '在颜色里，我偏爱{}。'],
      replies: ['{}很好看。', '记住了，是{}。'],
      asks: ['我喜欢什么颜色？', '我刚才说的颜色是哪种？', '我提到的是什么颜色？'],
      answer: '你喜欢{}。',
    },
    {
      values: cities.zh,
      says: ['我住在{}。', '我家在{}。', '我刚搬到{}。'],
      replies: ['{}是个好地方。', '原来你在{}。'],
      asks: ['我住在哪里？', '我家在哪个城市？', '你记得我住哪儿吗？'],
      answer: '你住在{}。',
    },
  ],
  en: [
    {
      values: names.en,
      says: ['My name is {}.', 'Hi, I am {}.', 'People call me {}.', 'You can call me {}.'],
      replies: ['Hello, {}!', 'Nice to meet you, {}.'],
      asks: ['What is my name?', 'Do you remember my name?', 'Who am I?', 'How should you address me?'],
      answer: 'Your name is {}.',
    },
    {
      values: colours.en,
      says: ['My favourite colour is {}.', 'I like {} best of all colours.', 'I love the colour {}.'],
      replies: ['A fine colour, {}.', 'I will remember {}.'],
      asks: ['Which colour do I like?', 'What colour did I mention?', 'What is my favourite colour?'],
      answer: 'You like {}.',
    },
    {
      values: cities.en,
      says: ['I live in {}.', 'My home is in {}.', 'I have just moved to {}.'],
      replies: ['{} is a good place.', 'So you are in {}.'],
      asks: ['Where do I live?', 'Which city is my home?', 'Do you remember where I live?'],
      answer: 'You live in {}.',
    },
  ],
};

function makeMemory(language: TaskLanguage, random: Random): SolvedTask {
  const memory = random.choose(memories[language]);
  const value = random.choose(memory.values);
  const turns = [random.choose(memory.says), random.choose(memory.replies), random.choose(memory.asks)];
  return {
    turns: turns.map((turn) => fill(turn, value)),
    solution: { answer: fill(memory.answer, value), check: { type: 'contains', any: [value] } },
  };
}

const smallTalk = makeFrom(chatTopics);
const makeIdentity = makeFrom(identityTopics);

export const talkFamilies = {
  identity: {
    task: 'questions to the assistant about itself: its name, what it is, who made it',
    answerForm:
      'The assistant is called Moss (小苔 in Chinese): a small language model that the user trained with mossctl on their own machine. Say its name, Moss or 小苔, or mossctl.',
    check: (_, language) => ({ type: 'contains', any: [language === 'zh' ? '小苔' : 'Moss', 'mossctl'] }),
    maker: () => makeIdentity,
  },
  chat: {
    task: 'small talk and everyday advice',
    answerForm: 'One or two short friendly sentences.',
    maker: () => (language, random) => (random.uniform() < 0.3 ? makeMemory : smallTalk)(language, random),
  },
  refusal: {
    task: 'requests that would harm someone or break the law, without any dangerous detail, which an assistant must decline',
    answerForm: 'Decline in one sentence that begins with "Sorry," (in Chinese "抱歉，").',
    check: () => ({ type: 'refusal' }),
    maker: () => makeRefusal,
  },
} satisfies FamilyRows;
