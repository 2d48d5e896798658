// The lock of a run folder: never taken from a holder that lives, wherever it lives, and soon from one that is gone.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../src/base/errors.js';
import { lockDirectory } from '../../src/pipeline/lock.js';
import { type Holder, lockText, thisHolder } from '../../src/pipeline/lock-file.js';
import { mossctl } from '../e2e/cli.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-lock-'));
after(() => rm(folder, { recursive: true, force: true }));
const freshFolder = (): Promise<string> => mkdtemp(join(folder, 'run-'));
const lockOf = (run: string): string => join(run, '.lock');
const isLinux = process.platform === 'linux';

/** A lock as `change` makes it of one of this process. */
async function forgeLock(run: string, change: Partial<Holder>): Promise<Holder> {
  const holder = { ...(await thisHolder()), ...change };
  await writeFile(lockOf(run), lockText(holder, 7));
  return holder;
}

/** Takes the lock and gives it back. @returns its notes. */
async function take(run: string, patienceMilliseconds = 300): Promise<string[]> {
  const lock = await lockDirectory(run, { patienceMilliseconds });
  await lock.release();
  assert.deepEqual(await readdir(run), []);
  return [...lock.notes];
}

const isInUse =
  (holder: string | RegExp) =>
  (error: Error): boolean => {
    assert.ok(error instanceof UserError, error.stack);
    assert.equal(error.exitCode, 2);
    assert.match(error.message, /another mossctl is working in this folder/);
    assert.match(error.message, new RegExp(holder));
    return true;
  };

/** A process that holds the lock of `run`, started by `command`. */
async function startHolder(run: string, ...command: string[]): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('lock-holder.ts', import.meta.url));
  const [file, ...args] = [...command, process.execPath, '--import', import.meta.resolve('tsx'), script, run];
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  assert.match(String(text), /held by \d+/);
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test('a holder that this process can see: refused at once while it lives, taken over at once when it is gone', async () => {
  const run = await freshFolder();
  const child = await startHolder(run);
  const patience = 60_000; // not needed
  await assert.rejects(take(run, patience), isInUse(`Process ${child.pid} holds it`));
  await kill(child);
  assert.deepEqual(await take(run, patience), []);
  const lock = await lockDirectory(run);
  await assert.rejects(take(run, patience), isInUse(`Process ${process.pid} holds it`));
  await lock.release();
});

test('a process that got the id of the holder, or has ended and not been waited for, is not the holder', {
  skip: !isLinux && 'when a process started is known without the clock only on Linux',
}, async () => {
  const run = await freshFolder();
  await forgeLock(run, { started: '1' });
  assert.deepEqual(await take(run, 60_000), []);
  const parent = spawn('sh', ['-c', 'true & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [text] = (await once(parent.stdout, 'data')) as [Buffer];
  await forgeLock(run, { pid: Number(text) });
  assert.deepEqual(await take(run, 60_000), []);
  await kill(parent);
});

test('a holder that cannot be seen from here: kept while its count grows, taken over when it stops', async () => {
  const run = await freshFolder();
  const elsewhere = { host: 'elsewhere', boot: 'another', pid: 999_999_999 };
  await forgeLock(run, elsewhere);
  assert.deepEqual(await take(run), [
    'took over the lock of process 999999999 on elsewhere, which gave no sign of life for 0.3 s',
  ]);
  const holder = await forgeLock(run, elsewhere);
  const refused = assert.rejects(take(run, 60_000), isInUse('Process 999999999 on elsewhere holds it'));
  await sleep(50);
  await writeFile(lockOf(run), lockText(holder, 8));
  await refused;
  const stopped = new AbortController();
  const waits: string[] = [];
  const onWait = (...[name, , limit]: [string, number, number]): void => {
    waits.push(`${name}, ${limit} s`);
    stopped.abort();
  };
  await assert.rejects(lockDirectory(run, { signal: stopped.signal, onWait }), { name: 'Interrupted' });
  assert.deepEqual(waits, ['process 999999999 on elsewhere, 30 s']);
});

test('in another pid namespace, as in a container: never taken from a holder that lives, though its main thread is busy', async (t) => {
  try {
    execFileSync('unshare', ['--pid', '--fork', 'true'], { stdio: 'ignore' });
  } catch {
    t.skip('a pid namespace of its own is not permitted here');
    return;
  }
  const run = await freshFolder();
  const child = await startHolder(run, 'unshare', '--pid', '--fork', '--kill-child');
  for (let i = 0; i < 5; i++) await assert.rejects(take(run, 2000), isInUse(/Process \d+ on \S+ holds it/));
  await kill(child);
  assert.equal((await take(run)).length, 1);
});

test('a holder whose folder was taken over hears of it and leaves the lock alone; a deleted lock is put back', async () => {
  const run = await freshFolder();
  const lock = await lockDirectory(run, { beatMilliseconds: 20 });
  await rm(lockOf(run));
  while (!(await readdir(run)).includes('.lock')) await sleep(10);
  await assert.rejects(take(run), isInUse(`Process ${process.pid} holds it`));
  await forgeLock(run, { host: 'elsewhere' });
  const other = await readFile(lockOf(run), 'utf8');
  await assert.rejects(lock.lost, /another mossctl has taken this folder over/);
  await lock.release();
  assert.equal(await readFile(lockOf(run), 'utf8'), other);
});

test('a command that finds the folder in use leaves the report and the events of its holder as they are', async () => {
  const run = await freshFolder();
  const holder = await startHolder(run);
  try {
    const files = { 'metrics.jsonl': 'the events of the holder\n', 'report.html': 'its report' };
    for (const [name, text] of Object.entries(files)) await writeFile(join(run, name), text);
    const { code, stderr } = await mossctl(['run', 'smoke', '--out', run]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /another mossctl is working in this folder/);
    for (const [name, text] of Object.entries(files)) assert.equal(await readFile(join(run, name), 'utf8'), text);
  } finally {
    await kill(holder);
  }
});
