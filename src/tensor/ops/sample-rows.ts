// Tokens drawn from rows of logits, as many from a row as are wanted, and how likely tokens are: on a backend that has a
// kernel for it the logits stay where they are. On the others they are read, and drawn from as sample-token.ts says.
import { checkTensor } from '../check.js';
import { read } from '../host.js';
import { NativeBackend } from '../native/backend.js';
import { engine, type Tensor2D } from '../tf.js';
import { argmax, drawToken, inverseOf, type TokenDraw } from './sample-token.js';

/** What is wanted of one row of logits: a token drawn, or a given one; and its log-probability. */
export type RowDraw = { row: number; logProbability: boolean; top?: number } & (TokenDraw | { id: number });

/** A token and its log softmax in nats, before any sampling option. */
export interface LikelyToken {
  id: number;
  logProbability: number;
}

export interface SampledToken {
  /** `notFinite` where the logits are not. */
  id: number;
  /** log softmax of the row's logits in nats, before any sampling option; 0 where it is not wanted. */
  logProbability: number;
  /** The `top` likeliest tokens of the row, the likeliest first; where the draw asks for them. */
  top?: LikelyToken[];
}

/** logits [rows, V] → what each draw asks for, in order. Ids of `withoutToken` are never drawn, nor among the likeliest. */
export async function sampleRows(
  logits: Tensor2D,
  draws: readonly RowDraw[],
  withoutToken: readonly number[] = [],
): Promise<SampledToken[]> {
  if (draws.length === 0) return [];
  checkTensor('sampleRows', 'logits', logits, ['rows', 'V']);
  const { backend } = engine();
  if (!(backend instanceof NativeBackend)) return sampleOnHost(logits, draws, withoutToken);
  const ids = [...withoutToken];
  const numbers = [...logits.shape, draws.length, withoutToken.length];
  for (const draw of draws) {
    numbers.push(...numbersOf(draw, ids.length));
    if ('sampling' in draw) for (const id of draw.seen) ids.push(id);
  }
  const values = backend.runToHost('SampleRows', logits, Int32Array.from(ids), 2 * draws.length, numbers);
  const sampled: SampledToken[] = draws.map((_, i) => ({ id: values[2 * i], logProbability: values[2 * i + 1] }));
  // Few ask for them, so no kernel finds them: the logits are read where somebody does.
  if (draws.some(({ top = 0 }) => top > 0))
    addTop(await read(logits), logits.shape[1], { draws, sampled, withoutToken });
  return sampled;
}

function addTop(
  logits: Float32Array,
  vocabulary: number,
  {
    draws,
    sampled,
    withoutToken,
  }: { draws: readonly RowDraw[]; sampled: readonly SampledToken[]; withoutToken: readonly number[] },
): void {
  const skipped = new Set(withoutToken);
  for (const [i, { row, top = 0 }] of draws.entries()) {
    if (top > 0) sampled[i].top = likeliest(logits.subarray(row * vocabulary, (row + 1) * vocabulary), top, skipped);
  }
}

/** The `count` largest of a row of logits, of equal ones the first, without those skipped; log-probabilities in nats. */
function likeliest(row: Float32Array, count: number, skipped: ReadonlySet<number>): LikelyToken[] {
  const ids: number[] = [];
  for (let id = 0; id < row.length; id++) {
    if (skipped.has(id)) continue;
    if (ids.length === count && row[id] <= row[ids[count - 1]]) continue;
    let place = ids.length;
    while (place > 0 && row[ids[place - 1]] < row[id]) place--;
    ids.splice(place, 0, id);
    if (ids.length > count) ids.pop();
  }
  const mass = logMass(row);
  return ids.map((id) => ({ id, logProbability: row[id] - mass }));
}

/** Eleven, as the head of the C++ function lists them. */
function numbersOf(draw: RowDraw, firstSeen: number): number[] {
  const wanted = Number(draw.logProbability);
  if ('id' in draw) return [draw.row, draw.id + 1, 0, 0, 0, 1, 0, 1, firstSeen, 0, wanted];
  const { temperature, topK, topP, minP, repetitionPenalty } = draw.sampling;
  const inverse = temperature === 0 ? 0 : inverseOf(temperature);
  return [draw.row, 0, draw.uniform, inverse, topK, topP, minP, repetitionPenalty, firstSeen, draw.seen.size, wanted];
}

async function sampleOnHost(
  logits: Tensor2D,
  draws: readonly RowDraw[],
  withoutToken: readonly number[],
): Promise<SampledToken[]> {
  const vocabulary = logits.shape[1];
  const values = await read(logits);
  const own = new Float32Array(vocabulary);
  const sampled = draws.map((draw): SampledToken => {
    const row = values.subarray(draw.row * vocabulary, (draw.row + 1) * vocabulary);
    if ('id' in draw) return { id: draw.id, logProbability: draw.logProbability ? logProbabilityOf(row, draw.id) : 0 };
    own.set(row);
    for (const none of withoutToken) own[none] = Number.NEGATIVE_INFINITY;
    const id = drawToken(own, draw);
    return { id, logProbability: draw.logProbability && id >= 0 ? logProbabilityOf(row, id) : 0 };
  });
  addTop(values, vocabulary, { draws, sampled, withoutToken });
  return sampled;
}

/** log softmax(logits)[id], in nats. */
function logProbabilityOf(logits: Float32Array, id: number): number {
  return logits[id] - logMass(logits);
}

/** log Σ exp(logit). */
function logMass(logits: Float32Array): number {
  const top = logits[argmax(logits)];
  let mass = 0;
  for (const logit of logits) mass += Math.exp(logit - top);
  return top + Math.log(mass);
}
