// What the knobs of preferences mean together: defaults by method and loss, and combinations that are refused in words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { checkPreference, preferenceShape, resolvedPreference } from '../../src/config/preference.js';

const block = z.strictObject(preferenceShape).superRefine(checkPreference);

test('each method and each loss has its own defaults', () => {
  const plain = resolvedPreference(block.parse({}));
  assert.deepEqual(plain.losses, [{ name: 'sigmoid', weight: 1, labelSmoothing: 0 }]);
  assert.deepEqual([plain.beta, plain.sftWeight], [0.1, 0.1]);
  const { losses, sftWeight } = resolvedPreference(
    block.parse({ loss: ['robust', 'exo_pair', 'sft'], lossWeights: [0.8, 0.2, 1] }),
  );
  assert.deepEqual(losses, [
    { name: 'robust', weight: 0.8, labelSmoothing: 0.1 },
    { name: 'exo_pair', weight: 0.2, labelSmoothing: 0.001 },
    { name: 'sft', weight: 1, labelSmoothing: 0 },
  ]);
  assert.equal(sftWeight, 0, 'it is in the list');
  const simpo = resolvedPreference(block.parse({ method: 'simpo' }));
  assert.deepEqual([simpo.losses, simpo.beta, simpo.simpoGamma, simpo.sftWeight], [[], 2, 1, 0]);
  assert.equal(resolvedPreference(block.parse({ method: 'kto' })).losses[0].name, 'kto');
  assert.equal(resolvedPreference(block.parse({ method: 'cpo' })).sftWeight, 1);
});

const refused: readonly [written: object, key: string, message: RegExp][] = [
  [{ method: 'kto', loss: 'sigmoid' }, 'loss', /sigmoid is no loss of kto: it has kto, apo_zero_unpaired/],
  [{ method: 'orpo', loss: 'hinge' }, 'loss', /hinge is no loss of orpo: it has none/],
  [{ method: 'cpo', loss: ['ipo', 'robust'] }, 'loss', /robust is no loss of cpo/],
  [{ loss: ['ipo', 'ipo'] }, 'loss', /ipo twice/],
  [{ loss: ['ipo', 'sft'], lossWeights: [1] }, 'lossWeights', /1 for 2 losses \(ipo, sft\)/],
  [{ loss: ['sigmoid', 'aot'], fDivergence: 'js_divergence' }, 'fDivergence', /aot is defined for reverse_kl alone/],
  [{ method: 'cpo', fDivergence: 'forward_kl' }, 'fDivergence', /cpo is defined for reverse_kl alone/],
  [{ loss: 'exo_pair', labelSmoothing: 0 }, 'labelSmoothing', /more than 0/],
  [{ labelSmoothing: 0.1 }, 'labelSmoothing', /not read by dpo with sigmoid/],
  [{ simpoGamma: 1 }, 'simpoGamma', /not read by dpo/],
  [{ fDivergenceAlpha: 0.3 }, 'fDivergenceAlpha', /not read/],
  [{ method: 'best-of-n', beta: 0.1 }, 'beta', /not read by best-of-n/],
];

test('what does not go together is refused, at its knob', () => {
  for (const [written, key, message] of refused) {
    const issues = block.safeParse(written).error?.issues ?? [];
    assert.equal(issues.length, 1, JSON.stringify(written));
    assert.deepEqual(issues[0].path, [key]);
    assert.match(issues[0].message, message);
  }
});
