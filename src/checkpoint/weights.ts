// The weights of a folder: one safetensors file, or several with an index that says which tensor lies in which.
// The index is outside text: only files of this very folder, and only exactly the tensors that it names.
import { join } from 'node:path';
import { z } from 'zod';
import { isBuffer, plainNames } from '../architecture/stored-names.js';
import { UserError } from '../base/errors.js';
import { exists, sha256, writeFileDurable } from '../base/files.js';
import { countIn, type HostTensor, renamed, sizeOf } from '../base/host-tensor.js';
import { adapterWeightsName, manifestName, weightsIndexName, weightsName } from '../base/layout.js';
import { requireMemory } from '../base/room.js';
import type { FloatDtype } from './float16.js';
import { canonicalJson, damagedFile, parseJsonAs, readSmallText } from './manifest.js';
import { describeOtherKind } from './other-kinds.js';
import {
  bytesOf,
  readSafetensors,
  readSafetensorsHeader,
  sortedByName,
  type TensorEntry,
  writeSafetensors,
} from './safetensors.js';

const shardPattern = /^model-\d{5}-of-\d{5}\.safetensors$/;
/** As transformers has long split: many file systems and servers handle such files well. */
const defaultShardBytes = 5e9;
const maxIndexBytes = 64 << 20;

const indexSchema = z.object({
  weight_map: z.record(
    z.string().max(1000),
    z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,200}\.safetensors$/, 'not the plain name of a safetensors file'),
  ),
});

/** Whether a file of a checkpoint is part of its weights. */
export function isWeightsFile(name: string): boolean {
  return [weightsName, weightsIndexName, adapterWeightsName].includes(name) || shardPattern.test(name);
}

/**
 * Writes `model.safetensors`, or shards of at most `maxShardBytes` (or one tensor) with their index. Equal tensors give
 * equal bytes, in whatever order they come. @returns the sha256 of each file written, by its name; all are fsynced.
 */
export async function writeWeights(
  folder: string,
  tensors: readonly HostTensor[],
  { dtype = 'f32', maxShardBytes = defaultShardBytes }: { dtype?: FloatDtype; maxShardBytes?: number } = {},
): Promise<Record<string, string>> {
  // transformers refuses weights without this word
  const options = { dtype, metadata: { format: 'pt' } };
  const shards = splitInto(sortedByName(tensors), (tensor) => countIn(tensor) * bytesOf(dtype), maxShardBytes);
  const isWhole = shards.length === 1;
  const names = isWhole ? [weightsName] : shards.map((_, index) => shardName(index + 1, shards.length));
  const files: Record<string, string> = {};
  for (const [i, shard] of shards.entries()) {
    files[names[i]] = await writeSafetensors(join(folder, names[i]), shard, options);
  }
  if (isWhole) return files;
  const weightMap = Object.fromEntries(shards.flatMap((shard, i) => shard.map(({ name }) => [name, names[i]])));
  const totalSize = tensors.reduce((total, tensor) => total + countIn(tensor) * bytesOf(dtype), 0);
  const index = canonicalJson({ metadata: { total_size: totalSize }, weight_map: weightMap });
  await writeFileDurable(join(folder, weightsIndexName), index);
  return { ...files, [weightsIndexName]: sha256(index) };
}

/**
 * Reads all weights of a folder (bf16 stays so, the rest is float32), under the names of the parameter table as far as that is only a matter of
 * prefixes; buffers are skipped. `onDigest` gets the sha256 of each file of tensors (not of the index) when it has been read.
 * @throws UserError naming the file that is missing or damaged, or the tensor that is not where the index says.
 */
export async function readWeights(
  folder: string,
  onDigest: (file: string, sha256: string) => void = () => undefined,
): Promise<Map<string, HostTensor>> {
  const tensors = new Map<string, HostTensor>();
  const { files, names } = await checkedFiles(folder);
  const bytes = files
    .flatMap(({ entries }) => entries)
    .reduce((sum, { shape, dtype }) => sum + (dtype === 'bf16' ? 2 : 4) * sizeOf(shape), 0);
  requireMemory(bytes, { what: 'its weights', where: folder, next: 'Use a smaller model' });
  for (const { name: file, path } of files) {
    const read = await readSafetensors(path, {
      onDigest: (sha256) => onDigest(file, sha256),
      isSkipped: isBuffer,
    });
    for (const [stored, tensor] of read) {
      const name = names.get(stored) ?? stored;
      tensors.set(name, renamed(tensor, name));
    }
  }
  return tensors;
}

