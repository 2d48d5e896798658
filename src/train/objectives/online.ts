// The objective of answers that the policy gives while it learns: groups of answers to a prompt are drawn from the model as it is, and
// each is learnt by how much better than its group it was rewarded (GRPO, RLOO). What was drawn once is known by the weights that it was
// drawn from: a training that resumes is given the same answers, and draws none twice. The losses are in policy-losses.ts.
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { countOf } from '../../base/format.js';
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
  countedOwners,
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

/** Whose log-probabilities: two samplings may be of equal weights. */
export type MeasureRequest = Pick<DrawRequest, 'weights' | 'sampling' | 'isPast'>;

/** Who answers and who scores, and what of both is known already. */
export interface AnswerSource {
  /** Digest of all that answers follow from but the weights: under another one nothing is known. */
  readonly identity: string;
  /** Prompts in all. */
  readonly length: number;
  /** A group for each prompt, in their order. */
  draw(request: DrawRequest): Promise<AnswerGroup[]>;
  /** log π of the tokens of each answer of the sampling, by its row: those that are known, or those that `measure` gives. */
  logProbabilities(at: MeasureRequest, measure: () => Promise<number[][]>): Promise<number[][]>;
}

export interface OnlineOptions extends BatchOptions {
  temperature: number;
  seed: number;
  /** The policy at the round's start, where steps away from it cost something. */
  reference?: Model;
  /** Whose predictions are learnt in the place of rewards. */
  teacher?: { model: Model; beta: number };
  /** Hears what a person is to know of a training that resumes. */
  warn?(text: string): void;
}

const count = z.int().min(0);
const stateSchema = z.object({
  sampling: count,
  /** Steps that have learnt from it, and the weights that it was drawn from, where some have. */
  used: count,
  weights: z.string().nullable(),
  /** The identity of its answers. */
  source: z.string(),
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

/** Whether log π of the answers is measured before a step learns from them: a teacher is compared with the policy as it is. */
export function measuresSampler({
  method,
  online,
  policy,
}: Pick<BatchOptions, 'method' | 'online' | 'policy'>): boolean {
  if (method === 'distill') return false;
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
    if (this.#used === this.#steps) {
      this.#window = undefined;
      this.#used = 0;
      this.#sampling++;
    }
    return batch;
  }

  state(): State {
    const { epoch, index } = this.#window?.from ?? this.#order;
    const weights = this.#window?.weights ?? this.#past ?? null;
    const source = this.#source.identity;
    return { sampling: this.#sampling, used: this.#used, weights, source, epoch, index };
  }

  restore(saved: unknown): void {
    const { sampling, used, weights, source, epoch, index } = parsePosition(stateSchema, saved);
    // Answers of other settings are not what the rest of the sampling's steps can learn from, nor is there a step beyond its last.
    const isOther = used > 0 && source !== this.#source.identity;
    const isOver = isOther || used >= this.#steps;
    this.#sampling = isOver ? sampling + 1 : sampling;
    this.#used = isOver ? 0 : used;
    this.#past = isOver || used === 0 ? undefined : (weights ?? undefined);
    this.#window = undefined;
    this.#given = 0;
    this.#order.begin(epoch, Math.min(index, this.#source.length));
    if (isOther) {
      this.#options.warn?.(
        `sampling ${sampling + 1} had other settings when ${countOf(used, 'step')} learnt from it: its prompts are answered anew`,
      );
    }
  }

  /** That learn from one sampling. */
  get #steps(): number {
    const { stepsPerSampling, iterations } = this.#options.online;
    return stepsPerSampling * iterations;
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

  /** Where it fails or is stopped, nothing of it has begun. */
  async #sample(model: Model, step: number): Promise<Window> {
    const { epoch, index } = this.#order;
    const past = this.#past;
    try {
      return { ...(await this.#sampled(model, step)), from: { epoch, index } };
    } catch (error) {
      this.#order.begin(epoch, index);
      this.#past = past;
      throw error;
    }
  }

  async #sampled(model: Model, step: number): Promise<Omit<Window, 'from'>> {
    const isPast = this.#past !== undefined;
    const weights = this.#past ?? (await weightsDigest(model));
    this.#past = undefined;
    const at = { model, weights, sampling: this.#sampling, step, isPast };
    const { groups, alike, drawn } = await this.#groups(at);
    const { scorers, seed, policy, samplesPerPrompt } = this.#options;
    const answers = batchesOf(groups, this.#options, Random.stream(seed, `sampling ${this.#sampling}`).uint32());
    if (answers.flat(2).length === 0) throw nothingScored(step, groups.length * samplesPerPrompt);
    const isReused = this.#steps > 1;
    const old = measuresSampler(this.#options)
      ? await this.#source.logProbabilities(at, () => this.#measure(model, answers))
      : undefined;
    const reference = this.#options.reference && (await this.#measure(this.#options.reference, answers));
    const distances =
      policy.klIn === 'reward' && old && reference
        ? old.map((own, row) => own.reduce((sum, value, token) => sum + value - reference[row][token], 0))
        : undefined;
    const advantages = advantagesOf(groups, this.#options, distances);
    const batches = answers.map((own) =>
      own.map((placed) =>
        onlineBatch(placed, advantages, this.#options, {
          ...(isReused && { old }),
          ...(policy.klIn === 'loss' && { reference }),
        }),
      ),
    );
    return { weights, batches, figures: samplingFigures(groups, scorers, { alike, drawn, distances }) };
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

  /** By row, of all answers of the sampling: log π of its counted tokens; none of an answer that nothing is learnt from. */
  async #measure(model: Model, answers: readonly (readonly (readonly PlacedAnswer[])[])[]): Promise<number[][]> {
    const { online, samplesPerPrompt, padId, temperature } = this.#options;
    const rows = online.promptsPerStep * online.stepsPerSampling * samplesPerPrompt;
    const measured = Array.from({ length: rows }, (): number[] => []);
    for (const own of answers.flat()) {
      const batch = packedAnswers(own, padId);
      const values = await readResult(() => tokenLogProbabilities(model, batch, { temperature }).logProbabilities);
      for (const [token, owner] of countedOwners(batch).entries()) {
        if (owner >= 0) measured[own[owner].row].push(values[token]);
      }
      await setImmediate(); // signals arrive between turns of the event loop
    }
    return measured;
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
