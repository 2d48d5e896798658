// What a table says: Query. The tables are made up here and written beside the rows, for the tool to load.
import { Random } from '../../../base/random.js';
import { isHeldOutWord } from '../../../data/held-out-words.js';
import { call, type Draw, type Exercise, filled, holding, type Maker, type Wordings, wordingOf } from '../exercise.js';

interface Column {
  name: string;
  zh: string;
  values: readonly string[] | { from: number; to: number };
}

interface Shape {
  name: string;
  /** No two rows have the same in it. */
  key: Column;
  columns: readonly Column[];
}

export interface Table {
  name: string;
  columns: readonly string[];
  rows: (string | number)[][];
}

const cities = [
  'Paris',
  'London',
  'Berlin',
  'Madrid',
  'Rome',
  'Tokyo',
  'Cairo',
  'Delhi',
  'Lima',
  'Oslo',
  'Dublin',
  'Vienna',
  'Boston',
  'Geneva',
  'Milan',
  'Athens',
];
const join = (first: readonly string[], second: readonly string[]): string[] =>
  first.flatMap((a) => second.map((b) => `${a} ${b}`));
const shapes: readonly Shape[] = [
  {
    name: 'people',
    key: {
      name: 'name',
      zh: '名字',
      values: join(
        [
          'Ada',
          'Ben',
          'Cora',
          'Dan',
          'Eva',
          'Finn',
          'Gina',
          'Hugo',
          'Ida',
          'Jack',
          'Kate',
          'Leo',
          'Mia',
          'Noah',
          'Olga',
          'Paul',
        ],
        ['Adams', 'Brown', 'Clark', 'Davis', 'Ford', 'Green', 'Hill', 'King', 'Lee', 'Moore', 'Price', 'Scott'],
      ),
    },
    columns: [
      { name: 'age', zh: '年龄', values: { from: 18, to: 90 } },
      { name: 'city', zh: '城市', values: cities },
    ],
  },
  {
    name: 'products',
    key: {
      name: 'product',
      zh: '产品',
      values: join(
        ['small', 'large', 'light', 'heavy', 'cheap', 'fine', 'plain', 'round'],
        ['chair', 'table', 'lamp', 'shelf', 'clock', 'mirror', 'carpet', 'vase', 'desk', 'bench'],
      ),
    },
    columns: [
      { name: 'price', zh: '价格', values: { from: 5, to: 900 } },
      { name: 'stock', zh: '库存', values: { from: 0, to: 500 } },
    ],
  },
];

const wordings: Record<'cell' | 'count' | 'most' | 'mean', Wordings> = {
  cell: {
    en: [
      'What is the {c} of {k}?',
      'Which {c} does {k} have?',
      'Tell me the {c} of {k}.',
      'Look up the {c} of {k}.',
      'Give me the {c} of {k}.',
      'Find the {c} of {k} in the table.',
      '{k}: what is the {c}?',
      'In the table, what is the {c} of {k}?',
      'I need the {c} of {k}.',
      'Please tell me the {c} of {k}.',
    ],
    zh: [
      '{k}的{c}是多少？',
      '查一下{k}的{c}。',
      '告诉我{k}的{c}。',
      '表里{k}的{c}是什么？',
      '请问{k}的{c}是多少？',
      '{k}的{c}？',
      '我想知道{k}的{c}。',
      '在表中查{k}的{c}。',
      '找出{k}的{c}。',
      '请告诉我{k}的{c}。',
    ],
  },
  count: {
    en: [
      'How many {t} have the {c} {v}?',
      'Count the {t} whose {c} is {v}.',
      'In the table, how many {t} have {c} {v}?',
      'How many {t} are there with {c} {v}?',
      'How many of the {t} have the {c} {v}?',
    ],
    zh: [
      '{c}是{v}的{t}有多少？',
      '数一数{c}为{v}的{t}。',
      '表里有几个{t}的{c}是{v}？',
      '有多少{t}的{c}是{v}？',
      '{c}为{v}的{t}有几个？',
    ],
  },
  most: {
    en: [
      'What is the {m} {c} in {t}?',
      'Find the {m} {c} of all {t}.',
      'Tell me the {m} {c} of the {t}.',
      'Which is the {m} {c} among the {t}?',
      'What is the {m} {c} of all {t}?',
    ],
    zh: [
      '{t}里{m}的{c}是多少？',
      '所有{t}中{m}的{c}是多少？',
      '找出{t}的{m}{c}。',
      '{t}的{m}{c}是多少？',
      '{t}中{m}的{c}是几？',
    ],
  },
  mean: {
    en: [
      'What is the average {c} of the {t}?',
      'Calculate the average {c} in {t}.',
      'Tell me the average {c} of all {t}.',
      'How large is the average {c} of the {t}?',
      'What is the average {c} of all {t}?',
    ],
    zh: [
      '{t}的平均{c}是多少？',
      '算出{t}的平均{c}。',
      '所有{t}的平均{c}是多少？',
      '求{t}的{c}平均值。',
      '{t}平均{c}是多少？',
    ],
  },
};
const tableNames: Record<string, string> = { people: '人', products: '产品' };

