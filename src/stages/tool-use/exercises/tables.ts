// What a table says: Query. The tables are made up here and written beside the rows, for the tool to load.
import { Random } from '../../../base/random.js';
import { isHeldOutWord } from '../../../data/held-out-words.js';
import { call, type Draw, type Exercise, holding, type Maker, type Spoken } from '../exercise.js';
import { asked, wordingSets } from '../wordings.js';

const kinds = ['cell', 'count', 'above', 'below', 'most', 'mean', 'total'] as const;
type Kind = (typeof kinds)[number];
const sets = () => wordingSets('query', kinds);

interface Column {
  name: string;
  zh: string;
  values: readonly string[] | { from: number; to: number };
  /** Nobody adds such numbers. */
  isDate?: true;
}

interface Shape {
  name: string;
  zh: string;
  /** No two rows have the same in it. */
  key: Column;
  columns: readonly Column[];
}

export interface Table {
  name: string;
  columns: readonly string[];
  rows: (string | number)[][];
}

const list = (text: string): string[] => text.split(' ');
const join = (first: readonly string[], second: readonly string[]): string[] =>
  first.flatMap((a) => second.map((b) => `${a} ${b}`));

/** Few, because the description of the tool names each with its columns. A column is in one table alone, and tells which. */
const ownShapes: readonly Shape[] = [
  {
    ...{ name: 'people', zh: '人' },
    key: {
      ...{ name: 'name', zh: '名字' },
      values: join(
        list(
          'Ada Ben Cora Dan Eva Finn Gina Hugo Ida Jack Kate Leo Mia Noah Olga Paul Rosa Sam Tom Una Vic Will Zoe Amy',
        ),
        list(
          'Adams Brown Clark Davis Ford Green Hill King Lee Moore Price Scott Bell Cox Dean Fox Gray Hunt Long Nash',
        ),
      ),
    },
    columns: [
      { name: 'age', zh: '年龄', values: { from: 18, to: 90 } },
      {
        ...{ name: 'city', zh: '城市' },
        values: list(
          'Paris London Berlin Madrid Rome Tokyo Cairo Delhi Lima Oslo Dublin Vienna Boston Geneva Milan Athens Seoul Prague Warsaw ' +
            'Lisbon Hanoi Dakar Quito Havana Moscow Sydney Denver Naples Venice Zurich',
        ),
      },
      {
        ...{ name: 'job', zh: '职业' },
        values: list(
          'teacher doctor farmer baker driver nurse cook painter writer sailor lawyer singer miner tailor judge clerk pilot dancer ' +
            'builder gardener',
        ),
      },
    ],
  },
  {
    ...{ name: 'products', zh: '产品' },
    key: {
      ...{ name: 'product', zh: '产品' },
      values: join(
        list('small large light heavy cheap fine plain round long short soft hard thin thick'),
        list(
          'chair table lamp shelf clock mirror carpet vase desk bench stool basket pillow blanket curtain bottle bowl cup plate knife ' +
            'brush candle',
        ),
      ),
    },
    columns: [
      { name: 'weight', zh: '重量', values: { from: 5, to: 900 } },
      { name: 'stock', zh: '库存', values: { from: 0, to: 500 } },
      { name: 'colour', zh: '颜色', values: list('red blue green black white yellow brown grey orange pink') },
    ],
  },
  {
    ...{ name: 'books', zh: '书' },
    key: {
      ...{ name: 'title', zh: '书名' },
      values: join(
        list('Silent Lost Golden Hidden Last Broken Distant Secret Burning Endless Empty Frozen Ancient Wild'),
        list(
          'River Garden City Mountain Island Ocean Forest Kingdom Winter Harbour Letter Mirror Road Tower Window Bridge',
        ),
      ),
    },
    columns: [
      { name: 'pages', zh: '页数', values: { from: 60, to: 900 } },
      { name: 'year', zh: '年份', values: { from: 1900, to: 2025 }, isDate: true },
    ],
  },
];

/** How often each is asked: what stands in one cell most often. */
const shares: readonly Kind[] = ['cell', 'cell', 'cell', 'cell', ...kinds.slice(1), 'count', 'most'];

/** What the largest and the smallest are called. */
const extremes: Record<Spoken, { MAX: readonly string[]; MIN: readonly string[] }> = {
  en: { MAX: ['largest', 'highest', 'greatest', 'maximum'], MIN: ['smallest', 'lowest', 'least', 'minimum'] },
  zh: { MAX: ['最大', '最高'], MIN: ['最小', '最低'] },
};

