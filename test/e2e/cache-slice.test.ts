// A slice of `npm run test:crash-cache`: two builds on one cold cache, killed a few times, end in the whole corpus.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildUndisturbed, cacheRound } from '../../scripts/crash/cache-rounds.js';
import { openCacheWorld } from '../../scripts/crash/cache-world.js';
import { commands } from '../../scripts/crash/session.js';
import { Random } from '../../src/base/random.js';

test('two builds that fetch the same at once, killed at random instants and begun again, are whole', async (t) => {
  const seed = Number(process.env.CRASH_SEED ?? Date.now() % 2 ** 32);
  t.diagnostic(`CRASH_SEED=${seed}`);
  const folder = await mkdtemp(join(tmpdir(), 'mossctl-cache-slice-'));
  const world = await openCacheWorld(folder, { milliseconds: 400, documentsPerFile: 100 });
  try {
    const trial = { world, command: commands.sources, random: Random.stream(seed, 'cache-slice') };
    const reference = await buildUndisturbed(trial, join(folder, 'undisturbed'));
    const { kills, violations } = await cacheRound(trial, join(folder, 'round'), reference, 2);
    t.diagnostic(`${kills} kills`);
    assert.deepEqual(violations, []);
  } finally {
    world.close();
    await rm(folder, { recursive: true, force: true });
  }
});
