// What a reward model has to beat: two scorers that understand nothing. One looks at the length of an answer, the other counts the
// characters in it and which follow which; both learn from the same pairs.
import { setImmediate } from 'node:timers/promises';
import { stopIfAborted } from '../../base/errors.js';
import { Random } from '../../base/random.js';

/** Texts of a pair that a baseline learns from. */
export interface TextPair {
  chosen: string;
  rejected: string;
}

export interface Baseline {
  name: 'length' | 'n-grams';
  score(text: string): number;
}

const lengthOf = (text: string): number => [...text].length;

/** Longer is better, or shorter is: whichever holds of more of the pairs. */
export function lengthBaseline(pairs: readonly TextPair[]): Baseline {
  const longer = pairs.reduce((sum, { chosen, rejected }) => sum + Math.sign(lengthOf(chosen) - lengthOf(rejected)), 0);
  const sign = longer < 0 ? -1 : 1;
  return { name: 'length', score: (text) => sign * lengthOf(text) };
}

/** Features share this many weights, by a hash. */
const buckets = 1 << 18;
const longestGram = 3;
/** Characters of a text that are looked at. */
const maxCharacters = 4000;
/** Pairs that are learnt from, drawn from all: more of them make it no better a yardstick, and take minutes. */
const maxPairs = 2000;
const epochs = 5;
const rate = 0.5;
const decay = 1e-5;

/**
 * Logistic regression on n-grams of one to three characters: σ(w · (f(chosen) − f(rejected))), where f counts each as 1 + ln n.
 * By AdaGrad (Duchi et al. 2011). The seed draws the pairs, where there are too many, and their order.
 */
export async function nGramBaseline(
  pairs: readonly TextPair[],
  { seed, signal }: { seed: number; signal?: AbortSignal },
): Promise<Baseline> {
  const weights = new Float64Array(buckets);
  const squares = new Float64Array(buckets);
  const random = Random.stream(seed, 'n-gram baseline');
  const giveWay = async (): Promise<void> => {
    await setImmediate();
    stopIfAborted(signal, 'stopped while scoring answers');
  };
  const differences: Features[] = [];
  for (const { chosen, rejected } of random.shuffle([...pairs]).slice(0, maxPairs)) {
    await giveWay();
    differences.push(packed(differenceOf(countsOf(chosen), countsOf(rejected))));
  }
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const features of random.shuffle([...differences])) {
      await giveWay();
      const error = 1 / (1 + Math.exp(dot(weights, features)));
      for (let i = 0; i < features.values.length; i++) {
        const [bucket, value] = [features.buckets[i], features.values[i]];
        const gradient = error * value - decay * weights[bucket];
        squares[bucket] += gradient * gradient;
        if (squares[bucket] > 0) weights[bucket] += (rate * gradient) / Math.sqrt(squares[bucket] + 1);
      }
    }
  }
  return { name: 'n-grams', score: (text) => dot(weights, packed(countsOf(text))) };
}

type Counts = Map<number, number>;

/** Value i is that of bucket i: a tenth of the memory of a map. */
interface Features {
  buckets: Int32Array;
  values: Float32Array;
}

const packed = (counts: Counts): Features => ({
  buckets: Int32Array.from(counts.keys()),
  values: Float32Array.from(counts.values()),
});

/** Bucket → 1 + ln n. */
function countsOf(text: string): Counts {
  const characters = [...text.slice(0, maxCharacters)].map((character) => character.codePointAt(0) ?? 0);
  const counts: Counts = new Map();
  for (let length = 1; length <= longestGram; length++) {
    for (let i = 0; i + length <= characters.length; i++) {
      let hash = 0x811c9dc5 ^ length; // FNV-1a, over code points
      for (let j = i; j < i + length; j++) hash = Math.imul(hash ^ characters[j], 0x01000193);
      const bucket = (hash >>> 0) % buckets;
      counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
    }
  }
  return new Map([...counts].map(([bucket, count]) => [bucket, 1 + Math.log(count)]));
}

function differenceOf(a: Counts, b: Counts): Counts {
  const difference = new Map(a);
  for (const [bucket, value] of b) difference.set(bucket, (difference.get(bucket) ?? 0) - value);
  for (const [bucket, value] of difference) if (value === 0) difference.delete(bucket);
  return difference;
}

function dot(weights: Float64Array, { buckets: at, values }: Features): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += weights[at[i]] * values[i];
  return sum;
}
