// Equations: Solve.
import type { Random } from '../../../base/random.js';
import { call, type Draw, type Exercise, filled, holding, type Wordings, wordingOf } from '../exercise.js';

const asked: Wordings = {
  en: [
    'Solve {e}.',
    'Solve the equation {e}.',
    'Find {x}: {e}',
    'What is {x} if {e}?',
    'Which {x} solves {e}?',
    'Please solve {e} for {x}.',
    'For which {x} does {e} hold?',
    'Solve for {x}: {e}',
    'Can you solve {e}?',
    'Solve this equation: {e}',
    'Determine {x} from {e}.',
    'If {e}, what is {x}?',
    '{e}. What is {x}?',
    'Tell me {x} where {e}.',
    'Given {e}, find {x}.',
  ],
  zh: [
    '解方程{e}。',
    '解{e}。',
    '求{x}：{e}',
    '如果{e}，{x}是多少？',
    '请解这个方程：{e}',
    '已知{e}，求{x}。',
    '方程{e}的解是什么？',
    '{e}，{x}等于多少？',
    '请解{e}。',
    '若{e}，求{x}的值。',
    '帮我解方程{e}。',
    '{x}是多少？{e}',
    '求方程{e}的解。',
    '解一下{e}。',
    '请求出{x}：{e}',
  ],
};
const system: Wordings = {
  en: [
    'Solve {e} and {f}.',
    'Find {x} and {y}: {e}, {f}',
    'If {e} and {f}, what are {x} and {y}?',
    'Solve the system {e}; {f}.',
    'Solve both equations: {e} and {f}.',
  ],
  zh: [
    '解方程组{e}，{f}。',
    '已知{e}和{f}，求{x}和{y}。',
    '如果{e}，{f}，{x}和{y}是多少？',
    '求{x}和{y}：{e}；{f}',
    '请解方程组：{e}和{f}。',
  ],
};

const unknowns = ['x', 'y', 'z', 'n', 't', 'k'] as const;

function term(factor: number, x: string): string {
  return factor === 1 ? x : `${factor}${x}`;
}
function signed(value: number): string {
  return value < 0 ? `-${-value}` : `+${value}`;
}

function linear(random: Random, x: string): string {
  const value = random.integer(-40, 90);
  const [a, b] = [random.integer(2, 30), random.integer(1, 200) * random.choose([1, -1])];
  return `${term(a, x)}${signed(b)}=${a * value + b}`;
}

export function equations(draw: Draw): Exercise {
  const { random, language } = draw;
  const base = { kind: 'solve', language, needs: ['Solve'] };
  const shape = random.uniform();
  const said = (results: string): string =>
    results
      .trim()
      .split(/\s*[\n;]\s*/)
      .join(language === 'zh' ? '，' : ', ');
  const ending = ([r]: readonly string[]) => holding(said(r), said(r));
  if (shape < 0.3) {
    const [x, y] = random.choose([
      ['x', 'y'],
      ['a', 'b'],
      ['m', 'n'],
    ]);
    const [p, q] = [random.integer(-20, 60), random.integer(-20, 60)];
    const [a, b, c] = [random.integer(1, 10), random.integer(1, 10), random.integer(1, 10)];
    const e = `${term(a, x)}+${term(b, y)}=${a * p + b * q}`;
    const f = `${term(c, x)}-${term(b, y)}=${c * p - b * q}`;
    const wording = wordingOf(system, draw);
    return {
      ...base,
      wording,
      question: filled(wording, { e, f, x, y }),
      turns: [() => [call('Solve', { equations: `${e}; ${f}` })]],
      ending,
    };
  }
  const x = random.choose(unknowns);
  let e = linear(random, x);
  if (shape > 0.8) {
    const [r, s] = [random.integer(-12, 13), random.integer(-12, 13)];
    if (r + s !== 0 && r * s !== 0) e = `${x}^2${signed(-(r + s))}${x}${signed(r * s)}=0`;
  }
  const wording = wordingOf(asked, draw);
  return {
    ...base,
    wording,
    question: filled(wording, { e, x }),
    turns: [() => [call('Solve', { equations: e })]],
    ending,
  };
}
