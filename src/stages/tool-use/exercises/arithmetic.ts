// Sums that a small model cannot do in its head: Calculate.
import type { Random } from '../../../base/random.js';
import { call, type Draw, type Exercise, filled, holding, type Wordings, wordingOf } from '../exercise.js';
import { asked, both, chained, percents, powers, roots, worded } from './arithmetic-wordings.js';

const special: { make(random: Random): { e: string; values: Record<string, number> }; wordings: Wordings }[] = [
  {
    make(random) {
      const a = random.integer(2, 999) ** 2;
      return { e: `sqrt(${a})`, values: { a } };
    },
    wordings: roots,
  },
  {
    make(random) {
      const [a, b] = [random.integer(2, 60), random.integer(2, 7)];
      return { e: `${a}^${b}`, values: { a, b } };
    },
    wordings: powers,
  },
  {
    make(random) {
      const [a, b] = [random.integer(1, 99), random.integer(2, 900) * 10];
      return { e: `${a}*${b}/100`, values: { a, b } };
    },
    wordings: percents,
  },
];

const answers = { en: 'The result is {r}.', zh: '结果是{r}。' };
const signs = {
  '*': { en: ['multiply', 'by'], zh: ['乘以', ''] },
  '+': { en: ['increase', 'by'], zh: ['加上', ''] },
  '-': { en: ['decrease', 'by'], zh: ['减去', ''] },
} as const;

function number(random: Random): number {
  const digits = random.choose([1, 2, 2, 3, 3, 4]);
  return random.integer(10 ** (digits - 1), 10 ** digits);
}

/** Exact, of any length; what the sign divides comes out even. */
function operands(random: Random, sign: keyof typeof worded): { a: number; b: number } {
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
  const times = random.uniform() < 0.3 ? '×' : '*';
  return expression.replace(/[-+*/]/g, (sign) => {
    const shown = sign === '*' ? times : sign;
    return spaced ? ` ${shown} ` : shown;
  });
}

export function arithmetic(draw: Draw): Exercise {
  const { random, language } = draw;
  const one = (wording: string, question: string, e: string): Exercise => ({
    ...{ kind: 'calculate', language, wording, question, needs: ['Calculate'] },
    turns: [() => [call('Calculate', { expression: e })]],
    ending: ([r]) => holding(filled(answers[language], { r }), r),
  });
  const kind = random.uniform();
  if (kind < 0.42) {
    const e = expression(random);
    const wording = wordingOf(asked, draw);
    return one(wording, filled(wording, { e: typed(e, random) }), e);
  }
  if (kind < 0.7) {
    const sign = random.choose(['+', '-', '*', '/'] as const);
    const { a, b } = operands(random, sign);
    const wording = wordingOf(worded[sign], draw);
    return one(wording, filled(wording, { a, b }), `${a}${sign}${b}`);
  }
  if (kind < 0.8) {
    const { make, wordings } = random.choose(special);
    const { e, values } = make(random);
    const wording = wordingOf(wordings, draw);
    return one(wording, filled(wording, values), e);
  }
  const [e, f] = [expression(random), expression(random)];
  if (kind < 0.91) {
    const wording = wordingOf(both, draw);
    const question = filled(wording, { e: typed(e, random), f: typed(f, random) });
    return {
      ...{ kind: 'calculate', language, wording, question, needs: ['Calculate'] },
      turns: [() => [call('Calculate', { expression: e }), call('Calculate', { expression: f })]],
      ending: ([r, s]) => {
        const text = language === 'zh' ? `${r}和${s}` : `${r} and ${s}`;
        return holding(language === 'zh' ? `结果是${text}。` : `The results are ${text}.`, text);
      },
    };
  }
  const sign = random.choose(['*', '+', '-'] as const);
  const c = random.integer(2, 100);
  const [said, by] = signs[sign][language];
  const wording = wordingOf(chained, draw);
  return {
    ...{ kind: 'calculate', language, wording, needs: ['Calculate'] },
    question: filled(wording, { e: typed(e, random), sign: said, by, c }),
    turns: [
      () => [call('Calculate', { expression: e })],
      ([r]) => [call('Calculate', { expression: `${r}${sign}${c}` })],
    ],
    ending: ([, r]) => holding(filled(answers[language], { r }), r),
  };
}
