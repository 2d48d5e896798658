// adapter_model.safetensors: PEFT's names of an adapter's tensors, and ours. A row of the parameter table and its name in the
// file differ by a prefix; what else can lie there is sorted into pairs, whole tensors and rows of tokens.
import { join } from 'node:path';
import { plainNames } from '../architecture/stored-names.js';
import { UserError } from '../base/errors.js';
import { shorten } from '../base/format.js';
import type { HostTensor } from '../base/host-tensor.js';
import { adapterWeightsName } from '../base/layout.js';
import { readSafetensors, readSafetensorsHeader, type TensorEntry, writeSafetensors } from './safetensors.js';

const prefix = 'base_model.model.';

/** The two matrices beside one module: B · A is added to its weight [out, in]. Of an embedding, (B · A)ᵀ. */
export interface AdapterPair {
  /** [rank, in]; of an embedding [rank, tokens]. */
  a?: HostTensor;
  /** [out, rank]; of an embedding [width, rank]. */
  b?: HostTensor;
  isEmbedding: boolean;
  /** DoRA's norm of each row [out]. */
  magnitude?: HostTensor;
}

export interface AdapterTensors {
  /** By module: `model.layers.0.self_attn.q_proj`. */
  pairs: Map<string, AdapterPair>;
  /** Whole weights, by their names in the parameter table: they take the place of the base's. */
  whole: Map<
    string,
    { tensor: HostTensor /** The base's own, saved with what was trained beside it. */; isBase: boolean }
  >;
  /** New rows of single tokens [tokens, width], by module. */
  rows: Map<string, HostTensor>;
  notes: string[];
}

/**
 * Reads the tensors of an adapter as float32. `onDigest` gets the sha256 of the file.
 * @throws UserError where the file is damaged, or two tensors are the same under another name.
 */
export async function readAdapterTensors(folder: string, onDigest?: (sha256: string) => void): Promise<AdapterTensors> {
  const path = join(folder, adapterWeightsName);
  const stored = await readSafetensors(path, { onDigest });
  const { names, notes } = plainNames([...stored.keys()]);
  const tensors: AdapterTensors = {
    ...{ pairs: new Map(), whole: new Map(), rows: new Map() },
    // PEFT itself puts its prefix before every name.
    notes: notes.filter((note) => !note.endsWith('without base_model.model. (PEFT)')),
  };
  for (const [name, tensor] of stored) place(tensors, (names.get(name) ?? name) as string, tensor, path);
  return tensors;
}

/** Segments that may stand before the last one: `lora_A.weight`, `lora_A.default.weight`, `lora_magnitude_vector`. */
const pairName =
  /^(.+)\.(lora_A|lora_B|lora_embedding_A|lora_embedding_B|lora_magnitude_vector)(?:\.(?!weight$)\w+)?(\.weight)?$/;
const rowsName = /^(.+)\.token_adapter\.trainable_tokens_delta(?:\.\w+)?$/;
const baseName = /^(.+?)\.(?:token_adapter\.)?base_layer\.(weight|bias)$/;

function place({ pairs, whole, rows }: AdapterTensors, name: string, tensor: HostTensor, path: string): void {
  const twice = (): UserError =>
    new UserError({
      what: `the adapter has ${shorten(name, 200)} twice, under two names`,
      where: path,
      next: 'Save the adapter again as a whole',
    });
  const set = <T>(map: Map<string, T>, key: string, value: T): void => {
    if (map.has(key)) throw twice();
    map.set(key, value);
  };
  const [, module, kind] = pairName.exec(name) ?? [];
  if (module !== undefined) {
    const isEmbedding = kind.startsWith('lora_embedding');
    const pair = pairs.get(module) ?? { isEmbedding };
    const field = kind === 'lora_magnitude_vector' ? 'magnitude' : kind.endsWith('A') ? 'a' : 'b';
    if (pair[field] !== undefined) throw twice();
    pairs.set(module, { ...pair, isEmbedding: pair.isEmbedding || isEmbedding, [field]: { ...tensor, name } });
    return;
  }
  const [, rowModule] = rowsName.exec(name) ?? [];
  if (rowModule !== undefined) {
    set(rows, rowModule, { ...tensor, name });
    return;
  }
  const [, baseModule, last] = baseName.exec(name) ?? [];
  const plain = baseModule === undefined ? name : `${baseModule}.${last}`;
  set(whole, plain, { tensor: { ...tensor, name: plain }, isBase: baseModule !== undefined });
}

/** What lies in an adapter's file, from its header, under the names of the parameter table. Throws as `readAdapterTensors`. */
export async function describeAdapterTensors(folder: string): Promise<{ entries: TensorEntry[]; notes: string[] }> {
  const entries = await readSafetensorsHeader(join(folder, adapterWeightsName));
  return { entries: entries.map((entry) => ({ ...entry, name: plainTensorName(entry.name) })), notes: [] };
}

/** The name in the parameter table of a whole weight, from its name in an adapter's file. */
export function plainTensorName(stored: string): string {
  const name = stored.startsWith(prefix) ? stored.slice(prefix.length) : stored;
  const [, module, last] = baseName.exec(name) ?? [];
  return module === undefined ? name : `${module}.${last}`;
}

/** The one spelling that both PEFT and transformers read: with the prefix, without the adapter's name. */
export function storedTensorName(stored: string): string {
  const [, module, kind, weight = ''] = pairName.exec(stored) ?? [];
  const name = module === undefined ? stored : `${module}.${kind}${weight}`;
  return name.startsWith(prefix) ? name : prefix + name;
}

/** Writes an adapter's rows of the parameter table, and the weights that were trained whole. @returns the file's sha256. */
export function writeAdapterTensors(folder: string, tensors: readonly HostTensor[]): Promise<string> {
  const named = tensors.map((tensor) => ({ ...tensor, name: prefix + tensor.name }));
  return writeSafetensors(join(folder, adapterWeightsName), named, { metadata: { format: 'pt' } });
}

/** Modules beside which no adapter stands, though their weights are among the tensors: PEFT calls them `modules_to_save`. */
export function wholeModules(tensors: readonly { name: string }[]): string[] {
  return tensors
    .filter(({ name }) => !/\.lora_[AB]\.weight$/.test(name))
    .map(({ name }) => moduleOf(name))
    .sort();
}

/** The module that a weight belongs to. */
export function moduleOf(weight: string): string {
  return weight.replace(/\.(weight|bias)$/, '');
}
