// npm run test:rollouts: does a round of alignment raise the reward of a model that acts in the small world? A model begins with
// nothing, reads what happens in small houses, learns to act there from a few conversations, and is then aligned by what
// its own calls came to. Prints the figures of the gate; exits 0 where the round was promoted and its gain is beyond chance.
//   --folder PATH (kept)  --set KEY=VALUE (of the run; may be repeated)
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeRows } from './rows.js';

const { values: options } = parseArgs({
  options: { folder: { type: 'string' }, set: { type: 'string', multiple: true, default: [] } },
});
const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'mossctl-rollouts-'));
mkdirSync(folder, { recursive: true });
await writeRows(folder);
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
for (const name of ['data.yaml', 'pipeline.yaml']) copyFileSync(here(name), join(folder, name));

const run = join(folder, 'run');
const set = options.set.flatMap((setting) => ['--set', setting]);
const command = [here('../../bin/mossctl.js'), 'run', join(folder, 'pipeline.yaml'), '--out', run, ...set];
const { status } = spawnSync(process.execPath, command, { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);

interface Round {
  gate: { promoted: boolean; text: string; curve: { alpha: number; gains: { reward?: { low: number } } }[] };
}
const { gate } = JSON.parse(readFileSync(join(run, 'align/round-01/round.json'), 'utf8')) as Round;
const best = Math.max(...gate.curve.map(({ gains }) => gains.reward?.low ?? Number.NEGATIVE_INFINITY));
console.log(`${gate.text}; the surest gain of reward is above ${best.toFixed(3)}`);
writeFileSync(join(folder, 'result.json'), JSON.stringify(gate, null, 2));
const isRaised = gate.promoted && best > 0;
if (options.folder === undefined && isRaised) rmSync(folder, { recursive: true, force: true });
else console.log(`the run lies in ${folder}`);
process.exitCode = isRaised ? 0 : 1;
