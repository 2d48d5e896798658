// mossctl plan --ranks: what one of several processes that train together takes of memory, operations and network.
import type { TrainingPlan } from '../architecture/training-plan.js';
import { formatBytes, formatCount, formatSeconds, formatTable } from '../base/format.js';
import { formatPower } from './plan-shared.js';

type RankPlan = Exclude<TrainingPlan['ranks'], undefined>;

/** @param optimizer in words; `bytes`: memory of this machine. */
export function ranksText(
  { count, shard, memory, flopsPerStep, wireBytesPerStep, secondsPerStep }: RankPlan,
  { optimizer, columns, bytes }: { optimizer: string; columns: number; bytes: number },
): string {
  const isSharded = shard === 'weights';
  // Layers in shares are always computed again.
  const both = (plain: number, recomputed = plain): string[] =>
    (isSharded ? [plain] : [plain, recomputed]).map(formatBytes);
  const table = formatTable(
    [
      `memory of one of ${formatCount(count)} processes, ${formatCount(memory.rows)} × ${formatCount(columns)} tokens at a time`,
      ...(isSharded ? ['recompute'] : ['plain', 'recompute']),
    ],
    [
      [isSharded ? 'weights: its share, a layer, and what is in none' : 'weights', ...both(memory.weights)],
      [isSharded ? 'gradients of the same' : 'gradients', ...both(memory.gradients)],
      [`moments of ${optimizer}`, ...both(memory.moments)],
      ['buffers that gradients are summed through', ...both(memory.exchange)],
      ['activations', ...both(memory.activations, memory.recomputedActivations)],
      ['peak', ...both(memory.peak, memory.recomputedPeak)],
      ['the first one, while it saves', ...both(memory.peak + memory.saved, memory.recomputedPeak + memory.saved)],
      ...(isSharded ? [['weights of the others that it gathers to evaluate', ...both(memory.gathered)]] : []),
    ],
  );
  const [here, recomputed] = [memory.peak, memory.recomputedPeak].map((peak) => count * peak + memory.saved);
  const fit = here <= bytes ? 'fits' : recomputed <= bytes ? 'fits with pretrain.train.recompute=true' : 'does not fit';
  const takes = `all ${formatCount(count)} on this machine take ${formatBytes(here)}: ${fit}`;
  const step = `each computes ${formatPower(flopsPerStep)} operations of a step, sends ${formatBytes(wireBytesPerStep)} and receives as many`;
  const perSecond = secondsPerStep === null ? 0 : wireBytesPerStep / secondsPerStep;
  const speed =
    secondsPerStep === null
      ? step
      : `${step}; on a machine like this one for each, computing takes ${formatSeconds(secondsPerStep)}, and a network that moves ${formatBytes(perSecond)} a second takes as long again`;
  return [table, '', takes, speed].join('\n');
}
