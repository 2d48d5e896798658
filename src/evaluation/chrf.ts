// chrF (Popović 2015): the F-score of the character n-grams that two texts share, as sacrebleu computes it by default: n-grams
// of 1 to 6 characters without white space, recall twice as important as precision (chrF2), no words, no smoothing.

const maxOrder = 6;
const beta2 = 4;

/** 0 to 1 (sacrebleu: 0 to 100) for an answer against a reference. */
export function chrF(answer: string, reference: string): number {
  const [hypothesis, wanted] = [charactersOf(answer), charactersOf(reference)];
  let [precision, recall, orders] = [0, 0, 0];
  for (let order = 1; order <= maxOrder; order++) {
    const own = gramsOf(hypothesis, order);
    const other = gramsOf(wanted, order);
    const [written, expected] = [totalOf(own), totalOf(other)];
    if (written === 0 || expected === 0) continue; // the text is shorter than the n-gram
    let shared = 0;
    for (const [gram, count] of own) shared += Math.min(count, other.get(gram) ?? 0);
    precision += shared / written;
    recall += shared / expected;
    orders++;
  }
  if (orders === 0) return 0;
  [precision, recall] = [precision / orders, recall / orders];
  return precision + recall === 0 ? 0 : ((1 + beta2) * precision * recall) / (beta2 * precision + recall);
}

/** Of the reference that the answer is nearest to. */
export function bestChrF(answer: string, references: readonly string[]): number {
  return Math.max(0, ...references.map((reference) => chrF(answer, reference)));
}

/** Code points, without what Python's `str.split` takes for white space: four separators more than Unicode does. */
function charactersOf(text: string): string[] {
  return [...text.replace(/\p{White_Space}+/gu, '')].filter((character) => character < '\x1c' || character > '\x1f');
}

function gramsOf(characters: readonly string[], order: number): Map<string, number> {
  const grams = new Map<string, number>();
  for (let i = 0; i + order <= characters.length; i++) {
    const gram = characters.slice(i, i + order).join('');
    grams.set(gram, (grams.get(gram) ?? 0) + 1);
  }
  return grams;
}

function totalOf(grams: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const count of grams.values()) total += count;
  return total;
}
