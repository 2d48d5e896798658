// Whether a round's result takes the policy's place, and how much of it: points on the line from the policy to the candidate are
// measured, and promotion.ts chooses. A point that is promoted becomes a checkpoint beside the round's.
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { pointLabel } from '../../base/layout.js';
import { trainingMetrics } from '../../base/metric-names.js';
import { jsonNumber } from '../../base/schema.js';
import { type Checkpoint, identifyCheckpoint, openCheckpoint } from '../../checkpoint/directory.js';
import { type Line, openLine, saveInterpolated } from '../../checkpoint/interpolate.js';
import type { AlignConfig } from '../../config/align.js';
import { type Measurements, metricsOf } from '../../evaluation/measurements.js';
import { LocalModel } from '../../inference/local-model.js';
import { gatePointSchema, type Metrics } from '../../report/event.js';
import type { Job } from '../stage.js';
import { answerAlarms } from './alarms.js';
import { decidingMetric, type Evidence, evidenceDigest, type ModelFigures, measureModel } from './evidence.js';
import { FigureStore } from './figure-store.js';
import { measurePreferences } from './preference-evidence.js';
import { decide, type Point } from './promotion.js';

/** Stored in `round.json`. */
export const gateResultSchema = z.object({
  promoted: z.boolean(),
  /** Share of the way from the policy (0) to the candidate (1) of what is promoted; 0: the policy stays. */
  alpha: z.number(),
  /** The model that the next round starts from: a step folder, relative to the stage's folder where it is below it. */
  path: z.string(),
  digest: z.string(),
  /** In words, with the figures. */
  text: z.string(),
  /** What was measured on the way, from the policy on. */
  curve: z.array(gatePointSchema),
  /** Figures of the model that the next round starts from. */
  metrics: z.record(z.string(), jsonNumber),
});
export type GateResult = z.output<typeof gateResultSchema>;

export interface GateInput {
  job: Job<AlignConfig>;
  round: number;
  /** The round's folder: what has been measured is kept here, so that an interrupted gate resumes. */
  directory: string;
  policy: Checkpoint;
  /** What was trained from it. */
  candidate: Pick<Checkpoint, 'path' | 'digest'>;
  evidence: Evidence;
}

export async function decideRound(input: GateInput): Promise<GateResult> {
  const { job, round, policy, candidate, directory, evidence } = input;
  const { alphas, budgets } = job.config.gate;
  const moved = [...new Set(alphas)].filter((alpha) => alpha > 0).sort((a, b) => a - b);
  const line = moved.some((alpha) => alpha < 1) ? await openLine(policy, candidate.path, job) : undefined;
  await removePoints(directory);
  const measurer = await Measurer.open(input);
  try {
    const start = await measurer.start();
    const before = await measurer.policy();
    const metric = decidingMetric(evidence, job.config);
    const pointOf = (alpha: number, figures: ModelFigures): Point => ({
      alpha,
      measurements: withPreferences(evidence, start, figures),
    });
    const points: Point[] = [];
    const measured = new Map([[0, before]]);
    for (const alpha of moved) {
      const { path, digest } = alpha === 1 ? candidate : await savePoint(input, line as Line, alpha);
      const after = await measurer.of(digest, path, `α = ${alpha}`);
      measured.set(alpha, after);
      points.push({ ...pointOf(alpha, after), alarms: alarmsOf(before, after, job.config) });
      await removePoints(directory);
    }
    const began = pointOf(0, start).measurements;
    const settings = { metric, tolerance: job.config.tolerance, budgets };
    const { promoted, alpha, text, curve } = decide(pointOf(0, before), points, began, settings);
    job.reporter.emit({ type: 'gate', round, alpha, metric, points: curve });
    showAnswers(input, before, measured.get(promoted ? alpha : moved[moved.length - 1]));
    const { path, digest } = !promoted ? policy : alpha === 1 ? candidate : await savePoint(input, line as Line, alpha);
    const metrics = keptMetrics(curve.find((point) => point.alpha === alpha)?.metrics ?? {}, metric);
    return { promoted, alpha, path, digest, text, curve, metrics };
  } finally {
    await measurer.close();
  }
}

/** The figures of a policy that nothing takes the place of, because there was nothing to learn. */
export async function policyMetrics(input: Omit<GateInput, 'candidate'>): Promise<GateResult['metrics']> {
  const { evidence, job } = input;
  const measurer = await Measurer.open(input);
  try {
    const measurements = withPreferences(evidence, await measurer.start(), await measurer.policy());
    return keptMetrics(metricsOf(measurements), decidingMetric(evidence, job.config));
  } finally {
    await measurer.close();
  }
}

/** Figures of models by what the gate decides by; what it has measured already is not measured again. */
export async function measuredModels(
  input: Omit<GateInput, 'candidate'>,
  models: readonly { path: string; digest: string; name: string }[],
): Promise<Measurements[]> {
  const measurer = await Measurer.open(input);
  try {
    const start = await measurer.start();
    const all: Measurements[] = [];
    for (const { digest, path, name } of models)
      all.push(withPreferences(input.evidence, start, await measurer.of(digest, path, name)));
    return all;
  } finally {
    await measurer.close();
  }
}

