// What is appended to a file is there whole or not at all: readers of records never meet half of one that a full disk cut.
import { appendFileSync, closeSync, fstatSync, ftruncateSync, openSync } from 'node:fs';

/** @throws the system's error; then nothing was added, as far as the system lets a part be taken back. */
export function appendWhole(path: string, data: string | Uint8Array): void {
  const file = openSync(path, 'a');
  try {
    const { size } = fstatSync(file);
    try {
      appendFileSync(file, data);
    } catch (error) {
      takeBack(file, size);
      throw error;
    }
  } finally {
    closeSync(file);
  }
}

function takeBack(file: number, size: number): void {
  try {
    ftruncateSync(file, size);
  } catch {
    // A torn record: its reader has to know it.
  }
}
