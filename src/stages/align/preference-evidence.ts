// How far a model has moved towards what people chose, where no rule can score an answer. Of a held-out pair, what counts is by how
// much the chosen answer has become more likely than the rejected one since alignment began: Δ = log π/π₀(chosen) − log π/π₀(rejected).
//
// `preference` is the mean of σ(Δ/10), the probability of the choice under Bradley and Terry with DPO's usual β: 0.5 where nothing
// has moved. `winRate` is the share of pairs with Δ > 0. An answer that was called good or bad by itself counts likewise, against
// no change, and both kinds of label weigh alike.
import type { Unit } from '../../base/statistics.js';
import type { TokenSequence } from '../../data/types.js';
import type { Measurements } from '../../evaluation/measurements.js';
import type { GivenLabel, GivenPreferences } from './given.js';
import { sequenceOf } from './pairs.js';

export type HeldOutPreferences = Pick<GivenPreferences['heldOut'], 'pairs' | 'labelled'>;
/** Sequence → log π of its answer. */
export type LogProbabilities = ReadonlyMap<string, number>;

const scale = 0.1;

/** The answers whose log-probabilities `measurePreferences` takes. */
export function preferenceSequences({ pairs, labelled }: HeldOutPreferences): TokenSequence[] {
  return [
    ...pairs.flatMap(({ prompt, chosen, rejected }, i) => [
      sequenceOf({ id: `${i} chosen`, prompt }, chosen),
      sequenceOf({ id: `${i} rejected`, prompt }, rejected),
    ]),
    ...labelled.map(({ prompt, answer }, i) => sequenceOf({ id: `${i} answer`, prompt }, answer)),
  ];
}

/** `preference` and `winRate` of a model. @param before Of the model that alignment began with. */
export function measurePreferences(
  { pairs, labelled }: HeldOutPreferences,
  before: LogProbabilities,
  after: LogProbabilities,
): Measurements {
  const moved = (id: string): number => (after.get(id) ?? Number.NaN) - (before.get(id) ?? Number.NaN);
  const good = labelled.filter(({ isGood }) => isGood).length;
  const shares: [number[], number, number][] = [
    ...pairs.map(({ prompt }, i): [number[], number, number] => [
      prompt,
      moved(`${i} chosen`) - moved(`${i} rejected`),
      1,
    ]),
    ...labelled.map(({ prompt, isGood }: GivenLabel, i): [number[], number, number] => {
      const count = isGood ? good : labelled.length - good;
      return [prompt, isGood ? moved(`${i} answer`) : -moved(`${i} answer`), labelled.length / (2 * count)];
    }),
  ];
  const unitsOf = (value: (delta: number) => number): Unit[] => {
    // All that was said of one prompt is one piece of evidence.
    const units = new Map<string, Unit>();
    for (const [prompt, delta, weight] of shares) {
      const id = prompt.join();
      const unit = units.get(id) ?? { id, value: 0, weight: 0 };
      units.set(id, { id, value: unit.value + weight * value(delta), weight: unit.weight + weight });
    }
    return [...units.values()];
  };
  return new Map([
    ['preference', unitsOf((delta) => 1 / (1 + Math.exp(-scale * delta)))],
    ['winRate', unitsOf((delta) => (delta === 0 ? 0.5 : Number(delta > 0)))],
  ]);
}
