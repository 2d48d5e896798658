// Saying after somebody: what a call is made of (numbers, words, names) is mostly copied, and what has never been seen must be
// copied too. No tool is called for it.
import type { Random } from '../../../base/random.js';
import { type Draw, type Exercise, filled, type Spoken, type Wordings, wordingOf } from '../exercise.js';
import { side, type Words } from './words.js';

const asked: Wordings = {
  en: [
    'Repeat: {t}',
    'Say {t}',
    'Write {t}',
    'Copy this: {t}',
    'Repeat after me: {t}',
    'Please write: {t}',
    'Echo {t}',
    'Type {t}',
    'Say this: {t}',
    'Please copy: {t}',
  ],
  zh: [
    '重复：{t}',
    '请说：{t}',
    '写：{t}',
    '抄写：{t}',
    '跟我说：{t}',
    '请写：{t}',
    '请重复：{t}',
    '照抄：{t}',
    '念：{t}',
    '请抄写：{t}',
  ],
};

/** @param words as questions to a dictionary have them. */
export function copying(words: Words): (draw: Draw) => Exercise {
  const sides = { learnt: side(words, false), heldOut: side(words, true) };
  return (draw) => {
    const { random, language, isHeldOut } = draw;
    const text = copied(random, language, sides[isHeldOut ? 'heldOut' : 'learnt']);
    const wording = wordingOf(asked, draw);
    return {
      ...{ kind: 'copy', language, wording, needs: [] },
      question: filled(wording, { t: text }),
      turns: [],
      ending: () => ({ answer: text, check: { type: 'equals', answer: text } }),
    };
  };
}

function copied(random: Random, language: Spoken, words: Words): string {
  const digits = (most: number): string => String(random.integer(1, 10 ** random.integer(1, most + 1)));
  const shape = random.integer(0, 4);
  if (shape === 0) return digits(8);
  if (shape === 1) {
    const count = random.integer(2, 5);
    let text = digits(5);
    for (let i = 1; i < count; i++) text += random.choose(['+', '-', '*', '/', '=', ' ', 'x', 'y=']) + digits(4);
    return text;
  }
  const count = random.integer(1, 5);
  const chosen = Array.from({ length: count }, () => random.choose(words[random.uniform() < 0.8 ? language : 'en']));
  return chosen.join(language === 'en' ? ' ' : random.choose(['', ' ']));
}
