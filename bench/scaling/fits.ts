// What the points of the grid say together: the best size for each budget, and the laws that sizes and losses follow.

import { optimalParameters } from '../../src/architecture/cost.js';
import type { Estimate } from '../../src/base/statistics.js';
import {
  bestInterval,
  fitPowerLaw,
  fitPowerLawWithFloor,
  fitValley,
  type PowerLaw,
  pooledDeviation,
  type Valley,
  valueAt,
} from './fit.js';
import { beyond, type Cell, checks, grid, nameOf } from './grid.js';
import type { Point } from './train-cell.js';

type XY = readonly [x: number, y: number];

/** All sizes trained for one budget: parameters and held-out loss. */
export interface Profile {
  budget: number;
  points: XY[];
  /** Those that the parabola goes through. */
  near: XY[];
  /** Undefined where the losses have no lowest point. */
  valley: Valley | undefined;
}

export interface Optimum {
  budget: number;
  /** The best size, and where it may as well lie by the chance of one training. */
  parameters: Estimate;
  loss: number;
  tokensPerParameter: number;
  /** The size by the rule of `mossctl plan`, and what the profile says it costs in loss. */
  rule: { parameters: number; excess: number };
}

export interface Fits {
  /** Standard deviation of the loss over seeds, in nats per token. */
  noise: number;
  profiles: Profile[];
  optima: Optimum[];
  /** Best loss by operations. */
  lossLaw: PowerLaw;
  lossLawWithFloor: PowerLaw;
  /** A larger training than any of the grid, and what the laws said of it; undefined until it is measured. */
  beyond?: { budget: number; best: number; parameters: number; predicted: number; measured: number };
  /** Best size by operations. */
  sizeLaw: PowerLaw;
  /** Loss of one size by operations, of those trained for three budgets or more. */
  bySize: { parameters: number; law: PowerLaw }[];
}

export function fitAll(points: readonly Point[]): Fits {
  const among = (cells: readonly Cell[]): Point[] => {
    const names = new Set(cells.map(nameOf));
    return points.filter((point) => names.has(nameOf(point)));
  };
  const inGrid = among(grid);
  const noise = pooledDeviation(repeats(among([...grid, ...checks])));
  const profiles = [...group(inGrid, ({ budget }) => budget)].map(([budget, members]): Profile => {
    const profile = members.map(({ parameters, loss }): XY => [parameters, loss.mean]).sort(([a], [b]) => a - b);
    const near = nearLowest(profile);
    return { budget, points: profile, near, valley: fitValley(near) };
  });
  const flops = fitPowerLaw(inGrid.map(({ parameters, flopsPerToken }): XY => [parameters, flopsPerToken]));
  const optima = profiles.flatMap((profile) => optimumOf(profile, { noise, flops }));
  const losses = optima.map(({ budget, loss }): XY => [budget, loss]);
  const lossLaw = fitPowerLaw(losses);
  const sizeLaw = fitPowerLaw(optima.map(({ budget, parameters }): XY => [budget, parameters.mean]));
  return {
    ...{ noise, profiles, optima, lossLaw, sizeLaw },
    lossLawWithFloor: fitPowerLawWithFloor(losses),
    beyond: among([beyond]).map(({ budget, parameters, loss }) => ({
      ...{ budget, parameters, measured: loss.mean },
      best: valueAt(sizeLaw, budget),
      predicted: valueAt(lossLaw, budget),
    }))[0],
    bySize: [...group(inGrid, ({ parameters }) => parameters)]
      .filter(([, members]) => members.length >= 3)
      .map(([parameters, members]) => {
        const law = fitPowerLaw(members.map(({ budget, loss }): XY => [budget, loss.mean]));
        return { parameters, law };
      })
      .sort((a, b) => a.parameters - b.parameters),
  };
}

/** A valley is a parabola only near its bottom: sizes within this factor of the lowest loss's. */
const nearFactor = 5;

function nearLowest(points: readonly XY[]): XY[] {
  const [best] = points.reduce((lowest, point) => (point[1] < lowest[1] ? point : lowest));
  return points.filter(([size]) => Math.abs(Math.log(size / best)) < Math.log(nearFactor));
}

function optimumOf({ budget, near, valley }: Profile, { noise, flops }: { noise: number; flops: PowerLaw }): Optimum[] {
  if (valley === undefined) return [];
  const parameters = { mean: valley.best, ...bestInterval(near, noise) };
  const tokens = budget / valueAt(flops, valley.best);
  const rule = optimalParameters(budget);
  const excess = valley.curvature * Math.log(rule / valley.best) ** 2;
  return [
    {
      ...{ budget, parameters, loss: valley.floor },
      tokensPerParameter: tokens / valley.best,
      rule: { parameters: rule, excess },
    },
  ];
}

/** Losses of cells that differ in nothing but their seed. */
function repeats(points: readonly Point[]): number[][] {
  const alike = group(points, (point) => nameOf({ ...point, seed: 0 }));
  return [...alike.values()].filter(({ length }) => length > 1).map((all) => all.map(({ loss }) => loss.mean));
}

function group<T, Key>(values: readonly T[], keyOf: (value: T) => Key): Map<Key, T[]> {
  const groups = new Map<Key, T[]>();
  for (const value of values) groups.set(keyOf(value), [...(groups.get(keyOf(value)) ?? []), value]);
  return groups;
}
