// The ledger of a round: what as many operations of further fine-tuning, from the same policy, would have brought. Fine-tuning
// is the simpler way to spend them, and "it was not worth it" is a verdict.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { ModelShape } from '../../architecture/config.js';
import { trainingFlopsPerToken } from '../../architecture/cost.js';
import { UserError } from '../../base/errors.js';
import { countOf, formatSeconds } from '../../base/format.js';
import { ledgerFolder, trainRowsName } from '../../base/layout.js';
import { jsonNumber } from '../../base/schema.js';
import { openCheckpoint } from '../../checkpoint/directory.js';
import { readManifest } from '../../checkpoint/manifest.js';
import type { AlignConfig } from '../../config/align.js';
import type { MethodName } from '../../config/preference.js';
import { sftSchema, type WrittenSftConfig } from '../../config/sft.js';
import { compare, type Measurements, metricsOf } from '../../evaluation/measurements.js';
import { formatDifference, formatMetric, verdictOf } from '../../report/meaning.js';
import { methods } from '../../train/objectives/methods.js';
import { sftStage } from '../sft/stage.js';
import type { Job } from '../stage.js';
import { decidingMetric } from './evidence.js';
import { type GateInput, measuredModels } from './gate.js';
import { answersOf, type RoundRow } from './pairs.js';

const estimate = z.object({ mean: jsonNumber, low: jsonNumber, high: jsonNumber });

/** Kept in `round.json`. */
export const ledgerSchema = z.object({
  /** Floating-point operations that the round took to sample and to train. */
  operations: jsonNumber,
  /** Of fine-tuning, that take as many. */
  steps: z.int(),
  /** Figures of the fine-tuned model. */
  metrics: z.record(z.string(), jsonNumber),
  /** What the round's result has more than it, with 95 % intervals. */
  differences: z.record(z.string(), estimate),
  verdict: z.enum(['worth it', 'not worth it', 'within noise']),
  /** In words, with the figures. */
  text: z.string(),
});
export type Ledger = z.output<typeof ledgerSchema>;

interface LedgerInput extends Omit<GateInput, 'candidate'> {
  tokens: LearntTokens;
  /** What was trained on them. */
  candidate: { path: string };
  /** What the round ended with: what was promoted, or the policy where it stayed. */
  result: { path: string; digest: string };
}

/** Fine-tunes beside the round and compares. What it trained is removed: the figures stay. */
export async function accountRound(input: LedgerInput): Promise<Ledger> {
  const { job, round, directory, policy, evidence, result } = input;
  const folder = join(directory, ledgerFolder);
  const operations = operationsOf(policy.model, await tokensOf(input));
  const settings = await fineTuningOf(job);
  const steps = stepsFor(operations, policy.model, settings);
  const started = performance.now();
  const { path, digest } = await sftStage.run({
    ...job,
    config: { ...settings, train: { ...settings.train, steps } },
    inputs: { pretrain: policy.path, tokens: job.inputs.tokens },
    overrides: undefined,
    // The link to the newest model is made beside it, and goes with it.
    directory: join(folder, 'sft'),
    reporter: {
      note: () => undefined,
      emit: (event) => {
        if (event.type !== 'step') return;
        const label = `round ${round}: as many operations of fine-tuning`;
        job.reporter.emit({ type: 'progress', label, done: event.step, total: event.steps, unit: 'steps' });
      },
    },
  });
  const seconds = (performance.now() - started) / 1000;
  const models = [
    { path, digest, name: 'fine-tuned instead' },
    { ...result, name: 'result' },
  ];
  const [tuned, own] = await measuredModels({ job, round, directory, policy, evidence }, models);
  const ledger = ledgerOf({ operations, steps, metric: decidingMetric(evidence, job.config) }, tuned, own);
  await rm(folder, { recursive: true, force: true });
  job.reporter.note('info', `round ${round}: ${ledger.text} (fine-tuning took ${formatSeconds(seconds)} here)`);
  return ledger;
}

/** @param tuned Of the fine-tuned model. @param result Of what the round ended with. */
export function ledgerOf(
  { operations, steps, metric }: Pick<Ledger, 'operations' | 'steps'> & { metric: string },
  tuned: Measurements,
  result: Measurements,
): Ledger {
  const { differences } = compare({ label: 'sft', measurements: tuned }, { label: 'round', measurements: result });
  const metrics = metricsOf(tuned);
  const difference = differences[metric] ?? { mean: Number.NaN, low: Number.NaN, high: Number.NaN };
  const told = verdictOf(metric, difference);
  const verdict = told === 'better' ? 'worth it' : told === 'worse' ? 'not worth it' : 'within noise';
  const own = formatMetric(metric, metricsOf(result)[metric]);
  const { text, interval } = formatDifference(metric, difference);
  const alone = `${formatMetric(metric, metrics[metric])} after ${countOf(steps, 'step')} of fine-tuning that took as many operations`;
  const words = `${metric} ${own}, against ${alone} (${text} ${interval}): ${inWords[verdict]}${costInWords(differences)}`;
  return { operations, steps, metrics, differences, verdict, text: words };
}

