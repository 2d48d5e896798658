// Saying after somebody, and saying the one of several things that was asked for: what a call is made of is copied from the
// question, and an answer from a result. Most of it is random pieces of the vocabulary, so that every token learns to be copied.
import type { Random } from '../../../base/random.js';
import type { Tokenizer } from '../../../tokenizer/tokenizer.js';
import {
  type Draw,
  type Exercise,
  filled,
  type Spoken,
  spokenLanguages,
  type Wordings,
  wordingOf,
} from '../exercise.js';
import { isHeldOutWord, side, type Words } from './words.js';

interface Form {
  asks: Wordings;
  /** How many things stand in the question. */
  things: readonly [number, number];
  /** The things as the question shows them, and which of them is asked for. */
  shown(things: readonly string[], at: number, random: Random): { text: string; key?: string };
  answer(thing: string): string;
}

const forms: readonly Form[] = [
  {
    asks: {
      en: [
        'Repeat: {t}',
        'Say {t}',
        'Write {t}',
        'Copy this: {t}',
        'Repeat after me: {t}',
        'Please write: {t}',
        'Echo {t}',
      ],
      zh: ['重复：{t}', '请说：{t}', '写：{t}', '抄写：{t}', '跟我说：{t}', '请写：{t}', '念：{t}'],
    },
    things: [1, 1],
    shown: ([text]) => ({ text }),
    answer: (thing) => thing,
  },
  {
    asks: {
      en: [
        'Write "{t}" as JSON.',
        'Put "{t}" into JSON.',
        'JSON of "{t}", please.',
        'As JSON: {t}',
        'Make JSON of {t}',
      ],
      zh: ['把“{t}”写成JSON。', '“{t}”的JSON是什么？', '用JSON写：{t}', 'JSON：{t}', '请把{t}写成JSON'],
    },
    things: [1, 1],
    shown: ([text]) => ({ text }),
    answer: (thing) => JSON.stringify({ text: thing }),
  },
  {
    asks: {
      en: ['{t}\nWhat stands beside {k}?', '{t}\n{k}?', '{t}\nWhat is {k}?', '{t}\nGive me {k}.', '{t}\nFind {k}.'],
      zh: ['{t}\n{k}旁边是什么？', '{t}\n{k}？', '{t}\n{k}是什么？', '{t}\n给我{k}。', '{t}\n找{k}。'],
    },
    things: [2, 5],
    shown(things, at, random) {
      const pairs = things.map((thing) => ({ key: String(random.integer(10, 100_000)), thing }));
      const sign = random.choose([': ', ' = ', '：', ' | ']);
      return { text: pairs.map(({ key, thing }) => `${key}${sign}${thing}`).join('\n'), key: pairs[at].key };
    },
    answer: (thing) => thing,
  },
  {
    asks: {
      en: [
        '{t}\nWhich is number {k}?',
        '{t}\nNumber {k}?',
        '{t}\nSay number {k}.',
        '{t}\nRead out {k}.',
        '{t}\nTake {k}.',
      ],
      zh: ['{t}\n第{k}个是什么？', '{t}\n第{k}个？', '{t}\n请说第{k}个。', '{t}\n念第{k}个。', '{t}\n取第{k}个。'],
    },
    things: [1, 4],
    shown: (things, at) => ({ text: things.map((thing, i) => `${i + 1}. ${thing}`).join(' '), key: String(at + 1) }),
    answer: (thing) => thing,
  },
];

/** Of the vocabulary: what is written in one language alone. */
export type Pieces = Record<Spoken, readonly string[]>;

export function copiedPieces(tokenizer: Tokenizer): Pieces {
  const texts: string[] = [];
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    const text = tokenizer.hasToken(id) ? tokenizer.decode([id]) : '';
    if (!isHeldOutWord(text.trim())) texts.push(text);
  }
  return {
    zh: texts.filter((text) => /^\p{Script=Han}+$/u.test(text)),
    en: texts.filter((text) => /^ ?[A-Za-z]+$/.test(text)),
  };
}

/** @param words as questions to a dictionary have them. */
export function copying(words: Words, pieces: Pieces): (draw: Draw) => Exercise {
  const sides = { learnt: side(words, false), heldOut: side(words, true) };
  return (draw) => {
    const { random, language, isHeldOut } = draw;
    const form = random.choose(forms);
    const count = random.integer(form.things[0], form.things[1] + 1);
    const known = sides[isHeldOut ? 'heldOut' : 'learnt'];
    const things = Array.from({ length: count }, () => thing(random, language, known, pieces));
    const at = random.integer(0, count);
    const { text, key = '' } = form.shown(things, at, random);
    const wording = wordingOf(form.asks, draw);
    const answer = form.answer(things[at]);
    return {
      ...{ kind: 'copy', language, wording, needs: [] },
      question: filled(wording, { t: text, k: key }),
      turns: [],
      ending: () => ({ answer, check: { type: 'equals', answer } }),
    };
  };
}

function thing(random: Random, language: Spoken, words: Words, pieces: Pieces): string {
  const shape = random.integer(0, 6);
  if (shape === 0) return numbers(random);
  const other = random.uniform() < 0.8 ? language : random.choose(spokenLanguages);
  const isWord = shape === 1 || pieces[other].length === 0;
  const count = random.integer(1, isWord ? 5 : 9);
  const chosen = Array.from({ length: count }, () => random.choose((isWord ? words : pieces)[other]));
  return chosen.join(isWord && other === 'en' ? ' ' : '').trim();
}

function numbers(random: Random): string {
  const digits = (most: number): string => String(random.integer(1, 10 ** random.integer(1, most + 1)));
  let text = digits(6);
  for (let i = random.integer(0, 5); i > 0; i--)
    text += random.choose(['+', '-', '*', '/', '=', ' ', 'x', 'y=', '.', ':']) + digits(4);
  return text;
}