/** What people prefer is measured against where alignment began. */
function withPreferences({ given }: Evidence, start: ModelFigures, figures: ModelFigures): Measurements {
  if (given === undefined || given.pairs.length + given.labelled.length === 0) return figures.measurements;
  const { measurements, logProbabilities } = figures;
  return new Map([...measurements, ...measurePreferences(given, start.logProbabilities, logProbabilities)]);
}

/** Measures models, each once; the policy stays open meanwhile, for others are compared with it answer by answer. */
class Measurer {
  readonly #input: Omit<GateInput, 'candidate'>;
  readonly #known: FigureStore;
  #policy: LocalModel | undefined;

  private constructor(input: Omit<GateInput, 'candidate'>, known: FigureStore) {
    this.#input = input;
    this.#known = known;
  }

  static async open(input: Omit<GateInput, 'candidate'>): Promise<Measurer> {
    const digest = evidenceDigest(input.job, input.evidence);
    return new Measurer(input, await FigureStore.open(input.job, input.directory, digest));
  }

  /** What alignment began with. */
  async start(): Promise<ModelFigures> {
    const { path, digest } = await identifyCheckpoint(
      this.#input.job.inputs.toolUse ?? this.#input.job.inputs.sft ?? '',
    );
    return digest === this.#input.policy.digest ? this.policy() : this.of(digest, path, 'where alignment began');
  }

  async policy(): Promise<ModelFigures> {
    const { policy } = this.#input;
    return this.#known.get(policy.digest) ?? this.#measure(policy.digest, await this.#openPolicy(), 'policy');
  }

  async of(digest: string, path: string, name: string): Promise<ModelFigures> {
    const known = this.#known.get(digest);
    if (known !== undefined) return known;
    const { verify } = this.#input.job;
    const policy = await this.#openPolicy();
    const model = await LocalModel.of(await openCheckpoint(path, { verify }), { isFrozen: true });
    try {
      return await this.#measure(digest, model, name, policy);
    } finally {
      await model.dispose();
    }
  }

  async close(): Promise<void> {
    await this.#policy?.dispose();
  }

  async #openPolicy(): Promise<LocalModel> {
    this.#policy ??= await LocalModel.of(this.#input.policy);
    return this.#policy;
  }

  async #measure(digest: string, model: LocalModel, name: string, policy?: LocalModel): Promise<ModelFigures> {
    const { job, round, evidence } = this.#input;
    const label = `round ${round}: held-out, ${name}`;
    const measured = await measureModel(job, evidence, { model, policy, label });
    await this.#known.add(digest, measured);
    return measured;
  }
}

function alarmsOf(before: ModelFigures, after: ModelFigures, { alarms }: AlignConfig): string[] {
  const rewards = [before, after].map(({ measurements }) => measurements.get('reward') ?? []);
  return answerAlarms(before, after, { before: rewards[0], after: rewards[1] }, alarms).map(({ what }) => what);
}

/** Those whose reward changed most, of the policy and of what is promoted or, where nothing is, of what was trained. */
function showAnswers({ job, round }: GateInput, before: ModelFigures, after = before): void {
  const compared = after.shown.map((answer, i) => {
    const { completion, reward } = before.shown[i];
    return { ...answer, before: { completion, reward }, change: Math.abs((answer.reward ?? 0) - (reward ?? 0)) };
  });
  const shown = compared.sort((a, b) => b.change - a.change).slice(0, shownAnswers);
  for (const { change: _, ...answer } of shown) job.reporter.emit({ type: 'sample', step: round, ...answer });
}

const shownAnswers = 8;

/** A checkpoint beside the round's folder, as far from the run's as that. */
async function savePoint({ policy, directory, candidate }: GateInput, line: Line, alpha: number) {
  const path = join(`${directory}${pointLabel}${alpha}`, basename(candidate.path));
  return { path, ...(await saveInterpolated(path, { line, start: policy, alpha })) };
}

/** Those that are not promoted, and what an interrupted gate left. */
async function removePoints(directory: string): Promise<void> {
  const stage = dirname(directory);
  for (const name of await readdir(stage)) {
    if (name.startsWith(basename(directory) + pointLabel))
      await rm(join(stage, name), { recursive: true, force: true });
  }
}

/** For the chart of rounds: what decides, and what is forgotten. */
function keptMetrics(metrics: Metrics, metric: string): Metrics {
  const name = metric === 'reward' ? 'heldOutReward' : metric;
  const texts = Object.entries(metrics).filter(([each]) => each.startsWith('bitsPerByte'));
  return { [name]: metrics[metric] ?? Number.NaN, ...trainingMetrics(Object.fromEntries(texts)) };
}
