// What is appended to a file is there whole or not at all: readers of records never meet half of one that a full disk cut.
import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';

/** @throws the system's error; then nothing was added, as far as a part can be taken back. */
export function appendWhole(path: string, data: string | Uint8Array): void {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  const file = openSync(path, 'a');
  try {
    const { size } = fstatSync(file);
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(file, bytes, written);
    } catch (error) {
      takeBack(file, size, written);
      throw error;
    }
  } finally {
    closeSync(file);
  }
}

/** A part stays where another process has appended meanwhile, whose record would be cut: readers have to know a torn one. */
export function takeBack(file: number, size: number, written: number): void {
  try {
    if (written > 0 && fstatSync(file).size === size + written) ftruncateSync(file, size);
  } catch {
    // It stays as torn as it is.
  }
}
