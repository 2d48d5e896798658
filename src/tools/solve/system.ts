// Several equations at once: an unknown that one of them gives is put into the others, until each is a number or free.
// That solves all linear systems, and those polynomial ones that come down to one unknown at a time.
import * as exact from '../calculate/rational.js';
import { ToolFailure } from '../tool.js';
import {
  asNumber,
  coefficientsIn,
  constantOf,
  multiply,
  type Polynomial,
  powersOf,
  type Ratio,
  scale,
  substituted,
  subtract,
  totalDegree,
  unknownsIn,
  withoutNoise,
} from './polynomial.js';
import { rootsOf } from './roots.js';

export interface System {
  /** Each is 0. */
  equations: Polynomial[];
  /** None is 0: they are divided by. */
  nonzero: Polynomial[];
  unknowns: number;
  /** Which unknowns are asked for, if some are more than others: the rest is expressed by what is left. */
  asked: number[];
  /** Whether the coefficients are what they say, not numbers near to it. */
  exact: boolean;
}

export interface Solution {
  /** What each unknown is: a number, or an expression of those that are free. Absent: it is free. */
  values: (Ratio | undefined)[];
  exact: boolean;
}

export interface Outcome {
  solutions: Solution[];
  /** Roots that are not real were passed over. */
  passedComplex: boolean;
}

const maxBranches = 64;

interface Step {
  index: number;
  by: Ratio;
}

/** @throws ToolFailure where this way of solving does not reach. */
export function solveSystem(system: System): Outcome {
  const outcome: Outcome = { solutions: [], passedComplex: false };
  let branches = 0;
  const follow = ({ equations, nonzero, steps, isExact, reduced }: Branch): void => {
    if (++branches > maxBranches) throw new ToolFailure('These equations have too many solutions to list.');
    const tidy = (each: Polynomial) => (isExact ? each : withoutNoise(each));
    const open = equations.map(tidy).filter((each) => each.size > 0);
    if (open.some((each) => asNumber(each) !== undefined)) return;
    if (nonzero.map(tidy).some((each) => each.size === 0)) return;
    if (open.length === 0) {
      outcome.solutions.push({ values: backwards(steps, system.unknowns), exact: isExact });
      return;
    }
    const put = (index: number, by: Ratio, others: Polynomial[], more: Polynomial[] = [], still = isExact): void => {
      const into = (each: Polynomial) => substituted(each, index, by, system.unknowns);
      const branch = { equations: others.map(into), nonzero: [...nonzero, ...more].map(into) };
      follow({ ...branch, steps: [...steps, { index, by }], isExact: still });
    };
    const others = (of: Polynomial) => open.filter((each) => each !== of);

    const linear = givenLinearly(open, system.asked, true);
    if (linear !== undefined) {
      put(linear.index, linear.by, others(linear.equation));
      return;
    }

    const single = open
      .filter((each) => unknownsIn(each).length === 1)
      .sort((a, b) => totalDegree(a) - totalDegree(b))[0];
    if (single !== undefined) {
      const [index] = unknownsIn(single);
      const coefficients = coefficientsIn(single, index).map((each) => asNumber(each) ?? exact.zero);
      for (const { re, im, exact: known } of rootsOf(coefficients, isExact)) {
        if (!exact.isZero(im)) outcome.passedComplex = true;
        else {
          const by = { num: constantOf(re, system.unknowns), den: constantOf(exact.one, system.unknowns) };
          put(index, by, others(single), [], isExact && known);
        }
      }
      return;
    }

    const ratio = givenLinearly(open, system.asked, false);
    if (ratio === undefined) {
      if (!reduced) {
        follow({ equations: eliminated(open), nonzero, steps, isExact, reduced: true });
        return;
      }
      throw new ToolFailure(
        'Solve takes linear equations, polynomials of one unknown, and what putting one equation into another brings to these.',
      );
    }
    const { equation, index, by } = ratio;
    put(index, by, others(equation), [by.den]);
    // Where what it is divided by is 0, the rest of that equation is too.
    follow({ equations: [...others(equation), by.den, by.num], nonzero, steps, isExact });
  };
  follow({ equations: system.equations, nonzero: system.nonzero, steps: [], isExact: system.exact });
  return { ...outcome, solutions: distinct(outcome.solutions) };
}

