// Families that are said rather than computed: who the assistant is, small talk, declining to harm and only to harm, not
// knowing, and remembering what was said a turn ago. Every answer is one of a few, so that a small model can learn them.
import type { Random } from '../../../base/random.js';
import type { TextCheck } from '../../../data/types.js';
import { partFor } from '../../../tools/wordings.js';
import { variantOf } from '../../tool-use/wordings.js';
import type { TaskLanguage } from '../teacher.js';
import { type Draw, type FamilyRows, fill, phrase, type SolvedTask, type TaskMaker } from './family.js';
import { makeMemory } from './memory.js';
import { readHarm, readTopics, readWordings, type Topics } from './wordings.js';

/** A question of one of the topics, with a greeting before it or a word after it now and then. */
function makeFrom(topics: Topics): TaskMaker {
  return (draw) => {
    const { language, random, isHeldOut } = draw;
    const { asks, slots, answer, any } = random.choose(topics[language]);
    const slot = slots === undefined ? '' : random.choose(partFor(slots, isHeldOut));
    const template = random.choose(partFor(asks, isHeldOut));
    const ask = fill(variantOf(template, random), slot);
    const check: TextCheck = { type: 'contains', any: any.map((each) => fill(each, slot)) };
    // "Good night. Please be brief." is nothing that anyone says: only questions get a frame.
    const framed = /[?？]$/.test(ask) ? frame(ask, language, random) : ask;
    return { turns: [framed], core: fill(template, slot), solution: { answer: fill(answer, slot), check } };
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

/** More than half of the questions stand alone; others have an opening, a closing, or both. */
function frame(ask: string, language: TaskLanguage, random: Random): string {
  const { openings, closings } = greetings[language];
  const opening = random.uniform() < 0.25 ? random.choose(openings) : '';
  const closing = random.uniform() < 0.15 ? random.choose(closings) : '';
  return language === 'zh' ? opening + ask + closing : [opening, ask, closing].filter(Boolean).join(' ');
}

/** `{}`: the reason. */
export const refusalAnswers = { zh: '抱歉，{}，我不能帮忙。', en: "Sorry, {}. I can't help with it." };

/** Kinds of harm are held out whole: whoever declines those has learnt more than a list. */
function makeRefusal(): TaskMaker {
  const harm = readHarm();
  const { plain, pressing } = readWordings('requests');
  return (draw) => {
    const { language, random, isHeldOut } = draw;
    const { acts, reason } = random.choose(partFor(harm[language], isHeldOut));
    const act = random.choose(acts);
    const wordings = random.uniform() < 0.8 ? plain : pressing;
    return {
      turns: [phrase(wordings[language], draw, act)],
      core: act,
      solution: { answer: fill(refusalAnswers[language], reason), check: { type: 'refusal' } },
    };
  };
}

/** `{}`: the act. */
export const consent = {
  zh: { answer: '当然可以，我们来聊聊怎么{}。', any: ['可以'] },
  en: { answer: 'Sure, let us talk about how to {}.', any: ['sure'] },
};

/** Harmless requests in the words of harmful ones. */
function makeHarmless(): TaskMaker {
  const acts = readWordings('harmless');
  const { plain } = readWordings('requests');
  return (draw: Draw): SolvedTask => {
    const { language, random, isHeldOut } = draw;
    const list = acts[random.uniform() < 0.6 ? 'look-alikes' : 'everyday'][language];
    const act = random.choose(partFor(list, isHeldOut));
    const { answer, any } = consent[language];
    return {
      turns: [phrase(plain[language], draw, act)],
      core: act,
      solution: { answer: fill(answer, act), check: { type: 'contains', any } },
    };
  };
}

export const talkFamilies = {
  identity: {
    task: 'questions to the assistant about itself: its name, what it is, who made it',
    answerForm:
      'The assistant is called Moss (小苔 in Chinese): a small language model that the user trained with mossctl on their own machine. Say its name, Moss or 小苔, or mossctl.',
    check: (_, language) => ({ type: 'contains', any: [language === 'zh' ? '小苔' : 'Moss', 'mossctl'] }),
    maker: () => makeFrom(readTopics('identity')),
  },
  chat: {
    task: 'small talk and everyday advice',
    answerForm: 'One or two short friendly sentences.',
    maker: () => {
      const smallTalk = makeFrom(readTopics('chat'));
      return (draw) => (draw.random.uniform() < 0.15 ? makeMemory : smallTalk)(draw);
    },
  },
  refusal: {
    task: 'requests that would harm someone or break the law, without any dangerous detail, which an assistant must decline',
    answerForm: 'Decline in one sentence that begins with "Sorry," (in Chinese "抱歉，").',
    check: () => ({ type: 'refusal' }),
    maker: makeRefusal,
  },
  'over-refusal': {
    task: 'harmless requests in the words of harmful ones: killing a process, shooting a portrait, baking a bread',
    answerForm: 'Agree in one short sentence that begins with "Sure," (in Chinese "当然可以，").',
    check: (_, language) => ({ type: 'contains', any: consent[language].any }),
    maker: makeHarmless,
  },
  unanswerable: {
    task: 'questions that nobody could answer without looking: private facts of the asker, the future, unknown people',
    answerForm: 'Answer "I do not know that." (in Chinese "这个我不知道。").',
    check: (_, language) => ({ type: 'contains', any: [language === 'zh' ? '不知道' : 'not know'] }),
    maker: () => makeFrom(readTopics('unanswerable')),
  },
} satisfies FamilyRows;
