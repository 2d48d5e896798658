// The loader of the backend `tensorflow`, around a small package of the same layout that does what the real one does when it is
// loaded: gradients for every op, itself as the current backend, a banner, calls that Node 24 lacks. (npm run test:tensorflow
// holds the real one against the rest.)
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isUsualBackend } from '../../src/config/compute.js';
import { threadsIn, unusedCard, whyNoGpu } from '../../src/tensor/tensorflow.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-tensorflow-'));
after(() => rm(folder, { recursive: true }));

const resolve = createRequire(import.meta.url).resolve;
const source = (path: string): string => JSON.stringify(fileURLToPath(new URL(`../../src/${path}`, import.meta.url)));

/** What the umbrella package does on import, by tfjs-core's own functions. */
const standIn = `
const tf = require(${JSON.stringify(resolve('@tensorflow/tfjs-core'))});
const { MathBackendCPU } = require(${JSON.stringify(resolve('@tensorflow/tfjs-backend-cpu'))});
const util = require('node:util');
if (process.env.STAND_IN_FAILS) throw new Error('Invalid TF_Status: 12\\nMessage: cannot do this\\nand more');
if (!(Number(process.env.TF_CPP_MIN_LOG_LEVEL) >= 3)) console.error('a banner');
if (!util.isNullOrUndefined(null) || util.isNullOrUndefined(0) || !util.isArray([])) throw new Error('no stand-ins');
for (const kernelName of ['Cos', 'Add']) tf.registerGradient({ kernelName, gradFunc: (dy) => ({ x: () => dy, a: () => dy }) });
class Backend extends MathBackendCPU {}
tf.registerBackend('tensorflow', () => Object.assign(new Backend(), { isUsingGpuDevice: process.env.STAND_IN_GPU === '1' }), 3);
tf.copyRegisteredKernels('cpu', 'tensorflow');
tf.setBackend('tensorflow');
const { NVIDIA_TF32_OVERRIDE: tf32, TF_FORCE_GPU_ALLOW_GROWTH: growth } = process.env;
if (process.env.STAND_IN_SAYS_CARD) console.error('tf32 ' + tf32 + ', growth ' + growth);
console.error('loaded on ' + process.env.TF_NUM_INTRAOP_THREADS);
`;

async function install(name: string, { library = true } = {}): Promise<string> {
  const out = join(folder, name);
  const home = join(out, 'node_modules/@tensorflow/tfjs-node-gpu');
  await mkdir(join(home, 'lib/napi-v8'), { recursive: true });
  await writeFile(join(home, 'package.json'), '{"name":"@tensorflow/tfjs-node-gpu","main":"index.js"}');
  await writeFile(join(home, 'index.js'), standIn);
  if (library) await writeFile(join(home, 'lib/napi-v8/tfjs_binding.node'), '');
  return out;
}

/** In a process of its own: registries are for life. */
function inProcess(code: string, env: Record<string, string>): { out: string; err: string; code: number | null } {
  const script = `
    const { openBackend, checkBackends } = await import(${source('tensor/backends.ts')});
    const { valueAndGradients } = await import(${source('tensor/backward.ts')});
    const tf = await import(${source('tensor/tf.ts')});
    const slopeOf = (f) => { const x = tf.variable(tf.tensor([1])); return valueAndGradients(() => tf.sum(f(x)), [x]).gradients[0].dataSync()[0]; };
    const reason = (promise) => promise.then(() => 'opened', (error) => error.message);
    ${code}`;
  const tsx = pathToFileURL(resolve('tsx')).href;
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--import', tsx, '--input-type=module', '-e', script],
    { encoding: 'utf8', env: { ...process.env, TF_NUM_INTRAOP_THREADS: '', ...env } },
  );
  return { out: stdout, err: stderr, code: status };
}

