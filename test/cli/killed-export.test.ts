// Exports and imports that are killed while they write: what a signal ends leaves nothing, what SIGKILL leaves is cleared
// away by the next one, and nothing that is there already is ever replaced.
import assert from 'node:assert/strict';
import { watch } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sizeOf } from '../../src/base/host-tensor.js';
import { readSafetensors } from '../../src/checkpoint/safetensors.js';
import { writeWeights } from '../../src/checkpoint/weights.js';
import { mossctl } from '../e2e/cli.js';

const llama = fileURLToPath(new URL('../interop/fixtures/llama-3.2', import.meta.url));
let folder = '';
let model = '';
/** Writing it takes long enough to be killed in the middle. */
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'killed-'));
  model = join(folder, 'model');
  await cp(llama, model, { recursive: true });
  const config = JSON.parse(await readFile(join(model, 'config.json'), 'utf8'));
  const layers = 40;
  const width = 2000;
  await writeFile(
    join(model, 'config.json'),
    JSON.stringify({ ...config, num_hidden_layers: layers, intermediate_size: width * 20 }),
  );
  const small = await readSafetensors(join(model, 'model.safetensors'));
  const tensors = [...small.values()].flatMap((tensor) => {
    const layer = /^model\.layers\.(\d+)\./.exec(tensor.name)?.[1];
    if (layer === undefined) return [tensor];
    if (layer !== '0') return [];
    const shape = tensor.shape.map((length) => (length === config.intermediate_size ? width * 20 : length));
    const data = new Float32Array(sizeOf(shape)).fill(0.01);
    return Array.from({ length: layers }, (_, i) => ({ name: tensor.name.replace('.0.', `.${i}.`), shape, data }));
  });
  await writeWeights(model, tensors);
});
after(() => rm(folder, { recursive: true, force: true }));

/** The command, killed once it has begun to write beside `out`. */
async function killed(command: readonly string[], out: string, signal: NodeJS.Signals) {
  const stop = new AbortController();
  const before = new Set(await readdir(folder));
  const finished = mossctl([...command, '--out', join(folder, out)], {
    onStart: (child) => {
      watch(folder, { signal: stop.signal }, (_, name) => {
        if (name?.startsWith(`.tmp-${out}-`) && !before.has(name)) child.kill(signal);
      });
    },
  });
  const { code, signal: by, stderr } = await finished;
  stop.abort();
  return { code, by, stderr, left: (await readdir(folder)).filter((name) => name !== 'model') };
}

test('killed at once, what is left is half-written and hidden; the next try clears it away and a signal leaves nothing', async () => {
  const gguf = ['export', model, '--format', 'gguf', '--dtype', 'q8_0'];
  const first = await killed(gguf, 'model.gguf', 'SIGKILL');
  assert.equal(first.by, 'SIGKILL', 'it was faster than the signal');
  assert.equal(first.left.length, 1, first.left.join());
  assert.match(first.left[0], /^\.tmp-model\.gguf-\d+-[0-9a-f]{8}$/);
  // What lives is left alone.
  const living = `.tmp-model.gguf-${process.pid}-00000000`;
  await writeFile(join(folder, living), '');
  const second = await killed(gguf, 'model.gguf', 'SIGTERM');
  assert.equal(second.code, 130, second.stderr);
  assert.match(second.stderr, /interrupted while writing .*model\.gguf: nothing of it is left/);
  assert.deepEqual(second.left, [living]);
  await rm(join(folder, living));
});

for (const [name, command] of [
  ['a folder for other tools', ['export', '--dtype', 'bf16']],
  ['an import', ['import']],
] as const) {
  test(`${name}: SIGINT leaves nothing, SIGKILL nothing for good`, async () => {
    const typed = [command[0], model, ...command.slice(1)];
    const first = await killed(typed, 'made', 'SIGKILL');
    assert.equal(first.left.length, 1, first.left.join());
    const second = await killed(typed, 'made', 'SIGINT');
    assert.equal(second.code, 130, second.stderr);
    assert.deepEqual(second.left, []);
  });
}

test('nothing is replaced: a link that leads nowhere is something, too', async () => {
  const out = join(folder, 'link');
  await symlink('nowhere', out);
  const { code, stderr } = await mossctl(['export', llama, '--out', out]);
  assert.equal(code, 2);
  assert.match(stderr, /link: there is something here already/);
  await rm(out);
  // A folder for it is made.
  const deep = join(folder, 'deep', 'deeper');
  await mkdir(join(folder, 'deep'));
  const made = await mossctl(['export', llama, '--format', 'gguf', '--out', join(deep, 'model.gguf')]);
  assert.equal(made.code, 0, made.stderr);
  assert.deepEqual((await readdir(deep)).sort(), ['Modelfile', 'model.gguf']);
});
