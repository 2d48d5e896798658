// The training of a round: the policy, as it is at the round's start, learns from the round's rows. It is compared with itself as
// it was then, whatever of it is trained.
import { join } from 'node:path';
import { digestOf, sha256File } from '../../base/files.js';
import { countOf } from '../../base/format.js';
import { pairsName, referencesName } from '../../base/layout.js';
import { Random } from '../../base/random.js';
import type { AdapterContent } from '../../checkpoint/adapter.js';
import { type Checkpoint, openCheckpoint } from '../../checkpoint/directory.js';
import type { AlignConfig } from '../../config/align.js';
import { resolvedPreference } from '../../config/preference.js';
import { LocalModel } from '../../inference/local-model.js';
import type { Model } from '../../model/model.js';
import { keptServingFiles } from '../../tokenizer/serving-files.js';
import type { MicroBatch } from '../../train/objective.js';
import { isPerToken, methods } from '../../train/objectives/methods.js';
import { isSorting } from '../../train/objectives/pair-losses.js';
import { replayedObjective } from '../../train/objectives/replayed.js';
import type { TrainingResult, TrainingRun } from '../../train/trainer.js';
import { watches } from '../../train/watch.js';
import { onRanks } from '../ranks.js';
import { checkTrainingMemory } from '../room.js';
import type { Job } from '../stage.js';
import { descent, generationOf, runTraining, startBackend, stepCount } from '../training.js';
import { adapterOf, openTuned, tunedModel } from '../tuning.js';
import { StepAlarms } from './alarms.js';
import { FirstStep } from './first-step.js';
import { referenceBatches, roundObjective } from './lessons.js';
import { answersOf, isPair, type ReferenceOf, type RoundRow, readRoundRows, type Side } from './pairs.js';
import { scorerOf, withoutPlaces } from './provenance.js';
import { storeReferences } from './references.js';
import { openReplays } from './replay.js';
import type { RoundInput } from './round.js';

/** What the training of a round follows from, beside its rows. */
type TrainingInput = Pick<RoundInput, 'job' | 'compute' | 'round' | 'policy'> & { scorer: { name: string } };

/** The same for another rank, which opens it: rows and checkpoint by their places. */
interface JoinedRound {
  round: number;
  directory: string;
  policy: string;
  scorer: { name: string };
}

export function trainRound(input: RoundInput, directory: string, rows: readonly RoundRow[]): Promise<TrainingResult> {
  const { round, policy, scorer } = input;
  const given: JoinedRound = { round, directory, policy: policy.path, scorer: { name: scorer.name } };
  return onRanks(input.job, { stage: 'align', part: 'round', given }, (job) =>
    learnRows({ ...input, job }, directory, rows),
  );
}

/** What every rank but the first does of it. */
export async function joinRound(job: Job<AlignConfig>, { directory, policy, ...given }: JoinedRound): Promise<void> {
  const compute = await startBackend(job);
  const rows = await readRoundRows(join(directory, pairsName));
  const input = { ...given, job, compute, policy: await openCheckpoint(policy, { verify: job.verify }) };
  await learnRows(input, directory, rows);
}

async function learnRows(input: TrainingInput, directory: string, rows: readonly RoundRow[]): Promise<TrainingResult> {
  const { job, compute, round, policy } = input;
  const { config, seed, reporter } = job;
  const { train } = config;
  const preference = resolvedPreference(config);
  const { model, tokenizer, adapter } = await openPolicy(input);
  const padId = model.config.pad_token_id;
  // A batch holds no row twice, and so at most all of them.
  const batchRows = Math.min(train.batchSize, rows.length);
  const answers = rows.flatMap((row) => answersOf(row).map(({ tokens }) => row.prompt.length + tokens.length));
  const columns = answers.reduce((longest, length) => Math.max(longest, length), 0);
  const all = answers.reduce((sum, length) => sum + length - 1, 0);
  const { replays, positions, digest } = await openReplays(job, {
    ...{ round, tokenizer, where: policy.path, tokens: (all / rows.length) * batchRows, learnt: 'pairs' },
    ...{ context: model.config.max_position_embeddings, padId },
  });
  const answersPerRow = Math.ceil(answers.length / rows.length);
  const rowsAtOnce = answersPerRow * batchRows + Math.ceil(positions / columns);
  const isWhole = preference.losses.some(({ name }) => isSorting(name));
  checkTrainingMemory({
    ...{ stage: 'align', config: model.config, table: model.parameters, train, isLoaded: true, reporter },
    hasHalves: (model.halves?.size ?? 0) > 0,
    ...{ rows: rowsAtOnce, columns, together: isWhole ? rowsAtOnce : answersPerRow },
  });
  const referenceOf = await openReferences(input, { directory, rows, model });
  const steps = await stepCount(job, train, () => rows.length / batchRows);
  const chosen = rows.flatMap((row) => (isPair(row) ? row.chosen : row.isGood ? row.answer : []));
  const firstStep = new FirstStep(preference, {
    isHalf: compute.precision !== 'fp32',
    say: (text) => reporter.note('info', `round ${round}, ${text}`),
  });
  const objective = roundObjective(rows, {
    ...{ preference, batchSize: train.batchSize, padId, referenceOf },
    seed: Random.stream(seed, `align-train-${round}`).uint32(),
  });
  const stepAlarms = new StepAlarms(config.alarms, { answerTokens: isPerToken(preference) ? 1 : meanTokens(chosen) });
  return trainPolicy(input, directory, {
    ...{ model, tokenizer, adapter, train, steps },
    objective: replayedObjective(objective, replays),
    watch: watches([firstStep, stepAlarms]),
    learnt: { pairs: await sha256File(join(directory, pairsName)), replayed: digest },
  });
}

