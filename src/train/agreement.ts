// What ranks must have in common: what they train, from which checkpoint, and, before the first step and at each save, weights of
// the same bits.
import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { isTrained, type ParameterSpec } from '../architecture/parameters.js';
import { UserError } from '../base/errors.js';
import { countOf } from '../base/format.js';
import { identifyDirectory } from '../checkpoint/directory.js';
import type { ManifestFields } from '../checkpoint/manifest.js';
import { type Model, matrixOf } from '../model/model.js';
import type { StageReporter } from '../report/event.js';
import { instructionSet } from '../tensor/backends.js';
import type { Communicator } from '../tensor/communicator.js';
import { readInto } from '../tensor/host.js';
import { heldIn } from '../tensor/matrix.js';
import { reshape, slice, type Tensor, tidy } from '../tensor/tf.js';
import { wholeRows } from './exchange.js';
import { settingsThatDiffer } from './foreign.js';
import type { CheckpointName } from './resume.js';
import { firstOf } from './spikes.js';

interface AgreedTraining {
  manifest: Pick<ManifestFields, 'stage' | 'backend' | 'precision' | 'threads' | 'inputDigest' | 'settings'>;
  reporter: Pick<StageReporter, 'note'>;
}

/**
 * Says who trains together, and warns where they compute on other terms.
 * @param engine given only by tests.
 * @throws UserError where the ranks would not train the same.
 */
export async function checkSameTraining(
  { gather, size, transport }: Pick<Communicator, 'gather' | 'size' | 'transport'>,
  { manifest: { stage, backend, precision, threads, inputDigest, settings }, reporter }: AgreedTraining,
  engine = instructionSet(),
): Promise<void> {
  if (size === 1) return;
  const must = { backend, precision, data: inputDigest };
  const all = await gather({ must, settings: JSON.stringify(settings), threads, engine });
  const [first] = all;
  for (const [rank, { must: other, settings: own }] of all.entries()) {
    const differ = (Object.keys(must) as (keyof typeof must)[]).filter((key) => other[key] !== first.must[key]);
    const keys = settingsThatDiffer(stage, JSON.parse(first.settings), JSON.parse(own), () => false);
    if (differ.length + keys.length === 0) continue;
    const [key] = differ;
    throw new UserError({
      what: `the ranks differ in ${firstOf([...differ, ...keys])}, so they cannot train together`,
      why:
        key === undefined
          ? `rank ${rank} was given other settings than rank 0`
          : `rank ${rank} has ${other[key]}, rank 0 has ${first.must[key]}`,
      next: 'Install the same mossctl on all machines, share the run folder between them, and name the backend (--backend)',
    });
  }
  const isAlike = all.every((other) => other.threads === threads);
  const who = `${size} processes over ${transport}`;
  reporter.note('info', threads === null || !isAlike ? who : `${who}, ${countOf(threads, 'thread')} each`);
  const drift =
    'sums may be rounded otherwise there, so machines of one kind would not give the same bits, and all wait for the slowest';
  const slower = all.findIndex((other) => other.threads !== first.threads);
  if (slower !== -1) {
    const text = `rank ${slower} computes with ${threadsInWords(all[slower])}, rank 0 with ${threadsInWords(first)}: ${drift}. Give all of them the same --threads`;
    reporter.note('warning', text);
  }
  const other = all.findIndex((each) => each.engine !== first.engine);
  if (other !== -1) {
    const text = `rank ${other} computes with the instructions ${all[other].engine ?? 'of its backend'}, rank 0 with ${first.engine ?? 'those of its backend'}: ${drift}. Start them on processors of one kind`;
    reporter.note('warning', text);
  }
}

function threadsInWords({ threads }: { threads: number | null }): string {
  return threads === null ? 'threads of its own choice' : countOf(threads, 'thread');
}

/** Where a training is: for the error where ranks are no longer the same. */
interface TrainingPoint {
  stage: string;
  step: number;
  /** The newest whole checkpoint: of this very step where it was read a moment ago. */
  last?: { step: number; path: string };
}

/** Hexadecimal digits of a digest that are compared: 64 bits. */
const comparedDigits = 16;
/** Numbers that are read and hashed at a time: 4 MiB. */
const sliceElements = 1 << 20;

/**
 * Compares the bits of weights. Costs the time that it takes to read and hash them, and memory for a slice of one. Of what
 * ranks hold in shares no two have the same, and nothing is compared.
 * @param rows which: what nobody trains is worth it only where it was just read.
 * @throws UserError (exit code 1) on all ranks, naming the first weight that is not the same.
 */
