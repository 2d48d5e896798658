// The end of a run as a person reads it: what came out in a sentence, and six rows that fit any terminal. The whole table is
// in the report and in `mossctl eval`.
import colors from 'picocolors';
import { alignColumns, formatCount, formatSeconds, printable, terminalColumns, wrapped } from '../base/format.js';
import type { EvaluationColumn, EvaluationTable } from './event.js';
import { formatInterval, formatMetric, verdictOf } from './meaning.js';
import { isUnchanged } from './results.js';

export interface Ending {
  kind: 'base' | 'chat';
  /** Undefined where it is not known. */
  parameters?: number;
  /** That the stages worked, those of earlier processes included. */
  seconds: number;
  /** Undefined: nothing was measured. */
  table?: EvaluationTable;
  /** The runs that the table is the mean of. */
  runs?: number;
  /** Whether marks are in colour. */
  color: boolean;
}

const maxRows = 6;

/** In the order in which they are shown; the lower the number, the sooner a row finds room. */
const rows: readonly { metric: string; label: string; rank: number }[] = [
  { metric: 'correct', label: 'right answers', rank: 0 },
  { metric: 'correct.zh', label: '  in Chinese', rank: 6 },
  { metric: 'correct.en', label: '  in English', rank: 7 },
  { metric: 'correct.turn2', label: 'right in the second turn', rank: 9 },
  { metric: 'correct.turn4', label: 'right in the fourth turn', rank: 2 },
  { metric: 'toolAnswer', label: 'right where a tool helps', rank: 3 },
  { metric: 'directAnswer', label: 'right where none does', rank: 4 },
  { metric: 'referenceBitsPerByte', label: 'bits per byte of given answers', rank: 1.5 },
  { metric: 'rougeL', label: 'words in common with them', rank: 2.5 },
  { metric: 'reward', label: 'reward of sampled answers', rank: 5 },
  { metric: 'form', label: 'form of sampled answers', rank: 12 },
  { metric: 'ended', label: 'answers that end', rank: 10 },
  { metric: 'bitsPerByte', label: 'bits per byte of new text', rank: 1 },
  { metric: 'formula', label: 'right results of new sums', rank: 11 },
  { metric: 'memory', label: 'facts kept for four turns', rank: 8 },
];

/** The headline, wrapped, and below it the rows, where anything was measured. */
export function endingText(ending: Ending): string {
  const { table } = ending;
  const parts = [headlineText(ending)];
  if (table !== undefined) parts.push(rowsText(table, ending));
  return parts.join('\n\n');
}

/** `A chat model of 2.9 million parameters in 9m12s: it answers 82 % [79, 85] of 1,200 questions …` */
export function headlineText(ending: Ending): string {
  return wrapped(headline(ending), terminalColumns).replaceAll('\n  ', '\n');
}

function headline({ kind, parameters, seconds, table, runs }: Ending): string {
  const size = parameters === undefined ? '' : ` of ${sizeInWords(parameters)} parameters`;
  const made = `A ${kind} model${size} in ${formatSeconds(seconds)}${runs === undefined ? '' : `, the mean of ${runs} runs`}`;
  const last = table?.columns.at(-1);
  if (table === undefined || last === undefined) return `${made}. What it can do was not measured.`;
  const unchanged = table.comparisons?.find((each) => each.to === last.label && isUnchanged(each));
  const same = unchanged && ` ${last.label} handed the model of ${unchanged.from} on unchanged.`;
  return `${made}: ${abilities(last)}.${same ?? ''}`;
}

