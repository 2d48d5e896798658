// Answers that a round's training samples from the policy as it learns, and what they are rewarded with. Every group and every reward is
// in a journal as it comes, bound to the weights that answered: a training that was killed goes through the same answers again, and
// neither samples nor pays for one twice.
import { UserError } from '../../base/errors.js';
import { shorten } from '../../base/format.js';
import type { Journal } from '../../base/journal.js';
import { Random } from '../../base/random.js';
import { Slots } from '../../base/slots.js';
import { samplingAt } from '../../config/sampling.js';
import type { Conversation } from '../../data/types.js';
import { answerCredit } from '../../evaluation/checks.js';
import { rewardsByScorer, type Scorer } from '../../evaluation/scorer.js';
import { callsAtATime } from '../../evaluation/task-tools.js';
import { type Answer, answerTasks, lastQuestion } from '../../evaluation/tasks.js';
import { type LocalModel, withWeights } from '../../inference/local-model.js';
import type { StageReporter } from '../../report/event.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import type { Toolbox } from '../../tools/toolbox.js';
import { weightedSum } from '../../train/objectives/advantages.js';
import type { AnswerSource, DrawRequest, MeasureRequest } from '../../train/objectives/answer-source.js';
import type { AnswerGroup, RewardSource, SampledAnswer } from '../../train/objectives/sampled-batches.js';
import {
  type KeptAnswer,
  type KeptGroup,
  type KeptRewards,
  type Key,
  type KnownRollouts,
  type Measure,
  withGaps,
} from './known-rollouts.js';
import { endedAnswer, sequenceOf } from './pairs.js';

export interface RolloutOptions {
  tasks: readonly Conversation[];
  tokenizer: Tokenizer;
  samples: number;
  temperature: number;
  maxNewTokens: number;
  scorer: Scorer;
  /** What it gives, in that order. */
  rewards: readonly RewardSource[];
  toolbox?: Toolbox;
  seed: number;
  /** Digest of all that answers and rewards follow from but the weights. */
  identity: string;
  signal?: AbortSignal;
  reporter: StageReporter;
  /** What a person is told of it: `round 1`. */
  label: string;
  /** Of so many samplings the first is shown. */
  shownEvery: number;
  /** The folder of the journal, for messages. */
  directory: string;
}

/** Answers of a sampling that are shown, and samplings that are shown of a training. */
const shownAnswers = 4;
export const shownSamplings = 6;
const maxShownCharacters = 1000;

export class Rollouts implements AnswerSource {
  readonly #journal: Journal;
  readonly #options: RolloutOptions;
  readonly #known: KnownRollouts;
  /** Of groups that nothing could be scored of, in the sampling that is under way. */
  #unscored: KeptRewards[] = [];
  /** The last sampling that has a reward. */
  #scored = -1;

  constructor(journal: Journal, known: KnownRollouts, options: RolloutOptions) {
    this.#journal = journal;
    this.#known = known;
    this.#options = options;
  }

  get identity(): string {
    return this.#options.identity;
  }

  get length(): number {
    return this.#options.tasks.length;
  }

  async draw({ model, weights, sampling, attempt, step, prompts, isPast }: DrawRequest): Promise<AnswerGroup[]> {
    const { tasks, tokenizer, samples, label, reporter } = this.#options;
    const known = this.#known;
    known.forgetBefore(sampling);
    this.#unscored = this.#unscored.filter((group) => group.sampling === sampling);
    const keys = prompts.map((_, place): Key => ({ weights, sampling, attempt, place }));
    const isKnown = (key: Key, i: number): boolean => known.group(key)?.task === prompts[i];
    if (isPast && !keys.every(isKnown)) throw this.#lost();
    let done = keys.filter(isKnown).length;
    const all = await withWeights({ model, tokenizer }, async (local) => {
      const calls = new Slots(callsAtATime);
      const one = async (key: Key, i: number): Promise<AnswerGroup> => {
        const task = tasks[prompts[i]];
        const own = isKnown(key, i) ? known.group(key) : undefined;
        const kept = own ?? (await this.#answer(local, task, { ...key, task: prompts[i] }, calls));
        if (own === undefined) {
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
        known.forget(key);
        const answers = kept.answers.map((answer, n) => sampledAnswer(kept, answer, n, local));
        return { answers, rewards, ...(task.check && { right: kept.answers.map((answer) => creditOf(task, answer)) }) };
      };
      // To their ends: what is under way when one fails is kept too.
      const ends = await Promise.allSettled(keys.map(one));
      this.#keepUnscored(sampling);
      await this.#journal.settle();
      return ends.map((end) => {
        if (end.status === 'rejected') throw end.reason;
        return end.value;
      });
    });
    return all;
  }

  logProbabilities(at: MeasureRequest, measure: () => Promise<number[][]>): Promise<number[][]> {
    return this.#measured('logProbabilities', at, measure);
  }

  values(at: MeasureRequest, measure: () => Promise<number[][]>): Promise<number[][]> {
    return this.#measured('values', at, measure);
  }

  async #measured(what: Measure, at: MeasureRequest, measure: () => Promise<number[][]>): Promise<number[][]> {
    const { weights, sampling, isPast } = at;
    const known = this.#known.measured(what, at);
    if (known !== undefined) return known;
    if (isPast) throw this.#lost();
    const measured = await measure();
    this.#journal.append({ weights, sampling, [what]: measured });
    await this.#journal.settle();
    return measured;
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
    this.#known.countGroup(kept);
    return kept;
  }

  /** By scorer, of each answer. */
  async #score(task: Conversation, group: KeptGroup, step: number): Promise<(number | undefined)[][]> {
    const { scorer, rewards: sources, signal } = this.#options;
    const { weights, sampling, attempt, place, prompt: promptTokens } = group;
    const known = this.#known.rewards(group);
    if (known !== undefined) {
      if (known.flat().some((reward) => reward !== null)) this.#scored = sampling;
      return known.map(withGaps);
    }
    const answers = group.answers.map((answer): Answer => ({ task, promptTokens, ...answer }));
    const given = await rewardsByScorer(scorer, answers, signal);
    const rewards = given.map((own) => answers.map((_, i) => (Number.isFinite(own[i]) ? own[i] : undefined)));
    const totals = weightedSum(
      rewards,
      sources.map(({ weight }) => weight),
    );
    this.#show(task, group, totals, step);
    const kept = { weights, sampling, attempt, place, rewards: rewards.map((own) => own.map((each) => each ?? null)) };
    if (totals.every((total) => total === undefined)) {
      this.#unscored.push(kept);
      return rewards;
    }
    this.#scored = sampling;
    this.#journal.append(kept);
    this.#known.countRewards(kept);
    return rewards;
  }

  /** That nothing could be scored is kept once the step goes on without it; where it cannot, it is tried again. */
  #keepUnscored(sampling: number): void {
    if (this.#scored !== sampling) return;
    for (const kept of this.#unscored) this.#journal.append(kept);
    this.#unscored = [];
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

const creditOf = (task: Conversation, answer: KeptAnswer): number => answerCredit({ ...answer, task }) ?? 0;

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