export async function checkSameWeights(
  { gather, size }: Pick<Communicator, 'gather' | 'size'>,
  model: Model,
  point: TrainingPoint,
  rows: readonly ParameterSpec[] = model.parameters,
): Promise<void> {
  if (size === 1) return;
  const compared = wholeRows(model, rows);
  const held = compared.map((row) => ({ row, value: heldIn(matrixOf(model, row.name)) }));
  const scratch = new Int32Array(Math.min(sliceElements, Math.max(1, ...held.map(({ value }) => value.size))));
  const own: string[] = [];
  for (const { value } of held) own.push(await digestOf(value, scratch));
  const all = await gather(own);
  const rank = all.findIndex((digests) => digests.some((digest, i) => digest !== all[0][i]));
  if (rank === -1) return;
  const differ = compared.filter((_, i) => all[rank][i] !== all[0][i]);
  throw notTheSame(point, { rank, differ, count: compared.length });
}

/** @param scratch of as many numbers as are read at a time. */
async function digestOf(value: Tensor, scratch: Int32Array<ArrayBuffer>): Promise<string> {
  const hash = createHash('sha256');
  for (let from = 0; from < value.size; from += scratch.length) {
    const length = Math.min(scratch.length, value.size - from);
    const part = tidy(() => slice(reshape(value, [-1]), [from], [length]));
    // The same memory as what the tensor holds: bits of float32, or two bf16 in each word.
    const Numbers = part.dtype === 'int32' ? Int32Array : Float32Array;
    const values = new Numbers(scratch.buffer, 0, length);
    try {
      await readInto(part, values);
    } finally {
      part.dispose();
    }
    hash.update(new Uint8Array(scratch.buffer, 0, values.byteLength));
  }
  return hash.digest('hex').slice(0, comparedDigits);
}

interface OtherWeights {
  rank: number;
  differ: readonly ParameterSpec[];
  /** Of how many. */
  count: number;
}

function notTheSame({ stage, step, last }: TrainingPoint, { rank, differ, count }: OtherWeights): UserError {
  const where = `${stage}, step ${step}`;
  const [{ name }] = differ;
  if (last?.step === step && differ.some(isTrained)) {
    const fault = {
      where,
      what: `rank ${rank} has read other weights than rank 0 from ${last.path}, so they cannot train together`,
      why: `${differ.length} of ${count} tensors are not the same, ${name} first`,
      next: 'Compare the files of that folder on both machines (sha256sum); where they are the same, a machine reads or computes wrongly: start without it',
    };
    return new UserError(fault, { exitCode: 1 });
  }
  const from =
    last === undefined ? 'begins again' : `resumes from step ${last.step}, which all of them read (${last.path})`;
  const fault = {
    where,
    what: 'the weights of the processes are no longer the same, so they cannot train together any further',
    why: `rank ${rank} has others than rank 0 in ${differ.length} of ${count} tensors, ${name} first`,
    next: `The same command ${from}. Start the processes on machines of one kind, with the same --threads; where it happens there too, a machine computes wrongly`,
  };
  return new UserError(fault, { exitCode: 1 });
}

/** How long a file system may take to show other machines what the first rank has written or found there. */
const patience = { seconds: 30, everyMilliseconds: 250 };

/**
 * Waits until every rank sees what the first one has found, and only looks.
 * @throws UserError on all ranks where one does not.
 */
export async function seenByAll(
  { gather, rank, size }: Pick<Communicator, 'gather' | 'rank' | 'size'>,
  { path, digest }: CheckpointName,
  { seconds, everyMilliseconds } = patience,
): Promise<void> {
  if (size === 1) return;
  const isSeen = async (): Promise<boolean> => {
    const found = await identifyDirectory(path).catch(() => undefined);
    return found?.digest === digest;
  };
  const until = performance.now() + 1000 * seconds;
  let own = rank === 0 || (await isSeen());
  while (!own && performance.now() < until) {
    await setTimeout(everyMilliseconds);
    own = await isSeen();
  }
  const blind = (await gather(own)).indexOf(false);
  if (blind === -1) return;
  throw new UserError({
    where: path,
    what: `rank ${blind} does not see this checkpoint, which rank 0 has found`,
    why: `it has looked for ${seconds} s`,
    next: 'Give a run folder (--out) on a file system that all machines share',
  });
}
