// The objective of answers that the policy gives while it learns: groups of answers to a prompt are drawn from the model as it is, and
// each is learnt by how much better than its group it was rewarded (GRPO, RLOO). What was drawn once is known by the weights that it was
// drawn from: a training that resumes is given the same answers, and draws none twice. The losses are in policy-losses.ts.
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import { parsePosition, ShuffledOrder } from '../../data/shuffled.js';
import type { Model } from '../../model/model.js';
import { weightsDigest } from '../../model/weights-digest.js';
import type { Metrics } from '../../report/event.js';
import { readResult } from '../../tensor/host.js';
import { type Scalar, tensor1d } from '../../tensor/tf.js';
import type { LossContext, Objective } from '../objective.js';
import { distillationLoss } from './distillation.js';
import { policyLoss, recordFigures } from './policy-losses.js';
import {
  type AnswerGroup,
  advantagesOf,
  type BatchOptions,
  batchesOf,
  hasSpread,
  microBatches,
  type OnlineBatch,
  onlineBatch,
  type PlacedAnswer,
  packedAnswers,
  samplingFigures,
  totalRewards,
} from './sampled-batches.js';
import { tokenLogProbabilities } from './sequence-log-probabilities.js';

/** Which answers are asked for. */
export interface DrawRequest {
  model: Model;
  /** Its digest: answers of other weights are not those. */
  weights: string;
  /** The sampling, from 0, and how often it has tried for groups with a spread. */
  sampling: number;
  attempt: number;
  /** That learns from them first. */
  step: number;
  /** By their places among all. */
  prompts: readonly number[];
  /** The model has gone on since: what was drawn must be known. */
  isPast: boolean;
}

/** Who answers and who scores, and what of both is known already. */
export interface AnswerSource {
  /** Prompts in all. */
  readonly length: number;
  /** A group for each prompt, in their order. */
  draw(request: DrawRequest): Promise<AnswerGroup[]>;
  /** log π of the tokens of each micro-batch under `weights`: those that are known, or those that `measure` gives. */
  logProbabilities(weights: string, isPast: boolean, measure: () => Promise<number[][]>): Promise<number[][]>;
}

export interface OnlineOptions extends BatchOptions {
  temperature: number;
  seed: number;
  /** The policy at the round's start, where steps away from it cost something. */
  reference?: Model;
  /** Whose predictions are learnt in the place of rewards. */
  teacher?: { model: Model; beta: number };
}

const count = z.int().min(0);
const stateSchema = z.object({
  sampling: count,
  /** Steps that have learnt from it, and the weights that it was drawn from, where some have. */
  used: count,
  weights: z.string().nullable(),
  /** Where its prompts begin. */
  ...{ epoch: count, index: count },
});
type State = z.output<typeof stateSchema>;

/** What one sampling gave. */
interface Window {
  weights: string;
  /** By step, those of one pass over the answers. */
  batches: OnlineBatch[][];
  figures: Metrics;
  /** Where its prompts begin. */
  from: Pick<State, 'epoch' | 'index'>;
}

/** Whether log π of the answers is measured before a step learns from them. */
export function measuresSampler({ online, policy }: Pick<BatchOptions, 'online' | 'policy'>): boolean {
  return online.stepsPerSampling * online.iterations > 1 || policy.klIn === 'reward';
}

export class OnlineObjective implements Objective<OnlineBatch> {
  readonly #source: AnswerSource;
  readonly #options: OnlineOptions;
  readonly #order: ShuffledOrder;
  #sampling = 0;
  #used = 0;
  /** Of a sampling that a restored training is amid. */
  #past: string | undefined;
  #window: Window | undefined;
  /** Micro-batches of the step that are given out. */
  #given = 0;
  #figures: Metrics = {};
  /** Milliseconds: when the step began, and how long it sampled. */
  #clock = { began: 0, sampled: 0 };

  constructor(source: AnswerSource, options: OnlineOptions) {
    this.#source = source;
    this.#options = options;
    this.#order = new ShuffledOrder(source.length, { seed: options.seed, name: 'prompts' });
  }

