// Families that do something with a short string: its last word, capital letters, the other order, a count, the same again.
// The string stands in quotes or behind a colon; what it is made of comes from data-specs/families/things.yaml.
import type { Random } from '../../../base/random.js';
import { lastNumber } from '../../../evaluation/checks.js';
import type { Solution, TaskLanguage } from '../teacher.js';
import { exactlyIfShort, type FamilyRows, fixed, operandFor, phrase, type Sources, type TaskMaker } from './family.js';
import { readWordings } from './wordings.js';

interface Things {
  words: Record<TaskLanguage, readonly string[]>;
  sentences: Record<TaskLanguage, readonly string[]>;
}

/** Words and sentences that strings are made of: data-specs/families/things.yaml. */
export function readThings(): Things {
  const { words, sentences } = readWordings('things');
  const split = (lines: readonly string[]): string[] => lines.flatMap((line) => line.split(' '));
  return { words: { zh: split(words.zh), en: split(words.en) }, sentences };
}

const letters = [...'abcdefghijklmnopqrstuvwxyz'];

/** Different ones, so that each place of a string is another. */
function severalOf(list: readonly string[], random: Random, least: number, most: number): string[] {
  return random.shuffle([...list]).slice(0, random.integer(least, most + 1));
}

/** What is done with the parts of a string, and how the parts are drawn. */
interface Change {
  parts(things: Things, language: TaskLanguage, random: Random): string[];
  apply(parts: readonly string[]): string;
}

const lastWord: Change = {
  parts({ words, sentences }, language, random) {
    const isSentence = language === 'en' && random.uniform() < 0.4;
    return isSentence ? random.choose(sentences.en).split(' ') : severalOf(words[language], random, 2, 6);
  },
  apply: (parts) => parts[parts.length - 1],
};

const upperCase: Change = {
  parts: ({ words }, _, random) => severalOf(random.uniform() < 0.3 ? letters : words.en, random, 1, 4),
  apply: (parts) => parts.join(' ').toUpperCase(),
};

const reverse: Change = {
  parts({ words }, language, random) {
    const list = random.choose([words[language], words[language], letters, [...'0123456789']]);
    return severalOf(list, random, 2, 5);
  },
  apply: (parts) => parts.toReversed().join(' '),
};

const copying: Change = {
  parts({ words, sentences }, language, random) {
    const draw = random.uniform();
    if (draw < 0.3) return [random.choose(sentences[language])];
    if (draw < 0.45) return [String(random.integer(0, 10_000))];
    if (draw < 0.6) return severalOf(letters, random, 2, 5);
    return severalOf(words[draw < 0.9 ? language : 'en'], random, 1, 5);
  },
  apply: (parts) => parts.join(' '),
};

/** The wordings are the `asks` of a file of the family's name. */
function changing(file: string, { parts, apply }: Change): () => TaskMaker {
  return () => {
    const things = readThings();
    const { asks } = readWordings(file);
    return (draw) => {
      const { language } = draw;
      const chosen = operandFor(
        draw,
        (random) => parts(things, language, random),
        (drawn) => drawn.join(' '),
      );
      return chosen && { turns: [phrase(asks[language], draw, chosen.join(' '))], solution: fixed(apply(chosen)) };
    };
  };
}

const units = {
  words: { zh: (n: number) => `${n}个词。`, en: (n: number) => (n === 1 ? '1 word.' : `${n} words.`) },
  characters: { zh: (n: number) => `${n}个字。`, en: (n: number) => (n === 1 ? '1 letter.' : `${n} letters.`) },
};

/** Words between spaces; characters of Chinese in a row, letters of English between spaces. */
function makeCount({ isWorked }: Sources): TaskMaker {
  const { words, sentences } = readThings();
  const asks = readWordings('count');
  const draws: Record<keyof typeof units, (language: TaskLanguage, random: Random) => string[]> = {
    words: (language, random) => severalOf(words[language], random, 1, 7),
    characters(language, random) {
      if (language === 'en') return severalOf(letters, random, 1, 7);
      if (random.uniform() < 0.3) return [...random.choose(sentences.zh)];
      return severalOf([...new Set(words.zh.join(''))], random, 2, 7);
    },
  };
  return (draw) => {
    const { language, random } = draw;
    const what = random.choose(['words', 'characters'] as const);
    const parts = operandFor(
      draw,
      () => draws[what](language, random),
      (drawn) => drawn.join(' '),
    );
    if (parts === undefined) return undefined;
    const isInRow = what === 'characters' && language === 'zh';
    return {
      turns: [phrase(asks[what][language], draw, parts.join(isInRow ? '' : ' '))],
      solution: countOf(parts, { language, isWorked, unit: units[what][language] }),
    };
  };
}

function countOf(
  parts: readonly string[],
  { language, isWorked, unit }: { language: TaskLanguage; isWorked: boolean; unit: (n: number) => string },
): Solution {
  const [space, comma, colon] = language === 'zh' ? ['', '，', '：'] : [' ', ', ', ': '];
  const counted = parts.map((part, i) => `${part}${space}${i + 1}`).join(comma) + colon;
  return { answer: (isWorked ? counted : '') + unit(parts.length), check: { type: 'number', answer: parts.length } };
}

const onString = { key: 'quotation', anyLanguage: 'answer', check: exactlyIfShort } as const;

export const stringFamilies = {
  'last-word': {
    ...onString,
    task: 'giving the last of a few words that stand after a colon or in double quotes',
    answerForm: 'Answer with that word alone.',
    asked: () => 'last-word',
    maker: changing('last-word', lastWord),
  },
  'upper-case': {
    ...onString,
    task: 'writing a few English words or letters, after a colon or in double quotes, in capital letters',
    answerForm: 'Answer with the changed text alone.',
    asked: () => 'upper-case',
    maker: changing('upper-case', upperCase),
  },
  reverse: {
    ...onString,
    task: 'writing a few words, letters or digits, after a colon or in double quotes, in the opposite order',
    answerForm: 'Answer with the changed text alone.',
    asked: () => 'reverse',
    maker: changing('reverse', reverse),
  },
  count: {
    key: 'quotation',
    anyLanguage: 'answer',
    task: 'counting the words, letters or Chinese characters of a short text after a colon or in double quotes',
    answerForm: 'Answer like "3 words." or "5 letters." (in Chinese "3个词。" or "5个字。").',
    check(answer) {
      const number = lastNumber(answer);
      return number === undefined ? undefined : { type: 'number', answer: number };
    },
    asked: (answer) => (/word|词/.test(answer) ? 'words' : /letter|字/.test(answer) ? 'letters' : undefined),
    maker: makeCount,
  },
  copying: {
    ...onString,
    task: 'saying again a short text after a colon or in double quotes, exactly as it is',
    answerForm: 'Answer with that text alone.',
    asked: () => 'copying',
    maker: changing('copying', copying),
  },
} satisfies FamilyRows;
