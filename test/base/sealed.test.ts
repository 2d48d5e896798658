// Sealed files: what was written comes back, and no changed byte does.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Random } from '../../src/base/random.js';
import { readSealed, writeSealed } from '../../src/base/sealed.js';

let path: string;
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealed-'));
  path = join(folder, 'x.json');
});
after(() => rm(folder, { recursive: true, force: true }));

test('what was written comes back; what is not there is absent', async () => {
  assert.equal(await readSealed(path), 'absent');
  const value = { b: [1.5, -0.1, null], a: { 词: 'x\n' }, 2: 'two', gone: undefined };
  await writeSealed(path, value);
  const { gone: _, ...kept } = value;
  assert.deepEqual(await readSealed(path), { value: kept });
});

test('every flipped bit and every cut is noticed', async () => {
  await writeSealed(path, { state: 'finished', steps: 12 });
  const bytes = await readFile(path);
  const random = Random.stream(1, 'sealed');
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes);
    flipped[at] ^= 1 << random.integer(0, 8);
    await writeFile(path, flipped);
    assert.equal(await readSealed(path), 'damaged', `byte ${at}`);
    await writeFile(path, bytes.subarray(0, at));
    assert.equal(await readSealed(path), 'damaged', `cut at ${at}`);
  }
});

test('a file without a seal is taken only where that is asked for', async () => {
  await writeFile(path, '{"state":"started"}');
  assert.equal(await readSealed(path), 'damaged');
  assert.deepEqual(await readSealed(path, { unsealed: true }), { value: { state: 'started' } });
});
