// What the scaling check trains: models of one shape in several sizes, each for the same budgets of operations, with one
// recipe. Every training is planned for its budget: its learning rate has decayed to nothing when the budget is spent.
import { fileURLToPath } from 'node:url';
import { trainingFlopsPerToken } from '../../src/architecture/cost.js';
import type { ModelConfig } from '../../src/config/model.js';

export interface Size {
  /** Decoder layers, and the width of the residual stream. */
  layers: number;
  width: number;
}

export interface Cell extends Size {
  /** Floating-point operations, as `trainingFlopsPerToken` counts them. */
  budget: number;
  learningRate: number;
  seed: number;
}

/** At 32 of width for each layer, but for two in between and below, where the best sizes of small budgets lie. */
const sizes: readonly Size[] = [
  { layers: 1, width: 16 },
  { layers: 1, width: 32 },
  { layers: 2, width: 48 },
  { layers: 2, width: 64 },
  { layers: 3, width: 96 },
  { layers: 4, width: 128 },
  { layers: 6, width: 192 },
];

/**
 * Of each budget the sizes around the best, with two limits: with fewer than 200 steps chance decides, and after four
 * passes over a text another is worth much less (Muennighoff et al. 2023).
 */
const budgets: readonly { budget: number; narrowest: number; widest: number }[] = [
  { budget: 1e12, narrowest: 16, widest: 96 },
  { budget: 3e12, narrowest: 32, widest: 128 },
  { budget: 1e13, narrowest: 48, widest: 192 },
];

const base = { learningRate: 4e-3, seed: 42 };

/** The smallest budgets first, so that what is there at any time is a whole smaller grid. */
export const grid: readonly Cell[] = budgets.flatMap(({ budget, narrowest, widest }) =>
  sizes.filter(({ width }) => width >= narrowest && width <= widest).map((size) => ({ budget, ...size, ...base })),
);

/** At the smallest budget: how much is chance, and is one learning rate right for all sizes? */
export const checks: readonly Cell[] = [
  ...[sizes[1], sizes[3]].flatMap((size) => [43, 44].map((seed) => ({ ...base, budget: 1e12, ...size, seed }))),
  ...[sizes[1], sizes[4]].flatMap((size) =>
    [2e-3, 8e-3].map((learningRate) => ({ ...base, budget: 1e12, ...size, learningRate })),
  ),
];

/** What the laws of the grid are asked to foretell: three times its largest budget, at the size that they say is best there. */
export const beyond: Cell = { ...base, budget: 3e13, layers: 3, width: 112 };

/** The recipe, as a pipeline file, and what a cell adds to it with --set. */
export const recipe = fileURLToPath(new URL('pipeline.yaml', import.meta.url));

export function settings({ layers, width, learningRate, seed }: Cell): string[] {
  return [
    `seed=${seed}`,
    `pretrain.model.hiddenSize=${width}`,
    `pretrain.model.layers=${layers}`,
    `pretrain.model.heads=${Math.ceil(width / 32)}`,
    `pretrain.train.learningRate=${learningRate}`,
  ];
}

/** Steps of `rows` rows that spend a budget. */
export function stepsFor(budget: number, model: ModelConfig, rows: number): number {
  const columns = model.max_position_embeddings;
  return Math.round(budget / (trainingFlopsPerToken(model, columns) * rows * columns));
}

/** 3e12 → "3e12". */
export function operations(budget: number): string {
  return budget.toExponential().replace('+', '');
}

export function nameOf({ budget, layers, width, learningRate, seed }: Cell): string {
  return `${operations(budget)}-${layers}x${width}-lr${learningRate}-seed${seed}`;
}
