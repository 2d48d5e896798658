// Plain arithmetic, nothing but formulas: 12×3+9=45. Which pairs of operands are held out is decided by a hash of the
// pair, so a formula for training never computes with one of them at any step, in either order and for any operator.
import { hash } from 'node:crypto';
import { Random } from '../../base/random.js';
import type { FormulasSpec } from '../formulas-spec.js';
import { type Split, splits } from '../split.js';

export type Operator = FormulasSpec['operators'][number];

export interface Formula {
  /** `12×3+9` */
  expression: string;
  value: number;
  /** Both operands of every operation, in the order of evaluation: [[12, 3], [36, 9]]. */
  pairs: [number, number][];
}

/** True for the share of the unordered operand pairs that training never sees. */
export function isHeldOutPair(pair: readonly [number, number], seed: number, share: number): boolean {
  const [low, high] = pair[0] < pair[1] ? pair : [pair[1], pair[0]];
  const digest = hash('sha256', `pair ${seed} ${low} ${high}`, 'buffer');
  return digest.readUIntBE(0, 6) / 2 ** 48 < share;
}

/** First and last operand of the part in brackets. */
export type Brackets = readonly [first: number, last: number];

/**
 * Brackets first, then × and ÷, then from the left. Undefined where a result would be negative, broken or a division by
 * zero.
 */
export function evaluate(
  operands: readonly number[],
  operators: readonly Operator[],
  brackets?: Brackets,
): Formula | undefined {
  const signed = (from: number, to: number): string =>
    operands
      .slice(from, to)
      .reduce((text, operand, i) => `${text}${i === 0 ? '' : operators[from + i - 1]}${operand}`, '');
  if (brackets === undefined) {
    const result = reduce(operands, operators);
    return result && { expression: signed(0, operands.length), ...result };
  }
  const [first, last] = brackets;
  const inner = reduce(operands.slice(first, last + 1), operators.slice(first, last));
  if (inner === undefined) return undefined;
  const outer = reduce(
    [...operands.slice(0, first), inner.value, ...operands.slice(last + 1)],
    [...operators.slice(0, first), ...operators.slice(last)],
  );
  if (outer === undefined) return undefined;
  const before = first === 0 ? '' : `${signed(0, first)}${operators[first - 1]}`;
  const after = last === operands.length - 1 ? '' : `${operators[last]}${signed(last + 1, operands.length)}`;
  const expression = `${before}(${signed(first, last + 1)})${after}`;
  return { expression, value: outer.value, pairs: [...inner.pairs, ...outer.pairs] };
}

function reduce(
  operands: readonly number[],
  operators: readonly Operator[],
): Pick<Formula, 'value' | 'pairs'> | undefined {
  const numbers = [...operands];
  const rest = [...operators];
  const pairs: [number, number][] = [];
  while (rest.length > 0) {
    const strong = rest.findIndex((operator) => operator === '×' || operator === '÷');
    const at = Math.max(0, strong);
    const result = operations[rest[at]](numbers[at], numbers[at + 1]);
    if (!Number.isSafeInteger(result) || result < 0) return undefined;
    pairs.push([numbers[at], numbers[at + 1]]);
    numbers.splice(at, 2, result);
    rest.splice(at, 1);
  }
  return { value: numbers[0], pairs };
}

const operations: Readonly<Record<Operator, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '×': (a, b) => a * b,
  '÷': (a, b) => a / b,
};

/** One formula that has a whole result and no negative step. */
export function drawFormula(random: Random, spec: FormulasSpec): Formula {
  for (;;) {
    const terms = random.integer(2, spec.terms + 1);
    const operators = Array.from({ length: terms - 1 }, () => random.choose(spec.operators));
    const operands = Array.from({ length: terms }, (_, i) => drawOperand(random, spec, operators[i - 1], operators[i]));
    // A product keeps one factor short, on either side.
    if (spec.maxMultiplier !== undefined) {
      for (let i = 0; i + 1 < terms; i++) {
        if (operators[i] !== '×' || Math.min(operands[i], operands[i + 1]) <= spec.maxMultiplier) continue;
        operands[i + random.integer(0, 2)] = drawUpTo(random, spec, 0, spec.maxMultiplier);
      }
    }
    for (let i = 0; i + 1 < terms; i++) if (operators[i] === '÷') operands[i] *= operands[i + 1];
    const formula = evaluate(operands, operators, drawBrackets(random, spec, terms));
    if (formula !== undefined) return formula;
  }
}

/** An operand beside × or ÷ is a factor; a divisor is never 0. */
function drawOperand(random: Random, spec: FormulasSpec, before?: Operator, after?: Operator): number {
  const factor = [before, after].some((operator) => operator === '×' || operator === '÷');
  return drawUpTo(random, spec, before === '÷' ? 1 : 0, factor ? spec.maxFactor : spec.maxOperand);
}

/** From `min` to `max`; with even lengths, how many digits it has is drawn first. */
function drawUpTo(random: Random, spec: FormulasSpec, min: number, max: number): number {
  if (!spec.evenLengths) return random.integer(min, max + 1);
  const digits = random.integer(1, String(max).length + 1);
  return random.integer(digits === 1 ? min : 10 ** (digits - 1), Math.min(max, 10 ** digits - 1) + 1);
}

/** Around some of the terms, neither one nor all of them. */
function drawBrackets(random: Random, spec: FormulasSpec, terms: number): Brackets | undefined {
  if (spec.brackets === 0 || terms < 3 || random.uniform() >= spec.brackets) return undefined;
  const length = random.integer(2, terms);
  const first = random.integer(0, terms - length + 1);
  return [first, first + length - 1];
}

/**
 * Documents of `perDocument` formulas for both halves: `count` formulas for training, and the `validation` share of
 * that many whose last step or any other computes with a held-out pair.
 */
export function* formulaDocuments(
  spec: FormulasSpec,
  { seed, validation }: { seed: number; validation: number },
): Generator<{ text: string; split: Split; index: number } | undefined> {
  const random = Random.stream(seed, 'formulas');
  const { heldOutSeed = seed } = spec;
  const wanted = { train: spec.count, validation: heldOutCount(spec, validation) };
  const pending: Record<Split, string[]> = { train: [], validation: [] };
  let index = 0;
  // Where a half has no pairs at all (a tiny range of operands), the search for them ends.
  const maxDraws = 100 * (wanted.train + wanted.validation) + 10_000;
  for (let draws = 0; wanted.train + wanted.validation > 0 && draws < maxDraws; draws++) {
    // Lets the caller look at the clock now and then.
    if (draws % 1000 === 999) yield undefined;
    const { expression, value, pairs } = drawFormula(random, spec);
    const split = pairs.some((pair) => isHeldOutPair(pair, heldOutSeed, spec.heldOut)) ? 'validation' : 'train';
    if (wanted[split] === 0) continue;
    wanted[split]--;
    const lines = pending[split];
    lines.push(`${expression}=${value}`);
    if (lines.length === spec.perDocument || wanted[split] === 0) {
      yield { text: lines.splice(0).join('\n'), split, index: index++ };
    }
  }
  for (const split of splits) {
    if (pending[split].length > 0) yield { text: pending[split].join('\n'), split, index: index++ };
  }
}

function heldOutCount(spec: FormulasSpec, validation: number): number {
  if (spec.heldOut === 0 || validation === 0) return 0;
  return Math.max(spec.perDocument, Math.round(spec.count * validation));
}
