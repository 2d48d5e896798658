// Learning rate and batch size as pure functions of the step: nothing to save, nothing to restore.
import type { TrainConfig } from '../config/train.js';

/** A training that leaves another after `step`, to end it early: the other was to have `planned` steps. */
export interface Cooldown {
  step: number;
  planned: number;
}

/**
 * The learning rate of `step` (1 ≤ step ≤ steps): linear warm-up, then the shape that the config names. A cool-down falls
 * from where it begins in a straight line, as the decay of wsd does.
 */
export function learningRateAt(step: number, steps: number, config: TrainConfig, cooldown?: Cooldown): number {
  if (cooldown !== undefined) {
    const from = learningRateAt(cooldown.step, cooldown.planned, config);
    const progress = (step - cooldown.step) / (steps - cooldown.step);
    return from + (config.learningRate * config.finalRatio - from) * progress;
  }
  const { learningRate: peak, finalRatio } = config;
  const warmup = Math.round(config.warmup * steps);
  if (step <= warmup) return (peak * step) / warmup;
  switch (config.schedule) {
    case 'constant':
      return peak;
    case 'cosine': {
      const progress = (step - warmup) / Math.max(1, steps - warmup);
      return peak * (finalRatio + ((1 - finalRatio) * (1 + Math.cos(Math.PI * progress))) / 2);
    }
    // Warm-up, stable, decay (Hu et al. 2024, MiniCPM), with a linear decay.
    case 'wsd': {
      const decay = Math.max(1, Math.round(config.decay * steps));
      const progress = Math.max(0, (step - (steps - decay)) / decay);
      return peak * (1 - (1 - finalRatio) * progress);
    }
    default:
      return config.schedule satisfies never;
  }
}

/** Micro-batches of `step`: evenly from 1 to `accumulation` while the batch size warms up, all of them afterwards. */
export function accumulationAt(step: number, steps: number, config: TrainConfig): number {
  const warmup = Math.round(config.batchWarmup * steps);
  return step >= warmup ? config.accumulation : Math.ceil((config.accumulation * step) / warmup);
}

/** Whether what is done every so many steps is done at this one; 0 = never. */
export function due(step: number, every: number): boolean {
  return every > 0 && step % every === 0;
}