  async next({ model, step }: { model: Model; step: number }): Promise<OnlineBatch> {
    const { online } = this.#options;
    if (this.#given === 0) this.#clock = { began: performance.now(), sampled: 0 };
    if (this.#window === undefined) {
      this.#window = await this.#sample(model, step);
      this.#clock.sampled = performance.now() - this.#clock.began;
    }
    const { batches, figures } = this.#window;
    const batch = batches[this.#used % online.stepsPerSampling][this.#given++];
    if (this.#given < microBatches(this.#options)) return batch;
    this.#figures = figures;
    this.#given = 0;
    this.#used++;
    if (this.#used === online.stepsPerSampling * online.iterations) {
      this.#window = undefined;
      this.#used = 0;
      this.#sampling++;
    }
    return batch;
  }

  state(): State {
    const { epoch, index } = this.#window?.from ?? this.#order;
    const weights = this.#window?.weights ?? this.#past ?? null;
    return { sampling: this.#sampling, used: this.#used, weights, epoch, index };
  }

  restore(saved: unknown): void {
    const { sampling, used, weights, epoch, index } = parsePosition(stateSchema, saved);
    this.#sampling = sampling;
    this.#used = used;
    this.#past = used === 0 ? undefined : (weights ?? undefined);
    this.#window = undefined;
    this.#given = 0;
    this.#order.begin(epoch, Math.min(index, this.#source.length));
  }

  /** With the share of the step's time that it sampled. */
  summarize(): Record<string, number> {
    const { began, sampled } = this.#clock;
    return { ...this.#figures, sampling_share: sampled / Math.max(1, performance.now() - began) };
  }

  loss(model: Model, batch: OnlineBatch, { record, ...pass }: LossContext): Scalar {
    const { policy, temperature, teacher } = this.#options;
    if (teacher !== undefined) {
      const { beta } = teacher;
      return distillationLoss(model, teacher.model, batch, { beta, temperature }, { record, ...pass });
    }
    const { advantages, weight, old, reference } = batch;
    const own = tokenLogProbabilities(model, batch, {
      ...{ ...pass, temperature },
      entropyGradient: policy.entropyWeight > 0,
    });
    const values = {
      ...{ ...own, advantages, weight },
      ...(old !== undefined && { old: tensor1d(old) }),
      ...(reference !== undefined && { reference: tensor1d(reference) }),
    };
    const { total, figures } = policyLoss(values, policy);
    recordFigures(record, figures);
    return total;
  }

  async #sample(model: Model, step: number): Promise<Window> {
    const { epoch, index } = this.#order;
    const isPast = this.#past !== undefined;
    const weights = this.#past ?? (await weightsDigest(model));
    this.#past = undefined;
    const at = { model, weights, sampling: this.#sampling, step, isPast };
    const { groups, alike, drawn } = await this.#groups(at);
    const { scorers, seed, online, policy } = this.#options;
    const answers = batchesOf(groups, this.#options, Random.stream(seed, `sampling ${this.#sampling}`).uint32());
    if (answers.flat(2).length === 0) throw nothingScored(step, groups.length * this.#options.samplesPerPrompt);
    const isReused = online.stepsPerSampling * online.iterations > 1;
    const old = measuresSampler({ online, policy })
      ? await this.#source.logProbabilities(weights, isPast, () => this.#measure(model, answers))
      : undefined;
    const reference = this.#options.reference && (await this.#measure(this.#options.reference, answers));
    const distances =
      policy.klIn === 'reward' && old && reference ? this.#distances(answers, old, reference) : undefined;
    const advantages = advantagesOf(groups, this.#options, distances);
    let place = 0;
    const batches = answers.map((own) =>
      own.map((placed) => {
        const measured = {
          ...(isReused && old && { old: Float32Array.from(old[place]) }),
          ...(policy.klIn === 'loss' && reference && { reference: Float32Array.from(reference[place]) }),
        };
        place++;
        return onlineBatch(placed, advantages, this.#options, measured);
      }),
    );
    const figures = samplingFigures(groups, scorers, { alike, drawn, distances });
    return { weights, batches, figures, from: { epoch, index } };
  }

  /** Those that are learnt from; `alike` of the `drawn` had answers that were rewarded alike. */
  async #groups(at: Omit<DrawRequest, 'attempt' | 'prompts'>) {
    const { online, scorers } = this.#options;
    const wanted = online.promptsPerStep * online.stepsPerSampling;
    const groups: AnswerGroup[] = [];
    let [alike, drawn] = [0, 0];
    for (let attempt = 0; ; attempt++) {
      const prompts = Array.from({ length: wanted - groups.length }, () => this.#nextPrompt());
      const fresh = await this.#source.draw({ ...at, attempt, prompts });
      const isSpread = fresh.map((group) => hasSpread(totalRewards(group, scorers)));
      const count = isSpread.filter((is) => !is).length;
      drawn += fresh.length;
      alike += count;
      // The last ones stay as they are.
      if (count === 0 || attempt === online.resample) return { groups: [...groups, ...fresh], alike, drawn };
      groups.push(...fresh.filter((_, i) => isSpread[i]));
    }
  }

  #nextPrompt(): number {
    if (this.#order.isOver) this.#order.begin(this.#order.epoch + 1);
    return this.#order.take();
  }

  /** log π of the counted tokens of each micro-batch. */
  async #measure(model: Model, answers: readonly (readonly (readonly PlacedAnswer[])[])[]): Promise<number[][]> {
    const { padId, temperature } = this.#options;
    const measured: number[][] = [];
    for (const own of answers.flat()) {
      const batch = packedAnswers(own, padId);
      const values = await readResult(() => tokenLogProbabilities(model, batch, { temperature }).logProbabilities);
      measured.push([...values]);
      await setImmediate(); // signals arrive between turns of the event loop
    }
    return measured;
  }

  /** Of each answer: Σ (log π − log π_ref). */
  #distances(
    answers: readonly (readonly (readonly PlacedAnswer[])[])[],
    old: readonly (readonly number[])[],
    reference: readonly (readonly number[])[],
  ): number[] {
    const { online, samplesPerPrompt, padId } = this.#options;
    const rows = online.promptsPerStep * online.stepsPerSampling * samplesPerPrompt;
    const distances = new Array<number>(rows).fill(0);
    for (const [i, own] of answers.flat().entries()) {
      const { weights, owners } = packedAnswers(own, padId);
      let token = 0;
      for (let cell = 0; cell < weights.length; cell++) {
        if (weights[cell] === 0) continue;
        distances[own[owners[cell]].row] += old[i][token] - reference[i][token];
        token++;
      }
    }
    return distances;
  }
}

function nothingScored(step: number, answers: number): UserError {
  return new UserError(
    {
      where: `align, step ${step}`,
      what: `none of the ${answers} answers has a reward`,
      why: 'the scorer gave no number for any of them',
      next: 'Look at what scores them (a judge that is down, a check that fails). The same command resumes with these answers, none of which is sampled again',
    },
    { exitCode: 1 },
  );
}
