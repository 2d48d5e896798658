// Rules on lists of words, written with spaces between them: their order, their members, what two lists share.
import { drawUntil, type InputKind, type InputSource, type Rules, rule, someOf, yesOrNo } from './rule.js';

type Words = readonly string[];

const words = (draw: (source: InputSource) => Words): InputKind<Words> => ({
  shape: 'words',
  draw,
  operands: (list) => [list.join(' ')],
});

const several = words((source) => drawSome(source, 3, 5));

function drawSome({ words: all, random }: InputSource, least: number, most: number): string[] {
  return someOf(all, random.integer(least, most + 1), random);
}

/** One of them stands in it twice. */
function withRepetition(source: InputSource): string[] {
  const { random } = source;
  const list = drawSome(source, 3, 4);
  list.splice(random.integer(1, list.length + 1), 0, list[0]);
  const shift = random.integer(0, list.length);
  return [...list.slice(shift), ...list.slice(0, shift)];
}

const withTwin = words(withRepetition);

/** A list and some of its words. */
type Chosen = readonly [list: Words, ...chosen: string[]];

const withOne = (draw: (source: InputSource) => Chosen): InputKind<Chosen> => ({
  shape: 'words and a word',
  draw,
  operands: ([list, word]) => [list.join(' '), word],
});

const withMember = withOne((source) => {
  const list = drawSome(source, 3, 5);
  return [list, source.random.choose(list)];
});

/** Not the one that is first already. */
const withLater = withOne((source) => {
  const list = drawSome(source, 3, 5);
  return [list, source.random.choose(list.slice(1))];
});

const counted = withOne((source) => {
  const { random } = source;
  const list = drawSome(source, 2, 4);
  const word = list[0];
  for (let i = random.integer(0, 3); i > 0; i--) list.push(word);
  return [random.shuffle(list), word];
});

const perhaps = withOne((source) => {
  const [word, ...list] = drawSome(source, 4, 5);
  return [list, source.random.uniform() < 0.5 ? source.random.choose(list) : word];
});

const withNumber: InputKind<readonly [Words, number]> = {
  shape: 'words and a number',
  draw: (source) => {
    const list = drawSome(source, 4, 6);
    return [list, source.random.integer(2, list.length)];
  },
  operands: ([list, n]) => [list.join(' '), n],
};

const withSubstitute: InputKind<Chosen> = {
  shape: 'words and two words',
  draw: (source) => {
    const [substitute, ...list] = drawSome(source, 4, 6);
    return [list, source.random.choose(list), substitute];
  },
  operands: ([list, ...chosen]) => [list.join(' '), ...chosen],
};

const twoLists = (draw: (source: InputSource) => readonly [Words, Words]): InputKind<readonly [Words, Words]> => ({
  shape: 'two lists',
  draw,
  operands: (lists) => lists.map((list) => list.join(' ')),
});

/** They share one or two words, and each has one of its own. */
const overlapping = twoLists((source) => {
  const { random } = source;
  const all = drawSome(source, 5, 6);
  const shared = random.integer(1, 3);
  return [
    random.shuffle(all.slice(0, shared + 2)),
    random.shuffle([...all.slice(0, shared), ...all.slice(shared + 2)]),
  ];
});

const equallyLong = twoLists((source) => {
  const count = source.random.integer(2, 4);
  const all = someOf(source.words, 2 * count, source.random);
  return [all.slice(0, count), all.slice(count)];
});

const numbered = (list: Words): string => list.map((word, i) => `${i + 1} ${word}`).join(' ');
const without = (list: Words, word: string): string[] => list.filter((each) => each !== word);
const longest = (list: Words): number => Math.max(...list.map(({ length }) => length));

export const listRules: Rules = {
  'swap-ends': rule(several, (list) => [list[list.length - 1], ...list.slice(1, -1), list[0]].join(' ')),
  rotate: rule(several, ([first, ...rest]) => [...rest, first].join(' ')),
  'twice-each': rule(several, (list) => list.flatMap((word) => [word, word]).join(' ')),
  'longest-word': rule(
    words((source) =>
      drawUntil(
        () => drawSome(source, 3, 4),
        (list) => list.filter(({ length }) => length === longest(list)).length === 1,
      ),
    ),
    (list) => ({
      steps: list.map((word) => `${word} ${word.length}`).join(' '),
      result: list.find(({ length }) => length === longest(list)) ?? '',
    }),
  ),
  unique: rule(withTwin, (list) => [...new Set(list)].join(' ')),
  'repeated-word': rule(withTwin, (list) => list.find((word, i) => list.indexOf(word) < i) ?? ''),
  'every-second': rule(
    words((source) => drawSome(source, 4, 6)),
    (list) => ({ steps: numbered(list), result: list.filter((_, i) => i % 2 === 0).join(' ') }),
  ),
  mirror: rule(
    words((source) => drawSome(source, 2, 4)),
    (list) => [...list, ...list.slice(0, -1).reverse()].join(' '),
  ),
  acronym: rule(several, (list, language) => {
    const initials = list.map((word) => [...word][0]);
    const result = initials.join('');
    return { steps: initials.join(' '), result: language === 'en' ? result.toUpperCase() : result };
  }),
  'delete-word': rule(withMember, ([list, word]) => without(list, word).join(' ')),
  position: rule(withMember, ([list, word]) => ({ steps: numbered(list), result: list.indexOf(word) + 1 })),
  occurrences: rule(counted, ([list, word]) => ({
    steps: list.filter((each) => each === word).join(' '),
    result: list.filter((each) => each === word).length,
  })),
  'put-first': rule(withLater, ([list, word]) => [word, ...without(list, word)].join(' ')),
  contains: rule(perhaps, ([list, word], language) => yesOrNo(list.includes(word), language)),
  'nth-word': rule(withNumber, ([list, n]) => ({ steps: numbered(list.slice(0, n)), result: list[n - 1] })),
  take: rule(withNumber, ([list, n]) => ({
    steps: numbered(list.slice(0, n)),
    result: list.slice(0, n).join(' '),
  })),
  'replace-word': rule(withSubstitute, ([list, word, substitute]) =>
    list.map((each) => (each === word ? substitute : each)).join(' '),
  ),
  intersection: rule(overlapping, ([a, b]) => a.filter((word) => b.includes(word)).join(' ')),
  difference: rule(overlapping, ([a, b]) => a.filter((word) => !b.includes(word)).join(' ')),
  interleave: rule(equallyLong, ([a, b]) => a.flatMap((word, i) => [word, b[i]]).join(' ')),
};
