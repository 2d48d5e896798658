// What a better reward may cost: bits per byte of each language, right answers of each family, the reward of each language.
// A fall counts where it is larger than its budget and not by chance (its 95 % interval leaves out 0).
import { type Estimate, pairedBootstrap } from '../../base/statistics.js';
import type { BudgetsConfig } from '../../config/gate.js';
import type { Measurements } from '../../evaluation/measurements.js';
import { meaningOf } from '../../report/meaning.js';

export interface Overrun {
  metric: string;
  change: Estimate;
  budget: number;
}

/** The budget of a metric: that of `bitsPerByte.zh` is that of bits per byte. A total has none, its parts have; `preference` has none. */
export function budgetOf(metric: string, budgets: BudgetsConfig): number | undefined {
  const [family, part] = metric.split('.');
  const isCounted = part !== undefined || family === 'preference';
  return isCounted && Object.hasOwn(budgets, family) ? budgets[family as keyof BudgetsConfig] : undefined;
}

/** What `now` lost since `start` in each metric that has a budget, the largest overrun of each budget first. */
export function overruns(start: Measurements, now: Measurements, budgets: BudgetsConfig): Overrun[] {
  const all = [...now].flatMap(([metric, units]): Overrun[] => {
    const budget = budgetOf(metric, budgets);
    const before = start.get(metric);
    if (budget === undefined || before === undefined || before === units) return [];
    const change = pairedBootstrap(before, units);
    return isOver(metric, change, budget) ? [{ metric, change, budget }] : [];
  });
  const share = ({ change, budget }: Overrun): number => Math.abs(change.mean) / Math.max(budget, 1e-9);
  return all.sort((a, b) => share(b) - share(a));
}

function isOver(metric: string, { mean, low, high }: Estimate, budget: number): boolean {
  const isCost = meaningOf(metric)?.better === 'lower';
  const loss = isCost ? mean : -mean;
  // Where one unit is all there is, there is no interval, and the mean has to do.
  const isByChance = (isCost ? low : -high) <= 0;
  // A figure that is none is within no budget.
  return !(loss <= budget) && !isByChance;
}
