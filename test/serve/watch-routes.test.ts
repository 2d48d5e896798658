// What a promoted round does to the models that are served, and what undoing it leaves.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ServedModels } from '../../src/serve/models.js';
import { Promotions } from '../../src/serve/promotions.js';
import { saveTrained, temporaryFolder } from './world.js';

const { folder, remove } = await temporaryFolder();
after(remove);

test('undoing a round never brings back one that was undone', async () => {
  const base = join(folder, 'base');
  await saveTrained(base, 0);
  const models = await ServedModels.find([base]);
  const rounds = new Promotions(models);
  for (const id of ['feedback-1', 'feedback-2', 'feedback-3']) await rounds.offer(id, base);
  assert.equal(models.default.id, 'feedback-3');
  assert.equal(rounds.withdraw('feedback-2'), 'feedback-3'); // not the default: that stays
  assert.equal(rounds.withdraw('feedback-3'), 'feedback-1');
  assert.equal(rounds.withdraw('feedback-1'), 'base');
  assert.equal(rounds.withdraw('feedback-3'), 'base');
  await models.close();
});
