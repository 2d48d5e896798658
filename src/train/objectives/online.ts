// The objective of answers that the policy gives while it learns: groups of answers to a prompt are drawn from the model as it is, and
// each is learnt by how much better than its group it was rewarded (GRPO, RLOO), or the best and the worst as a pair (online DPO). What was drawn once is known by the weights that it was
// drawn from: a training that resumes is given the same answers, and draws none twice. The losses are in policy-losses.ts.
import { isOfCritic, type ParameterSpec } from '../../architecture/parameters.js';
import { countOf } from '../../base/format.js';
import { Random } from '../../base/random.js';
import type { PreferenceConfig } from '../../config/preference.js';
import { ShuffledOrder } from '../../data/shuffled.js';
import { policyOf } from '../../model/critic.js';
import type { Model } from '../../model/model.js';
import { weightsDigest } from '../../model/weights-digest.js';
import type { Metrics } from '../../report/event.js';
import { add, type Scalar, tensor1d } from '../../tensor/tf.js';
import type { LossContext, Objective } from '../objective.js';
import { type AnswerSource, type DrawRequest, type MeasureRequest, nothingScored } from './answer-source.js';
import { noRewards, type SamplingCredit } from './credit.js';
import { Critic, type CriticOptions } from './critic.js';
import { distillationLoss } from './distillation.js';
import { type Answers, measuredTokens } from './measured-tokens.js';
import { isOnPolicy, onPolicyLoss } from './on-policy-loss.js';
import { type PairMeans, pairedBatch, pairFigures, pairMeans, pairsOf } from './online-pairs.js';
import { type OnlineState, type OnlineTokens, parseState } from './online-state.js';
import { movedFigures, policyLoss, recordFigures } from './policy-losses.js';
import { pairLoss } from './preference.js';
import {
  type AnswerGroup,
  advantagesOf,
  type BatchOptions,
  batchesOf,
  countedOwners,
  hasSpread,
  learntRewards,
  microBatches,
  type OnlineBatch,
  onlineBatch,
  samplingFigures,
  totalRewards,
} from './sampled-batches.js';
import { tokenLogProbabilities } from './sequence-log-probabilities.js';

export interface OnlineOptions extends BatchOptions {
  /** At which log π is taken. */
  temperature: number;
  seed: number;
  /** The policy at the round's start, where steps away from it cost something. */
  reference?: Model;
  /** Of online-dpo, which has a reference: the loss of a pair. */
  preference?: PreferenceConfig;
  /** Whose predictions are learnt in the place of rewards. */
  teacher?: { model: Model; beta: number };
  /** Of PPO. */
  critic?: CriticOptions;
  /** Hears what a person is to know of a training that resumes. */
  warn?(text: string): void;
}

/** What one sampling gave. */
interface Window {
  weights: string;
  /** By step, those of one pass over the answers. */
  batches: OnlineBatch[][];
  figures: Metrics;
  pairs?: PairMeans;
  /** Where its prompts begin, and what was read and rewarded before. */
  from: Pick<OnlineState, 'epoch' | 'index' | 'scale' | 'read'>;
}

/** Whether log π of the answers is measured before a step learns from them. */
export function measuresSampler({
  method,
  online,
  policy,
}: Pick<BatchOptions, 'method' | 'online' | 'policy'>): boolean {
  // Of a pair it does not matter who gave it, and a teacher is compared with the policy as it is.
  if (method === 'online-dpo' || method === 'distill') return false;
  return online.stepsPerSampling * online.iterations > 1 || policy.klIn === 'reward' || policy.policyLoss === 'ppo';
}

/** The answers of one sampling, and log π of them by row. */
interface Sampling {
  at: MeasureRequest;
  groups: readonly AnswerGroup[];
  answers: Answers;
  sampled: number[][];
  reference?: number[][];
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
  readonly #critic: Critic | undefined;
  #pairs: PairMeans | undefined;
  readonly tokens: OnlineTokens = { read: 0, alone: 0 };
  /** Milliseconds: when the step began, and how long it sampled. */
  #clock = { began: 0, sampled: 0 };

  constructor(source: AnswerSource, options: OnlineOptions) {
    this.#source = source;
    this.#options = options;
    this.#critic = options.critic && new Critic(options.critic);
    this.#order = new ShuffledOrder(source.length, { seed: options.seed, name: 'prompts' });
  }

