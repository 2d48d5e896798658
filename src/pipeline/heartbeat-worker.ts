// The thread that shows others that the holder of a folder lives, also while a long step keeps the main thread busy.
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { systemErrorCode } from '../base/errors.js';
import { beatAt, createLockFile, type Holder, lockText, parseHolder } from './lock-file.js';

export interface HeartbeatSettings {
  path: string;
  holder: Holder;
  milliseconds: number;
}

const { path, holder, milliseconds } = workerData as HeartbeatSettings;
let beat = 0;
const timer = setInterval(() => {
  try {
    if (giveSign()) return;
    clearInterval(timer);
    parentPort?.postMessage('lost');
  } catch {
    // A full disk, a network that is away for a while: the next sign may come through.
  }
}, milliseconds);

/** False where another process holds the folder by now. A lock that somebody deleted is put back. */
function giveSign(): boolean {
  beat++;
  let file: number;
  try {
    file = openSync(path, 'r+');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') createLockFile(path, lockText(holder, beat));
    return true;
  }
  try {
    if (parseHolder(readFileSync(file, 'utf8'))?.id !== holder.id) return false;
    const { position, text } = beatAt(holder, beat);
    writeSync(file, text, position);
    return true;
  } finally {
    closeSync(file);
  }
}
