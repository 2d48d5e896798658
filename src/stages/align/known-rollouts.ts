// What a round that samples as it learns has answered and scored before, as its journal has it: by the weights that answered and the
// sampling. What a training that resumes is past is forgotten as soon as that is known.
import { z } from 'zod';
import { isRecord } from '../../base/objects.js';
import type { Message } from '../../tokenizer/message.js';
import type { RanCall } from '../../tools/tool.js';
import { weightedSum } from '../../train/objectives/advantages.js';
import type { RewardSource } from '../../train/objectives/sampled-batches.js';

const count = z.int().min(0);
const ids = z.array(count);
/** An answer as it is kept; with tools, what it is scored by: no call is made again. */
export const keptAnswerSchema = z.object({
  ...{ tokens: ids, text: z.string(), ended: z.boolean() },
  loss: z.array(z.int()).optional(),
  calls: z.array(z.custom<RanCall>(isRecord)).optional(),
  messages: z.array(z.custom<Message>(isRecord)).optional(),
});
export type KeptAnswer = z.output<typeof keptAnswerSchema>;

/** Which group: the weights that answered, and its place in the sampling. */
const keyShape = { weights: z.string(), sampling: count, attempt: count, place: count };
const groupSchema = z.object({ ...keyShape, task: count, prompt: ids, answers: z.array(keptAnswerSchema) });
/** By scorer, of each answer; null: it could not be scored. */
const rewardsSchema = z.object({ ...keyShape, rewards: z.array(z.array(z.number().nullable())) });
/** By row of the sampling, of its counted tokens: log π under the weights that answered, or what the critic beside these said. */
const rowsSchema = z.array(z.array(z.number()));
const samplingShape = { weights: z.string(), sampling: count };
const measuredSchema = z.union([
  z.object({ ...samplingShape, logProbabilities: rowsSchema }),
  z.object({ ...samplingShape, values: rowsSchema }),
]);
export type Measure = 'logProbabilities' | 'values';

const entrySchema = z.union([groupSchema, rewardsSchema, measuredSchema]);
export type KeptGroup = z.output<typeof groupSchema>;
export type KeptRewards = z.output<typeof rewardsSchema>;
type KeptMeasured = Pick<Key, 'weights' | 'sampling'> & { rows: number[][] };
export type Key = Pick<KeptGroup, 'weights' | 'sampling' | 'attempt' | 'place'>;

/** What was sampled in all, answers of an interrupted try that nothing followed from included. */
export interface SampledTotals {
  answers: number;
  /** Of prompts (each once) and answers. */
  tokens: number;
  /** Of answers, each with its prompt: what one pass over them reads. */
  read: number;
  /** Of the answers that have one: what the scorers gave, times their weights. */
  rewards: { sum: number; count: number };
}

export class KnownRollouts {
  readonly #weights: readonly number[];
  readonly #groups = new Map<string, KeptGroup>();
  readonly #rewards = new Map<string, KeptRewards>();
  readonly #measured = new Map<string, KeptMeasured>();
  /** All that lie before it are forgotten. */
  #first = 0;
  readonly totals: SampledTotals = { answers: 0, tokens: 0, read: 0, rewards: { sum: 0, count: 0 } };

  constructor(scorers: readonly RewardSource[]) {
    this.#weights = scorers.map(({ weight }) => weight);
  }

  /** An entry of the journal. */
  read(value: unknown): void {
    const entry = entrySchema.parse(value);
    if ('logProbabilities' in entry) this.#keepMeasured('logProbabilities', entry, entry.logProbabilities);
    else if ('values' in entry) this.#keepMeasured('values', entry, entry.values);
    else if ('rewards' in entry) {
      this.#rewards.set(nameOf(entry), entry);
      this.countRewards(entry);
    } else {
      this.#groups.set(nameOf(entry), entry);
      this.countGroup(entry);
    }
  }

  group(key: Key): KeptGroup | undefined {
    return this.#groups.get(nameOf(key));
  }

  rewards(key: Key): KeptRewards['rewards'] | undefined {
    return this.#rewards.get(nameOf(key))?.rewards;
  }

  measured(what: Measure, at: Pick<Key, 'weights' | 'sampling'>): number[][] | undefined {
    return this.#measured.get(samplingName(what, at))?.rows;
  }

  #keepMeasured(what: Measure, { weights, sampling }: Pick<Key, 'weights' | 'sampling'>, rows: number[][]): void {
    this.#measured.set(samplingName(what, { weights, sampling }), { weights, sampling, rows });
  }

  /** What was read once is not asked for again. */
  forget(key: Key): void {
    for (const map of [this.#groups, this.#rewards]) map.delete(nameOf(key));
  }

  forgetBefore(sampling: number): void {
    if (sampling === this.#first) return;
    this.#first = sampling;
    for (const map of [this.#groups, this.#rewards, this.#measured]) {
      for (const [name, entry] of map) if (entry.sampling < sampling) map.delete(name);
    }
  }

  countGroup({ prompt, answers }: KeptGroup): void {
    this.totals.answers += answers.length;
    const said = answers.reduce((sum, { tokens }) => sum + tokens.length, 0);
    this.totals.tokens += prompt.length + said;
    this.totals.read += answers.length * prompt.length + said;
  }

  countRewards({ rewards }: Pick<KeptRewards, 'rewards'>): void {
    const totals = weightedSum(rewards.map(withGaps), this.#weights).filter((total) => total !== undefined);
    this.totals.rewards.sum += totals.reduce((sum, total) => sum + total, 0);
    this.totals.rewards.count += totals.length;
  }
}

/** As scorers give them. */
export function withGaps(rewards: readonly (number | null)[]): (number | undefined)[] {
  return rewards.map((reward) => reward ?? undefined);
}

function nameOf({ weights, sampling, attempt, place }: Key): string {
  return `${weights}/${sampling}/${attempt}/${place}`;
}

function samplingName(what: Measure, { weights, sampling }: Pick<Key, 'weights' | 'sampling'>): string {
  return `${what}/${weights}/${sampling}`;
}
