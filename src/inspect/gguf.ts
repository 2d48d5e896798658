// What a GGUF file is, from its header: no tensor is read.
import { stat } from 'node:fs/promises';
import { type GgufValue, readGguf } from '../checkpoint/gguf-read.js';
import { firstBytes } from '../checkpoint/other-kinds.js';
import { summarise } from './parameters.js';

export type GgufInspection = Awaited<ReturnType<typeof inspectGguf>>;

/** By its name, or by its first bytes: Ollama and the Hub's cache keep such files under their sha256. */
export async function isGguf(path: string): Promise<boolean> {
  return path.toLowerCase().endsWith('.gguf') || (await firstBytes(path)).startsWith('GGUF');
}

/** @throws UserError naming what is wrong with the file. */
export async function inspectGguf(path: string) {
  const { version, metadata, tensors } = await readGguf(path);
  return {
    path,
    bytes: (await stat(path)).size,
    version,
    /** Every entry; of a list its first items and its length. */
    metadata: Object.fromEntries([...metadata].map(([name, value]) => [name, brief(value)])),
    parameters: summarise(tensors),
    tensors: tensors.map(({ name, dtype, shape, bytes }) => ({ name, dtype, shape, bytes })),
    warnings: nestedWarnings(metadata),
  };
}

/** The format has arrays of arrays; llama.cpp's gguf_init ends with "invalid GGUF type 9" at the first. */
function nestedWarnings(metadata: ReadonlyMap<string, GgufValue>): string[] {
  const names = [...metadata]
    .filter(([, value]) => Array.isArray(value) && typeof value[0] === 'object')
    .map(([name]) => name);
  if (names.length === 0) return [];
  const which = names.length === 1 ? 'is an array' : `and ${names.length - 1} more are arrays`;
  return [
    `metadata ${JSON.stringify(names[0])} ${which} of arrays: valid GGUF, but llama.cpp refuses such a file; write it as one flat array (gguf-py's GGUFWriter.add_array), or omit it`,
  ];
}

function brief(value: GgufValue): string | number | boolean {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  // JSON has no word for them.
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object') return value;
  const shown = (item: GgufValue): string => String(typeof item === 'object' ? brief(item) : item);
  const first = Array.from({ length: Math.min(3, value.length) }, (_, i) => shown(value[i]));
  return `[${first.join(', ')}${value.length > 3 ? `, … ${value.length} in all` : ''}]`;
}
