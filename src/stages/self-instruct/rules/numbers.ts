// Rules on whole numbers: on their digits, their divisors, their names, on two of them, on a row of them.
import { drawUntil, type InputKind, type Rules, rule, someOf, yesOrNo } from './rule.js';

/** From `low` up to, but without, `high`. */
const one = (low: number, high: number, fits: (n: number) => boolean = () => true): InputKind<number> => ({
  shape: 'number',
  draw: ({ random }) => drawUntil(() => random.integer(low, high), fits),
  operands: (n) => [n],
});

const pair = (
  [lowA, highA]: readonly [number, number],
  [lowB, highB]: readonly [number, number],
  fits: (a: number, b: number) => boolean = () => true,
): InputKind<readonly [number, number]> => ({
  shape: 'two numbers',
  draw: ({ random }) =>
    drawUntil(
      () => [random.integer(lowA, highA), random.integer(lowB, highB)] as const,
      ([a, b]) => fits(a, b),
    ),
  operands: (numbers) => numbers,
});

const row = (draw: InputKind<readonly number[]>['draw']): InputKind<readonly number[]> => ({
  shape: 'numbers',
  draw,
  operands: (numbers) => [numbers.join(' ')],
});

/** As often one for which it holds as one for which it does not. */
const evenly = (low: number, high: number, holds: (n: number) => boolean): InputKind<number> => ({
  ...one(low, high),
  draw({ random }) {
    const wanted = random.uniform() < 0.5;
    return drawUntil(
      () => random.integer(low, high),
      (n) => holds(n) === wanted,
    );
  },
});

const several = row(({ random }) =>
  someOf(
    Array.from({ length: 60 }, (_, i) => i + 1),
    random.integer(3, 6),
    random,
  ),
);

const equalSteps = row(({ random }) => {
  const [start, step] = [random.integer(1, 20), random.integer(2, 10)];
  return Array.from({ length: 4 }, (_, i) => start + i * step);
});

const oneMissing = row(({ random }) => {
  const [start, gap] = [random.integer(1, 60), random.integer(1, 4)];
  return Array.from({ length: 5 }, (_, i) => start + i).filter((_, i) => i !== gap);
});

/** With some of either kind. */
const mixed = row((source) =>
  drawUntil(
    () => several.draw(source),
    (numbers) => new Set(numbers.map((n) => n % 2)).size === 2,
  ),
);

const sum: InputKind<readonly [number, number, number]> = {
  shape: 'a sum',
  draw({ random }) {
    const [a, b] = [random.integer(2, 40), random.integer(2, 40)];
    return [a, b, random.uniform() < 0.5 ? a + b : Math.max(1, a + b + random.choose([-10, -2, -1, 1, 2, 10]))];
  },
  operands: (numbers) => numbers,
};

const digitsOf = (n: number): number[] => [...String(n)].map(Number);
const divisorsOf = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1).filter((d) => n % d === 0);
const smallestFactor = (n: number): number => divisorsOf(n)[1] ?? n;
const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
const upTo = (low: number, high: number): number[] => Array.from({ length: high - low + 1 }, (_, i) => low + i);

const smallNames = {
  zh: [...'零一二三四五六七八九'],
  en: 'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  ),
};
const tens = ' ten twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');

/** The name of a number below 100. */
function nameOf(n: number, language: 'zh' | 'en'): string {
  const [ten, rest] = [Math.floor(n / 10), n % 10];
  if (language === 'en') {
    if (n < 20) return smallNames.en[n];
    return rest === 0 ? tens[ten] : `${tens[ten]}-${smallNames.en[rest]}`;
  }
  if (ten === 0) return smallNames.zh[n];
  return `${ten === 1 ? '' : smallNames.zh[ten]}十${rest === 0 ? '' : smallNames.zh[rest]}`;
}

const romanSigns: readonly (readonly [number, string])[] = [
  [100, 'C'],
  [90, 'XC'],
  [50, 'L'],
  [40, 'XL'],
  [10, 'X'],
  [9, 'IX'],
  [5, 'V'],
  [4, 'IV'],
  [1, 'I'],
];

/** What a number is made of, the largest first: of signs, or of powers of two. */
function partsOf(n: number, sizes: readonly number[]): number[] {
  let rest = n;
  return sizes.flatMap((size) => {
    const parts: number[] = [];
    for (; rest >= size; rest -= size) parts.push(size);
    return parts;
  });
}

const powersOfTwo = [512, 256, 128, 64, 32, 16, 8, 4, 2, 1];

