// npm run test:fuzz: damaged inputs for every reader of outside files, in child processes of bounded memory.
//   --inputs 100000 (in all)  --seed 1  --reader NAME  --out FOLDER (keeps what broke a reader)  --replay FILE
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { hangMilliseconds, heapMebibytes, runBatch } from './batch.js';
import { openReaders, type Reader, shares } from './readers.js';
import { inputOf, maxMebibytes, maxMilliseconds, type Outcome, tryInput } from './try-input.js';

const inputsPerChild = 500;

const { values: options } = parseArgs({
  options: {
    inputs: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    reader: { type: 'string', multiple: true },
    out: { type: 'string', default: join(tmpdir(), 'mossctl-fuzz-faults') },
    replay: { type: 'string' },
  },
});
const seed = Number(options.seed);
const columns = ['inputs', 'accepted', 'refused', 'slowest ms', 'peak MiB', 'faults'];

const folder = await mkdtemp(join(tmpdir(), 'mossctl-fuzz-'));
try {
  const readers = await openReaders(folder);
  process.exitCode = options.replay === undefined ? await fuzz(readers) : await replay(readers, options.replay);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function fuzz(all: readonly Reader[]): Promise<number> {
  const readers = all.filter(({ name }) => options.reader?.includes(name) ?? true);
  const counts = shares(readers, Number(options.inputs));
  console.log(`seed ${seed}; inputs of at most 1 MiB for ${readers.length} readers`);
  console.log(
    `the bounds: ${maxMilliseconds} ms of processor time, ${hangMilliseconds / 1000} s of silence, ` +
      `${maxMebibytes} MiB more for one input, ${heapMebibytes} MiB of JavaScript heap; nothing but a UserError comes out\n`,
  );
  console.log(lineOf('reader', columns));
  let inputs = 0;
  let faults = 0;
  for (const [i, reader] of readers.entries()) {
    const row = await fuzzReader(reader, counts[i]);
    console.log(lineOf(reader.name, Object.values(row)));
    inputs += row.inputs;
    faults += row.faults;
  }
  console.log(`\n${inputs} inputs, ${faults} faults${faults === 0 ? '' : `, kept in ${options.out}`}`);
  return faults === 0 && inputs > 0 ? 0 : 1;
}

async function fuzzReader(reader: Reader, count: number) {
  const row = { inputs: 0, accepted: 0, refused: 0, slowest: 0, peak: 0, faults: 0 };
  const kept: Promise<void>[] = [];
  const take = (index: number, outcome: Outcome): void => {
    row.inputs++;
    if (outcome.verdict === 'accepted') row.accepted++;
    if (outcome.verdict === 'refused') row.refused++;
    row.slowest = Math.max(row.slowest, outcome.milliseconds);
    row.peak = Math.max(row.peak, outcome.mebibytes);
    if (outcome.verdict !== 'fault') return;
    row.faults++;
    kept.push(keep(reader, index, outcome.why ?? ''));
  };
  for (let next = 0; next < count; ) {
    const batch = { seed, reader: reader.name, from: next, count: Math.min(inputsPerChild, count - next) };
    next = await runBatch(batch, take);
  }
  await Promise.all(kept);
  return row;
}

function lineOf(name: string, cells: readonly (string | number)[]): string {
  const shown = cells.map((cell) => (typeof cell === 'number' ? String(Math.round(cell)) : cell).padStart(11));
  return name.padEnd(24) + shown.join('');
}

/** The input under a name that says which reader it broke; only the first words of a fault are shown. */
async function keep(reader: Reader, index: number, why: string): Promise<void> {
  await mkdir(options.out, { recursive: true });
  const path = join(options.out, `${reader.name.replaceAll(/[^\w.]+/g, '-')}.${seed}.${index}`);
  await writeFile(path, inputOf(reader, seed, index));
  console.log(`  fault of ${reader.name}: ${why.split('\n').slice(0, 6).join('\n    ')}`);
  console.log(`    npm run test:fuzz -- --reader '${reader.name}' --replay ${path}`);
}

/** Reads one kept input here, and says all that came of it. */
async function replay(readers: readonly Reader[], path: string): Promise<number> {
  const slug = basename(path).replace(/\.\d+\.\d+$/, '');
  const reader = readers.find(({ name }) => name === options.reader?.[0] || name.replaceAll(/[^\w.]+/g, '-') === slug);
  if (reader === undefined) throw new Error(`${path} names no reader: give --reader NAME`);
  await tryInput(reader, reader.seeds[0]);
  const outcome = await tryInput(reader, await readFile(path));
  console.log(outcome);
  return outcome.verdict === 'fault' ? 1 : 0;
}
