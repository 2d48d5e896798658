// The filter of self-instruct that decides what is new: prompts made on the spot, a fifth of them earlier ones with a few
// characters changed, are judged and added until enough are accepted. A pair is a judged prompt and one known at that moment,
// whether or not the index had to look at it. A sample of judgements is made again by comparing with every known prompt.
import { NearestText } from '../base/nearest-text.js';
import { Random } from '../base/random.js';
import { CommonSubsequence, encodeWords } from '../base/rouge.js';
import { wordsOf } from '../base/words.js';
import { textMakers } from './data-text.js';
import { residentBytes } from './resident.js';

export interface FilterJob {
  /** Prompts to accept. */
  accepted: number;
  /** Judgements that are made again by comparing with every known prompt. */
  sample: number;
  seed: number;
}

export interface FilterMeasurement {
  accepted: number;
  judged: number;
  /** Of the processor, for all judgements and additions. */
  seconds: number;
  pairsPerSecond: number;
  /** Share of the pairs that were compared word for word. */
  compared: number;
  sampled: number;
  /** Of the sample: judgements that comparing with every known prompt confirms, similarity and all. */
  equal: number;
  /** Pairs per second as a multiple of what comparing with every one reaches, on the sample. */
  ofQuadratic: number | null;
  peakRssMiB: number;
}

export interface FilterResult extends FilterMeasurement {
  /** What a judgement costs, as a multiple of what it costs in the smallest set. */
  costOfSmallest: number;
}

/** ROUGE-L above which a prompt is not new: the default of selfInstruct.maxSimilarity. */
const maxSimilarity = 0.7;
const changed = 0.2;

export async function measureFilter({ accepted, sample, seed }: FilterJob): Promise<FilterMeasurement> {
  const makers = await textMakers(seed);
  const random = Random.stream(seed, 'bench filter');
  const known: string[] = [];
  const fresh = (): string => makers.mixed(8 + random.integer(0, 33));
  const next = (): string => {
    if (known.length === 0 || random.uniform() >= changed) return fresh();
    const old = random.choose(known);
    const at = random.integer(0, old.length);
    return `${old.slice(0, at)}${makers.mixed(3)}${old.slice(at + random.integer(0, 10))}`;
  };
  const index = new NearestText();
  const everyOne = new EveryText();
  const total = { judged: 0, pairs: 0, seconds: 0 };
  const check = { sampled: 0, equal: 0, pairs: 0, seconds: 0 };
  for (; known.length < accepted; total.judged++) {
    const prompt = next();
    const start = processorSeconds();
    const similarity = index.nearest(prompt)?.similarity ?? 0;
    const isNew = similarity <= maxSimilarity;
    if (isNew) index.add(prompt);
    total.seconds += processorSeconds() - start;
    total.pairs += known.length;
    // As many in each part of the way.
    if (check.sampled < (sample * (known.length + 1)) / accepted) {
      const from = processorSeconds();
      if (everyOne.similarity(prompt) === similarity) check.equal++;
      check.seconds += processorSeconds() - from;
      check.pairs += known.length;
      check.sampled++;
    }
    if (!isNew) continue;
    known.push(prompt);
    everyOne.add(prompt);
  }
  const pairsPerSecond = total.pairs / total.seconds;
  return {
    ...{ accepted, judged: total.judged, seconds: total.seconds, pairsPerSecond },
    ...{ compared: index.compared / total.pairs, sampled: check.sampled, equal: check.equal },
    ofQuadratic: check.pairs === 0 ? null : pairsPerSecond / (check.pairs / check.seconds),
    peakRssMiB: residentBytes('VmHWM') / 2 ** 20,
  };
}

function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** The definition: the highest ROUGE-L to any known text, each of them looked at. */
class EveryText {
  readonly #vocabulary = new Map<string, number>();
  readonly #texts: Int32Array[] = [];
  readonly #matcher = new CommonSubsequence();

  add(text: string): void {
    this.#texts.push(encodeWords(wordsOf(text), this.#vocabulary));
  }

  similarity(text: string): number {
    const ids = encodeWords(wordsOf(text), this.#vocabulary);
    this.#matcher.read(ids, this.#vocabulary.size);
    let similarity = 0;
    for (const known of this.#texts) {
      const total = ids.length + known.length;
      if (total > 0) similarity = Math.max(similarity, (2 * this.#matcher.lcs(known)) / total);
    }
    return similarity;
  }
}
