// A slice of `npm run test:fuzz`, in this process: damaged inputs for every reader of outside files. Nothing but a
// UserError may come out, within the time and the memory that scripts/fuzz declares.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openReaders } from '../../scripts/fuzz/readers.js';
import { inputOf, maxMebibytes, tryInput } from '../../scripts/fuzz/try-input.js';
import { UserError } from '../../src/base/errors.js';

const inputs = 200;
const seed = 20_251;

process.env.FUZZ_SECRET = 'fuzz-secret';
const folder = mkdtempSync(join(tmpdir(), 'mossctl-fuzz-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const readers = await openReaders(folder);

for (const reader of readers) {
  const count = Math.ceil(inputs * (reader.weight ?? 1));
  test(`${reader.name}: ${count} damaged inputs`, async () => {
    const verdicts = { accepted: 0, refused: 0, fault: 0 };
    await tryInput(reader, reader.seeds[0]);
    for (let index = 0; index < count; index++) {
      const { verdict, why } = await tryInput(reader, inputOf(reader, seed, index));
      assert.notEqual(verdict, 'fault', `input ${index} of seed ${seed}: ${why}`);
      verdicts[verdict]++;
    }
    assert.ok(verdicts.accepted > 0, 'no input was accepted: the reader was hardly tried');
    if (reader.name !== 'metrics.jsonl') assert.ok(verdicts.refused > 0, 'no input was refused'); // it skips broken lines
  });
}

test('the judge knows a fault: another error, too much memory, a changed prototype', async () => {
  const verdictOf = async (read: () => Promise<void>): Promise<string> => {
    const { verdict } = await tryInput({ name: 'x', seeds: [], mutate: (_, bytes) => bytes, read }, Buffer.alloc(0));
    return verdict;
  };
  const kept: unknown[] = [];
  const objectPrototype = Object.prototype as Record<string, unknown>;
  assert.equal(await verdictOf(async () => undefined), 'accepted');
  assert.equal(await verdictOf(() => Promise.reject(new UserError({ what: 'no' }))), 'refused');
  assert.equal(await verdictOf(() => Promise.reject(new TypeError('x'))), 'fault');
  assert.equal(await verdictOf(async () => void kept.push(new ArrayBuffer((maxMebibytes + 1) << 20))), 'fault');
  objectPrototype.polluted = true;
  assert.equal(await verdictOf(async () => undefined), 'fault');
  delete objectPrototype.polluted;
});
