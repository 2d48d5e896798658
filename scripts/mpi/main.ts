// npm run test:mpi: whole trainings of the smoke pipeline under mpirun, of each MPI that is installed. 100 steps of a tiny model on two and on
// four ranks, with weights whole and in shares, must have the losses of one process, and so must the pipeline's base on two and four, and what learns from preferences; one of two
// is killed (kill -9) after a checkpoint, the job must end by itself and, run again, end with the digest of two that nothing happened to;
// what two ranks began, three must finish with the losses of one process; and one of two that is asked to stop stops both, with a checkpoint.
// The same for two that are on hosts of their own, made of network namespaces where the machine allows it: the losses, and a kill.
//   --folder PATH (kept)  --steps 12  --only hosts
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readManifest } from '../../src/checkpoint/manifest.js';
import { makeHosts } from './hosts.js';

const { values: options } = parseArgs({
  options: { folder: { type: 'string' }, steps: { type: 'string' }, only: { type: 'string' } },
});
assert.ok(options.only === undefined || options.only === 'hosts', '--only knows hosts');
const steps = Number(options.steps ?? 12);
const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'mossctl-mpi-'));
const settings = [`steps=${steps}`, 'checkpointEvery=5', 'evaluateEvery=5', 'accumulation=2'];
const asRoot = { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };

interface Ended {
  code: number | null;
  said: string;
}

const setOf = (values: readonly string[]): string[] => values.flatMap((value) => ['--set', value]);
const pretraining = ['pretrain', '--config', 'smoke', ...setOf(settings.map((each) => `pretrain.train.${each}`))];