interface PolicyTraining<Batch extends MicroBatch>
  extends OpenPolicy,
    Pick<TrainingRun<Batch>, 'objective' | 'steps' | 'watch'> {
  train: AlignConfig['train'];
  /** Digests of what is learnt from. */
  learnt: Readonly<Record<string, string | null>>;
}

/** Trains a policy that was opened, into the folder of its round. */
export function trainPolicy<Batch extends MicroBatch>(
  { job, compute, round, policy, scorer }: TrainingInput,
  directory: string,
  { model, tokenizer, adapter, train, learnt, ...training }: PolicyTraining<Batch>,
): Promise<TrainingResult> {
  return runTraining(job, {
    ...{ model, round, directory, adapter, ...training },
    config: { ...train, evaluateEvery: 0, sampleEvery: 0 },
    tokenizerFiles: { ...tokenizer.files(), ...keptServingFiles(policy.tokenizerFiles) },
    ...generationOf(policy, tokenizer, 'turnEnd'),
    manifest: {
      stage: 'align',
      ...descent(policy),
      settings: { ...withoutPlaces(job.config), round, ...scorerOf(scorer) },
      inputDigest: digestOf({ policy: policy.digest, ...learnt }),
      ...compute,
    },
  });
}

interface OpenPolicy {
  model: Model;
  tokenizer: LocalModel['tokenizer'];
  adapter?: AdapterContent;
}

/** The policy in the form that is trained. */
export async function openPolicy({
  job: { config, seed, verify },
  policy,
}: Pick<RoundInput, 'job' | 'policy'>): Promise<OpenPolicy> {
  const { lora } = config;
  const parent = lora === undefined ? policy : await openTuned(policy.path, lora, { verify });
  const adapter = lora && (await adapterOf(parent, lora, 'align'));
  const { model, tokenizer } = await LocalModel.of(parent, { isFrozen: adapter !== undefined });
  return { model: tunedModel(model, { parent, adapter }, seed), tokenizer, adapter };
}

/** Stores what the policy is compared with, and says what that is. */
async function openReferences(
  { job, round, policy }: Pick<RoundInput, 'job' | 'round' | 'policy'>,
  { directory, rows, model }: { directory: string; rows: readonly RoundRow[]; model: Model },
): Promise<ReferenceOf> {
  const { config, reporter, signal, communicator } = job;
  const preference = resolvedPreference(config);
  const { method } = preference;
  const batches = referenceBatches(rows, preference, config.train.batchSize);
  const count = batches.reduce((sum, { sequences }) => sum + sequences.length, 0);
  const isCompared = methods[method].needsReference;
  const text = isCompared
    ? `the reference of ${method} is ${policyInWords(policy)}, as it is at the round's start: what it gives ${countOf(count, 'answer')} is stored, and stays`
    : `${method} compares the policy with no reference`;
  reporter.note('info', `round ${round}: ${text}`);
  if (!isCompared) return () => 0; // never read
  return storeReferences(model, batches, {
    ...{ path: join(directory, referencesName), policy: policy.digest, signal, communicator },
    onProgress: (done, total) =>
      reporter.emit({ type: 'progress', label: `round ${round}: reference`, done, total, unit: 'batches' }),
  });
}

function policyInWords({ manifest: { stage, step, base }, digest }: Checkpoint): string {
  const name = `${stage} step ${step} ${digest.slice(0, 12)}`;
  return base === undefined ? `the policy (${name})` : `the policy (${name}, adapter and base together)`;
}

function meanTokens(answers: readonly Side[]): number {
  return answers.reduce((sum, { tokens }) => sum + tokens.length, 0) / Math.max(1, answers.length);
}
