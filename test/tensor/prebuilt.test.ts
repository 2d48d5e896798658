// Around the prebuilt engines: what an install does with one, what is refused to be packed, and that an engine outlives the
// worker thread that loaded it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findEngine, prebuiltName } from '../../src/tensor/native/engine-file.js';

const script = (name: string): Promise<unknown> => import(new URL(`../../scripts/${name}`, import.meta.url).href);
const { isSigned } = (await script('mach-o.mjs')) as { isSigned(bytes: Buffer): boolean };
const { checkPrebuilt, recipeOf } = (await script('prebuilt.mjs')) as {
  checkPrebuilt(folder: string, sources: string): Promise<number>;
  recipeOf(platform: string, sources: string): object;
};
const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'mossctl-prebuilt-'));
after(() => rm(folder, { recursive: true }));

test('an install tries the prebuilt engine in a process of its own, and takes its word about the processor', async () => {
  const place = join(folder, 'package');
  for (const name of ['build-native.mjs', 'native-sources.mjs']) {
    await cp(join(root, 'scripts', name), join(place, 'scripts', name));
  }
  await cp(join(root, 'native/addon.cc'), join(place, 'native/addon.cc'));
  const engine = join(place, 'engine.cjs');
  const chooser = `import { digestOfSources } from '../../../scripts/native-sources.mjs';
    const sources = await digestOfSources();
    export const prebuiltEngine = () => ({ path: ${JSON.stringify(engine)}, sources, instructionSets: ['avx2'] });`;
  await mkdir(join(place, 'dist/tensor/native'), { recursive: true });
  await writeFile(join(place, 'dist/tensor/native/engine-file.js'), chooser);
  await writeFile(join(place, 'package.json'), '{"type": "module"}');
  const install = async (text: string) => {
    await writeFile(engine, text);
    const args = [join(place, 'scripts/build-native.mjs'), '--optional'];
    const env = { ...process.env, PATH: folder, CXX: '' };
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
    assert.equal(status, 0);
    return stdout + stderr;
  };
  assert.match(await install(''), /^mossctl: the native engine is prebuilt: .*engine\.cjs \(avx2\)\n$/);
  const refusal = await install("throw new Error('this processor lacks AVX2 and FMA')");
  assert.match(refusal, /^mossctl: .* does not run here: this processor lacks AVX2 and FMA\. .*wasm backend\n$/);
  assert.ok(!fs.existsSync(join(place, 'native/build')));
  const killed = await install("process.kill(process.pid, 'SIGKILL'); for (;;);");
  assert.match(killed, /not used: loading it ended with SIGKILL\n.*no C\+\+ compiler was found/);
});

test('engines are packed only as they would be made now, and all of them', async () => {
  const place = join(folder, 'engines');
  const sources = '0'.repeat(64);
  assert.equal(await checkPrebuilt(place, sources), 0);
  const bytes = Buffer.from('engine');
  const name = 'mossctl-linux-x64.node';
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const row = { name, sha256, bytes: bytes.length, ...recipeOf('linux-x64', sources) };
  await mkdir(place);
  await writeFile(join(place, name), bytes);
  const check = async (...engines: object[]) => {
    await writeFile(join(place, 'manifest.json'), JSON.stringify({ format: 1, engines }));
    return checkPrebuilt(place, sources);
  };
  assert.equal(await check(row), bytes.length);
  await assert.rejects(check(), /mossctl-linux-x64\.node is not in manifest\.json/);
  await assert.rejects(check({ ...row, sha256: sources }), /is not the file that manifest\.json names/);
  for (const old of [{ sources: '1'.repeat(64) }, { compiler: 'zig 0.1' }, { flags: ['-O1'] }, { target: 'x' }]) {
    await assert.rejects(check({ ...row, ...old }), /is of other sources, flags or compiler/, JSON.stringify(old));
  }
  await assert.rejects(check(row, { ...row, name: 'mossctl-plan9-x64.node' }), /plan9-x64\.node is not the file/);
});

test('a Mach-O file is signed where a load command says so, and what it names lies in the file', () => {
  const file = Buffer.alloc(80);
  file.writeUInt32LE(0xfeedfacf, 0);
  file.writeUInt32LE(2, 16);
  [0x19, 8, 0x1d, 16, 64, 16].forEach((word, i) => {
    file.writeUInt32LE(word, 32 + 4 * i);
  });
  assert.ok(isSigned(file));
  assert.ok(!isSigned(file.subarray(0, 79)));
  file.writeUInt32LE(0x1c, 40);
  assert.ok(!isSigned(file));
  assert.ok(!isSigned(Buffer.alloc(0)));
});

test('a worker thread that alone loaded the engine may end, one after the other', async (t) => {
  const found = findEngine().path;
  if (!fs.existsSync(found)) return t.skip('no engine here');
  const path = fs.realpathSync(found); // as the maps of a process name it
  // In a process of its own, whose main thread does not hold the engine.
  const work = `const addon = require(require('node:worker_threads').workerData);
    addon.setThreads(2);
    addon.probeFma('fp32', 2); // it wakes the engine's own threads`;
  const main = `const { Worker } = require('node:worker_threads');
    (async () => {
      for (let i = 0; i < 2; i++) {
        const worker = new Worker(${JSON.stringify(work)}, { eval: true, workerData: process.argv[1] });
        await require('node:events').once(worker, 'exit');
      }
      const { readFileSync } = require('node:fs');
      console.log(process.platform !== 'linux' || readFileSync('/proc/self/maps', 'utf8').includes(process.argv[1]));
    })();`;
  const { status, signal, stdout } = spawnSync(process.execPath, ['-e', main, path], { encoding: 'utf8' });
  assert.deepEqual([status, signal, stdout], [0, null, 'true\n']);
});

test('where a process may not read its maps, Node says whether it runs on glibc', {
  skip: process.platform !== 'linux',
}, () => {
  const { readFileSync } = fs;
  const { getReport } = process.report;
  const known = prebuiltName();
  fs.readFileSync = ((...args: Parameters<typeof readFileSync>) => {
    if (args[0] === '/proc/self/maps') throw new Error('EACCES');
    return readFileSync(...args);
  }) as typeof readFileSync;
  syncBuiltinESMExports();
  try {
    assert.equal(prebuiltName(), known);
    process.report.getReport = () => ({ header: {} });
    assert.equal(prebuiltName(), `mossctl-linux-${process.arch}-musl.node`);
  } finally {
    fs.readFileSync = readFileSync;
    process.report.getReport = getReport;
    syncBuiltinESMExports();
  }
});
