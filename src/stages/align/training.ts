// The training of a round: the policy, as it is at the round's start, learns from the round's pairs.
import { join } from 'node:path';
import { digestOf, sha256File } from '../../base/files.js';
import { pairsName } from '../../base/layout.js';
import { Random } from '../../base/random.js';
import { resolvedPreference } from '../../config/preference.js';
import { LocalModel } from '../../inference/local-model.js';
import { preferenceObjective } from '../../train/objectives/preference.js';
import { replayedObjective } from '../../train/objectives/replayed.js';
import { checkTrainingMemory } from '../room.js';
import { descent, generationOf, runTraining, stepCount } from '../training.js';
import { adapterOf, openTuned, tunedModel } from '../tuning.js';
import { StepAlarms } from './alarms.js';
import { type Pair, preferencePair } from './pairs.js';
import { openReplays } from './replay.js';
import type { RoundInput } from './round.js';

export async function trainRound(
  { job, compute, round, policy }: RoundInput,
  directory: string,
  pairs: readonly Pair[],
) {
  const { config, seed } = job;
  const { lora, train } = config;
  const parent = lora === undefined ? policy : await openTuned(policy.path, lora);
  const adapter = lora && (await adapterOf(parent, lora, 'align'));
  const { model: whole, tokenizer } = await LocalModel.of(parent, { isFrozen: adapter !== undefined });
  const model = tunedModel(whole, { parent, adapter }, seed);
  const { beta, sftWeight } = config;
  const preference = resolvedPreference({ method: 'dpo', fDivergence: 'reverse_kl', beta, sftWeight });
  const options = { preference, batchSize: train.batchSize, padId: model.config.pad_token_id };
  // A batch holds no pair twice, and so at most all of them.
  const batchPairs = Math.min(train.batchSize, pairs.length);
  const lengths = pairs.flatMap(({ prompt, chosen, rejected }) =>
    [chosen, rejected].map(({ tokens }) => prompt.length + tokens.length),
  );
  const columns = lengths.reduce((longest, length) => Math.max(longest, length), 0);
  const all = lengths.reduce((sum, length) => sum + length - 1, 0);
  const { replays, positions, digest } = await openReplays(job, {
    ...{ round, tokenizer, where: policy.path, tokens: (all / pairs.length) * batchPairs },
    ...{ context: model.config.max_position_embeddings, padId: model.config.pad_token_id },
  });
  checkTrainingMemory({
    ...{ stage: 'align', config: model.config, table: model.parameters, train, isLoaded: true, reporter: job.reporter },
    hasHalves: (model.halves?.size ?? 0) > 0,
    ...{ rows: 2 * batchPairs + Math.ceil(positions / columns), columns },
  });
  const steps = await stepCount(job, train, () => pairs.length / batchPairs);
  return runTraining(job, {
    model,
    objective: replayedObjective(
      preferenceObjective(pairs.map(preferencePair), {
        ...options,
        seed: Random.stream(seed, `align-train-${round}`).uint32(),
      }),
      replays,
    ),
    config: { ...train, evaluateEvery: 0, sampleEvery: 0 },
    steps,
    watch: new StepAlarms(config.alarms, { answerTokens: meanTokens(pairs.map(({ chosen }) => chosen)) }),
    round,
    directory,
    tokenizerFiles: tokenizer.files(),
    ...generationOf(policy, tokenizer, 'turnEnd'),
    adapter,
    manifest: {
      stage: 'align',
      ...descent(policy),
      settings: { ...config, prompts: null, round },
      inputDigest: digestOf({
        policy: policy.digest,
        pairs: await sha256File(join(directory, pairsName)),
        replayed: digest,
      }),
      ...compute,
    },
  });
}

function meanTokens(answers: readonly { tokens: readonly number[] }[]): number {
  return answers.reduce((sum, { tokens }) => sum + tokens.length, 0) / Math.max(1, answers.length);
}
