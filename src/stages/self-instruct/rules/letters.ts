// Rules on letters and digits in a row. In Chinese requests too these are letters of the Latin alphabet.
import type { Random } from '../../../base/random.js';
import { drawUntil, type InputKind, type InputSource, type Rules, rule, yesOrNo } from './rule.js';

const alphabet = 'abcdefghijklmnopqrstuvwxyz';

const text = (draw: (source: InputSource) => string): InputKind<string> => ({
  shape: 'text',
  draw,
  operands: (letters) => [letters],
});

const repeated = (count: number, draw: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => draw(i)).join('');
const someLetter = (random: Random): string => random.choose([...alphabet]);

const word = text(({ random }) => {
  const consonants = [...'bcdfghklmnprst'];
  return repeated(random.integer(3, 7), (i) => random.choose(i % 2 === 0 ? consonants : [...'aeiou']));
});

const withRuns = text(({ random }) => {
  let last = '';
  return repeated(random.integer(2, 4), () => {
    last = drawUntil(
      () => someLetter(random),
      (letter) => letter !== last,
    );
    return last.repeat(random.integer(1, 5));
  });
});

const mixed = text(({ random }) =>
  drawUntil(
    () =>
      repeated(random.integer(4, 8), () =>
        random.uniform() < 0.5 ? String(random.integer(0, 10)) : someLetter(random),
      ),
    (drawn) => /\d/.test(drawn) && /[a-z]/.test(drawn),
  ),
);

const perhapsSymmetric = text(({ random }) => {
  const half = repeated(random.integer(2, 4), () => someLetter(random));
  const other = random.uniform() < 0.5 ? [...half].reverse() : random.shuffle([...half]);
  return half + (random.uniform() < 0.5 ? someLetter(random) : '') + other.join('');
});

const after = (letter: string): string => alphabet[(alphabet.indexOf(letter) + 1) % 26];
const runsOf = (letters: string): string[] => letters.match(/(.)\1*/gu) ?? [];
const spaced = (letters: string): string => [...letters].join(' ');

export const letterRules: Rules = {
  'next-letter': rule(
    text(({ random }) => repeated(random.integer(2, 5), () => random.choose([...alphabet.slice(0, -1)]))),
    (letters) => ({
      steps: [...letters].map((letter) => letter + after(letter)).join(' '),
      result: [...letters].map(after).join(''),
    }),
  ),
  'letter-number': rule(
    text(({ random }) => someLetter(random)),
    (letter) => {
      const place = alphabet.indexOf(letter[0]) + 1;
      return { steps: spaced(alphabet.slice(0, place)), result: place };
    },
  ),
  vowels: rule(word, (letters) => ({ steps: spaced(letters), result: spaced(letters.replace(/[^aeiou]/g, '')) })),
  spell: rule(word, (letters) => [...letters].join('-')),
  'run-length': rule(withRuns, (letters) => ({
    steps: runsOf(letters).join(' '),
    result: runsOf(letters)
      .map((run) => `${run[0]}${run.length}`)
      .join(''),
  })),
  'keep-digits': rule(mixed, (signs) => ({ steps: spaced(signs), result: signs.replace(/\D/g, '') })),
  mask: rule(word, (letters) => ({ steps: spaced(letters), result: letters.replace(/[a-z]/g, 'x') })),
  palindrome: rule(perhapsSymmetric, (letters, language) => {
    const reversed = [...letters].reverse().join('');
    return { steps: `${letters} ${reversed}`, result: yesOrNo(letters === reversed, language) };
  }),
};