const inWords = {
  'worth it': 'the round was worth it',
  'not worth it': 'the round was not worth it',
  'within noise': 'chance alone may make that difference, so nothing says that the round was worth it',
};

/** What the round's result forgot more, or less, than fine-tuning. */
function costInWords(differences: Ledger['differences']): string {
  const text = differences.bitsPerByte;
  if (text === undefined) return '';
  const { text: change, interval } = formatDifference('bitsPerByte', text);
  return `; bits per byte ${change} ${interval} against fine-tuning`;
}

/** Tokens that a round passes through the model. */
export interface RoundTokens {
  /** Of prompts, each once, and of sampled answers. */
  sampled: number;
  /** That reference, teacher and the policy that sampled read to say how likely they are; another model's as so many of the policy's. */
  referenced: number;
  trained: number;
  /** Of one sequence, on average. */
  length: number;
}

/** All but what its training says. */
export type LearntTokens = Omit<RoundTokens, 'trained'>;

/** Of rows that were there before the training. */
export function learntTokens(rows: readonly RoundRow[], method: MethodName): Omit<LearntTokens, 'sampled'> {
  const lengths = rows.flatMap((row) => answersOf(row).map(({ tokens }) => row.prompt.length + tokens.length));
  const all = lengths.reduce((sum, length) => sum + length, 0);
  const referenced = methods[method].needsReference ? all : 0;
  return { referenced, length: all / Math.max(1, lengths.length) };
}

/** What answers that are sampled while it learns are compared with. */
interface Compared {
  /** Tokens of the answers that are learnt from, as their micro-batches have them: a prompt is read once in each. */
  read: number;
  /** Of micro-batches that only the critic learnt from: they count as trained, and the policy read none of them. */
  alone?: number;
  length: number;
  /** log π under the policy that sampled, and under the reference, is measured once. */
  bySampler: boolean;
  byReference: boolean;
  /** Predicts each time that they are learnt from. */
  teacher?: ModelShape;
  /** Says of each token what it will be worth, once, and is trained as often as they are learnt from. */
  critic?: ModelShape;
  iterations: number;
}

/** As `RoundTokens.referenced` has it. */
export function comparedTokens(
  model: ModelShape,
  { read, alone = 0, length, bySampler, byReference, teacher, critic, iterations }: Compared,
): number {
  const share = (other?: ModelShape): number =>
    other === undefined ? 0 : trainingFlopsPerToken(other, length) / trainingFlopsPerToken(model, length);
  const passes = Number(bySampler) + Number(byReference) + iterations * share(teacher);
  return read * (passes + (1 + 3 * iterations) * share(critic)) - 3 * alone;
}

async function tokensOf({ tokens, candidate }: LedgerInput): Promise<RoundTokens> {
  const { manifest } = await readManifest(candidate.path);
  return { ...tokens, trained: manifest.tokensSeen };
}

/** Sampling and references are forward passes, a third of what training a token takes. */
export function operationsOf(model: ModelShape, { sampled, referenced, trained, length }: RoundTokens): number {
  const perToken = trainingFlopsPerToken(model, length);
  return perToken * ((sampled + referenced) / 3 + trained);
}

function stepsFor(operations: number, model: ModelShape, { contextLength, train }: WrittenSftConfig): number {
  const { batchSize = defaultBatch, accumulation } = train;
  const columns = Math.min(contextLength ?? defaultColumns, model.max_position_embeddings);
  const perStep = trainingFlopsPerToken(model, columns) * batchSize * accumulation * columns;
  return Math.max(1, Math.round(operations / perStep));
}

/** As fine-tuning has it where nothing is said. */
const defaultBatch = 8;
const defaultColumns = 2048;

/** How this run's model was fine-tuned; the defaults of fine-tuning where it was elsewhere. */
async function fineTuningOf({ inputs, config }: Job<AlignConfig>): Promise<WrittenSftConfig> {
  const data = config.replay.data ?? (inputs.selfInstruct && join(inputs.selfInstruct, trainRowsName));
  if (data === undefined) {
    throw new UserError({
      where: 'align.ledger',
      what: 'there are no conversations that fine-tuning could learn from',
      why: 'this run has no output of self-instruct',
      next: 'Name them with --set align.replay.data=FILE, or do without the ledger: --set align.ledger=false',
    });
  }
  const { manifest } = await openCheckpoint(inputs.toolUse ?? inputs.sft ?? '', { verify: false });
  const own = manifest.stage === 'sft' ? sftSchema.safeParse(manifest.settings).data : undefined;
  const { train, first: _, ...settings } = own ?? sftSchema.parse({});
  // Nothing is measured on the way.
  const { patience: __, bestBy: ___, ...trained } = train;
  const textShare = inputs.tokens === undefined ? 0 : settings.textShare;
  const still = { evaluateEvery: 0, sampleEvery: 0, keep: 'last=1' };
  // What was learnt before the rest is learnt by now: it would take all of these steps again.
  const copying = { ...settings.copying, steps: 0 };
  return { ...settings, copying, data, textShare, validation: 0, train: { ...trained, ...still } };
}
