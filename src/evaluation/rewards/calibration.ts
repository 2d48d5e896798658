// Whether a gap between two scores means what it says: σ(gap / temperature) is how probable it is that the higher-scored answer is
// the better one. Scores have no unit, so the temperature is fitted, on other prompts than those it is judged on.
import { Random } from '../../base/random.js';
import { quantile } from '../../base/statistics.js';
import { gapOf, rightness, type ScoredPair } from './pairs.js';

export interface CalibrationBin {
  /** Pairs whose higher-scored answer is about so probably the better one. */
  confidence: number;
  /** How often it is. */
  right: number;
  pairs: number;
}

export interface Calibration {
  /** Mean distance of the two over pairs (expected calibration error). */
  error: number;
  /** What 19 of 20 scorers that are exactly as sure as they are right stay below, with so many pairs: chance alone. */
  chance: number;
  bins: CalibrationBin[];
  /** What gaps are divided by, fitted on all pairs. */
  temperature: number;
}

/** Pairs of a bin, at least: of fewer the share of right ones is chance. Bins hold equally many. */
const minBin = 20;
const maxBins = 10;
const chanceDraws = 200;

export function calibrationOf(pairs: readonly ScoredPair[]): Calibration {
  const groups = [...new Set(pairs.map(({ group }) => group))];
  const half = new Map(groups.map((group, i) => [group, i % 2]));
  const of = (wanted: number): ScoredPair[] => pairs.filter(({ group }) => half.get(group) === wanted);
  const temperatures = [temperatureOf(of(1)), temperatureOf(of(0))];
  const judged = pairs.map((pair) => {
    const gap = gapOf(pair);
    return {
      confidence: 1 / (1 + Math.exp(-Math.abs(gap) / temperatures[half.get(pair.group) ?? 0])),
      right: rightness(gap),
    };
  });
  judged.sort((a, b) => a.confidence - b.confidence);
  const count = Math.max(1, Math.min(maxBins, Math.floor(judged.length / minBin)));
  const bins = binsOf(judged, count);
  const random = Random.stream(judged.length, 'calibration');
  const errors = Float64Array.from({ length: chanceDraws }, () => {
    const drawn = judged.map(({ confidence }) => ({ confidence, right: Number(random.uniform() < confidence) }));
    return errorOf(binsOf(drawn, count));
  }).sort();
  return { error: errorOf(bins), chance: quantile(errors, 0.95), bins, temperature: temperatureOf(pairs) };
}

/** @param judged in the order of their confidence. */
function binsOf(judged: readonly { confidence: number; right: number }[], count: number): CalibrationBin[] {
  return Array.from({ length: count }, (_, bin): CalibrationBin => {
    const own = judged.slice(
      Math.round((bin * judged.length) / count),
      Math.round(((bin + 1) * judged.length) / count),
    );
    const mean = (key: 'confidence' | 'right'): number => own.reduce((sum, each) => sum + each[key], 0) / own.length;
    return { confidence: mean('confidence'), right: mean('right'), pairs: own.length };
  });
}

function errorOf(bins: readonly CalibrationBin[]): number {
  const sum = (of: (bin: CalibrationBin) => number): number => bins.reduce((total, bin) => total + of(bin), 0);
  return sum(({ confidence, right, pairs }) => pairs * Math.abs(confidence - right)) / sum(({ pairs }) => pairs);
}

/**
 * The temperature under which the pairs are likeliest, by bisection: the logarithm of their likelihood is concave in 1 / T. One
 * right and one wrong pair of the median gap stand beside them, so that it is finite where all are right or all are wrong.
 */
function temperatureOf(pairs: readonly ScoredPair[]): number {
  const sizes = pairs.map((pair) => Math.abs(gapOf(pair))).sort((a, b) => a - b);
  const unit = sizes[sizes.length >> 1] || 1;
  const gaps = [...pairs.map(gapOf), unit, -unit].map((gap) => gap / unit);
  // Of the log-likelihood in s = 1 / T.
  const slope = (s: number): number => gaps.reduce((sum, gap) => sum + gap / (1 + Math.exp(s * gap)), 0);
  let [low, high] = [1e-6, 1e3];
  for (let i = 0; i < 60; i++) {
    const middle = Math.sqrt(low * high);
    if (slope(middle) > 0) low = middle;
    else high = middle;
  }
  return unit / low;
}
