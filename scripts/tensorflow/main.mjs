// npm run test:tensorflow: the backend `tensorflow` from nothing. Builds its library where it is not built (as `mossctl tensorflow
// build` does; a download of 207 MB, 0.9 GB of disk), then holds it against the reference, against golden files, and against
// `native`, and runs whole pipelines on it. Linux x64, with g++ and python3; half an hour on two busy cores.
//   --only build,reference,instead,smoke,losses   some of it     --out PATH   the folder (default: .mossctl/tensorflow)
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildTensorflow, describeTensorflow } from '../build-tensorflow.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values: options } = parseArgs({
  options: { only: { type: 'string' }, out: { type: 'string', default: join(root, '.mossctl/tensorflow') } },
});
const env = { ...process.env, MOSSCTL_TENSORFLOW: resolve(options.out) };
const scratch = mkdtempSync(join(tmpdir(), 'mossctl-tensorflow-'));

/** What runs on each backend by itself: every op, golden files, losses, sampling. */
const onEach = [
  ...['conformance/ops', 'conformance/bad-calls', 'conformance/plain-ops', 'conformance/token-figures'],
  ...['conformance/halves', 'tensor/gradients', 'tensor/recompute', 'tensor/sample-rows', 'tensor/host'],
  ...['golden/model', 'golden/packed', 'golden/rope', 'golden/muon', 'golden/lora', 'golden/preference'],
  ...['golden/policy', 'golden/ppo', 'golden/reward', 'golden/reward-loss', 'inference/engine', 'inference/score'],
  ...['train/frozen-halves', 'train/recompute', 'train/division', 'train/adapters', 'architecture/resize'],
  ...['train/objectives/on-policy-loss', 'train/objectives/next-token'],
];

/** What opens a backend of its own choice, and is told otherwise: see instead.mjs. */
const instead = [
  ...['stages/align/online', 'stages/align/policies', 'stages/align/judge', 'stages/align/tools'],
  ...['stages/align/distill', 'stages/align/gate', 'stages/reward-model/', 'stages/sft-lora'],
  ...['train/objectives/', 'train/trainer', 'train/resume', 'train/optimizer', 'serve/serve'],
  ...['inference/local-model', 'inference/log-probabilities', 'model/', 'evaluation/formulas'],
];

async function main() {
  const steps = { build: () => undefined, reference, instead: other, smoke, losses };
  const names = options.only?.split(',') ?? Object.keys(steps);
  const unknown = names.filter((name) => !Object.hasOwn(steps, name));
  if (unknown.length > 0) throw new Error(`--only knows ${Object.keys(steps).join(', ')}, not ${unknown.join(', ')}`);
  const built = await buildTensorflow({ out: options.out, onStep: (text) => console.log(text) });
  console.log(describeTensorflow(built));
  for (const [name, run] of Object.entries(steps)) if (names.includes(name)) run();
}

function reference() {
  tests(onEach, [], { ...env, TEST_BACKEND: 'tensorflow' });
}

function other() {
  tests(instead, ['--import', './scripts/tensorflow/instead.mjs'], env);
}

function tests(parts, hooks, environment) {
  const files = parts.flatMap((part) => (part.endsWith('/') ? filesIn(`test/${part}`) : [`test/${part}.test.ts`]));
  const runner = ['--test', '--test-concurrency=2', '--test-reporter=spec'];
  node(['--import', 'tsx', ...hooks, ...runner, ...files], environment);
}

function filesIn(folder) {
  const names = readdirSync(join(root, folder)).filter((name) => name.endsWith('.test.ts'));
  return names.map((name) => join(folder, name));
}

function smoke() {
  mossctl('run', 'smoke', '--backend', 'tensorflow', '--out', join(scratch, 'smoke'));
}

/** Sixty steps of pretraining: the order of additions differs, and nothing else may. */
function losses() {
  const [ours, theirs] = ['native', 'tensorflow'].map((backend) => {
    const out = join(scratch, `losses-${backend}`);
    const set = ['--set', 'pretrain.train.steps=60'];
    mossctl('pretrain', '--config', 'smoke', ...set, '--backend', backend, '--out', out, '--quiet');
    return lossesOf(join(out, 'metrics.jsonl'));
  });
  if (ours.length !== 60 || theirs.length !== 60) throw new Error(`${ours.length} and ${theirs.length} steps, not 60`);
  const apart = Math.max(...ours.map((loss, i) => Math.abs(loss - theirs[i])));
  console.log(`losses of 60 steps on native and on tensorflow: at most ${apart.toExponential(1)} apart, 1e-5 allowed`);
  if (!(apart <= 1e-5)) throw new Error('the losses differ');
}

function lossesOf(path) {
  const events = readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return events.flatMap((event) => (event.type === 'step' && event.stage === 'pretrain' ? [event.loss] : []));
}

function mossctl(...words) {
  node(['bin/mossctl.js', ...words], env);
}

/** @throws where it does not end with 0. */
function node(words, environment) {
  const { status, signal } = spawnSync(process.execPath, words, { stdio: 'inherit', cwd: root, env: environment });
  if (status !== 0) throw new Error(`${words.slice(0, 6).join(' ')} … ended with ${status ?? signal}`);
}

try {
  await main();
  console.log('tensorflow: all as it should be');
} catch (error) {
  const { message, next = '', log = '' } = error;
  console.error(`${log}\n${message}. ${next}`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true });
}
