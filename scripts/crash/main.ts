// npm run test:crash: one run of every stage is killed, stopped, starved of disk space and damaged, over and over, and
// must always go on to the same result.
//   --kills 200  --fills 20  --seed 1  --sources (src/ through tsx, not dist/)  --folder PATH (kept where it goes wrong)
//   --set KEY=VALUE (of the run; may be repeated)  --stage NAME (kills in this one alone)  --pipeline tools.yaml
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '../../src/base/random.js';
import { mountSmallDisk, unmount } from './disk.js';
import { diskRound, killRound, type Reference, type RoundResult, uninterrupted, type World } from './rounds.js';
import { commands } from './session.js';
import { Table } from './table.js';

const { values: options } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    fills: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    sources: { type: 'boolean', default: false },
    set: { type: 'string', multiple: true, default: [] },
    stage: { type: 'string' },
    pipeline: { type: 'string' },
    folder: { type: 'string' },
  },
});
const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'mossctl-crash-'));
mkdirSync(folder, { recursive: true });
const world: World = {
  command: options.sources ? commands.sources : commands.built,
  random: Random.stream(Number(options.seed), 'crash'),
  table: new Table(),
  settings: options.set,
  stage: options.stage,
  pipeline: options.pipeline,
};

console.log(`seed ${options.seed}, in ${folder}`);
const reference = await uninterrupted(world, join(folder, 'whole'));
console.log(
  `uninterrupted: ${(reference.milliseconds / 1000).toFixed(1)} s, ${(reference.bytes / 2 ** 20).toFixed(1)} MiB`,
);
const results = [...(await killAll(reference)), ...(await fillAll(reference))];
console.log(`\n${world.table}\n`);
const wrong = results.filter(({ isEqual }) => !isEqual).length;
console.log(
  `damaged checkpoints passed over or made again: ${world.table.fallbacks}; refused by name: ${world.table.refusals}`,
);
console.log(
  `runs finished: ${results.length}, of them with the digests of the uninterrupted run: ${results.length - wrong}`,
);
if (wrong === 0) rmSync(folder, { recursive: true, force: true });
else console.log(`what went wrong lies in ${folder}`);
process.exitCode = wrong === 0 ? 0 : 1;

async function killAll(reference: Reference): Promise<RoundResult[]> {
  const results: RoundResult[] = [];
  for (let left = Number(options.kills); left > 0; ) {
    const run = join(folder, `round-${results.length + 1}`);
    const result = await killRound(world, run, reference, { kills: left, damageShare: 0.25 });
    left -= result.kills;
    results.push(result);
    report(`${result.kills} kills, ${left} to go`, run, result);
  }
  return results;
}

async function fillAll(reference: Reference): Promise<RoundResult[]> {
  const results: RoundResult[] = [];
  const disk = join(folder, 'disk');
  const why = mountSmallDisk(disk, 3 * reference.bytes + (16 << 20));
  if (why !== undefined) {
    console.log(`a full disk: skipped, ${why}`);
    return results;
  }
  try {
    for (let left = Number(options.fills); left > 0; ) {
      const result = await diskRound(world, disk, reference, left);
      left -= Math.max(1, result.fills);
      results.push(result);
      report(`disk filled ${result.fills} times, ${left} to go`, disk, result);
    }
  } finally {
    unmount(disk);
  }
  return results;
}

function report(what: string, run: string, { processes, isEqual, violations }: RoundResult): void {
  console.log(`${what}: ${processes} processes, ${isEqual ? 'the same result' : 'WRONG'}`);
  for (const violation of violations) console.log(`  ${run}: ${violation}`);
  if (isEqual && run !== join(folder, 'disk')) rmSync(run, { recursive: true, force: true });
}
