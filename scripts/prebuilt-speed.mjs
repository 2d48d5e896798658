// npm run bench:prebuilt: the prebuilt engine of this machine beside one that its own compiler made, in turn: a process for
// each, asked for one measurement after the other, so that what else runs here slows both. Times are the processor's, of one
// thread. A ratio of 1.03 says that the prebuilt engine is 3 % faster.
//
// It ends with 1 where one of the ratios is below 0.97.
//
//   npm run bench:prebuilt -- 40        pairs of each measurement (default 20)
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomTensor } from '../src/bench/inputs.ts';
import { spreadOf } from '../src/bench/measure.ts';
import { opCalls } from '../src/bench/op-calls.ts';
import { measureTraining } from '../src/bench/train.ts';
import { openBackend } from '../src/tensor/backends.ts';
import { prebuiltEngine } from '../src/tensor/native/engine-file.ts';
import { linearOp } from '../src/tensor/ops/linear.ts';
import { tidy } from '../src/tensor/tf.ts';
import { buildNative } from './build-native.mjs';
import { checkPrebuilt } from './prebuilt.mjs';

/** A prebuilt engine that is slower than this fails. */
const minRatio = 0.97;

/** A product [m, k] · [n, k]ᵀ and its gradients. */
function multiply(m, n, k) {
  tidy(() => {
    const inputs = [randomTensor([m, k]), randomTensor([n, k])];
    const calls = opCalls(linearOp, inputs, { bias: false, residual: false, halves: false });
    for (let i = 0; i < 4; i++) {
      tidy(calls.forward);
      tidy(calls.backward);
    }
  });
}

const measurements = {
  train: async () => {
    await measureTraining({ shape: '1m', backend: 'native', precision: 'fp32', threads: 1, steps: 2, seed: 1 });
  },
  gemm: async () => multiply(1024, 1024, 1024),
  'thin gemm': async () => multiply(4096, 256, 128),
};

async function answer() {
  await openBackend('native', { threads: 1 });
  for (const measure of Object.values(measurements)) await measure(); // warm
  process.on('message', async (name) => {
    const before = process.cpuUsage();
    await measurements[name]();
    const { user, system } = process.cpuUsage(before);
    process.send((user + system) / 1e6);
  });
  process.send('ready');
}

async function start(engine) {
  const child = fork(fileURLToPath(import.meta.url), ['child'], { env: { ...process.env, MOSSCTL_NATIVE: engine } });
  await once(child, 'message');
  return child;
}

async function seconds(child, name) {
  child.send(name);
  return (await once(child, 'message'))[0];
}

async function main(pairs) {
  const prebuilt = prebuiltEngine();
  if (prebuilt === undefined) throw new Error('no prebuilt engine for this machine: npm run prebuild');
  await checkPrebuilt();
  // Not into native/build, whose engine would be loaded before the prebuilt one from then on.
  const local = await buildNative({ out: join(tmpdir(), 'mossctl-prebuilt-speed') });
  console.log(`prebuilt by ${prebuilt.compiler} / ${local.compiler.version}`);
  const children = [await start(prebuilt.path), await start(local.path)];
  for (const name of Object.keys(measurements)) {
    const ratios = [];
    for (let pair = 0; pair < pairs; pair++) {
      // The first of a pair changes, because what it leaves in the caches helps or hinders the second.
      const order = pair % 2 === 0 ? [0, 1] : [1, 0];
      const took = [0, 0];
      for (const i of order) took[i] = await seconds(children[i], name);
      ratios.push(took[1] / took[0]);
    }
    const { median, low, high } = spreadOf(ratios);
    if (median < minRatio) process.exitCode = 1;
    console.log(
      `${name}: ${median.toFixed(3)} times the speed of the local build [${low.toFixed(3)}, ${high.toFixed(3)}]`,
    );
  }
  for (const child of children) child.kill();
}

if (process.argv[2] === 'child') await answer();
else await main(Number(process.argv[2] ?? 20));
