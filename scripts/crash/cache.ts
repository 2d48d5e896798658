// npm run test:crash-cache: two builds share one cold cache, are killed at random instants and begun again; then every
// file of a cache is damaged: each build must end in the whole corpus, or then in an error that names the file.
//   --kills 20  --seed 1  --sources (src/ through tsx, not dist/)  --folder PATH (kept where it goes wrong)
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildUndisturbed, cacheRound, damageRound } from './cache-rounds.js';
import { openCacheWorld } from './cache-world.js';
import { killOptions, openKills } from './kills.js';

const { values: options } = parseArgs({ options: killOptions });
const { folder, command, random } = openKills('crash-cache', options);
const world = await openCacheWorld(folder, { milliseconds: 400, documentsPerFile: 1500 });
const trial = { world, command, random };
console.log(`seed ${options.seed}, in ${folder}`);
const reference = await buildUndisturbed(trial, join(folder, 'undisturbed'));
console.log(`undisturbed: ${(reference.milliseconds / 1000).toFixed(1)} s, ${world.documents} documents`);
const violations: string[] = [];
for (let kills = 0, round = 1; kills < Number(options.kills); round++) {
  const place = join(folder, `round-${round}`);
  const result = await cacheRound(trial, place, reference, Number(options.kills) - kills);
  kills += result.kills;
  console.log(`round ${round}: ${result.kills} killed, ${result.violations.length === 0 ? 'whole' : 'WRONG'}`);
  violations.push(...result.violations.map((violation) => `${place}: ${violation}`));
}
const damaged = await damageRound(trial, join(folder, 'undisturbed'), reference);
console.log(`${damaged.damages} damaged files, ${damaged.violations.length} of them believed`);
violations.push(...damaged.violations);
world.close();
for (const violation of violations) console.log(violation);
if (violations.length === 0) rmSync(folder, { recursive: true, force: true });
else console.log(`what went wrong lies in ${folder}`);
process.exitCode = violations.length === 0 ? 0 : 1;
