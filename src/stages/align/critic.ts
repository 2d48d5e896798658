// The critic of a round of `ppo`: a second model beside the policy, which says at every token how well the answer will be rewarded. It
// begins as the policy with a score that is new, or as a reward model; its weights are trained, and stay in the training's own files.
import { decoderTable, sizeOfTable } from '../../architecture/parameters.js';
import { UserError } from '../../base/errors.js';
import { formatBytes } from '../../base/format.js';
import { identifyCheckpoint, openCheckpoint } from '../../checkpoint/directory.js';
import { listCheckpoints, rewardModelAt } from '../../checkpoint/history.js';
import type { AlignConfig } from '../../config/align.js';
import type { ModelConfig } from '../../config/model.js';
import { LocalModel } from '../../inference/local-model.js';
import { openRewardModel } from '../../inference/rewards.js';
import { withCritic } from '../../model/critic.js';
import { disposeModel, type Model } from '../../model/model.js';
import { asRewardModel } from '../../model/reward.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import type { RoundInput } from './round.js';
import { checkTokens } from './scorers.js';

export interface CriticModel {
  /** Both: the policy, and the critic's rows behind its own. */
  model: Model;
  /** Of the critic. */
  config: ModelConfig;
  /** Of the reward model that it began as. */
  digest?: string;
}

/** Digest of the reward model that the critic begins as, where one is named. */
export async function criticDigest({ critic }: Pick<AlignConfig, 'critic'>): Promise<string | undefined> {
  return critic === undefined ? undefined : (await identifyCheckpoint(await rewardModelAt(critic))).digest;
}

interface CriticRequest {
  /** Of the round: where its training has saved a checkpoint, that has the critic, too. */
  directory: string;
  model: Model;
  tokenizer: Tokenizer;
  columns: number;
}

/**
 * Takes over the policy's `model`.
 * @throws UserError where the critic does not read the policy's tokens, or not as far as `columns` tokens.
 */
export async function openCritic(
  { job: { config, reporter, seed, verify }, round, policy }: RoundInput,
  { directory, model, tokenizer, columns }: CriticRequest,
): Promise<CriticModel> {
  const { critic: path } = config;
  let critic: Model;
  let digest: string | undefined;
  if (path === undefined) {
    // Opened again: the two are trained apart from the first step on.
    const again = await LocalModel.of(await openCheckpoint(policy.path, { verify }));
    critic = asRewardModel(again.model, seed);
  } else {
    const opened = await openRewardModel(path, { verify, isTrained: true });
    await checkTokens(opened, tokenizer);
    critic = opened.model;
    digest = opened.checkpoint.digest;
    refuseShort(opened.checkpoint.path, critic, columns);
  }
  const size = formatBytes(4 * sizeOfTable(decoderTable(critic.config)));
  const begins = path ?? "the policy as it is at the round's start, with a score that is new";
  const isSaved = (await listCheckpoints(directory)).length > 0;
  const text = isSaved
    ? `the critic of ppo began as ${begins}: ${size} of weights are trained beside the policy's`
    : `the critic of ppo begins as ${begins}: ${size} of weights are trained beside the policy's`;
  reporter.note('info', `round ${round}: ${text}`);
  return { model: withCritic(model, critic), config: critic.config, ...(digest !== undefined && { digest }) };
}

function refuseShort(where: string, critic: Model, columns: number): void {
  const { max_position_embeddings: context } = critic.config;
  if (context >= columns) return;
  disposeModel(critic);
  throw new UserError({
    where,
    what: `the critic reads ${context} tokens, and a prompt with its answer has up to ${columns}`,
    why: 'it says of every token of an answer how well that will be rewarded',
    next: 'Set a smaller align.maxNewTokens, give shorter prompts, or name no critic: the policy is one then',
  });
}