export interface Tables {
  tables: Table[];
  maker: Maker;
}

/** @param words that are not held out: as many keys and other texts again are of them, to be learnt from */
export function tables(seed: number, words: readonly string[] = []): Tables {
  const random = Random.stream(seed, 'tables');
  const shapes = ownShapes.map((shape) => withWords(shape, words, random));
  const drawn = ({ values }: Column): string | number =>
    'from' in values ? random.integer(values.from, values.to) : random.choose(values);
  const made = shapes.map((shape): Table => {
    const keys = random.shuffle([...(shape.key.values as string[])]);
    const columns = [shape.key.name, ...shape.columns.map(({ name }) => name)];
    return { name: shape.name, columns, rows: keys.map((key) => [key, ...shape.columns.map(drawn)]) };
  });
  return { tables: made, maker: (draw) => exerciseOf(draw, draw.isHeldOut ? ownShapes : shapes) };
}

/** A shape whose texts are, for the other half, any words: who reads only twenty jobs learns them by heart. */
function withWords(shape: Shape, words: readonly string[], random: Random): Shape {
  if (words.length === 0) return shape;
  const widened = (column: Column): Column => {
    if ('from' in column.values) return column;
    const { values } = column;
    const isTitle = /^[A-Z]/.test(values[0]);
    const others = values.map((value) => {
      const word = random.choose(words);
      return [...value.split(' ').slice(0, -1), isTitle ? word[0].toUpperCase() + word.slice(1) : word].join(' ');
    });
    return { ...column, values: [...new Set([...values, ...others.filter((value) => !isHeldOutWord(value))])] };
  };
  return { ...shape, key: widened(shape.key), columns: shape.columns.map(widened) };
}

function exerciseOf(draw: Draw, shapes: readonly Shape[]): Exercise {
  const { random, language, isHeldOut } = draw;
  const what = random.choose(shares);
  const isTextual = ({ values }: Column): boolean => !('from' in values);
  const {
    name: table,
    zh,
    key,
    columns,
  } = random.choose(what === 'count' ? shapes.filter((shape) => shape.columns.some(isTextual)) : shapes);
  const isAskedFor = (column: Column): boolean => {
    if (what === 'cell') return true;
    if (isTextual(column)) return what === 'count';
    return what !== 'count' && !(column.isDate && (what === 'mean' || what === 'total'));
  };
  const column = random.choose(columns.filter(isAskedFor));
  const c = language === 'zh' ? column.zh : column.name;
  const t = language === 'zh' ? zh : table;
  const make = (values: Record<string, string | number>, sql: string): Exercise => ({
    ...{ kind: 'query', language, needs: ['Query'], ...asked(sets()[what], { t, c, ...values }, draw) },
    turns: [() => [call('Query', { sql })]],
    ending: ([r]) => {
      const value = r.trim().split('\n')[1]?.trim();
      if (value === undefined || value === '' || r.trim().split('\n').length > 2) return undefined;
      return holding(language === 'zh' ? `答案是${value}。` : `The answer is ${value}.`, value);
    },
  });
  const aggregate = (of: string): string => `SELECT ${of} FROM ${table}`;
  switch (what) {
    case 'cell': {
      const keys = (key.values as readonly string[]).filter((word) => isHeldOutWord(word) === isHeldOut);
      const k = random.choose(keys);
      return make({ k }, `${aggregate(column.name)} WHERE ${key.name} = '${k}'`);
    }
    case 'count': {
      const v = random.choose(column.values as readonly string[]);
      return make({ v }, `${aggregate('COUNT(*)')} WHERE ${column.name} = '${v}'`);
    }
    case 'above':
    case 'below': {
      const { from, to } = column.values as { from: number; to: number };
      const n = random.integer(from + 1, to - 1);
      const a = /^[aeiou]/.test(c) ? 'an' : 'a';
      return make({ n, a }, `${aggregate('COUNT(*)')} WHERE ${column.name} ${what === 'above' ? '>' : '<'} ${n}`);
    }
    case 'most': {
      const end = random.choose(['MAX', 'MIN'] as const);
      return make({ m: random.choose(extremes[language][end]) }, aggregate(`${end}(${column.name})`));
    }
    case 'mean':
      return make({}, aggregate(`ROUND(AVG(${column.name}), 1)`));
    case 'total':
      return make({}, aggregate(`SUM(${column.name})`));
    default:
      return what satisfies never;
  }
}
