// What a template finds besides its inputs. None gives the time: equal conversations give equal tokens.
import { type Budget, LimitError, RefusalError, TemplateError } from './budget.js';
import { expectInteger, expectText } from './strings.js';
import { type Arguments, bind, Callable, isList, isMapping, Namespace, Range, type Value } from './values.js';

const maxRange = 10_000;

/** `strftime_now` always gives this day, the one that Llama 3's template falls back on: Friday, 26 July 2024. */
const today: Readonly<Record<string, string>> = {
  ...{ Y: '2024', y: '24', m: '07', d: '26', H: '00', M: '00', S: '00', j: '208' },
  ...{ b: 'Jul', B: 'July', a: 'Fri', A: 'Friday', '%': '%' },
};

function range(given: Arguments, budget: Budget): Value {
  const numbers = bind(given, ['start', 'stop', 'step']).filter((value) => value !== undefined);
  const [start, stop, step = 1] = numbers.length > 1 ? numbers.map(expectInteger) : [0, expectInteger(numbers[0])];
  if (step === 0) throw new TemplateError('range() with a step of zero');
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (length > maxRange) throw new LimitError(`range() of more than ${maxRange} items`);
  budget.items(length);
  return Range.over(start, stop, step);
}

function mappingOf({ list, named }: Arguments, budget: Budget): Map<string, Value> {
  const [first] = bind({ list, named: new Map() }, ['mapping']);
  const pairs = isMapping(first) ? [...first] : isList(first) ? first.map(pairOf) : [];
  const mapping = new Map([...pairs, ...named]);
  budget.items(mapping.size);
  return mapping;
}

function pairOf(value: Value): [string, Value] {
  if (!isList(value) || value.length !== 2) throw new TemplateError('a pair of key and value was expected');
  return [expectText(value[0]), value[1]];
}

export function globals(budget: Budget): [string, Value][] {
  const raise = (given: Arguments): never => {
    throw new RefusalError(expectText(bind(given, ['message'])[0]).slice(0, 300));
  };
  const now = (given: Arguments): string => {
    const format = expectText(bind(given, ['format'])[0]);
    budget.text(6 * format.length);
    return format.replace(/%-?(.)/gu, (code, letter: string) => {
      const text = today[letter];
      return text === undefined ? code : code.startsWith('%-') ? text.replace(/^0+(?=.)/, '') : text;
    });
  };
  return [
    ['range', new Callable((given) => range(given, budget))],
    ['namespace', new Callable((given) => new Namespace(mappingOf(given, budget)))],
    ['dict', new Callable((given) => mappingOf(given, budget))],
    ['raise_exception', new Callable(raise)],
    ['strftime_now', new Callable(now)],
  ];
}
