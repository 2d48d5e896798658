// One `run` per folder: a file that names its holder, made with link(), which either succeeds whole or fails. Where the
// holder cannot be seen from here (another container, another machine), a count in the file that grows says that it lives:
// what is compared is what was seen to change, never the clocks of two machines.
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { steadyNow } from '../base/clock.js';
import { ifAbsent, stopIfAborted, UserError } from '../base/errors.js';
import { temporarySibling } from '../base/files.js';
import { lockName } from '../base/layout.js';
import { hasProcess, stateOf } from '../base/process.js';
import { startWorker } from '../base/worker.js';
import type { HeartbeatSettings } from './heartbeat-worker.js';
import { createLockFile, type Holder, lockText, parseHolder, thisHolder, tryLink } from './lock-file.js';

interface LockOptions {
  /** Seconds waited so far, and at the most, for a sign of life of `holder`. */
  onWait?: (holder: string, seconds: number, maxSeconds: number) => void;
  signal?: AbortSignal;
  /** Between two signs of life. */
  beatMilliseconds?: number;
  /** Without one for that long, a holder that cannot be seen from here is gone. */
  patienceMilliseconds?: number;
}

export interface Lock {
  /** Whose lock was taken over, where that is not plain: said only now, for until now the folder was another's. */
  notes: readonly string[];
  release(): Promise<void>;
  /** Rejects once another process has taken the folder over, from one that was suspended for too long. */
  lost: Promise<never>;
}

/** Shorter work than this needs no sign of life, and no thread that gives it. */
const firstBeatMilliseconds = 300;
const pollMilliseconds = 200;

/**
 * Holds `directory` until it is released. The lock of a process that is gone is taken over.
 * @throws FolderInUse where another live process holds it.
 */
export async function lockDirectory(directory: string, options: LockOptions = {}): Promise<Lock> {
  const { beatMilliseconds = 2000 } = options;
  await mkdir(directory, { recursive: true });
  const path = join(directory, lockName);
  const holder = await thisHolder();
  const notes: string[] = [];
  while (!createLockFile(path, lockText(holder, 0))) {
    const note = await removeStale(directory, holder, options);
    if (note !== undefined) notes.push(note);
  }
  const heartbeat = startHeartbeat({ path, holder, milliseconds: beatMilliseconds }, directory);
  return {
    notes,
    lost: heartbeat.lost,
    async release() {
      await heartbeat.stop();
      if ((await readLock(path))?.holder?.id === holder.id) await rm(path, { force: true });
    },
  };
}

function startHeartbeat(settings: HeartbeatSettings, directory: string) {
  let stop = (): Promise<unknown> => Promise.resolve();
  const lost = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => {
      const worker = startWorker(new URL('./heartbeat-worker.js', import.meta.url), { workerData: settings });
      worker.unref();
      worker.on('message', () => reject(takenOver(directory)));
      worker.on('error', reject);
      stop = () => worker.terminate();
    }, firstBeatMilliseconds);
    stop = async () => clearTimeout(timer);
  });
  lost.catch(() => undefined); // it may be nobody's concern any more
  return { lost, stop: () => stop() };
}

/**
 * Moves the lock aside before deleting it, so that two processes cannot both take over, one deleting the other's.
 * @returns what to say of it.
 */
async function removeStale(directory: string, self: Holder, options: LockOptions): Promise<string | undefined> {
  const path = join(directory, lockName);
  const lock = await readLock(path);
  if (lock === undefined) return undefined;
  const { isStale, note } = await examine(directory, lock, self, options);
  if (!isStale) return undefined;
  const aside = temporarySibling(path);
  const isMoved = await rename(path, aside).then(() => true, ifAbsent(false));
  if (!isMoved) return undefined;
  const isSame = (await readLock(aside))?.text === lock.text;
  if (!isSame) tryLink(aside, path);
  await rm(aside, { force: true });
  return isSame ? note : undefined;
}

/** Of a holder that cannot be seen from here: what is older is the sign of life of one that is gone. */
const maxSilence = 30_000;