/** @param launcher before `node`: none for one process. */
function start(
  launcher: readonly string[],
  name: string,
  typed: readonly string[] = pretraining,
): { child: ChildProcess; ended: Promise<Ended> } {
  const place = ['--threads', '1', '--out', join(folder, name)];
  const [command, ...rest] = [...launcher, process.execPath, 'bin/mossctl.js', ...typed, ...place];
  const child = spawn(command, rest, { env: { ...process.env, ...asRoot }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => (said += text));
  return { child, ended: new Promise((resolve) => child.on('close', (code) => resolve({ code, said }))) };
}

async function finished(launcher: readonly string[], name: string, typed?: readonly string[]): Promise<void> {
  const { code, said } = await start(launcher, name, typed).ended;
  assert.equal(code, 0, said);
}

function lossesOf(name: string): Map<string, number> {
  const lines = readFileSync(join(folder, name, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n');
  const events = lines.map((line) => JSON.parse(line) as { type: string; stage: string; step: number; loss: number });
  return new Map(
    events.filter(({ type }) => type === 'step').map(({ stage, step, loss }) => [`${stage} ${step}`, loss]),
  );
}

/** @param killedAfter the last step that a killed process saved: a kill costs up to a second of what is told of those before it. */
function compare(name: string, one = 'one', { killedAfter = 0 } = {}): void {
  const [expected, actual] = [lossesOf(one), lossesOf(name)];
  for (const losses of [expected, actual]) {
    for (const step of losses.keys()) if (Number(step.split(' ')[1]) <= killedAfter) losses.delete(step);
  }
  assert.deepEqual([...actual.keys()], [...expected.keys()]);
  let most = 0;
  for (const [step, loss] of expected) most = Math.max(most, Math.abs((actual.get(step) ?? 0) - loss) / loss);
  console.log(`${name}: ${actual.size} losses, at most ${most.toExponential(1)} from those of one process`);
  assert.ok(most < 1e-4);
}

/** Of each rank of a training of the tiny model. */
function tinyLosses(launcher: readonly string[], optimizer: string, shard = 'moments'): number[][] {
  const own = [process.execPath, '--import', 'tsx', 'test/distributed/rank.ts', '100', optimizer, shard];
  const [command, ...rest] = [...launcher, ...own];
  const { stdout, stderr, status } = spawnSync(command, rest, { encoding: 'utf8', env: { ...process.env, ...asRoot } });
  assert.equal(status, 0, stderr);
  const said = stdout.split('\n').filter((line) => line.startsWith('{'));
  return said.map((line) => (JSON.parse(line) as { losses: number[] }).losses);
}

function compareTiny(launcher: (count: number) => string[], name: string): void {
  for (const optimizer of ['adamw', 'muon']) {
    const [one] = tinyLosses([], optimizer);
    for (const [count, shard] of [2, 4].flatMap((n) => [[n, 'moments'] as const, [n, 'weights'] as const])) {
      const ranks = tinyLosses(launcher(count), optimizer, shard);
      assert.equal(ranks.length, count);
      for (const losses of ranks) assert.deepEqual(losses, ranks[0]);
      // Of the loss that it began with. One process whose weights are nudged by one rounding comes as far off as 2e-4.
      const most = Math.max(...one.map((loss, i) => Math.abs(ranks[0][i] - loss))) / one[0];
      console.log(
        `${name}: 100 losses of ${optimizer} on ${count} ranks that share out ${shard}, at most ${most.toExponential(1)} from those of one`,
      );
      assert.ok(one.length === 100 && most < 1e-3, `${one.length} losses, off by ${most}`);
    }
  }
}

const stageOf = (name: string): string => join(folder, name, 'pretrain');
const last = `step-${String(steps).padStart(6, '0')}`;
const inShares = (stage: string): string[] => setOf([`${stage}.train.shard=weights`]);
const digestOf = async (name: string): Promise<string> => (await readManifest(join(stageOf(name), last))).digest;

/** Processes of the job: those whose command line names the folder, but for the launcher's own. */
function ranksOf(name: string): number[] {
  return readdirSync('/proc')
    .filter((id) => /^\d+$/.test(id))
    .filter((id) => {
      try {
        const words = readFileSync(`/proc/${id}/cmdline`, 'utf8').split('\0');
        return words[0] === process.execPath && words.includes(join(folder, name));
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Sends a signal to one of two once there is a checkpoint. @returns how the job ended. */
async function signalled(
  launcher: readonly string[],
  name: string,
  { to, signal, typed }: { to: 0 | 1; signal: NodeJS.Signals; typed?: readonly string[] },
): Promise<Ended> {
  const { ended } = start(launcher, name, typed);
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  while (!existsSync(join(stageOf(name), 'step-000005')) && !isOver) await new Promise((go) => setTimeout(go, 20));
  const ids = ranksOf(name);
  assert.equal(ids.length, 2, `${ids.length} processes`);
  process.kill(ids[to], signal);
  return ended;
}

async function killed(
  launcher: readonly string[],
  name: string,
  victim: 0 | 1,
  typed?: readonly string[],
): Promise<void> {
  const { code } = await signalled(launcher, name, { to: victim, signal: 'SIGKILL', typed });
  assert.notEqual(code, 0);
  assert.ok(!existsSync(join(stageOf(name), last)), 'it was over before it was killed');
  console.log(`${name}: process ${victim + 1} of 2 killed after step 5; the job ended with ${code}`);
}

/** The second process is asked to stop, and both do; the same command resumes. */
async function stopped(launcher: readonly string[], name: string): Promise<void> {
  const { code, said } = await signalled(launcher, name, { to: 1, signal: 'SIGTERM' });
  assert.equal(code, 130, said);
  assert.match(said, /stopped at step \d+ of/);
  assert.ok(!existsSync(join(stageOf(name), last)), 'it was over before it was asked to stop');
  await finished(launcher, name);
  compare(name);
}

/** One of two is killed after a checkpoint, and the job resumes to the digest of `undisturbed`, the training that nothing happened to. */
async function killedAndResumed(
  launcher: readonly string[],
  name: string,
  victim: 0 | 1,
  { undisturbed, copy, typed }: { undisturbed: string; copy?: string; typed?: readonly string[] },
): Promise<void> {
  await killed(launcher, name, victim, typed);
  if (copy !== undefined) cpSync(join(folder, name), join(folder, copy), { recursive: true });
  await finished(launcher, name, typed);
  assert.equal(await digestOf(name), await digestOf(undisturbed));
  console.log(`${name}: resumed to the digest of an undisturbed training`);
}

/** Fine-tuning of the base. */
const tuning = (): string[] => [
  ...['sft', '--from', join(stageOf('one'), last), '--data', 'examples/conversations.jsonl'],
  ...setOf(['sft.train.steps=8']),
];

/** Layers in shares: the losses of one process, one of two killed, and what they began finished by three that hold all weights. */
async function layersInShares(ranks: (count: number) => string[], name: string): Promise<void> {
  const pretrainingInShares = [...pretraining, ...inShares('pretrain')];
  await finished(ranks(2), `${name}-shares`, pretrainingInShares);
  compare(`${name}-shares`);
  await finished(ranks(4), `${name}-shares-four`, pretrainingInShares);
  compare(`${name}-shares-four`);
  await finished(ranks(4), `${name}-shares-chat`, [...tuning(), ...inShares('sft')]);
  compare(`${name}-shares-chat`, 'chat');
  const own = `${name}-shares-killed`;
  const undisturbed = `${name}-shares`;
  await killedAndResumed(ranks(2), own, 1, { undisturbed, copy: `${own}-on-three`, typed: pretrainingInShares });
  await finished(ranks(3), `${own}-on-three`);
  compare(`${own}-on-three`, 'one', { killedAfter: 5 });
}

/** Of each MPI that is installed. */
const launchers = (['mpirun.openmpi', 'mpirun.mpich'] as const).filter((mpirun) => {
  const isThere = spawnSync(mpirun, ['--version']).status === 0;
  if (!isThere) console.log(`${mpirun}: skipped, it is not installed`);
  return isThere;
});
const nameOf = (mpirun: string): string => mpirun.slice('mpirun.'.length);

/** Two ranks that share nothing but a wire and the file system. */
async function onHosts(): Promise<void> {
  const hosts = makeHosts(folder);
  if (typeof hosts === 'string') {
    console.log(`hosts of their own: skipped, ${hosts}`);
    return;
  }
  try {
    for (const mpirun of launchers) {
      const name = `${nameOf(mpirun)}-hosts`;
      const launcher = hosts.launcher(mpirun);
      const before = hosts.sent();
      await finished(launcher, name);
      compare(name);
      console.log(`${name}: ${((hosts.sent() - before) / 2 ** 20).toFixed(1)} MiB went from one to the other`);
      for (const victim of [0, 1] as const) {
        await killedAndResumed(launcher, `${name}-killed-${victim}`, victim, { undisturbed: name });
      }
    }
  } finally {
    hosts.remove();
  }
}

async function onOneHost(): Promise<void> {
  const chat = join(folder, 'chat', 'sft', 'step-000008');
  await finished([], 'chat', tuning());
  const few = (stage: string): string[] => setOf([`${stage}.train.steps=4`, `${stage}.train.batchSize=4`]);
  const preferences = ['--from', chat, '--data', 'examples/pairs.jsonl'];
  const learning: Record<string, string[]> = {
    dpo: [
      'align',
      ...preferences,
      ...few('align'),
      ...setOf(['align.replay.instructions=0.2', `align.replay.data=${process.cwd()}/examples/conversations.jsonl`]),
    ],
    kto: ['align', ...preferences, ...few('align'), ...setOf(['align.method=kto'])],
    reward: ['align', '--only', 'reward-model', ...preferences, ...few('rewardModel')],
  };
  for (const [name, typed] of Object.entries(learning)) await finished([], `one-${name}`, typed);
  for (const mpirun of launchers) {
    const ranks = (count: number) => [
      mpirun,
      ...(mpirun.endsWith('openmpi') ? ['--oversubscribe'] : []),
      '-n',
      String(count),
    ];
    const name = nameOf(mpirun);
    compareTiny(ranks, name);
    await finished(ranks(2), name);
    compare(name);
    await finished(ranks(4), `${name}-four`);
    compare(`${name}-four`);
    for (const [method, typed] of Object.entries(learning)) {
      await finished(ranks(method === 'dpo' ? 4 : 2), `${name}-${method}`, typed);
      compare(`${name}-${method}`, `one-${method}`);
    }
    await stopped(ranks(2), `${name}-stopped`);
    await layersInShares(ranks, name);
    for (const victim of [0, 1] as const) {
      const copy = victim === 0 ? `${name}-on-three` : undefined;
      await killedAndResumed(ranks(2), `${name}-killed-${victim}`, victim, { undisturbed: name, copy });
    }
    await finished(ranks(3), `${name}-on-three`);
    compare(`${name}-on-three`, 'one', { killedAfter: 5 });
  }
}

await finished([], 'one');
await onHosts();
if (options.only === undefined) await onOneHost();
if (options.folder === undefined) rmSync(folder, { recursive: true });