/**
 * What the weights of a folder are, from their headers alone: the files, their tensors, and what a person should know of
 * how they are read. Throws as `readWeights`.
 */
export async function describeWeights(folder: string) {
  const { files, names, notes } = await checkedFiles(folder);
  const isSharded = !(await exists(join(folder, weightsName)));
  return {
    files: [...files.map(({ name }) => name), ...(isSharded ? [weightsIndexName] : [])],
    entries: files.flatMap(({ entries }) =>
      entries.map((entry): TensorEntry => ({ ...entry, name: names.get(entry.name) ?? entry.name })),
    ),
    notes,
  };
}

/** All headers are read and compared with the index before any weight is. */
async function checkedFiles(folder: string) {
  const files: { name: string; path: string; entries: TensorEntry[] }[] = [];
  const index = await readIndex(folder);
  await refuseMissing(folder, [...index.keys()]);
  for (const [name, expected] of index) {
    const path = join(folder, name);
    const entries = await readSafetensorsHeader(path, isBuffer);
    if (expected !== undefined) compareWithIndex(path, entries, expected);
    files.push({ name, path, entries });
  }
  return { files, ...plainNames(files.flatMap(({ entries }) => entries.map(({ name }) => name))) };
}

/** A download that ended early, most often. */
async function refuseMissing(folder: string, names: readonly string[]): Promise<void> {
  const present = await Promise.all(names.map((name) => exists(join(folder, name))));
  const missing = names.filter((_, i) => !present[i]);
  if (missing.length === 0) return;
  throw new UserError({
    what: `${missing.length} of ${names.length} files of weights are missing`,
    where: folder,
    why: `${weightsIndexName} names ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ', …' : ''}`,
    next: 'Fetch them from where the others come from, or name the model as the hub does, and it is fetched whole: hf:ORG/NAME',
  });
}

/** File → the tensors it must hold; undefined where there is one file and no index. */
async function readIndex(folder: string): Promise<Map<string, Set<string> | undefined>> {
  if (await exists(join(folder, weightsName))) return new Map([[weightsName, undefined]]);
  const path = join(folder, weightsIndexName);
  if (!(await exists(path))) {
    const isOurs = await exists(join(folder, manifestName));
    const known = isOurs ? undefined : await describeOtherKind(folder);
    throw known ?? damagedFile(join(folder, weightsName), 'the file is missing');
  }
  const { weight_map: files } = parseJsonAs(indexSchema, await readSmallText(path, maxIndexBytes), path);
  const shards = new Map<string, Set<string>>();
  for (const [tensor, file] of Object.entries(files)) shards.set(file, (shards.get(file) ?? new Set()).add(tensor));
  if (shards.size === 0) throw damagedFile(path, 'its weight_map is empty');
  return shards;
}

function compareWithIndex(path: string, entries: readonly TensorEntry[], expected: ReadonlySet<string>): void {
  const held = new Set(entries.map(({ name }) => name));
  const missing = [...expected].find((name) => !held.has(name) && !isBuffer(name));
  if (missing !== undefined)
    throw damagedFile(path, `tensor ${missing} is not in it, though ${weightsIndexName} says so`);
  const extra = entries.find(({ name }) => !expected.has(name));
  if (extra !== undefined)
    throw damagedFile(path, `it holds tensor ${extra.name}, which ${weightsIndexName} places elsewhere`);
}

/** Greedy, in order: a shard is closed when the next item would make it too large. At least one shard. */
function splitInto<T>(items: readonly T[], sizeOf: (item: T) => number, max: number): T[][] {
  const parts: T[][] = [[]];
  let size = 0;
  for (const item of items) {
    if (size > 0 && size + sizeOf(item) > max) {
      parts.push([]);
      size = 0;
    }
    parts[parts.length - 1].push(item);
    size += sizeOf(item);
  }
  return parts;
}

function shardName(index: number, count: number): string {
  const digits = (value: number): string => String(value).padStart(5, '0');
  return `model-${digits(index)}-of-${digits(count)}.safetensors`;
}
