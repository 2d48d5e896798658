// What a GGUF file is, from its header: no tensor is read.
import { stat } from 'node:fs/promises';
import { type GgufValue, readGguf } from '../checkpoint/gguf-read.js';
import { summarise } from './parameters.js';

export type GgufInspection = Awaited<ReturnType<typeof inspectGguf>>;

/** By its name, as llama.cpp and Ollama do. */
export function isGguf(path: string): boolean {
  return path.toLowerCase().endsWith('.gguf');
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
  };
}

function brief(value: GgufValue): string | number | boolean {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  // JSON has no word for them.
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object') return value;
  const first = Array.from({ length: Math.min(3, value.length) }, (_, i) => String(value[i]));
  return `[${first.join(', ')}${value.length > 3 ? `, … ${value.length} in all` : ''}]`;
}
