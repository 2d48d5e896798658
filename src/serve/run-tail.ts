// The lines that come to a file while it is watched. Whoever writes it appends whole lines, and may be killed within one.
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ifAbsent, UserError } from '../base/errors.js';
import { formatBytes } from '../base/format.js';

const pollMilliseconds = 250;
const chunkBytes = 1 << 20;
const maxLine = 8 << 20;

export interface TailLine {
  text: string;
  /** Byte of the file at which the next line begins. */
  end: number;
}

/**
 * Lines that end after byte `from`, until the signal is aborted. A file that became shorter is another one: it is read from its
 * beginning. @throws UserError for a line that nobody of us wrote.
 */
export async function* linesFrom(path: string, from: number, signal: AbortSignal): AsyncGenerator<TailLine> {
  let position = from;
  let pending = Buffer.alloc(0);
  while (!signal.aborted) {
    const read = await readFrom(path, position);
    if (read === 'shorter') {
      position = 0;
      pending = Buffer.alloc(0);
      continue;
    }
    if (read.length === 0) {
      await sleep(pollMilliseconds, undefined, { signal }).catch(() => undefined);
      continue;
    }
    position += read.length;
    pending = Buffer.concat([pending, read]);
    for (let end = pending.indexOf('\n'); end !== -1; end = pending.indexOf('\n')) {
      const text = pending.toString('utf8', 0, end);
      pending = pending.subarray(end + 1);
      yield { text, end: position - pending.length };
      if (signal.aborted) return;
    }
    if (pending.length > maxLine) throw new UserError({ where: path, what: `a line is over ${formatBytes(maxLine)}` });
  }
}

/** The bytes from there on, at most a chunk; none where there are no more yet. */
async function readFrom(path: string, position: number): Promise<Buffer | 'shorter'> {
  const file = await open(path, 'r').catch(ifAbsent(undefined));
  if (file === undefined) return Buffer.alloc(0);
  try {
    const { size } = await file.stat();
    if (size < position) return 'shorter';
    const length = Math.min(chunkBytes, size - position);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