export const numberRules: Rules = {
  'digit-sum': rule(one(11, 1000), (n) => {
    const digits = digitsOf(n);
    return { steps: digits.join('+'), result: digits.reduce((a, b) => a + b, 0) };
  }),
  square: rule(one(2, 31), (n) => ({ steps: `${n}×${n}`, result: n * n })),
  half: rule(
    one(2, 200, (n) => n % 2 === 0),
    (n) => ({ steps: `${n}÷2`, result: n / 2 }),
  ),
  'digit-count': rule(
    {
      ...one(1, 1_000_000),
      draw: ({ random }) => random.integer(1, 10 ** random.integer(1, 7)),
    },
    (n) => ({ steps: digitsOf(n).join(' '), result: digitsOf(n).length }),
  ),
  'in-words': rule(one(1, 100), (n, language) => ({
    steps: n < 20 ? String(n) : `${n - (n % 10)}+${n % 10}`,
    result: n < 100 ? nameOf(n, language) : n,
  })),
  roman: rule(one(2, 100), (n) => {
    const sizes = partsOf(
      n,
      romanSigns.map(([size]) => size),
    );
    return { steps: sizes.join('+'), result: sizes.map((size) => new Map(romanSigns).get(size)).join('') };
  }),
  binary: rule(one(2, 64), (n) => ({ steps: partsOf(n, powersOfTwo).join('+'), result: n.toString(2) })),
  'smallest-divisor': rule(one(4, 100), (n) => ({
    steps: `${n}=${smallestFactor(n)}×${n / smallestFactor(n)}`,
    result: smallestFactor(n),
  })),
  prime: rule(
    evenly(2, 60, (n) => smallestFactor(n) === n),
    (n, language) => ({
      steps: `${n}=${smallestFactor(n)}×${n / smallestFactor(n)}`,
      result: yesOrNo(n > 1 && smallestFactor(n) === n, language),
    }),
  ),
  'round-ten': rule(
    one(11, 1000, (n) => n % 10 !== 5 && n % 10 !== 0),
    (n) => ({ steps: `${n - (n % 10)}<${n}<${n - (n % 10) + 10}`, result: Math.round(n / 10) * 10 }),
  ),
  'largest-digit': rule(
    one(100, 100_000, (n) => new Set(String(n)).size > 2),
    (n) => ({ steps: digitsOf(n).join(' '), result: Math.max(...digitsOf(n)) }),
  ),
  pad: rule(one(1, 1000), (n) => String(n).padStart(4, '0')),
  'leap-year': rule(evenly(1904, 2100, isLeap), (n, language) => ({
    steps: `${n}÷4=${n / 4}`,
    result: yesOrNo(isLeap(n), language),
  })),
  century: rule(
    one(1001, 2000, (n) => n % 100 > 0),
    (n, language) => {
      const century = Math.ceil(n / 100);
      return {
        steps: `${Math.floor(n / 100)}+1=${century}`,
        result: language === 'zh' ? `${century}世纪` : `${century}th century`,
      };
    },
  ),
  divisors: rule(one(4, 49), (n) => divisorsOf(n).join(' ')),
  'count-down': rule(one(3, 13), (n) => upTo(1, n).reverse().join(' ')),
  'sort-numbers': rule(several, (numbers) => numbers.toSorted((a, b) => a - b).join(' ')),
  'next-in-row': rule(equalSteps, (numbers) => {
    const last = numbers[numbers.length - 1];
    const step = last - numbers[numbers.length - 2];
    return { steps: `${last}${step < 0 ? '-' : '+'}${Math.abs(step)}`, result: last + step };
  }),
  'missing-number': rule(oneMissing, (numbers) => {
    const at = numbers.findIndex((n, i) => i > 0 && n !== numbers[i - 1] + 1);
    const before = numbers[Math.max(0, at - 1)];
    return { steps: `${before}+1`, result: before + 1 };
  }),
  'running-total': rule(
    row(({ random }) => Array.from({ length: random.integer(3, 5) }, () => random.integer(1, 10))),
    (numbers) => numbers.map((_, i) => numbers.slice(0, i + 1).reduce((a, b) => a + b, 0)).join(' '),
  ),
  evens: rule(mixed, (numbers) => numbers.filter((n) => n % 2 === 0).join(' ')),
  average: rule(
    pair([1, 50], [1, 50], (a, b) => (a + b) % 2 === 0 && a !== b),
    ([a, b]) => ({ steps: `${a}+${b}=${a + b}`, result: (a + b) / 2 }),
  ),
  remainder: rule(pair([10, 60], [2, 10]), ([a, b]) => ({
    steps: `${b}×${Math.floor(a / b)}=${b * Math.floor(a / b)}`,
    result: a % b,
  })),
  perimeter: rule(pair([2, 30], [2, 30]), ([a, b]) => ({ steps: `${a}+${b}=${a + b}`, result: 2 * (a + b) })),
  between: rule(
    pair([1, 60], [3, 66], (a, b) => b > a + 1 && b < a + 6),
    ([a, b]) => (b > a + 1 ? upTo(a + 1, b - 1).join(' ') : ''),
  ),
  'true-sum': rule(sum, ([a, b, c], language) => ({
    steps: `${a}+${b}=${a + b}`,
    result: yesOrNo(a + b === c, language),
  })),
};
