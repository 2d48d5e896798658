// Whether the candidate of a round takes the policy's place (docs/decisions/004): it must look better, and chance must
// not be able to hide that it is worse by more than is tolerated.
import { z } from 'zod';
import { jsonNumber } from '../../base/schema.js';
import { pairedBootstrap, ratio, type Unit } from '../../base/statistics.js';
import { formatDifference } from '../../report/meaning.js';

export const decisionSchema = z.object({
  /** Held-out reward of the policy before and after. */
  before: jsonNumber,
  after: jsonNumber,
  /** after − before over the same tasks, with its 95 % interval. */
  difference: z.object({ mean: jsonNumber, low: jsonNumber, high: jsonNumber }),
  promoted: z.boolean(),
  /** In words, with the figures. */
  text: z.string(),
});
type Decision = z.output<typeof decisionSchema>;

/** `before` and `after`: the rewards of the policy and of the candidate, task by task. */
export function decide(before: readonly Unit[], after: readonly Unit[], tolerance: number): Decision {
  const difference = pairedBootstrap(before, after);
  const isBetter = difference.mean > 0;
  const isSafe = difference.low >= -tolerance;
  const { text, interval } = formatDifference('reward', difference);
  const figures = `held-out reward ${ratio(before).toFixed(4)} → ${ratio(after).toFixed(4)}, ${text} ${interval}`;
  return {
    before: ratio(before),
    after: ratio(after),
    difference,
    promoted: isBetter && isSafe,
    text: `${figures}: ${verdict(isBetter, isSafe, tolerance)}`,
  };
}

function verdict(isBetter: boolean, isSafe: boolean, tolerance: number): string {
  if (!isBetter) return 'not better, so the earlier policy stays';
  if (isSafe) return `promoted: better, and a fall of more than ${tolerance} is ruled out`;
  return `better, but a fall of more than ${tolerance} is not ruled out, so the earlier policy stays`;
}
