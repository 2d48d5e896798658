// Every reader of files that may come from outside: what it starts from, how its input is damaged, and how it is called.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from '../../src/base/random.js';
import { checkpointReaders } from './checkpoint-readers.js';
import { arrowReaders, configReaders, rowReaders } from './data-readers.js';
import { endpointReaders } from './endpoint-readers.js';
import { tokenizerReaders } from './tokenizer-readers.js';
import { toolReaders } from './tool-readers.js';

export interface Reader {
  name: string;
  /** Whole, valid inputs. */
  seeds: readonly Buffer[];
  mutate(random: Random, seed: Buffer, others: readonly Buffer[]): Buffer;
  /** Resolves where the input is accepted, or throws: anything but a UserError is a fault of the reader. */
  read(input: Buffer): Promise<void>;
  /** Its share of the inputs; 1 unless one takes long. */
  weight?: number;
  /** What one input may cost, where it is not what all may. */
  maxMilliseconds?: number;
  maxMebibytes?: number;
}

/** Makes the files around each input once, under `folder`. */
export async function openReaders(folder: string): Promise<Reader[]> {
  const groups = [
    checkpointReaders,
    tokenizerReaders,
    arrowReaders,
    rowReaders,
    configReaders,
    endpointReaders,
    toolReaders,
  ];
  const readers: Reader[] = [];
  for (const [i, group] of groups.entries()) {
    const place = join(folder, String(i));
    await mkdir(place, { recursive: true });
    readers.push(...(await group(place)));
  }
  return readers;
}

/** How many of `total` inputs each reader gets. */
export function shares(readers: readonly Reader[], total: number): number[] {
  const sum = readers.reduce((all, { weight = 1 }) => all + weight, 0);
  return readers.map(({ weight = 1 }) => Math.ceil((total * weight) / sum));
}
