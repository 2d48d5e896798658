// Answers that a round's training samples from the policy as it learns, and what they are rewarded with. Every group and every reward is
// in a journal as it comes, bound to the weights that answered: a training that was killed goes through the same answers again, and
// neither samples nor pays for one twice.
import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { shorten } from '../../base/format.js';
import type { Journal } from '../../base/journal.js';
import { isRecord } from '../../base/objects.js';
import { Random } from '../../base/random.js';
import { Slots } from '../../base/slots.js';
import { samplingAt } from '../../config/sampling.js';
import type { Conversation } from '../../data/types.js';
import type { Scorer } from '../../evaluation/scorer.js';
import { callsAtATime } from '../../evaluation/task-tools.js';
import { type Answer, answerTasks, lastQuestion } from '../../evaluation/tasks.js';
import { type LocalModel, withWeights } from '../../inference/local-model.js';
import type { StageReporter } from '../../report/event.js';
import type { Message } from '../../tokenizer/message.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import type { RanCall } from '../../tools/tool.js';
import type { Toolbox } from '../../tools/toolbox.js';
import type { AnswerSource, DrawRequest } from '../../train/objectives/online.js';
import type { AnswerGroup, SampledAnswer } from '../../train/objectives/sampled-batches.js';
import { endedAnswer, sequenceOf } from './pairs.js';

const count = z.int().min(0);
const ids = z.array(count);
/** An answer as it is kept; with tools, what it is scored by: no call is made again. */
export const keptAnswerSchema = z.object({
  ...{ tokens: ids, text: z.string(), ended: z.boolean() },
  loss: z.array(z.int()).optional(),
  calls: z.array(z.custom<RanCall>(isRecord)).optional(),
  messages: z.array(z.custom<Message>(isRecord)).optional(),
});
type KeptAnswer = z.output<typeof keptAnswerSchema>;

/** Which group: the weights that answered, and its place in the sampling. */
const keyShape = { weights: z.string(), sampling: count, attempt: count, place: count };
const groupSchema = z.object({ ...keyShape, task: count, prompt: ids, answers: z.array(keptAnswerSchema) });
/** By scorer, of each answer; null: it could not be scored. */
const rewardsSchema = z.object({ ...keyShape, rewards: z.array(z.array(z.number().nullable())) });
/** Of the tokens of each micro-batch, under the weights that answered. */
const measuredSchema = z.object({ weights: z.string(), logProbabilities: z.array(z.array(z.number())) });

const entrySchema = z.union([groupSchema, rewardsSchema, measuredSchema]);
type KeptGroup = z.output<typeof groupSchema>;
type Key = Pick<KeptGroup, 'weights' | 'sampling' | 'attempt' | 'place'>;

export interface RolloutOptions {
  tasks: readonly Conversation[];
  tokenizer: Tokenizer;
  samples: number;
  temperature: number;
  maxNewTokens: number;
  scorers: readonly Scorer[];
  toolbox?: Toolbox;
  seed: number;
  signal?: AbortSignal;
  reporter: StageReporter;
  /** What a person is told of it: `round 1`. */
  label: string;
  /** Of so many samplings the first is shown. */
  shownEvery: number;
  /** The folder of the journal, for messages. */
  directory: string;
}

/** What was sampled in all, answers of an interrupted try that nothing followed from included. */
export interface SampledTotals {
  answers: number;
  /** Of prompts (each once) and answers. */
  tokens: number;
  /** Of answers, each with its prompt: what one pass over them reads. */
  read: number;
  /** Of the answers that have one. */
  rewards: { sum: number; count: number };
}

/** Answers of a sampling that are shown, and samplings that are shown of a training. */
const shownAnswers = 4;
export const shownSamplings = 6;
const maxShownCharacters = 1000;

export class Rollouts implements AnswerSource {
  readonly #journal: Journal;
  readonly #options: RolloutOptions;
  readonly #groups = new Map<string, KeptGroup>();
  readonly #rewards = new Map<string, (number | null)[][]>();
  readonly #measured = new Map<string, number[][]>();
  readonly totals: SampledTotals = { answers: 0, tokens: 0, read: 0, rewards: { sum: 0, count: 0 } };

  constructor(journal: Journal, options: RolloutOptions) {
    this.#journal = journal;
    this.#options = options;
    for (const value of journal.entries) {
      const entry = entrySchema.parse(value);
      if ('logProbabilities' in entry) this.#measured.set(entry.weights, entry.logProbabilities);
      else if ('rewards' in entry) {
        this.#rewards.set(nameOf(entry), entry.rewards);
        this.#countRewards(entry.rewards);
      } else {
        this.#groups.set(nameOf(entry), entry);
        this.#countGroup(entry);
      }
    }
  }

  get length(): number {
    return this.#options.tasks.length;
  }

