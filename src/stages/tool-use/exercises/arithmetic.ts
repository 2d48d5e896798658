// Sums that a small model cannot do in its head: Calculate. In signs, in words, in stories; two at once, one after the other.
import type { Random } from '../../../base/random.js';
import { call, type Draw, type Exercise, filled, holding, type Spoken } from '../exercise.js';
import { asked, wordingSets } from '../wordings.js';

const setNames = [
  ...(['asked', 'both', 'chained', 'plus', 'minus', 'times', 'divided', 'roots', 'powers', 'percents'] as const),
  ...(['plusStories', 'minusStories', 'timesStories', 'dividedStories'] as const),
  ...(['thenPlus', 'thenMinus', 'thenTimes'] as const),
];
const sets = () => wordingSets('calculate', setNames);

type Sign = '+' | '-' | '*' | '/';
const namesOfSigns = {
  '+': { said: 'plus', story: 'plusStories' },
  '-': { said: 'minus', story: 'minusStories' },
  '*': { said: 'times', story: 'timesStories' },
  '/': { said: 'divided', story: 'dividedStories' },
} as const;
const steps = { '+': 'thenPlus', '-': 'thenMinus', '*': 'thenTimes' } as const;

const special = {
  roots(random: Random) {
    const a = random.integer(2, 999) ** 2;
    return { e: `sqrt(${a})`, values: { a } };
  },
  powers(random: Random) {
    const [a, b] = [random.integer(2, 60), random.integer(2, 7)];
    return { e: `${a}^${b}`, values: { a, b } };
  },
  percents(random: Random) {
    const [a, b] = [random.integer(1, 99), random.integer(2, 900) * 10];
    return { e: `${a}% of ${b}`, values: { a, b } };
  },
};

const answers = { en: 'The result is {r}.', zh: '结果是{r}。' };

function number(random: Random): number {
  const digits = random.choose([1, 2, 2, 3, 3, 4]);
  return random.integer(10 ** (digits - 1), 10 ** digits);
}

/** Exact, of any length; what the sign divides comes out even. */
function operands(random: Random, sign: Sign): { a: number; b: number } {
  const [a, b] = [number(random), number(random)];
  if (sign === '/') return { a: a * (b % 97 || 7), b: b % 97 || 7 };
  return sign === '-' && b > a ? { a: b, b: a } : { a, b };
}

function expression(random: Random): string {
  // Some that a student may know by heart.
  if (random.uniform() < 0.06)
    return `${random.integer(1, 11)}${random.choose(['+', '-', '*'])}${random.integer(1, 11)}`;
  const sign = random.choose(['+', '-', '*', '*'] as const);
  const { a, b } = operands(random, sign);
  const c = random.integer(2, 100);
  const shape = random.integer(0, 10);
  if (shape < 5) return `${a}${sign}${b}`;
  if (shape < 6) return `${a * c}/${c}`;
  if (shape < 7) return `(${a}+${b})*${c}`;
  if (shape < 8) return `${a}*${c}${random.choose(['+', '-'])}${b}`;
  if (shape < 9) return `${(a / 10).toFixed(1)}${sign}${(b / 100).toFixed(2)}`;
  return `${a}${random.choose(['+', '-'])}${b}${random.choose(['+', '-'])}${c}`;
}

/** As a person types it. */
function typed(expression: string, random: Random): string {
  const spaced = random.uniform() < 0.4;
  const shownAs: Record<string, string> = random.uniform() < 0.3 ? { '*': '×', '/': '÷' } : {};
  return expression.replace(/[-+*/]/g, (sign) => {
    const shown = shownAs[sign] ?? sign;
    return spaced ? ` ${shown} ` : shown;
  });
}

interface Sum {
  expression: string;
  shown: string;
}

function inSigns(random: Random): Sum {
  const e = expression(random);
  return { expression: e, shown: typed(e, random) };
}

