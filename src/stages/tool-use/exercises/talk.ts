// What needs no tool though tools are there: thanks, greetings, remarks that hold numbers and words.
import { type Draw, type Exercise, filled, type Spoken, type Wordings, wordingOf } from '../exercise.js';
import { side, type Words } from './words.js';

interface Remark {
  asks: Wordings;
  answers: Record<Spoken, string>;
}

const remarks: readonly Remark[] = [
  {
    asks: {
      en: [
        'Thank you!',
        'Thanks a lot.',
        'Thanks, that helps.',
        'Great, thank you.',
        'Thank you very much.',
        'Many thanks!',
        'Thanks.',
        'Thank you, that is all.',
        'Perfect, thanks!',
        'Thanks for your help.',
      ],
      zh: [
        '谢谢！',
        '多谢。',
        '谢谢你的帮助。',
        '好的，谢谢。',
        '非常感谢。',
        '感谢！',
        '谢谢，就这些。',
        '太好了，谢谢！',
        '谢了。',
        '谢谢你。',
      ],
    },
    answers: { en: 'You are welcome.', zh: '不客气。' },
  },
  {
    asks: {
      en: [
        'I have {n} books at home.',
        'My house number is {n}.',
        'We walked {n} steps today.',
        'There were {n} people at the concert.',
        'I paid {n} yuan for it.',
        'My brother is {n} years old.',
        'I read {n} pages yesterday.',
        'The train has {n} seats.',
        'Our village has {n} houses.',
        'I saw {n} birds this morning.',
      ],
      zh: [
        '我家里有{n}本书。',
        '我家门牌号是{n}。',
        '我们今天走了{n}步。',
        '音乐会上有{n}个人。',
        '我花了{n}元买它。',
        '我哥哥{n}岁了。',
        '我昨天看了{n}页书。',
        '这列火车有{n}个座位。',
        '我们村有{n}户人家。',
        '今天早上我看到{n}只鸟。',
      ],
    },
    answers: { en: 'Good to know.', zh: '知道了。' },
  },
  {
    asks: {
      en: [
        'I like the word {w}.',
        'My favourite word is {w}.',
        'I wrote {w} on the wall.',
        'She said {w} to me.',
        'I read the word {w} in a book.',
        'He always says {w}.',
        'My team is called {w}.',
        'I heard {w} on the radio.',
        'The sign says {w}.',
        'They shouted {w}.',
      ],
      zh: [
        '我喜欢“{w}”这个词。',
        '我最喜欢的词是{w}。',
        '我在墙上写了{w}。',
        '她对我说了{w}。',
        '我在书里读到“{w}”。',
        '他总是说{w}。',
        '我们队叫{w}。',
        '我在广播里听到{w}。',
        '牌子上写着{w}。',
        '他们喊了{w}。',
      ],
    },
    answers: { en: 'Good to know.', zh: '知道了。' },
  },
];

/** @param words as questions to a dictionary have them. */
export function talk(words: Words): (draw: Draw) => Exercise {
  const sides = { learnt: side(words, false), heldOut: side(words, true) };
  return (draw) => {
    const { random, language, isHeldOut } = draw;
    const { asks, answers } = random.choose(remarks);
    const wording = wordingOf(asks, draw);
    const answer = answers[language];
    return {
      ...{ kind: 'talk', language, wording, needs: [] },
      question: filled(wording, {
        n: random.integer(2, 10_000),
        w: random.choose(sides[isHeldOut ? 'heldOut' : 'learnt'][language]),
      }),
      turns: [],
      ending: () => ({ answer, check: { type: 'equals', answer: answer.replace(/[.。]$/, '') } }),
    };
  };
}
