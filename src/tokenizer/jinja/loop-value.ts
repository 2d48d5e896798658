// What a template knows of its loop as `loop`.
import type { Budget } from './budget.js';
import { areEqual, Callable, type Value } from './values.js';

type Changed = (values: readonly Value[]) => boolean;

/** `loop.changed()`: whether it is called with other values than the last time. */
export function changeOf(budget: Budget): Changed {
  let last: readonly Value[] | undefined;
  return (values) => {
    const isSame = last !== undefined && areEqual(last, values, budget);
    last = values;
    return !isSame;
  };
}

export function loopValue(length: number, i: number, [previous, next]: readonly Value[], changed: Changed): Value {
  return new Map<string, Value>([
    ['index', i + 1],
    ['index0', i],
    ['revindex', length - i],
    ['revindex0', length - i - 1],
    ['first', i === 0],
    ['last', i === length - 1],
    ['length', length],
    ['depth', 1],
    ['depth0', 0],
    ['previtem', previous],
    ['nextitem', next],
    ['changed', new Callable(({ list }) => changed(list))],
    ['cycle', new Callable(({ list }) => list[i % list.length])],
  ]);
}
