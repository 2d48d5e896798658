import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureFilter } from '../../src/bench/filter.js';

test('filter: as many as asked are accepted, some are not, and the sample agrees with comparing every pair', async () => {
  const { accepted, judged, sampled, equal, compared, pairsPerSecond, ofQuadratic } = await measureFilter({
    accepted: 400,
    sample: 200,
    seed: 1,
  });
  assert.equal(accepted, 400);
  assert.ok(judged > 420 && judged < 800, `${judged} judged`);
  assert.deepEqual([sampled, equal], [200, 200]);
  assert.ok(compared > 0 && compared < 0.5, `${compared} of the pairs were compared`);
  for (const figure of [pairsPerSecond, ofQuadratic]) assert.ok(figure !== null && figure > 0);
});
