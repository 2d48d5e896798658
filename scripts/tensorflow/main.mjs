// npm run test:tensorflow: the backend `tensorflow` from nothing. Builds its library where it is not built (as `mossctl tensorflow
// build` does; a download of 207 MB, 0.9 GB of disk), then holds it against the reference, against golden files, and against
// `native`, and runs whole pipelines on it. Linux x64, with g++ and python3; most of an hour on two busy cores, a quarter on idle ones.
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

/** Every op, every golden file, and what else runs on each backend by itself. */
const onEach = [
  ...[
    'test/conformance/ops',
    'test/conformance/bad-calls',
    'test/conformance/plain-ops',
    'test/conformance/token-figures',
  ],
  ...['test/conformance/halves', 'test/tensor/gradients', 'test/tensor/recompute', 'test/tensor/sample-rows'],
  ...['test/tensor/host', 'test/golden/', 'test/inference/engine', 'test/inference/score', 'test/train/frozen-halves'],
  ...['test/train/recompute', 'test/train/division', 'test/train/objectives/on-policy-loss'],
  ...['test/train/objectives/next-token', 'test/train/adapters', 'test/architecture/resize'],
];

/** What opens a backend of its own choice, and is told otherwise: see instead.mjs. */
const instead = [
  ...['test/stages/align/online', 'test/stages/align/policies', 'test/stages/align/judge', 'test/stages/align/tools'],
  ...['test/stages/align/distill', 'test/stages/align/gate', 'test/stages/reward-model/', 'test/stages/sft-lora'],
  ...['test/train/objectives/', 'test/train/trainer', 'test/train/resume', 'test/train/optimizer', 'test/serve/serve'],
  ...['test/inference/local-model', 'test/inference/log-probabilities', 'test/model/', 'test/evaluation/formulas'],
];

function main() {
  const steps = { build: undefined, reference, instead: other, smoke, losses };
  const names = options.only?.split(',') ?? Object.keys(steps);
  const unknown = names.filter((name) => !Object.hasOwn(steps, name));
  if (unknown.length > 0) throw new Error(`--only knows ${Object.keys(steps).join(', ')}, not ${unknown.join(', ')}`);
  for (const [name, run] of Object.entries(steps)) if (names.includes(name)) run?.();
}

function reference() {
  node(['scripts/test.mjs', ...onEach], { ...env, TEST_BACKEND: 'tensorflow' });
}

function other() {
  const hooks = ['--import', 'tsx', '--import', './scripts/tensorflow/instead.mjs'];
  const files = instead.flatMap((part) => (part.endsWith('/') ? filesIn(part) : [`${part}.test.ts`]));
  node([...hooks, '--test', '--test-concurrency=2', '--test-reporter=spec', ...files], env);
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
  const built = await buildTensorflow({ out: options.out, onStep: (text) => console.log(text) });
  console.log(describeTensorflow(built));
  main();
  console.log('tensorflow: all as it should be');
} catch (error) {
  const { message, next = '', log = '' } = error;
  console.error(`${log}\n${message}. ${next}`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true });
}
