// Which engine is loaded: the named one, the one compiled here, the prebuilt one; and that a prebuilt one which is not as its
// manifest says is refused, in words.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { densestProducts } from '../../scripts/neon-products.js';
import { UserError } from '../../src/base/errors.js';
import { describeAddon, loadAddon } from '../../src/tensor/native/addon.js';
import { findEngine, prebuiltEngine, prebuiltName } from '../../src/tensor/native/engine-file.js';

let folder = '';
const folders: string[] = [];
const chosen = process.env.MOSSCTL_NATIVE;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mossctl-engines-'));
  folders.push(folder);
  await mkdir(join(folder, 'prebuilt'));
  await mkdir(join(folder, 'build'));
  delete process.env.MOSSCTL_NATIVE;
});
after(async () => {
  for (const each of folders) await rm(each, { recursive: true });
  if (chosen !== undefined) process.env.MOSSCTL_NATIVE = chosen;
});

const local = () => join(folder, 'build', `mossctl-${process.platform}-${process.arch}.node`);
const prebuilt = () => join(folder, 'prebuilt', prebuiltName());

function rowOf(bytes: Buffer): Record<string, unknown> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const rest = { compiler: 'zig', target: 'here', instructionSets: ['avx2'], flags: [], sources: '0'.repeat(64) };
  return { name: prebuiltName(), sha256, bytes: bytes.length, ...rest };
}

async function writeManifest(...engines: Record<string, unknown>[]): Promise<void> {
  await writeFile(join(folder, 'prebuilt', 'manifest.json'), JSON.stringify({ format: 1, engines }));
}

function refusal(): string {
  try {
    findEngine(folder);
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    return error.message;
  }
  throw new Error('it was found');
}

test('the named engine comes before the one compiled here, that before the prebuilt one', async () => {
  assert.deepEqual(findEngine(folder), { path: local(), origin: 'local' });
  const bytes = Buffer.from('engine');
  await writeFile(prebuilt(), bytes);
  assert.equal(findEngine(folder).origin, 'local', 'a file that no manifest names is none of ours');
  await writeManifest({ ...rowOf(bytes), name: 'mossctl-plan9-x64.node' });
  assert.equal(findEngine(folder).origin, 'local');
  await writeManifest(rowOf(bytes));
  const found = findEngine(folder);
  assert.deepEqual([found.origin, found.path, found.prebuilt?.compiler], ['prebuilt', prebuilt(), 'zig']);
  await writeFile(local(), '');
  assert.deepEqual(findEngine(folder), { path: local(), origin: 'local' });
  process.env.MOSSCTL_NATIVE = '/elsewhere.node';
  assert.deepEqual(findEngine(folder), { path: '/elsewhere.node', origin: 'chosen' });
});

test('a prebuilt engine that is cut, changed or gone, and a manifest that is none, are named with what to type', async () => {
  const bytes = Buffer.from('engine');
  await writeManifest(rowOf(bytes));
  assert.match(refusal(), /not as it was packed\. It is not there\. Install .*`mossctl native build`/);
  for (const wrong of ['engin', 'enginE', 'engine\0', '']) {
    await writeFile(prebuilt(), wrong);
    assert.match(refusal(), /sha256 is not the one in manifest\.json/);
  }
  await writeFile(prebuilt(), bytes);
  assert.equal(findEngine(folder).origin, 'prebuilt');
  for (const text of [
    '',
    '{',
    '[]',
    '{"format":2,"engines":[]}',
    JSON.stringify({ format: 1, engines: [{ ...rowOf(bytes), name: '../../x.node' }] }),
  ]) {
    await writeFile(join(folder, 'prebuilt', 'manifest.json'), text);
    assert.match(refusal(), /manifest\.json: .*not a list of engines/i, text);
  }
});

test('an engine by its name: a Node on musl has one of its own', () => {
  assert.equal(prebuiltName('linux', 'arm64', false), 'mossctl-linux-arm64.node');
  assert.equal(prebuiltName('linux', 'x64', true), 'mossctl-linux-x64-musl.node');
  assert.equal(prebuiltName('win32', 'x64', false), 'mossctl-win32-x64.node');
});

test('the engine that is compiled here loads as a prebuilt one', async (t) => {
  const here = findEngine();
  const bytes = await readFile(here.path).catch(() => undefined);
  if (bytes === undefined) return t.skip('no engine here');
  await copyFile(here.path, prebuilt());
  await writeManifest(rowOf(bytes));
  const engine = prebuiltEngine(folder);
  assert.ok(engine);
  assert.equal(describeAddon(loadAddon(engine.path)), describeAddon(loadAddon(here.path)));
});

test('fused products of four floats are counted in arm64 code: by vector, by element, and nothing else', () => {
  // fmla v0.4s, v1.4s, v2.4s; fmla v0.4s, v1.4s, v2.s[1]; fmul v0.4s, v1.4s, v2.4s; fmla v0.2d, v1.2d, v2.2d; nop
  const words = [0x4e22cc20, 0x4fa21020, 0x6e22dc20, 0x4e62cc20, 0xd503201f];
  const bytes = Buffer.alloc(4 * words.length);
  words.forEach((word, i) => {
    bytes.writeUInt32LE(word, 4 * i);
  });
  assert.deepEqual(densestProducts(bytes), { total: 2, densest: 2 });
  assert.deepEqual(densestProducts(bytes, 1), { total: 2, densest: 1 });
});
