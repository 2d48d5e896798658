// What the names of metrics mean, in plain words, and which way is better: one list for the terminal and the report.
import type { EvaluationColumn } from './event.js';

interface Meaning {
  words: string;
  better: 'lower' | 'higher';
  percent?: boolean;
}

/** By the part of the name before its first dot. */
const meanings: Record<string, Meaning> = {
  bitsPerByte: {
    words: 'bits that the model needs to write down one byte of text it has never seen; a random guess needs 8',
    better: 'lower',
  },
  exactMatch: {
    words: 'share of held-out tasks whose likeliest answer is right, checked by rule',
    better: 'higher',
    percent: true,
  },
  reward: { words: 'mean score of the checkable rewards over answers sampled for held-out prompts', better: 'higher' },
  ended: {
    words: 'share of answers that end by themselves instead of running into the limit',
    better: 'higher',
    percent: true,
  },
  loss: { words: 'mean surprise per held-out token, in nats', better: 'lower' },
  heldOutLoss: { words: 'mean surprise per held-out token, in nats', better: 'lower' },
  heldOutReward: { words: 'mean score of the policy that was kept, on held-out prompts', better: 'higher' },
  sampledReward: { words: 'mean score of the answers sampled for training', better: 'higher' },
  perplexity: { words: 'how many tokens the model hesitates between, on average', better: 'lower' },
  accuracy: { words: 'share predicted right', better: 'higher', percent: true },
};

export function meaningOf(metric: string): Meaning | undefined {
  const head = metric.split('.')[0];
  return Object.hasOwn(meanings, head) ? meanings[head] : undefined;
}

/** A value as its metric is read: 83.3 % of exact matches, 2.314 bits. */
export function formatMetric(metric: string, value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (meaningOf(metric)?.percent) return `${(value * 100).toFixed(1)}%`;
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 100_000)) return value.toExponential(2);
  return Number.isInteger(value) && size >= 10 ? String(value) : value.toFixed(size < 100 ? 3 : 1);
}

export interface TableRow {
  metric: string;
  meaning?: Meaning;
  /** One a column, in the order of the columns; `best` where it wins (never where all are equal). */
  cells: { text: string; best: boolean }[];
}

/** The eval table: a row a metric, in the order in which the columns first name them. */
export function tableRows(columns: readonly EvaluationColumn[]): TableRow[] {
  const names = [...new Set(columns.flatMap(({ metrics }) => Object.keys(metrics)))];
  return names.map((metric) => {
    const meaning = meaningOf(metric);
    const values = columns.map(({ metrics }) => (Object.hasOwn(metrics, metric) ? metrics[metric] : Number.NaN));
    const finite = values.filter(Number.isFinite);
    const best = meaning?.better === 'lower' ? Math.min(...finite) : Math.max(...finite);
    const contested = meaning !== undefined && new Set(finite).size > 1;
    const cells = values.map((value) => ({ text: formatMetric(metric, value), best: contested && value === best }));
    return { metric, meaning, cells };
  });
}
