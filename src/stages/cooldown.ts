// A cool-down: the same training, ended early. It starts from a checkpoint's weights, moments and place in the data,
// and its learning rate falls from what it was there. The parent run is only read, and can continue by itself (Hu et al.
// 2024, MiniCPM, §4: one stable phase, a cheap branch for every length). For other data or settings: `pretrain.from`.
import { UserError } from '../base/errors.js';
import { identifyCheckpoint } from '../checkpoint/directory.js';
import type { PretrainConfig } from '../config/pipeline.js';
import { settingsThatDiffer } from '../train/foreign.js';

/** Change how a training is watched or ended, not what it is. */
const freelyChangeable =
  /^pretrain\.train\.(keep|evaluateEvery|sampleEvery|checkpointEvery|statisticsEvery|shard|finalRatio|decay)$/;

/**
 * The checkpoint that `config` cools down from; undefined where it does not.
 * @param planned Steps of a training with these settings that is not cut short.
 * @param parent The digest of what that training itself began from (`pretrain.from`).
 * @throws UserError where that checkpoint is of another training.
 */
export async function openCooldown(
  { cooldown, ...config }: PretrainConfig,
  { planned, inputDigest, parent }: { planned: number; inputDigest: string; parent?: string },
) {
  if (cooldown === undefined) return undefined;
  const { path, manifest, digest } = await identifyCheckpoint(cooldown.from);
  const fail = (what: string, why: string): never => {
    const next =
      'Cool down with the pipeline and corpus of that run, or begin a new training on its weights: --set pretrain.from=CHECKPOINT';
    throw new UserError({ where: path, what, why, next });
  };
  if (manifest.stage !== 'pretrain') fail('only a pretraining can be cooled down', `this is of ${manifest.stage}`);
  if (manifest.inputDigest !== inputDigest)
    fail('this training read another corpus', 'its place in the data means nothing here');
  if (manifest.parent !== (parent ?? null))
    fail('this training began from other weights', 'pretrain.from is not what it was there');
  const others = settingsThatDiffer('pretrain', manifest.settings, config, (key) => freelyChangeable.test(key));
  if (others.length > 0) fail('this training has other settings', others.join(', '));
  const { step } = manifest;
  if (step >= planned) fail('this training has come to its end', `its ${planned} steps are done`);
  const { decay } = config.train;
  const length = cooldown.steps ?? Math.max(1, Math.round((step * decay) / Math.max(0.01, 1 - decay)));
  // No path: the parent's digest says which checkpoint it is.
  const settings = { ...config, cooldown: { steps: length } };
  const text = `cool-down: ${length} steps from step ${step} of ${digest.slice(0, 12)}, planned for ${planned}`;
  return { branch: { path, step, planned }, manifest, digest, steps: step + length, settings, text };
}