  async draw({ model, weights, sampling, attempt, step, prompts, isPast }: DrawRequest): Promise<AnswerGroup[]> {
    const { tasks, tokenizer, samples, label, reporter } = this.#options;
    const keys = prompts.map((_, place): Key => ({ weights, sampling, attempt, place }));
    const isKnown = (key: Key, i: number): boolean => this.#groups.get(nameOf(key))?.task === prompts[i];
    if (isPast && !keys.every(isKnown)) throw this.#lost();
    let done = keys.filter(isKnown).length;
    const all = await withWeights({ model, tokenizer }, async (local) => {
      const calls = new Slots(callsAtATime);
      const one = async (key: Key, i: number): Promise<AnswerGroup> => {
        const task = tasks[prompts[i]];
        const known = isKnown(key, i) ? this.#groups.get(nameOf(key)) : undefined;
        const kept = known ?? (await this.#answer(local, task, { ...key, task: prompts[i] }, calls));
        if (known === undefined) {
          done++;
          reporter.emit({
            type: 'progress',
            label,
            done: done * samples,
            total: keys.length * samples,
            unit: 'answers',
          });
        }
        const rewards = await this.#score(task, kept, step);
        // What was read once is not asked for again.
        for (const map of [this.#groups, this.#rewards]) map.delete(nameOf(key));
        return { answers: kept.answers.map((answer, n) => sampledAnswer(kept, answer, n, local)), rewards };
      };
      // To their ends: what is under way when one fails is kept too.
      const ends = await Promise.allSettled(keys.map(one));
      await this.#journal.settle();
      return ends.map((end) => {
        if (end.status === 'rejected') throw end.reason;
        return end.value;
      });
    });
    return all;
  }

  async logProbabilities(weights: string, isPast: boolean, measure: () => Promise<number[][]>): Promise<number[][]> {
    const known = this.#measured.get(weights);
    if (known !== undefined) return known;
    if (isPast) throw this.#lost();
    const logProbabilities = await measure();
    this.#journal.append({ weights, logProbabilities });
    await this.#journal.settle();
    return logProbabilities;
  }

  async #answer(
    local: LocalModel,
    task: Conversation,
    place: Key & Pick<KeptGroup, 'task'>,
    calls: Slots,
  ): Promise<KeptGroup> {
    const { samples, temperature, maxNewTokens, toolbox, seed, signal } = this.#options;
    const { sampling, attempt, place: at } = place;
    const answers = await answerTasks(local, [task], {
      ...{ samples, maxNewTokens, toolbox, calls, signal },
      sampling: samplingAt(temperature),
      seed: Random.stream(seed, `${sampling}/${attempt}/${at}`).uint32(),
    });
    const [{ promptTokens: prompt }] = answers;
    const kept = { ...place, prompt, answers: answers.map(({ task: _, promptTokens: __, ...answer }) => answer) };
    this.#journal.append(kept);
    this.#countGroup(kept);
    return kept;
  }

  /** By scorer, of each answer. */
  async #score(task: Conversation, group: KeptGroup, step: number): Promise<(number | undefined)[][]> {
    const { scorers, signal } = this.#options;
    const { weights, sampling, attempt, place, prompt: promptTokens } = group;
    const known = this.#rewards.get(nameOf(group));
    if (known !== undefined) return known.map((own) => own.map((reward) => reward ?? undefined));
    const answers = group.answers.map((answer): Answer => ({ task, promptTokens, ...answer }));
    const rewards: (number | undefined)[][] = [];
    for (const scorer of scorers) {
      const own = await scorer.score(answers, signal);
      rewards.push(answers.map((_, i) => (Number.isFinite(own[i]) ? own[i] : undefined)));
    }
    this.#show(task, group, rewards[0], step);
    // Where nothing could be scored, it is tried again.
    if (rewards.flat().every((reward) => reward === undefined)) return rewards;
    const kept = rewards.map((own) => own.map((reward) => reward ?? null));
    this.#journal.append({ weights, sampling, attempt, place, rewards: kept });
    this.#countRewards(kept);
    return rewards;
  }

  /** The best answer of a few groups, now and then. */
  #show(task: Conversation, group: KeptGroup, rewards: readonly (number | undefined)[], step: number): void {
    const { shownEvery, reporter } = this.#options;
    const { sampling, attempt, place, answers } = group;
    if (sampling % shownEvery !== 0 || attempt > 0 || place >= shownAnswers) return;
    const scored = answers.flatMap(({ text }, i) => {
      const reward = rewards[i];
      return reward === undefined ? [] : [{ completion: shorten(text, maxShownCharacters), reward }];
    });
    const [best] = scored.sort((a, b) => b.reward - a.reward);
    const prompt = shorten(lastQuestion(task), maxShownCharacters);
    if (best !== undefined) reporter.emit({ type: 'sample', step, prompt, ...best });
  }

  #countGroup({ prompt, answers }: KeptGroup): void {
    this.totals.answers += answers.length;
    const said = answers.reduce((sum, { tokens }) => sum + tokens.length, 0);
    this.totals.tokens += prompt.length + said;
    this.totals.read += answers.length * prompt.length + said;
  }

  #countRewards([first]: readonly (readonly (number | null)[])[]): void {
    for (const reward of first) {
      if (reward === null) continue;
      this.totals.rewards.sum += reward;
      this.totals.rewards.count++;
    }
  }

  #lost(): UserError {
    const { directory } = this.#options;
    return new UserError(
      {
        where: directory,
        what: 'the answers that the newest checkpoint was learning from are no longer there',
        why: 'the file of sampled answers was cut or changed, and the weights that gave them have moved on since',
        next: 'Delete this folder and run the same command again: the round begins anew',
      },
      { exitCode: 1 },
    );
  }
}

function nameOf({ weights, sampling, attempt, place }: Key): string {
  return `${weights}/${sampling}/${attempt}/${place}`;
}

function sampledAnswer(
  { prompt, sampling, attempt, place }: KeptGroup,
  answer: KeptAnswer,
  n: number,
  { tokenizer }: Pick<LocalModel, 'tokenizer'>,
): SampledAnswer {
  const id = `${sampling}/${attempt}/${place}#${n}`;
  const sequence = sequenceOf({ id, prompt }, endedAnswer(answer, tokenizer.specialId('turnEnd')));
  return { ...sequence, loss: sequence.loss ?? [], ended: answer.ended };
}