test('it is loaded without a word, on the threads that are asked for, and no gradient but ours stays', async () => {
  const out = await install('whole');
  const { out: said, err } = inProcess(
    `console.log((await openBackend('tensorflow', { threads: 3 })).note);
     console.log(tf.engine().backendName, slopeOf((x) => tf.mul(x, tf.add(x, x))));
     console.log(await reason(Promise.resolve().then(() => slopeOf(tf.cos))));
     console.log((await openBackend('tensorflow')).threads, (await openBackend('tensorflow', { threads: 3 })).fresh);
     console.log(await reason(openBackend('tensorflow', { threads: 2 })));
     console.log(await reason(openBackend('tensorflow', { precision: 'bf16', threads: 3 })));
     await openBackend('cpu');
     console.log(await reason(openBackend('tensorflow', { threads: 2 })).then(() => tf.engine().backendName));
     console.log(await openBackend('auto', { threads: 2 }).then(({ note }) => note, ({ message }) => message));
     await openBackend('cpu');
     console.log(slopeOf((x) => tf.mul(x, tf.add(x, x))), await reason(Promise.resolve().then(() => slopeOf(tf.cos))));`,
    { MOSSCTL_TENSORFLOW: relative(process.cwd(), out), STAND_IN_SAYS_CARD: '1', TF_FORCE_GPU_ALLOW_GROWTH: 'false' },
  );
  const [note, slope, refused, again, threads, precision, current, auto, onCpu] = said.trim().split('\n');
  assert.equal(err, 'tf32 0, growth false\nloaded on 3\n'); // on a card: all bits of fp32, and what a person has set
  assert.equal(note, 'backend tensorflow (on the CPU, 3 threads)');
  assert.equal(slope, 'tensorflow 4');
  assert.match(refused, /Cos has no gradient/);
  assert.equal(again, '3 false');
  assert.match(threads, /^the backend tensorflow computes on 3 threads here\. It takes their number once, .*2 threads/);
  assert.match(precision, /^the backend tensorflow computes in fp32 only\. Omit precision bf16, or use/);
  assert.equal(current, 'cpu');
  assert.match(
    auto,
    /(^backend native|no compute backend).*tensorflow: the backend tensorflow computes on 3 threads here/,
  );
  assert.match(onCpu, /^4 Cos has no gradient/);
});

test('on a GPU another number of threads is no reason to refuse, and memory is not counted as on a processor', async () => {
  const { out } = inProcess(
    `const { memoryFactor } = await import(${source('tensor/tensorflow.ts')});
     await openBackend('tensorflow', { threads: 3 });
     console.log((await openBackend('tensorflow', { threads: 2 })).note, memoryFactor());`,
    { MOSSCTL_TENSORFLOW: await install('card'), STAND_IN_GPU: '1' },
  );
  assert.equal(out, 'backend tensorflow (on a GPU) 1\n');
});

test('that it computes, and on the CPU though a card seems to be there, is said', () => {
  assert.equal(isUsualBackend('tensorflow'), false);
  assert.match(
    unusedCard({ usesGpu: false, hasDriver: true }) ?? '',
    /driver is here, but TensorFlow found no GPU .* 525/,
  );
  assert.equal(unusedCard({ usesGpu: false, hasDriver: false }), undefined);
  assert.equal(unusedCard({ usesGpu: true, hasDriver: true }), undefined);
});

test('threads of the environment are a whole number from 1, or none', () => {
  assert.equal(threadsIn('3'), 3);
  for (const text of [undefined, '', '0', '-2', '1.5', 'many']) assert.equal(threadsIn(text), undefined);
});