function abilities(column: EvaluationColumn): string {
  const { metrics, questions } = column;
  if (metrics.correct === undefined) {
    const { bitsPerByte: bits, referenceBitsPerByte: given } = metrics;
    if (given !== undefined)
      return `the answers that its tasks give cost it ${given.toFixed(2)} bits per byte (a guess needs 8)`;
    if (bits === undefined) return 'the rows below say what it can do';
    return `it writes down text that it has never seen at ${bits.toFixed(2)} bits per byte (a guess needs 8)`;
  }
  const of = questions === undefined ? 'questions' : `${formatCount(questions)} questions`;
  const languages = [
    ['zh', 'Chinese'],
    ['en', 'English'],
  ].flatMap(([code, name]) => {
    const value = metrics[`correct.${code}`];
    return value === undefined ? [] : [`${share(value)} in ${name}`];
  });
  const byLanguage = languages.length === 0 ? '' : ` (${languages.join(', ')})`;
  const said = [
    `it answers ${share(metrics.correct)}${shareInterval(column.intervals?.correct)} of ${of} that it has never seen${byLanguage}`,
  ];
  const families = familiesOf(metrics);
  const [best, worst] = [families[0], families.at(-1)];
  if (best !== undefined && worst !== undefined && best !== worst) {
    said.push(`best at ${named(best)}, weakest at ${named(worst)}`);
  }
  if (metrics.toolAnswer !== undefined) {
    said.push(`with tools it is right in ${share(metrics.toolAnswer)} of the questions that need one`);
  }
  return said.join('; ');
}

type Family = [name: string, value: number];

/** From the best to the weakest: what `correct` is made of, but turns and languages. */
function familiesOf(metrics: Readonly<Record<string, number>>): Family[] {
  return Object.entries(metrics)
    .flatMap(([metric, value]): Family[] => {
      const [head, name, ...deeper] = metric.split('.');
      const isFamily = head === 'correct' && name !== undefined && deeper.length === 0;
      return isFamily && !/^(turn\d+|zh|en|other)$/.test(name) ? [[name, value]] : [];
    })
    .sort(([, a], [, b]) => b - a);
}

function named([name, value]: Family): string {
  return `${printable(name)} (${share(value)})`;
}

/** The value of each stage with a mark where it is better or worse than the one before, and the interval of the last. */
function rowsText({ columns, comparisons = [] }: EvaluationTable, { color }: Ending): string {
  const paint = colors.createColors(color);
  const last = columns.at(-1);
  const known = rows.filter(({ metric }) => columns.some(({ metrics }) => metrics[metric] !== undefined));
  const shown = new Set([...known].sort((a, b) => a.rank - b.rank).slice(0, maxRows));
  const verdict = (metric: string, i: number): 'better' | 'worse' | 'within noise' => {
    const own = comparisons.find(({ from, to }) => from === columns[i - 1]?.label && to === columns[i].label);
    const difference = own?.differences[metric];
    return difference === undefined ? 'within noise' : verdictOf(metric, difference);
  };
  const cells = known
    .filter((row) => shown.has(row))
    .map(({ metric, label }) => [
      label,
      ...columns.map(({ metrics }, i) => {
        const mark = { better: '▲', worse: '▼', 'within noise': ' ' }[verdict(metric, i)];
        return formatMetric(metric, metrics[metric] ?? Number.NaN) + mark;
      }),
      formatInterval(metric, last?.intervals?.[metric]),
    ]);
  const header = ['', ...columns.map(({ label }) => `${printable(label)} `), '95 %'];
  const lines = alignColumns([header, ...cells], (column) => column > 0);
  const legend = '▲ better, ▼ worse than the column before, beyond noise; 95 %: of the last column';
  const painted = lines.map((line) => line.replaceAll('▲', paint.green('▲')).replaceAll('▼', paint.red('▼')));
  return [paint.bold(painted[0]), ...painted.slice(1), paint.dim(legend)].join('\n');
}

/** 82 %; small shares keep a digit. */
function share(value: number): string {
  const percent = 100 * value;
  return `${percent > 0 && percent < 1 ? percent.toFixed(1) : Math.round(percent)} %`;
}

function shareInterval(interval: { low: number; high: number } | undefined): string {
  if (interval === undefined) return '';
  const end = (value: number): string => String(Math.round(100 * Math.min(1, Math.max(0, value))));
  return ` [${end(interval.low)}, ${end(interval.high)}]`;
}

/** 158,144; 2.9 million; 1.2 billion. */
function sizeInWords(parameters: number): string {
  for (const [size, word] of [
    [1e9, 'billion'],
    [1e6, 'million'],
  ] as const) {
    if (parameters >= size) return `${(parameters / size).toPrecision(2).replace(/\.0$/, '')} ${word}`;
  }
  return formatCount(parameters);
}
