// Two turns of small talk: the person says something about themselves, and then asks for it.

import { partFor } from '../../../tools/wordings.js';
import type { TaskLanguage } from '../teacher.js';
import { type Draw, fill, type SolvedTask } from './family.js';

/** Lists are written with a mark between the entries. */
const names = {
  zh: '小明 小红 李雷 王芳 张伟 刘洋 陈静 阿强 小丽 大卫 小雨 晓东 小刚 建国 美玲 志强 文文 阿梅 天明 子轩 雨桐 丽华 国庆 小龙 佳佳'.split(
    ' ',
  ),
  en: 'Ann Ben Carla David Emma Frank Grace Henry Iris Jack Lucy Tom Nick Rose Paul Mary Peter Julia Mark Sara Leo Nina Sam Kate Oscar'.split(
    ' ',
  ),
};
const colours = {
  zh: '红色 蓝色 绿色 黄色 白色 黑色 紫色 橙色 粉色 灰色 棕色 金色 银色 青色 米色'.split(' '),
  en: 'red blue green yellow white black purple orange pink grey brown gold silver violet beige'.split(' '),
};
const cities = {
  zh: '北京 上海 广州 成都 西安 杭州 武汉 南京 昆明 青岛 天津 重庆 苏州 厦门 长沙 大连 济南 福州 兰州 桂林'.split(' '),
  en: 'London Paris Beijing Rome Cairo Boston Dublin Tokyo Oslo Lima Madrid Vienna Berlin Athens Lisbon Prague Moscow Delhi Seoul Zurich'.split(
    ' ',
  ),
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
      says: '我叫{}。|你好，我是{}。|大家都叫我{}。|我的名字是{}。|叫我{}就行。|我是{}，请多关照。|朋友们喊我{}。'.split(
        '|',
      ),
      replies: ['你好，{}！', '{}，很高兴认识你。'],
      asks: '我叫什么名字？|你还记得我的名字吗？|我是谁？|该怎么称呼我？|你知道我叫什么吗？|我刚才说我叫什么？|说说我的名字。|我的名字是什么？|我告诉过你我叫什么吗？|我姓甚名谁？'.split(
        '|',
      ),
      answer: '你叫{}。',
    },
    {
      values: colours.zh,
      says: '我最喜欢{}。|我喜欢的颜色是{}。|在颜色里，我偏爱{}。|我爱{}。|{}是我最爱的颜色。|我的衣服都是{}的，我喜欢这颜色。'.split(
        '|',
      ),
      replies: ['{}很好看。', '记住了，是{}。'],
      asks: '我喜欢什么颜色？|我刚才说的颜色是哪种？|我提到的是什么颜色？|我最爱哪种颜色？|你记得我喜欢的颜色吗？|我说我喜欢哪个颜色？|我偏爱什么颜色？|说说我喜欢的颜色。|哪种颜色是我喜欢的？|我爱的颜色叫什么？'.split(
        '|',
      ),
      answer: '你喜欢{}。',
    },
    {
      values: cities.zh,
      says: '我住在{}。|我家在{}。|我刚搬到{}。|我在{}生活。|我现在住{}。|{}是我的家。'.split('|'),
      replies: ['{}是个好地方。', '原来你在{}。'],
      asks: '我住在哪里？|我家在哪个城市？|你记得我住哪儿吗？|我在什么地方住？|我刚才说我住哪儿？|我住哪座城市？|说说我住在哪。|我的家在哪里？|我是住在哪儿的？|哪座城市是我家？'.split(
        '|',
      ),
      answer: '你住在{}。',
    },
  ],
  en: [
    {
      values: names.en,
      says: 'My name is {}.|Hi, I am {}.|People call me {}.|You can call me {}.|Hello, {} here.|Call me {}.|They named me {}.'.split(
        '|',
      ),
      replies: ['Hello, {}!', 'Nice to meet you, {}.'],
      asks: 'What is my name?|Do you remember my name?|Who am I?|How should you address me?|Do you know my name?|What did I say my name was?|Tell me my name.|What am I called?|Say my name.|Which name did I give you?'.split(
        '|',
      ),
      answer: 'Your name is {}.',
    },
    {
      values: colours.en,
      says: 'My favourite colour is {}.|I like {} best of all colours.|I love the colour {}.|My colour is {}.|No colour is as fine as {}.|I wear {} because I like it.'.split(
        '|',
      ),
      replies: ['A fine colour, {}.', 'I will remember {}.'],
      asks: 'Which colour do I like?|What colour did I mention?|What is my favourite colour?|Do you remember my colour?|What colour do I love?|Which colour did I say?|Tell me the colour that I like.|Name my favourite colour.|What is the colour I like best?|Which colour pleases me?'.split(
        '|',
      ),
      answer: 'You like {}.',
    },
    {
      values: cities.en,
      says: 'I live in {}.|My home is in {}.|I have just moved to {}.|I am at home in {}.|My house stands in {}.|We live in {} now.'.split(
        '|',
      ),
      replies: ['{} is a good place.', 'So you are in {}.'],
      asks: 'Where do I live?|Which city is my home?|Do you remember where I live?|In which city do I live?|Where did I say I live?|What is my home town?|Tell me where I live.|Where is my home?|Name the city I live in.|Which city did I mention?'.split(
        '|',
      ),
      answer: 'You live in {}.',
    },
  ],
};

export function makeMemory({ language, random, isHeldOut }: Draw): SolvedTask {
  const { values, says, replies, asks, answer } = random.choose(memories[language]);
  const value = random.choose(partFor(values, isHeldOut));
  const turns = [random.choose(says), random.choose(replies), random.choose(partFor(asks, isHeldOut))];
  return {
    turns: turns.map((turn) => fill(turn, value)),
    core: `memory ${value}`,
    solution: { answer: fill(answer, value), check: { type: 'contains', any: [value] } },
  };
}