/** Whether a live process holds the folder, as far as that can be seen without waiting, and which, where it is of this machine. */
export async function holderOf(directory: string): Promise<{ isHeld: boolean; pid?: number }> {
  const path = join(directory, lockName);
  const holder = (await readLock(path))?.holder;
  if (holder === undefined) return { isHeld: false };
  if (holder.id === undefined) return { isHeld: hasProcess(holder.pid), pid: holder.pid };
  const state = await stateOf(holder, await thisHolder());
  if (state !== 'unknown') return { isHeld: state === 'alive', ...(state === 'alive' && { pid: holder.pid }) };
  const changed = await stat(path).then(({ mtimeMs }) => mtimeMs, ifAbsent(0));
  return { isHeld: steadyNow() - changed < maxSilence };
}

interface LockContent {
  text: string;
  holder: ReturnType<typeof parseHolder>;
}

async function readLock(path: string): Promise<LockContent | undefined> {
  const text = await readFile(path, 'utf8').catch(ifAbsent(undefined));
  return text === undefined ? undefined : { text, holder: parseHolder(text) };
}

/** Not stale where the lock changed hands meanwhile. @throws UserError where its holder lives. */
async function examine(
  directory: string,
  lock: LockContent,
  self: Holder,
  options: LockOptions,
): Promise<{ isStale: boolean; note?: string }> {
  const { holder } = lock;
  if (holder === undefined) return { isStale: true, note: 'took over a lock that is damaged and names no process' };
  const name = `process ${holder.pid}`;
  if (holder.id === undefined) {
    // Our own id is that of a predecessor: in containers every process may get the same one.
    if (holder.pid !== process.pid && hasProcess(holder.pid)) {
      throw inUse(directory, name, `delete ${join(directory, lockName)} if that process is no mossctl`);
    }
    return { isStale: true, note: `took over the lock of an earlier version, whose ${name} is gone` };
  }
  const state = await stateOf(holder, self);
  if (state === 'alive') throw inUse(directory, name);
  if (state === 'dead') return { isStale: true };
  const { patienceMilliseconds = 30_000 } = options;
  const foreign = `${name} on ${holder.host}`;
  const isStale = await hasNoSign(directory, lock, foreign, { ...options, patienceMilliseconds });
  const note = `took over the lock of ${foreign}, which gave no sign of life for ${patienceMilliseconds / 1000} s`;
  return { isStale, note };
}

/** Waits until the holder gives a sign of life, which is an error, or until patience ends. */
async function hasNoSign(
  directory: string,
  lock: LockContent,
  name: string,
  { onWait, signal, patienceMilliseconds }: LockOptions & { patienceMilliseconds: number },
): Promise<boolean> {
  const start = performance.now();
  for (let waited = 0; waited < patienceMilliseconds; waited = performance.now() - start) {
    onWait?.(name, Math.floor(waited / 1000), Math.ceil(patienceMilliseconds / 1000));
    await sleep(Math.min(pollMilliseconds, patienceMilliseconds / 10));
    stopIfAborted(signal, `stopped while ${name} held ${directory}`);
    const now = await readLock(join(directory, lockName));
    if (now?.text === lock.text) continue;
    if (now?.holder?.id === lock.holder?.id) throw inUse(directory, name);
    return false;
  }
  return true;
}

/** What lies in the folder is another run's: not even a report may be written there. */
export class FolderInUse extends UserError {}

function inUse(directory: string, holder: string, otherwise = 'stop it'): FolderInUse {
  return new FolderInUse({
    what: 'another mossctl is working in this folder',
    where: directory,
    why: `${holder} holds it`,
    next: `Wait for it, choose another folder with --out, or ${otherwise}`,
  });
}

function takenOver(directory: string): UserError {
  return new UserError(
    {
      what: 'another mossctl has taken this folder over',
      where: directory,
      why: 'this one gave no sign of life for too long, as when it is suspended; it stopped without saving, so that the two do not mix',
      next: 'Let the other one finish: it resumes from what was saved here',
    },
    { exitCode: 1 },
  );
}