test('auto and doctor do not load it to learn that there is no GPU, and doctor does not call it broken', async () => {
  const out = await install('spare');
  const { out: said, err } = inProcess(
    `const { note } = await openBackend('auto');
     const found = (await checkBackends()).find(({ name }) => name === 'tensorflow');
     console.log(JSON.stringify([note, found]));`,
    { MOSSCTL_TENSORFLOW: out, STAND_IN_GPU: '0' },
  );
  const [note, found] = JSON.parse(said) as [string, { available: boolean; reason: string }];
  assert.match(note, /tensorflow: it found no GPU/);
  assert.equal(found.available, true);
  assert.match(
    found.reason,
    /^installed(, not tried)?; it found no GPU, so auto passes over it \(`--backend tensorflow` computes on/,
  );
  // Where the driver is, it is loaded to be asked; quietly then, too.
  assert.match(err, /^(loaded on \d+\n)?$/);
});

/** An npm that installs nothing, and says what it did in its lock file. */
const npmOf = ({ integrity }: { integrity: string }): string => {
  const lock = { packages: { 'node_modules/@tensorflow/tfjs-node-gpu': { integrity } } };
  return `#!/bin/sh\necho '${JSON.stringify(lock)}' > package-lock.json\n`;
};

test('a build that fails says what is missing, and keeps what was built before', {
  skip: (process.platform !== 'linux' || process.arch !== 'x64') && 'it is made for Linux on x64',
}, async () => {
  const script = new URL('../../scripts/build-tensorflow.mjs', import.meta.url).href;
  const { buildTensorflow, BuildFailure, isMusl, packageIntegrity } = await import(script);
  const lock = createRequire(import.meta.url)('../../package-lock.json');
  assert.equal(packageIntegrity, lock.packages['node_modules/@tensorflow/tfjs-node-gpu'].integrity);
  assert.equal(isMusl({ header: {} }), true);
  assert.equal(isMusl({ header: { glibcVersionRuntime: '2.36' } }), false);
  const out = await install('before');
  await writeFile(join(out, 'built.json'), '{"stamp":"of another compiler"}');
  const programs = join(folder, 'programs');
  await mkdir(programs);
  const { PATH, CXX } = process.env;
  const fails = async (pattern: RegExp): Promise<void> => {
    await assert.rejects(buildTensorflow({ out }), (error: Error & { next: string; log: string }) => {
      assert.ok(error instanceof BuildFailure);
      assert.match([error.message, error.next, error.log].join('\n'), pattern);
      return true;
    });
    assert.deepEqual((await readdir(out)).sort(), ['built.json', 'node_modules']);
  };
  try {
    Object.assign(process.env, { PATH: programs, CXX: process.execPath }); // a compiler that says its version
    await fails(/^there is no npm\nInstall it\n/);
    const npm = '#!/bin/sh\necho "npm notice" >&2; echo "npm error code E404" >&2; exit 1\n';
    await writeFile(join(programs, 'npm'), npm, { mode: 0o755 });
    await fails(/^npm cannot install the package: npm error code E404\nSee that `npm ping` .*\nnpm notice\n/);
    await writeFile(join(programs, 'npm'), npmOf({ integrity: 'sha512-other' }), { mode: 0o755 });
    await fails(/^npm's @tensorflow.* is not the one that mossctl knows: its integrity is sha512-other, not sha512-p/);
    await writeFile(join(programs, 'npm'), npmOf({ integrity: packageIntegrity }), { mode: 0o755 });
    await fails(/^there is no python3\nInstall it, with pip\n/);
    await writeFile(join(out, 'built.json'), '{"stamp":"not whole"}'); // of a build that was killed as it put things in place
    await fails(/^there is no python3\n/);
    await writeFile(join(out, 'built.json'), '{"of":"somebody else"}');
    await fails(
      /before has a node_modules that this command did not make, and would replace\nName a folder of its own/,
    );
    await writeFile(join(out, 'built.json'), '{"stamp":"of another compiler"}');
    const nvidia = join(out, 'node_modules/@tensorflow/tfjs-node-gpu/deps/nvidia');
    await mkdir(nvidia, { recursive: true });
    await fails(/before holds the library for NVIDIA cards, which .* would replace\nAdd --cuda to keep it/);
    await rm(nvidia, { recursive: true });
    process.env.CXX = 'no-such-compiler';
    await fails(/^CXX names a compiler that does not run: no-such-compiler\n/);
    delete process.env.CXX;
    await fails(/^no C\+\+ compiler was found\nInstall .*, then type `mossctl tensorflow build`\n/);
  } finally {
    Object.assign(process.env, { PATH, CXX });
    if (CXX === undefined) delete process.env.CXX;
  }
});

test('what was fetched is kept: another compiler compiles it again, and a library that is cut is fetched again', {
  skip: (process.platform !== 'linux' || process.arch !== 'x64') && 'it is made for Linux on x64',
}, async () => {
  const { buildTensorflow, packageIntegrity } = await import(
    new URL('../../scripts/build-tensorflow.mjs', import.meta.url).href
  );
  const out = join(folder, 'kept');
  const programs = join(folder, 'programs-whole');
  await mkdir(programs);
  const program = (name: string, script: string) => writeFile(join(programs, name), script, { mode: 0o755 });
  const home = 'node_modules/@tensorflow/tfjs-node-gpu';
  const index = `const backend = { binding: { TF_Version: '2.15.1' } };
module.exports = { enableProdMode() {}, matMul: () => ({ dataSync: () => [19, 22, 43, 50] }), backend: () => backend };`;
  const npm = `${npmOf({ integrity: packageIntegrity })}mkdir -p ${home}\ncat > ${home}/index.js <<'end'\n${index}\nend\n`;
  const lib = `${home}/deps/lib`;
  const unpacks = `case "$1" in -c) mkdir -p ${lib}; for f in cc framework; do echo $f > ${lib}/libtensorflow_$f.so.2; done;; *) mkdir wheels;; esac`;
  await program('npm', npm);
  await program('python3', `#!/bin/sh\n${unpacks}\n`);
  const compiler = 'while [ $# -gt 0 ]; do [ "$1" = -o ] && echo binding > "$2"; shift; done';
  await program('g++', `#!/bin/sh\necho one\n${compiler}\n`);
  const { PATH, CXX } = process.env;
  const steps: string[] = [];
  const build = async (): Promise<string[]> => {
    steps.length = 0;
    const { built } = await buildTensorflow({ out, onStep: (text: string) => steps.push(text.split(' ')[0]) });
    assert.equal(built, steps.length > 0);
    return [...steps];
  };
  try {
    Object.assign(process.env, { PATH: `${programs}:${PATH}`, CXX: join(programs, 'g++') });
    const all = ['fetching', 'fetching', 'unpacking', 'compiling'];
    assert.deepEqual(await build(), all);
    assert.deepEqual(await build(), []);
    await program('g++', `#!/bin/sh\necho two\n${compiler}\n`);
    assert.deepEqual(await build(), ['compiling']);
    await writeFile(join(out, lib, 'libtensorflow_framework.so.2'), '');
    assert.deepEqual(await build(), all);
    assert.deepEqual((await readdir(out)).sort(), ['built.json', 'node_modules']);
  } finally {
    Object.assign(process.env, { PATH, CXX });
    if (CXX === undefined) delete process.env.CXX;
  }
});

test('why it does not open is said whole', async () => {
  const open = `console.log(await reason(openBackend('tensorflow')));`;
  const whole = await install('failing');
  const failing = inProcess(open, { MOSSCTL_TENSORFLOW: whole, STAND_IN_FAILS: '1' });
  assert.match(failing.out, /^the backend tensorflow cannot run here\. Cannot do this and more\. /);
  await writeFile(join(whole, 'built.json'), '{"stamp":"ours"}');
  const { MOSSCTL_TENSORFLOW: before } = process.env;
  process.env.MOSSCTL_TENSORFLOW = whole;
  assert.throws(whyNoGpu, /libtensorflow_cc\.so\.2 is missing in .*failing: type `mossctl tensorflow build --out`/);
  if (before === undefined) delete process.env.MOSSCTL_TENSORFLOW;
  else process.env.MOSSCTL_TENSORFLOW = before;
  const bare = await install('bare', { library: false });
  const without = inProcess(open, { MOSSCTL_TENSORFLOW: bare });
  assert.match(without.out, /MOSSCTL_TENSORFLOW names .*bare, where `mossctl tensorflow build` has built nothing/);
});

test('a backend that TEST_BACKEND names and that does not open fails its tests, where others are skipped', () => {
  const file = fileURLToPath(new URL('./host.test.ts', import.meta.url));
  const tsx = pathToFileURL(resolve('tsx')).href;
  const env = { ...process.env, MOSSCTL_TENSORFLOW: join(folder, 'nothing'), TEST_BACKEND: 'tensorflow' };
  delete (env as NodeJS.ProcessEnv).NODE_TEST_CONTEXT; // this one's
  const words = ['--import', tsx, '--test', '--test-reporter=tap', file];
  const { status, stdout } = spawnSync(process.execPath, words, { encoding: 'utf8', env });
  assert.equal(status, 1);
  assert.match(stdout, /^ *not ok .* on tensorflow$/m);
  assert.match(stdout, /where `mossctl tensorflow build` has built nothing/);
  assert.match(stdout, /^# skipped 0$/m);
});