interface Branch {
  equations: Polynomial[];
  nonzero: Polynomial[];
  steps: Step[];
  isExact: boolean;
  /** Powers have been eliminated from its equations. */
  reduced?: boolean;
}

/** The same equations after Gauss's elimination, each product of powers taken for an unknown of its own, highest first. */
function eliminated(equations: Polynomial[]): Polynomial[] {
  const total = (key: string) => powersOf(key).reduce((sum, each) => sum + each, 0);
  const keys = [...new Set(equations.flatMap((each) => [...each.keys()]))].sort((a, b) => total(b) - total(a));
  let open = equations;
  const done: Polynomial[] = [];
  for (const key of keys) {
    const pivot = open.find((each) => each.has(key));
    const top = pivot?.get(key);
    if (pivot === undefined || top === undefined) continue;
    const cleared = (each: Polynomial): Polynomial => {
      const here = each.get(key);
      return here === undefined || each === pivot ? each : subtract(each, scale(pivot, exact.divide(here, top)));
    };
    open = open.filter((each) => each !== pivot).map(cleared);
    done.splice(0, done.length, ...done.map(cleared), pivot);
  }
  return [...done, ...open];
}

/** An equation that gives an unknown by the others: a·v + b = 0 with a a number, or (`!byNumber`) any expression without v. */
function givenLinearly(
  equations: Polynomial[],
  asked: number[],
  byNumber: boolean,
): { equation: Polynomial; index: number; by: Ratio } | undefined {
  const ordered = [...equations].sort((a, b) => totalDegree(a) - totalDegree(b) || a.size - b.size);
  for (const equation of ordered) {
    const inside = unknownsIn(equation);
    for (const index of [...asked.filter((each) => inside.includes(each)), ...inside]) {
      const [rest, factor, ...higher] = coefficientsIn(equation, index);
      const number = asNumber(factor);
      if (higher.length > 0 || (byNumber && number === undefined)) continue;
      const num = subtract(new Map(), rest);
      if (number === undefined) return { equation, index, by: { num, den: factor } };
      const one = new Map([[[...factor.keys()][0], exact.one]]);
      return { equation, index, by: { num: scale(num, exact.divide(exact.one, number)), den: one } };
    }
  }
  return undefined;
}

/** What each unknown is, by those that are free: the last step first. */
function backwards(steps: readonly Step[], unknowns: number): (Ratio | undefined)[] {
  const values: (Ratio | undefined)[] = new Array(unknowns).fill(undefined);
  for (const { index, by } of [...steps].reverse()) values[index] = evaluated(by, values);
  return values;
}

/** A ratio with what is known put in. */
export function evaluated(ratio: Ratio, values: readonly (Ratio | undefined)[]): Ratio {
  let { num, den } = ratio;
  const unknowns = values.length;
  for (const [index, value] of values.entries()) {
    if (value === undefined) continue;
    const [high, low] = [num, den].map((each) => coefficientsIn(each, index).length - 1);
    [num, den] = [num, den].map((each) => substituted(each, index, value, unknowns));
    // Each was multiplied by value.den as often as the unknown occurs in it.
    for (let i = high; i < low; i++) num = multiply(num, value.den);
    for (let i = low; i < high; i++) den = multiply(den, value.den);
  }
  const number = asNumber(den);
  if (number === undefined) return { num, den };
  if (exact.isZero(number)) throw new ToolFailure('Division by zero.');
  const one = constantOf(exact.one, unknowns);
  return { num: multiply(num, constantOf(exact.divide(exact.one, number), unknowns)), den: one };
}

function distinct(solutions: Solution[]): Solution[] {
  const seen = new Set<string>();
  return solutions.filter(({ values }) => {
    const key = JSON.stringify(
      values.map((each) => each && [...each.num, ...each.den].map(([k, v]) => [k, `${v.n}/${v.d}`])),
    );
    return !seen.has(key) && seen.add(key);
  });
}
