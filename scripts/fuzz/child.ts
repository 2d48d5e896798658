// A process that may die of its input: `child.ts SEED READER FROM COUNT`. It says on descriptor 3 which input comes next,
// then what came of it, each in one unbuffered line: whatever happens, the parent knows which input it was.

import { writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openReaders } from './readers.js';
import { inputOf, tryInput } from './try-input.js';

const [seed, name, from, count] = [
  Number(process.argv[2]),
  process.argv[3],
  Number(process.argv[4]),
  Number(process.argv[5]),
];
const say = (line: unknown): number => writeSync(3, `${JSON.stringify(line)}\n`);
process.env.FUZZ_SECRET = 'fuzz-secret';
process.on('uncaughtException', (error) => {
  say({ uncaught: error.stack ?? error.message });
  process.exit(70);
});

const folder = await mkdtemp(join(tmpdir(), 'mossctl-fuzz-'));
try {
  const reader = (await openReaders(folder)).find((one) => one.name === name);
  if (reader === undefined) throw new Error(`there is no reader ${name}`);
  await tryInput(reader, reader.seeds[0]); // what is loaded and compiled once is no input's doing
  for (let index = from; index < from + count; index++) {
    say({ index });
    say({ outcome: await tryInput(reader, inputOf(reader, seed, index)) });
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
