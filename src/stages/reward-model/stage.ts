// Between instruct and align: chat model + preferences → a model that scores answers. What it is worth is measured on pairs that no
// training sees, against scorers that understand nothing; only what passes is licensed to steer alignment.
import { join } from 'node:path';
import { UserError } from '../../base/errors.js';
import { digestOf, makeDirectory } from '../../base/files.js';
import { countOf } from '../../base/format.js';
import { learntFromName } from '../../base/layout.js';
import { writeSealed } from '../../base/sealed.js';
import type { RewardModelConfig, WrittenRewardModelConfig } from '../../config/reward-model.js';
import { scoredSequence } from '../../data/scored.js';
import { openChatFormat } from '../../inference/chat-format.js';
import { LocalModel } from '../../inference/local-model.js';
import { openRewardModel } from '../../inference/rewards.js';
import { alone, byFirstRank, firstThenOthers } from '../../tensor/communicator.js';
import { keptServingFiles } from '../../tokenizer/serving-files.js';
import { type RewardPair, rewardObjective } from '../../train/objectives/reward.js';
import { readSplit } from '../align/given.js';
import { feedbackDigest } from '../align/given-sources.js';
import { recordOf } from '../align/pairs.js';
import { checkTrainingMemory } from '../room.js';
import type { Job, Stage, StageOutput } from '../stage.js';
import { descent, generationOf, runTraining, startBackend, stepCount } from '../training.js';
import { openTuning } from '../tuning.js';
import { drawBestOfN } from './gold.js';
import { minPrompts, writeLicence } from './licence.js';
import { startingModel, takeHead } from './model.js';
import { type JudgedRow, judgedRows, measurePairs, reportOn, scorePairs } from './report.js';

export const rewardModelStage: Stage<WrittenRewardModelConfig> = {
  inputDigest: ({ config }) => feedbackDigest(config.data),
  async run(written) {
    const { inputs, directory } = written;
    const compute = await startBackend(written);
    const tuning = await openTuning(written, { stage: 'rewardModel', from: inputs.toolUse ?? inputs.sft ?? '' });
    const { parent, config, adapter } = tuning;
    const job = { ...written, config };
    const { communicator = alone } = job;
    const { learnt, heldOut } = await firstThenOthers(communicator, () => readRows(job, parent.path));
    await byFirstRank(communicator, async () => {
      await makeDirectory(directory);
      await writeSealed(join(directory, learntFromName), { learntFrom: [...new Set(learnt.flatMap(recordOf))].sort() });
    });
    const { model: chat, tokenizer } = await LocalModel.of(parent, { isFrozen: adapter !== undefined });
    const { model: headless, head, dispose } = config.lmWeight > 0 ? takeHead(chat) : { model: chat, dispose() {} };
    const model = startingModel(headless, tuning, job.seed);
    const padId = model.config.pad_token_id;
    parent.weights.clear(); // the model has them by now
    const pairs = learnt.map((row) => rewardPair(row, config, padId));
    const batchRows = Math.min(config.train.batchSize, pairs.length);
    const columns = pairs.reduce((most, { chosen, rejected }) => {
      return Math.max(most, chosen.tokens.length, rejected.tokens.length);
    }, 0);
    checkTrainingMemory({
      ...{ stage: 'rewardModel', config: model.config, table: model.parameters, train: config.train, isLoaded: true },
      ...{ hasHalves: (model.halves?.size ?? 0) > 0, rows: 2 * batchRows, columns, together: 2 },
      reporter: job.reporter,
    });
    const { centerWeight, lmWeight, train } = config;
    try {
      const result = await runTraining(job, {
        model,
        objective: rewardObjective(pairs, {
          ...{ centerWeight, lmWeight, head, batchSize: train.batchSize, padId, seed: job.seed },
        }),
        config: train,
        steps: await stepCount(job, train, () => pairs.length / batchRows),
        directory,
        tokenizerFiles: { ...tokenizer.files(), ...keptServingFiles(parent.tokenizerFiles) },
        ...generationOf(parent, tokenizer, 'turnEnd'),
        adapter,
        manifest: {
          stage: 'rewardModel',
          ...descent(parent),
          settings: settingsOf(config),
          inputDigest: digestOf([learnt, heldOut].map((rows) => rows.map((row) => digestOf(contentOf(row))))),
          ...compute,
        },
        evaluate: (current) => measurePairs(current, heldOut, job.signal),
        evaluated: ['pairAccuracy', 'pairLoss'],
      });
      const judged = await byFirstRank(communicator, () => judge(job, result.path, { learnt, heldOut }));
      return { path: result.path, ...judged };
    } finally {
      dispose();
    }
  },
};

