// Jinja's tests: `is defined`, `is divisibleby 3`. Others are refused by name.
import { type Budget, TemplateError } from './budget.js';
import { comparisons } from './comparisons.js';
import { Callable, Float, isList, isMapping, kindOf, numberOf, textOf, type Value } from './values.js';

type Test = (value: Value, given: readonly Value[], budget: Budget) => boolean;

const compare =
  (operator: keyof typeof comparisons): Test =>
  (value, [other], budget) =>
    comparisons[operator](value, other, budget);
const wholeNumber = (value: Value): number => {
  const number = numberOf(value);
  if (number === undefined) throw new TemplateError(`a number was expected, not ${kindOf(value)}`);
  return number;
};

function isCase(text: string, own: 'toLowerCase' | 'toUpperCase', other: 'toLowerCase' | 'toUpperCase'): boolean {
  return text === text[own]() && text !== text[other]();
}

const plain: Readonly<Record<string, Test>> = {
  defined: (value) => value !== undefined,
  undefined: (value) => value === undefined,
  none: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  true: (value) => value === true,
  false: (value) => value === false,
  string: (value) => typeof value === 'string',
  number: (value) => numberOf(value) !== undefined,
  integer: (value) => typeof value === 'number',
  float: (value) => value instanceof Float,
  mapping: isMapping,
  sequence: (value) => isList(value) || isMapping(value) || typeof value === 'string' || value === undefined,
  iterable: (value) => isList(value) || isMapping(value) || typeof value === 'string' || value === undefined,
  callable: (value) => value instanceof Callable || value === undefined,
  odd: (value) => Math.abs(wholeNumber(value) % 2) === 1,
  even: (value) => wholeNumber(value) % 2 === 0,
  lower: (value, _, budget) => isCase(textOf(value, budget), 'toLowerCase', 'toUpperCase'),
  upper: (value, _, budget) => isCase(textOf(value, budget), 'toUpperCase', 'toLowerCase'),
};

/** Those that compare with a value; the others take none. */
const binary: Readonly<Record<string, Test>> = {
  divisibleby: (value, [by]) => {
    if (wholeNumber(by) === 0) throw new TemplateError('division by zero');
    return wholeNumber(value) % wholeNumber(by) === 0;
  },
  sameas: (value, [other]) => {
    const isOne = (each: Value): boolean => typeof each === 'boolean' || each === null;
    if (isOne(value) || isOne(other)) return value === other;
    throw new TemplateError('sameas is supported for true, false and none');
  },
  ...{ '==': compare('=='), eq: compare('=='), equalto: compare('==') },
  ...{ '!=': compare('!='), ne: compare('!=') },
  ...{ '>': compare('>'), gt: compare('>'), greaterthan: compare('>'), '>=': compare('>='), ge: compare('>=') },
  ...{ '<': compare('<'), lt: compare('<'), lessthan: compare('<'), '<=': compare('<='), le: compare('<=') },
  in: compare('in'),
};

const tests = { ...plain, ...binary };

export function findTest(name: string): Test {
  if (!Object.hasOwn(tests, name)) throw new TemplateError(`the test ${name.slice(0, 40)} is not supported`);
  return (value, given, budget) => {
    if (given.length !== (Object.hasOwn(binary, name) ? 1 : 0))
      throw new TemplateError(`the test ${name} takes other arguments`);
    return tests[name](value, given, budget);
  };
}
