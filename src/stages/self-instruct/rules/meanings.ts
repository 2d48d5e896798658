// Rules on what words mean and what sentences say. Meanings are looked up in data-specs/families/rules-lexicon.yaml.
import { type InputKind, type InputSource, type Rules, rule, someOf } from './rule.js';

/** An entry of a list of the lexicon: the word that is asked for, and what is said of it. */
const entry = (list: string): InputKind<readonly string[]> => ({
  shape: `an entry of ${list}`,
  draw: ({ lexicon, random }) => random.choose(lexicon(list)),
  operands: ([word]) => [word],
});

/** Three of a kind and one of another, in any order; the last says which one. */
const almostOfAKind: InputKind<readonly string[]> = {
  shape: 'four words and one of them',
  draw({ lexicon, random }) {
    const [[, ...kind], [, ...other]] = someOf(lexicon('kinds'), 2, random);
    const stranger = random.choose(other);
    return [...random.shuffle([...someOf(kind, 3, random), stranger]), stranger];
  },
  operands: (words) => [words.slice(0, -1).join(' ')],
};

const member: InputKind<readonly string[]> = {
  ...entry('kinds'),
  draw({ lexicon, random }) {
    const [kind, ...members] = random.choose(lexicon('kinds'));
    return [random.choose(members), kind];
  },
};

interface Sentence {
  name: string;
  action: readonly string[];
  place: string;
}

const sentence: InputKind<Sentence> = {
  shape: 'a sentence',
  draw: ({ lexicon, random }) => ({
    name: random.choose(lexicon('names')).join(' '),
    action: random.choose(lexicon('actions')),
    place: random.choose(lexicon('places')).join(' '),
  }),
  operands: ({ name, action, place }, language) => [
    language === 'zh' ? `${name}${place}${action[0]}` : `${name} ${action[1]} ${place}`,
  ],
};

const threeNames: InputKind<readonly string[]> = {
  shape: 'three names',
  draw: ({ lexicon, random }) => someOf(lexicon('names'), 3, random).map(([name]) => name),
  operands: (names) => names,
};

const condition: InputKind<readonly string[]> = {
  shape: 'a condition',
  draw({ words, random }) {
    const [wanted, then, otherwise, other] = someOf(words, 4, random);
    return [wanted, then, otherwise, random.uniform() < 0.5 ? wanted : other];
  },
  operands: (words) => words,
};

interface Table {
  entries: readonly (readonly [string, number])[];
  key: string;
}

const table: InputKind<Table> = {
  shape: 'a table',
  draw(source: InputSource) {
    const { words, random } = source;
    const entries = someOf(words, random.integer(3, 5), random).map((word) => [word, random.integer(2, 60)] as const);
    return { entries, key: random.choose(entries)[0] };
  },
  operands: ({ entries, key }, language) => [
    entries.map(([word, n]) => `${word} ${n}`).join(language === 'zh' ? '，' : ', '),
    key,
  ],
};

const field: InputKind<readonly [string, string]> = {
  shape: 'a field',
  draw: ({ lexicon, words, random }) => [random.choose(lexicon('fields')).join(' '), random.choose(words)],
  operands: (words) => words,
};

const said = ([, what]: readonly string[]): string => what;

export const meaningRules: Rules = {
  'odd-one-out': rule(almostOfAKind, (words) => words[words.length - 1]),
  opposite: rule(entry('opposites'), said),
  category: rule(member, said),
  sound: rule(entry('sounds'), said),
  capital: rule(entry('capitals'), said),
  season: rule(entry('seasons'), said),
  turn: rule(entry('turns'), said),
  colour: rule(entry('colours'), said),
  who: rule(sentence, ({ name }) => name),
  question: rule(sentence, ({ name, action, place }, language) =>
    language === 'zh' ? `${name}${place}${action[0]}吗？` : `Does ${name} ${action[0]} ${place}?`,
  ),
  tallest: rule(threeNames, ([a, b, c]) => ({ steps: `${a} > ${b} > ${c}`, result: a })),
  'if-then': rule(condition, ([wanted, then, otherwise, given]) => ({
    steps: `${wanted} ${wanted === given ? '=' : '≠'} ${given}`,
    result: wanted === given ? then : otherwise,
  })),
  lookup: rule(table, ({ entries, key }) => new Map(entries).get(key) ?? ''),
  json: rule(field, ([key, value]) => JSON.stringify({ [key]: value })),
};