export interface Tables {
  tables: Table[];
  maker: Maker;
}

export function tables(seed: number): Tables {
  const random = Random.stream(seed, 'tables');
  const drawn = ({ values }: Column): string | number =>
    'from' in values ? random.integer(values.from, values.to) : random.choose(values);
  const made = shapes.map((shape): Table => {
    const keys = random.shuffle([...(shape.key.values as string[])]);
    const columns = [shape.key.name, ...shape.columns.map(({ name }) => name)];
    return { name: shape.name, columns, rows: keys.map((key) => [key, ...shape.columns.map(drawn)]) };
  });
  const maker = (draw: Draw): Exercise => {
    const { random: own, language, isHeldOut } = draw;
    const i = own.integer(0, shapes.length);
    const { name: table, key, columns } = shapes[i];
    const numbers = columns.filter(({ values }) => 'from' in values);
    const texts = columns.filter(({ values }) => !('from' in values));
    const kinds = ['cell', 'cell', 'cell', ...(texts.length > 0 ? (['count'] as const) : []), 'most', 'mean'] as const;
    const what = own.choose(kinds);
    const wording = wordingOf(wordings[what], draw);
    const t = language === 'zh' ? tableNames[table] : table;
    const said = ({ name, zh }: Column): string => (language === 'zh' ? zh : name);
    const make = (values: Record<string, string>, sql: string): Exercise => ({
      ...{ kind: 'query', language, wording, question: filled(wording, { t, ...values }), needs: ['Query'] },
      turns: [() => [call('Query', { sql })]],
      ending: ([r]) => {
        const value = r.trim().split('\n')[1]?.trim();
        if (value === undefined || value === '' || r.trim().split('\n').length > 2) return undefined;
        return holding(language === 'zh' ? `答案是${value}。` : `The answer is ${value}.`, value);
      },
    });
    if (what === 'cell') {
      const keys = (key.values as readonly string[]).filter((word) => isHeldOutWord(word) === isHeldOut);
      const [k, column] = [own.choose(keys), own.choose(columns)];
      return make({ k, c: said(column) }, `SELECT ${column.name} FROM ${table} WHERE ${key.name} = '${k}'`);
    }
    if (what === 'count') {
      const column = own.choose(texts);
      const v = own.choose(column.values as readonly string[]);
      return make({ c: said(column), v }, `SELECT COUNT(*) FROM ${table} WHERE ${column.name} = '${v}'`);
    }
    const column = own.choose(numbers);
    if (what === 'mean') return make({ c: said(column) }, `SELECT ROUND(AVG(${column.name}), 1) FROM ${table}`);
    const isLargest = own.uniform() < 0.5;
    const m = language === 'zh' ? (isLargest ? '最大' : '最小') : isLargest ? 'largest' : 'smallest';
    return make({ c: said(column), m }, `SELECT ${isLargest ? 'MAX' : 'MIN'}(${column.name}) FROM ${table}`);
  };
  return { tables: made, maker };
}