/** Where either order gives the same, the numbers stand as they are read: which came first would be no more than a guess. */
function expressionOf(sign: Sign, { a, b }: { a: number; b: number }, wording: string): string {
  const isTurned = (sign === '+' || sign === '*') && wording.indexOf('{b}') < wording.indexOf('{a}');
  return isTurned ? `${b}${sign}${a}` : `${a}${sign}${b}`;
}

/** What a sign is called is no wording of its own: all names of it are learnt. */
function inWords(random: Random, language: Spoken): Sum {
  if (random.uniform() < 0.25) {
    const name = random.choose(['roots', 'powers', 'percents'] as const);
    const { e, values } = special[name](random);
    return { expression: e, shown: filled(random.choose(sets()[name][language]), values) };
  }
  const sign = random.choose(['+', '-', '*', '/'] as const);
  const { a, b } = operands(random, sign);
  const wording = random.choose(sets()[namesOfSigns[sign].said][language]);
  return { expression: expressionOf(sign, { a, b }, wording), shown: filled(wording, { a, b }) };
}

/** Where two sums stand side by side, neither may hold the "and" that joins them. */
function joined(random: Random, language: Spoken): Sum {
  for (;;) {
    const sum = random.uniform() < 0.7 ? inSigns(random) : inWords(random, language);
    if (!/ and |[与和]/.test(sum.shown)) return sum;
  }
}

/**
 * Shares of how sums are asked for: one alone, a story, two at once, the rest one after the other; and of how many are written
 * in signs. Signs say themselves, names of signs and stories come in hundreds: to learn, there is more of what takes many examples.
 */
const shares = {
  learnt: { alone: 0.42, signs: 0.35, story: 0.3, both: 0.17 },
  heldOut: { alone: 0.6, signs: 0.6, story: 0.12, both: 0.14 },
};

export function arithmetic(draw: Draw): Exercise {
  const { random, language, isHeldOut } = draw;
  const share = isHeldOut ? shares.heldOut : shares.learnt;
  const sum = (): Sum => (random.uniform() < share.signs ? inSigns(random) : inWords(random, language));
  const base = { kind: 'calculate', language, needs: ['Calculate'] };
  const ending = (results: readonly string[]) => {
    const r = results[results.length - 1];
    return holding(filled(answers[language], { r }), r);
  };
  const kind = random.uniform();
  if (kind < share.alone) {
    const { expression, shown } = sum();
    return { ...base, ...asked(sets().asked, { e: shown }, draw), turns: [() => [calculate(expression)]], ending };
  }
  if (kind < share.alone + share.story) {
    const sign = random.choose(['+', '-', '*', '/'] as const);
    const { a, b } = operands(random, sign);
    const told = asked(sets()[namesOfSigns[sign].story], { a, b }, draw);
    return { ...base, ...told, turns: [() => [calculate(expressionOf(sign, { a, b }, told.wording))]], ending };
  }
  if (kind < share.alone + share.story + share.both) {
    const [first, second] = [joined(random, language), joined(random, language)];
    return {
      ...base,
      ...asked(sets().both, { e: first.shown, f: second.shown }, draw),
      turns: [() => [first, second].map(({ expression }) => calculate(expression))],
      ending: ([r, s]) => {
        const text = language === 'zh' ? `${r}和${s}` : `${r} and ${s}`;
        return holding(language === 'zh' ? `结果是${text}。` : `The results are ${text}.`, text);
      },
    };
  }
  const sign = random.choose(['*', '+', '-'] as const);
  const c = random.integer(2, 100);
  const first = sum();
  const s = filled(random.choose(sets()[steps[sign]][language]), { c });
  return {
    ...base,
    ...asked(sets().chained, { e: first.shown, s }, draw),
    turns: [() => [calculate(first.expression)], ([r]) => [calculate(`${r}${sign}${c}`)]],
    ending,
  };
}

function calculate(expression: string) {
  return call('Calculate', { expression });
}
