// The straight line between two checkpoints of one shape: W = W₀ + α (W₁ − W₀) for every weight, as Wortsman et al. 2022
// ("Robust fine-tuning of zero-shot models") walk it. Its ends are the two, to the bit; each number is rounded once.
import { UserError } from '../base/errors.js';
import { digestOf } from '../base/files.js';
import { countIn, floatsOf, type HostTensor, sizeOf } from '../base/host-tensor.js';
import { requireMemory } from '../base/room.js';
import type { AdapterContent } from './adapter.js';
import { type Checkpoint, openCheckpoint } from './directory.js';
import { saveCheckpoint } from './save.js';

type Tensors = ReadonlyMap<string, HostTensor>;

export interface Line {
  /** The end at α = 1, whose tokenizer, configuration and form (all weights, or an adapter) every point has. */
  end: Checkpoint;
  /** Its weights; of an adapter, the adapter's tensors. */
  at(alpha: number): HostTensor[];
  adapter?: AdapterContent;
}

/**
 * The line from `start` to a checkpoint that was trained from it, read from `path`. Where only an adapter was trained, only it moves:
 *
 * - a new adapter beside `start` is scaled: α · B, so that α · B · A is added, which is the line itself;
 * - an adapter that `start` had already moves matrix by matrix, because the line between two products of rank r has rank 2r.
 *   The ends are the two models, and what lies between them is measured as what it is.
 *
 * @throws UserError where the two do not have the same weights, naming the first that differs.
 */
export async function openLine(start: Checkpoint, path: string, { verify }: { verify?: boolean } = {}): Promise<Line> {
  const end = await openCheckpoint(path, { verify, adapter: 'apart' });
  const { adapter } = end;
  if (adapter === undefined) {
    const { weights } = start;
    checkSameShapes(weights, end.weights, path);
    requireMemory(bytesOf(end.weights), {
      what: 'a model between two',
      where: path,
      next: 'Set align.gate.alphas=[1]',
    });
    return { end, at: (alpha) => between(weights, end.weights, alpha) };
  }
  end.weights.clear(); // the base's, which do not move
  const { tensors, ...content } = adapter;
  if (adapter.base.digest === start.digest) return { end, adapter: content, at: (alpha) => scaled(tensors, alpha) };
  const { adapter: old } = await openCheckpoint(start.path, { verify, adapter: 'apart' });
  if (old?.base.digest !== adapter.base.digest) throw notALine(path, 'their adapters belong to different bases');
  checkSameShapes(old.tensors, tensors, path);
  return { end, adapter: content, at: (alpha) => between(old.tensors, tensors, alpha) };
}

/**
 * Saves the point at `alpha` as a checkpoint of its own: a child of `start`, as the end of the line is one.
 * @returns its digest: equal ends and an equal α give equal digests.
 */
export async function saveInterpolated(
  directory: string,
  { line, start, alpha }: { line: Line; start: Checkpoint; alpha: number },
): Promise<{ digest: string }> {
  const { end, adapter } = line;
  const { stage, step, tokensSeen, parent, lineage, seed, settings, backend, threads, precision, storedAs } =
    end.manifest;
  if (parent !== start.digest) throw new Error(`${end.path} was not trained from ${start.path}`);
  return saveCheckpoint(directory, {
    ...{ model: end.model, eosTokenIds: end.eosTokenIds, generationConfig: end.generationConfig },
    ...{ tokenizerFiles: end.tokenizerFiles, weights: line.at(alpha), adapter },
    manifest: {
      ...{ stage, step, tokensSeen, parent, lineage, backend, threads, precision, metrics: {} },
      settings: { ...(settings as Record<string, typeof settings>), alpha },
      inputDigest: digestOf({ start: start.digest, end: end.digest, alpha }),
      ...(seed !== undefined && { seed }),
      ...(storedAs !== undefined && { storedAs }),
    },
  });
}

/** @param alpha From 0 (`from`) to 1 (`to`). */
export function between(from: Tensors, to: Tensors, alpha: number): HostTensor[] {
  return [...to].map(([name, tensor]) => {
    const a = floatsOf(from.get(name) as HostTensor);
    const b = floatsOf(tensor);
    const data = new Float32Array(b.length);
    // In float64. At 1 the sum need not be b: a + (b − a) is rounded twice.
    if (alpha === 1) data.set(b);
    else for (let i = 0; i < data.length; i++) data[i] = a[i] + alpha * (b[i] - a[i]);
    return { name, shape: [...tensor.shape], data };
  });
}

const isB = /\.lora_B\.weight$/;

/** An adapter whose product is multiplied by `alpha`. */
function scaled(tensors: Tensors, alpha: number): HostTensor[] {
  return [...tensors].map(([name, { shape, data }]) => {
    if (!isB.test(name) && !/\.lora_A\.weight$/.test(name)) throw new Error(`${name} is no matrix of an adapter`);
    return { name, shape: [...shape], data: isB.test(name) ? data.map((value) => alpha * value) : data };
  });
}

function checkSameShapes(from: Tensors, to: Tensors, path: string): void {
  for (const [name, { shape }] of to) {
    const other = from.get(name)?.shape;
    if (other === undefined) throw notALine(path, `${name} is in one of them alone`);
    if (sizeOf(other) !== sizeOf(shape) || other.some((size, i) => size !== shape[i]))
      throw notALine(path, `${name} is [${other}] in one and [${shape}] in the other`);
  }
  const extra = [...from.keys()].find((name) => !to.has(name));
  if (extra !== undefined) throw notALine(path, `${extra} is in one of them alone`);
}

function notALine(where: string, why: string): UserError {
  return new UserError({
    what: 'there is no line between this model and the one that it was trained from',
    where,
    why,
    next: 'Decide between the two alone: --set align.gate.alphas=[1]',
  });
}

const bytesOf = (tensors: Tensors): number => [...tensors.values()].reduce((sum, each) => sum + 4 * countIn(each), 0);
