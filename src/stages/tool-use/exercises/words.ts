// Words that a dictionary knows: Define.
import { hash } from 'node:crypto';
import type { Fact } from '../../../data/types.js';
import {
  call,
  type Draw,
  type Exercise,
  filled,
  holding,
  type Maker,
  type Spoken,
  type Wordings,
  wordingOf,
} from '../exercise.js';

const asked: Wordings = {
  en: [
    'What does {w} mean?',
    'Define {w}.',
    'What is the meaning of {w}?',
    'Tell me what {w} means.',
    'What is meant by {w}?',
    'Explain the word {w}.',
    'Look up {w}.',
    'What does the word {w} mean?',
    'Give me the definition of {w}.',
    'Can you define {w}?',
    'Please look up the word {w}.',
    'I do not know the word {w}. What is it?',
    'Meaning of {w}?',
    'What does "{w}" mean?',
    'Tell me the meaning of {w}.',
    'How would a dictionary define {w}?',
    'Find {w} in the dictionary.',
    'Please explain {w}.',
    'Define the word "{w}".',
    'What is the definition of {w}?',
  ],
  zh: [
    '{w}是什么意思？',
    '“{w}”是什么意思？',
    '解释一下{w}。',
    '查一下{w}这个词。',
    '{w}的意思是什么？',
    '请解释“{w}”。',
    '{w}用英语怎么说？',
    '我不懂{w}，是什么意思？',
    '“{w}”的英文是什么？',
    '请问{w}是什么意思？',
    '查词典：{w}',
    '{w}怎么解释？',
    '告诉我“{w}”的意思。',
    '“{w}”这个词什么意思？',
    '帮我查“{w}”。',
    '请查一下“{w}”。',
    '{w}是啥意思？',
    '词典里怎么解释{w}？',
    '给出{w}的释义。',
    '请告诉我{w}的意思。',
  ],
};
const both: Wordings = {
  en: [
    'What do {w} and {v} mean?',
    'Define {w} and {v}.',
    'Look up {w} and {v}.',
    'Explain the words {w} and {v}.',
    'Tell me what {w} and {v} mean.',
  ],
  zh: [
    '{w}和{v}是什么意思？',
    '解释“{w}”和“{v}”。',
    '查一下{w}和{v}。',
    '{w}与{v}各是什么意思？',
    '请查“{w}”和“{v}”。',
  ],
};

/** One in eight words is never learnt. */
export function isHeldOutWord(word: string): boolean {
  return hash('sha256', word, 'buffer')[0] % 8 === 0;
}

export type Words = Record<Spoken, readonly string[]>;

/** A character that occurs in fewer words than this is bytes to a small vocabulary, not a token. */
const minWords = 20;

/** Short words of the corpus's translations and definitions, of characters that are met often. */
export function dictionaryWords(facts: readonly Fact[]): Words {
  const zh = new Set<string>();
  const en = new Set<string>();
  const counts = new Map<string, number>();
  const english = /^[a-z]{3,9}$/;
  for (const { kind, key, value } of facts) {
    if (kind === 'translation' && /^\p{Script=Han}{2,4}$/u.test(key)) {
      zh.add(key);
      for (const character of new Set(key)) counts.set(character, (counts.get(character) ?? 0) + 1);
    }
    if (kind === 'translation' && english.test(value)) en.add(value);
    if (kind === 'definition' && english.test(key)) en.add(key);
  }
  const isCommon = (word: string): boolean => [...word].every((each) => (counts.get(each) ?? 0) >= minWords);
  return { zh: [...zh].filter(isCommon), en: [...en] };
}

/** Those that are learnt, or those that are not. */
export function side(words: Words, isHeldOut: boolean): Words {
  const of = (list: readonly string[]): string[] => list.filter((word) => isHeldOutWord(word) === isHeldOut);
  return { zh: of(words.zh), en: of(words.en) };
}

/** Longer senses make long answers, and long results long rows. */
const longestSense = 28;
const longestResult = 120;

/** The first sense that Define gives. */
export function firstSense(result: string): string | undefined {
  const [, text = ''] = /^[^\n]*?: (.*)$/m.exec(result.split('\n')[0]) ?? [];
  const sense = text
    .replace(/^1\. /, '')
    .replace(/ 2\. .*$/, '')
    .replace(/ \(\d+ more\)$/, '')
    .trim();
  return sense === '' || sense.length > longestSense || result.length > longestResult ? undefined : sense;
}

export function words(known: Words): Maker {
  const sides = { learnt: side(known, false), heldOut: side(known, true) };
  return (draw: Draw): Exercise => {
    const { random, language, isHeldOut } = draw;
    // Most words are asked after in their own language.
    const pick = (): string => {
      const of = random.uniform() < 0.8 ? language : language === 'zh' ? 'en' : 'zh';
      return random.choose(sides[isHeldOut ? 'heldOut' : 'learnt'][of]);
    };
    const [first, second] = [pick(), pick()];
    const means = language === 'zh' ? '意思是：' : 'It means: ';
    const base = { kind: 'define', language, needs: ['Define'] };
    if (random.uniform() < 0.1) {
      const wording = wordingOf(both, draw);
      return {
        ...base,
        wording,
        question: filled(wording, { w: first, v: second }),
        turns: [() => [call('Define', { word: first }), call('Define', { word: second })]],
        ending([r, s]) {
          const [sense, other] = [firstSense(r), firstSense(s)];
          if (sense === undefined || other === undefined) return undefined;
          const answer = `${means}${sense}\n${means}${other}`;
          return holding(answer, answer);
        },
      };
    }
    const wording = wordingOf(asked, draw);
    return {
      ...base,
      wording,
      question: filled(wording, { w: first }),
      turns: [() => [call('Define', { word: first })]],
      ending([r]) {
        const sense = firstSense(r);
        return sense === undefined ? undefined : holding(means + sense, sense);
      },
    };
  };
}
