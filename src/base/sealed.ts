// Small JSON files that only we write and that decide what is done again: each holds the sha256 of the rest of it, so
// that a byte that changed on the disk is noticed and never believed.
import { readFile } from 'node:fs/promises';
import { ifAbsent } from './errors.js';
import { sha256, writeFileAtomic } from './files.js';

const sealName = 'seal';

/** `value` as JSON, and the sha256 of that JSON as its last key. */
function sealedJson(value: object): string {
  const seal = sha256(JSON.stringify(value));
  return `${JSON.stringify({ ...value, [sealName]: seal }, undefined, 2)}\n`;
}

export function writeSealed(path: string, value: object): Promise<void> {
  return writeFileAtomic(path, sealedJson(value));
}

/**
 * Absent, damaged (it is not, byte for byte, what was written), or whole: then the value is ours, but for its shape.
 * `unsealed`: a file from before there were seals is taken, too; its reader must refuse keys that it does not know.
 */
export async function readSealed(
  path: string,
  { unsealed = false } = {},
): Promise<'absent' | 'damaged' | { value: unknown }> {
  const text = await readFile(path, 'utf8').catch(ifAbsent(undefined));
  if (text === undefined) return 'absent';
  try {
    const { [sealName]: seal, ...value } = JSON.parse(text) as Record<string, unknown>;
    const isWhole = seal === undefined ? unsealed : sealedJson(value) === text;
    return isWhole ? { value } : 'damaged';
  } catch {
    return 'damaged';
  }
}
