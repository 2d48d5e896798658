// What a model writes to Calculate, Solve and Now: pieces of expressions in any order, sizes that would never end.
import { UserError } from '../../src/base/errors.js';
import type { Random } from '../../src/base/random.js';
import { calculate } from '../../src/tools/calculate/calculate.js';
import { now } from '../../src/tools/now.js';
import { solve } from '../../src/tools/solve/solve.js';
import { ToolFailure } from '../../src/tools/tool.js';
import { mutateBytes } from './mutate-bytes.js';
import type { Reader } from './readers.js';

const expressions = [
  '(1500/20)*1.5',
  'sqrt(2)^2+sin(30°)',
  '7!/(4!*(7-4)!)',
  '1,234,567÷3',
  'max(1,2.5,-3)%2',
  'log(8,2)^-1',
];
const equations = [
  'x+y=30;x-y=8',
  'x^2-5x+6=0',
  '(x^3-1)/(x-1)=0, y=2x',
  'a=6;b=8;c=sqrt(a^2+b^2)',
  'xy=6;x+y=5;x*y=?',
];
const zones = ['Asia/Shanghai', 'UTC+5:30', '北京', 'new york'];
const pieces = [
  ...[
    '+',
    '-',
    '*',
    '/',
    '^',
    '**',
    '%',
    '!',
    '(',
    ')',
    '[',
    '}',
    ',',
    '.',
    '=',
    ';',
    '°',
    '²',
    '√',
    '×',
    '÷',
    '（',
    '\n',
  ],
  ...['0', '1', '2', '3.14', '1e9', '10^16', '9^9999', '1e-9999', '1/3', '0.1', '99999999999999999999', '1/7^3000'],
  ...[
    'x',
    'y',
    'xy',
    'pi',
    'e',
    '鸡',
    'sqrt(',
    'sin(',
    'exp(',
    'ln(',
    'root(',
    'gcd(',
    'ncr(',
    'round(',
    'tan(',
    'asin(',
  ],
  ...[
    'x^24',
    '(x+1)',
    'sqrt(2)*x',
    '10^200',
    '=0;',
    'constructor',
    '__proto__',
    '\u0000',
    '\ud800',
    ' of ',
    ' mod ',
    '万',
    '==',
    '?',
  ],
];

function mutateExpression(random: Random, seed: Buffer, others: readonly Buffer[]): Buffer {
  let parts = seed.toString('utf8').split(/(?=[-+*/^(),;=])/);
  for (let i = random.integer(1, 8); i > 0; i--) {
    const at = random.integer(0, parts.length + 1);
    const piece = random.uniform() < 0.1 ? random.choose(others).toString('utf8') : random.choose(pieces);
    const times = random.uniform() < 0.1 ? random.choose([10, 90, 500]) : 1;
    if (random.uniform() < 0.3) parts.splice(at, 1);
    else parts.splice(at, random.uniform() < 0.5 ? 1 : 0, piece.repeat(times));
    parts = parts.slice(0, 400);
  }
  const bytes = Buffer.from(parts.join(''));
  return random.uniform() < 0.1 ? mutateBytes(random, bytes, others) : bytes;
}

/** Longest answer to a model, and to any input the longest time: the toolbox cannot end what does not wait. */
const maxCharacters = 20_000;
const maxMilliseconds = 3_000;

function reader(name: string, seeds: readonly string[], run: (text: string) => string): Reader {
  const read = (input: Buffer): Promise<void> => {
    try {
      if (run(input.toString('utf8')).length > maxCharacters) throw new Error('the result is too long');
    } catch (error) {
      throw error instanceof ToolFailure ? new UserError({ what: error.message }) : error;
    }
    return Promise.resolve();
  };
  const start = seeds.map((seed) => Buffer.from(seed));
  return { name, seeds: start, mutate: mutateExpression, read, maxMilliseconds };
}

export function toolReaders(): Promise<Reader[]> {
  const at = new Date('2026-11-29T02:58:06Z');
  return Promise.resolve([
    reader('Calculate', expressions, calculate),
    reader('Solve', equations, solve),
    reader('Now', zones, (text) => now({ timezone: text }, at)),
  ]);
}