  async next({ model, step }: { model: Model; step: number }): Promise<OnlineBatch> {
    const { online } = this.#options;
    if (this.#given === 0) this.#clock = { began: performance.now(), sampled: 0 };
    if (this.#window === undefined) {
      this.#window = await this.#sample(model, step);
      this.#clock.sampled = performance.now() - this.#clock.began;
    }
    const { batches, figures, pairs } = this.#window;
    const own = batches[this.#used % online.stepsPerSampling][this.#given++];
    const isWarmup = this.#critic?.learnsAlone(step) === true;
    if (isWarmup) this.tokens.alone += own.tokenCount;
    const batch = isWarmup ? { ...own, isWarmup } : own;
    if (this.#given < microBatches(this.#options)) return batch;
    this.#figures = figures;
    this.#pairs = pairs;
    this.#given = 0;
    this.#used++;
    if (this.#used === this.#steps) {
      this.#window = undefined;
      this.#used = 0;
      this.#sampling++;
    }
    return batch;
  }

  state(): OnlineState {
    const { epoch, index, scale, read } = this.#window?.from ?? this.#from;
    const counts = { read, alone: this.tokens.alone };
    const weights = this.#window?.weights ?? this.#past ?? null;
    const source = this.#source.identity;
    const position = { sampling: this.#sampling, used: this.#used, weights, source, epoch, index };
    return { ...position, ...counts, ...(scale && { scale }) };
  }

  restore(saved: unknown): void {
    const { sampling, used, weights, source, epoch, index, scale, read, alone, lacksRead } = parseState(saved);
    // Answers of other settings are not what the rest of the sampling's steps can learn from, nor is there a step beyond its last.
    const isSame = source === this.#source.identity;
    const isOther = used > 0 && !isSame;
    const isOver = isOther || used >= this.#steps;
    this.#sampling = isOver ? sampling + 1 : sampling;
    this.#used = isOver ? 0 : used;
    this.#past = isOver || used === 0 ? undefined : (weights ?? undefined);
    this.#window = undefined;
    Object.assign(this.tokens, { read, alone });
    this.#given = 0;
    this.#order.begin(epoch, Math.min(index, this.#source.length));
    // Nor are rewards of another scorer a scale for those of this one.
    if (this.#critic) this.#critic.scale = (isSame && scale) || noRewards;
    if (lacksRead && sampling + used > 0) {
      this.#options.warn?.(
        `what was read before sampling ${this.#sampling + 1} is not known, for an earlier version saved it: the compute that is recorded is less by it`,
      );
    }
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

  /** Where the next sampling begins. */
  get #from(): Window['from'] {
    const { epoch, index } = this.#order;
    return { epoch, index, scale: this.#critic?.scale, read: this.tokens.read };
  }

  /** While PPO's critic warms up, nothing else is learnt. */
  trains(row: ParameterSpec, step: number): boolean {
    return !this.#critic?.learnsAlone(step) || isOfCritic(row);
  }

  /** With the share of the step's time that it sampled. */
  summarize(recorded: Readonly<Record<string, number>> = {}): Record<string, number> {
    const { began, sampled } = this.#clock;
    const { preference } = this.#options;
    const ofPairs = preference && this.#pairs && pairFigures(recorded, this.#pairs, preference);
    return { ...this.#figures, ...ofPairs, sampling_share: sampled / Math.max(1, performance.now() - began) };
  }

  loss(model: Model, batch: OnlineBatch, { record, ...pass }: LossContext): Scalar {
    const { policy, temperature, teacher, preference } = this.#options;
    const { references, pairWeights } = batch;
    if (preference !== undefined && references !== undefined && pairWeights !== undefined) {
      return pairLoss(model, { ...batch, references, pairWeights }, preference, { record, ...pass });
    }
    if (teacher !== undefined) {
      const { beta } = teacher;
      return distillationLoss(model, teacher.model, batch, { beta, temperature }, { record, ...pass });
    }
    if (isOnPolicy(batch, policy)) return onPolicyLoss(model, batch, { policy, temperature }, { record, ...pass });
    const { advantages, weight, old, reference, credit } = batch;
    const isCounted = Float32Array.from(countedOwners(batch), (owner) => (owner < 0 ? 0 : 1));
    const value = credit && this.#critic?.loss(model, { ...batch, credit }, isCounted, { record, ...pass });
    if (value !== undefined && batch.isWarmup) return value;
    const own = tokenLogProbabilities(model, batch, {
      ...{ ...pass, temperature },
      entropyGradient: policy.entropyWeight > 0,
    });
    const values = {
      ...{ ...own, advantages, weight, tokenAdvantages: credit?.advantages },
      ...(old !== undefined && { old: tensor1d(old) }),
      ...(reference !== undefined && { reference: tensor1d(reference) }),
    };
    const { total, figures } = policyLoss(values, policy);
    recordFigures(record, figures);
    if (value === undefined) return total;
    record('loss/policy_avg', total);
    recordFigures(record, movedFigures(values));
    return add(total, value) as Scalar;
  }

  /** Where it fails or is stopped, nothing of it has begun. */
  async #sample(model: Model, step: number): Promise<Window> {
    const from = this.#from;
    const past = this.#past;
    try {
      const window = await this.#sampled(model, step);
      this.tokens.read += window.batches.flat().reduce((sum, { tokenCount }) => sum + tokenCount, 0);
      return { ...window, from };
    } catch (error) {
      this.#order.begin(from.epoch, from.index);
      this.#past = past;
      throw error;
    }
  }

  async #sampled(model: Model, step: number): Promise<Omit<Window, 'from'>> {
    const isPast = this.#past !== undefined;
    const weights = this.#past ?? (await weightsDigest(model));
    this.#past = undefined;
    const at = { model: policyOf(model), weights, sampling: this.#sampling, step, isPast };
    const { groups, alike, drawn } = await this.#groups(at);
    const { scorers, seed, policy, samplesPerPrompt, temperature, preference, reference: frozen } = this.#options;
    const likely = (by: Model, of: Answers) =>
      measuredTokens(of, this.#options, (batch) => tokenLogProbabilities(by, batch, { temperature }).logProbabilities);
    const place = Random.stream(seed, `sampling ${this.#sampling}`).uint32();
    const answers = batchesOf(groups, this.#options, place);
    if (answers.flat(2).length === 0) throw nothingScored(step, groups.length * samplesPerPrompt);
    if (preference !== undefined && frozen !== undefined) {
      const pairs = pairsOf(groups, this.#options, place);
      const both = pairs.map((own) => own.map((part) => part.flatMap(({ chosen, rejected }) => [chosen, rejected])));
      const reference = await likely(frozen, both);
      return {
        ...{
          weights,
          batches: pairs.map((own) => own.map((part) => pairedBatch(part, reference, this.#options.padId))),
        },
        figures: samplingFigures(groups, scorers, { alike, drawn }),
        pairs: pairMeans(pairs.flat(2), groups, this.#options),
      };
    }
    const isReused = this.#steps > 1;
    const old = measuresSampler(this.#options)
      ? await this.#source.logProbabilities(at, () => likely(model, answers))
      : undefined;
    const reference = frozen && (await likely(frozen, answers));
    const distances =
      policy.klIn === 'reward' && old && reference
        ? old.map((own, row) => own.reduce((sum, value, token) => sum + value - reference[row][token], 0))
        : undefined;
    const credit = old && (await this.#credit(model, { at, groups, answers, sampled: old, reference }));
    const advantages = credit ? [] : advantagesOf(groups, this.#options, distances);
    const batches = answers.map((own) =>
      own.map((placed) =>
        onlineBatch(placed, advantages, this.#options, {
          ...(isReused && { old }),
          ...(policy.klIn === 'loss' && { reference }),
          credit,
        }),
      ),
    );
    const figures = samplingFigures(groups, scorers, { alike, drawn, distances });
    return { weights, batches, figures: { ...figures, ...credit?.figures } };
  }

  /** What each token is learnt by, where a critic says so. */
  async #credit(model: Model, { at, groups, answers, ...known }: Sampling): Promise<SamplingCredit | undefined> {
    const critic = this.#critic;
    if (critic === undefined) return undefined;
    const foreseen = () => measuredTokens(answers, this.#options, (batch) => critic.values(model, batch));
    const values = await this.#source.values(at, foreseen);
    const rows = answers.flat(2).map(({ row }) => row);
    const rewards = groups.flatMap((group) => learntRewards(group, this.#options.scorers));
    return critic.credit({ rows, rewards, values, ...known });
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
}