/** Pairs as they are learnt, and those that it is measured by. @throws UserError where there are none of either. */
async function readRows(job: Job<RewardModelConfig>, parent: string) {
  const { data, format, evalData, validation, margins } = job.config;
  if (data === undefined) {
    throw new UserError({
      where: 'rewardModel.data',
      what: 'a reward model learns from preferences, and none are given',
      next: 'Name pairs of answers: --data FILE, or --data feedback for what chat and annotate collected',
    });
  }
  const { template, contextLength } = await openChatFormat(parent);
  const rows = await readSplit(job, {
    ...{ block: 'rewardModel', data, format, margins, evalData, validation, rows: 'pairs' },
    // A score is read at the last token, which is an input: a row of contextLength + 1 tokens does not fit.
    ...{ template, contextLength: contextLength - 1, atLeast: 2 * minPrompts },
  });
  const [learnt, heldOut] = [rows.learnt, rows.heldOut].map(judgedRows);
  const prompts = new Set(heldOut.map(({ prompt }) => prompt.join())).size;
  if (heldOut.length >= 2) {
    if (prompts < minPrompts) {
      const text = `${countOf(prompts, 'prompt')} ${prompts === 1 ? 'is' : 'are'} held out, and a licence takes ${minPrompts} at least: give more pairs (about ${8 * minPrompts}, each of a prompt of its own), or rewardModel.evalData`;
      job.reporter.note('warning', text);
    }
    return { learnt, heldOut };
  }
  throw new UserError({
    where: 'rewardModel.data',
    what: `${heldOut.length === 1 ? '1 pair is' : 'no pair is'} held out, and what a reward model is worth takes two at least to say`,
    next: 'Give more pairs, a larger rewardModel.validation, or others to measure with: rewardModel.evalData=FILE',
  });
}

function rewardPair(
  { id, prompt, chosen, rejected, margin, weight }: JudgedRow,
  { lmWeight }: Pick<RewardModelConfig, 'lmWeight'>,
  padId: number,
): RewardPair {
  const sequence = ({ tokens, loss }: JudgedRow['chosen'], isPredicted: boolean) =>
    scoredSequence(
      { id, tokens: [...prompt, ...tokens] },
      padId,
      isPredicted ? [...prompt.map(() => 0), ...(loss ?? tokens.map(() => 1))] : undefined,
    );
  return {
    ...{ chosen: sequence(chosen, lmWeight > 0), rejected: sequence(rejected, false) },
    ...(margin !== undefined && { margin }),
    ...(weight !== undefined && { weight }),
  };
}

/** Not where it came from. */
function contentOf({ prompt, chosen, rejected, margin = 0, weight = 1 }: JudgedRow): unknown {
  return [prompt, chosen.tokens, chosen.loss ?? null, rejected.tokens, margin, weight];
}

/** What the training follows from, beside its rows. */
function settingsOf({ margins, centerWeight, lmWeight, validation, lora, train }: RewardModelConfig) {
  return { margins, centerWeight, lmWeight, validation, ...(lora !== undefined && { lora }), train };
}

/** Measures the finished model, says what it is worth, and writes its licence beside it. */
async function judge(
  job: Job<RewardModelConfig>,
  path: string,
  { learnt, heldOut }: { learnt: readonly JudgedRow[]; heldOut: readonly JudgedRow[] },
): Promise<Pick<StageOutput, 'digest' | 'metrics'>> {
  const { model, checkpoint, dispose } = await openRewardModel(path, { verify: job.verify });
  try {
    const pairs = await scorePairs(model, heldOut, job);
    const bestOfN = await drawBestOfN(job, model);
    const { licence, metrics } = await reportOn(job, { digest: checkpoint.digest, pairs, learnt, bestOfN });
    await writeLicence(checkpoint.path, licence);
    job.reporter.emit({ type: 'evaluation', step: checkpoint.manifest.step, metrics });
    return { digest: checkpoint.digest, metrics };
  } finally {
    dispose();
  }
}
