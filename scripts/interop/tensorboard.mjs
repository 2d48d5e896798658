// Proves that TensorBoard reads what `--log tensorboard` writes: the smoke pipeline is run, killed (-9) within a stage that trains,
// and resumed; then every point of every curve that TensorBoard's own reader finds is compared with what counts of metrics.jsonl.
// Run: MOSSCTL_PYTHON=… npm run test:tensorboard -- [--pipeline smoke]
// The interpreter has: pip install tensorboard==2.21.0
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { kebabCase } from '../../src/base/format.ts';
import { readMetrics, settleEvents } from '../../src/report/metrics.ts';

const program = fileURLToPath(new URL('../../bin/mossctl.js', import.meta.url));
const { values: given } = parseArgs({ options: { pipeline: { type: 'string', default: 'smoke' } } });
const run = mkdtempSync(join(tmpdir(), 'mossctl-tensorboard-'));

/** @param isKilled after an event: then the process is killed at once. */
async function train(isKilled = () => false) {
  const args = [program, 'run', given.pipeline, '--out', run, '--log', 'tensorboard', '--json'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  let killedAt;
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line);
    if (killedAt !== undefined || !isKilled(event)) continue;
    killedAt = `${event.stage}, step ${event.step}`;
    child.kill('SIGKILL');
  }
  const [code] = await closed;
  if (killedAt === undefined && code !== 0) throw new Error(`mossctl ended with ${code}`);
  return killedAt;
}

/** Folder → tag → step → value, of what counts. */
async function expected() {
  const { events } = await readMetrics(join(run, 'metrics.jsonl'));
  const curves = new Map();
  const texts = new Set();
  const add = (folder, tag, step, value) => curves.set(JSON.stringify([folder, tag, step]), Math.fround(value));
  for (const event of settleEvents(events)) {
    const { stage, step, round, metrics = {} } = event;
    const folder = kebabCase(stage).replaceAll(/[^\p{L}\p{N}_-]+/gu, '-');
    const own = round === undefined ? folder : join(folder, `round-${String(round).padStart(2, '0')}`);
    if (event.type === 'step') {
      const { loss, learningRate, gradientNorm, tokensPerSecond } = event;
      const all = { loss, learningRate, gradientNorm, tokensPerSecond, ...metrics };
      for (const [name, value] of Object.entries(all)) add(own, `training/${name}`, step, value);
    }
    if (event.type === 'evaluation') {
      for (const [name, value] of Object.entries(metrics)) add(folder, `evaluation/${name}`, step, value);
    }
    if (event.type === 'statistics') {
      for (const { part, values } of event.parts)
        for (const [name, value] of Object.entries(values)) add(own, `statistics ${name}/${part}`, step, value);
    }
    if (event.type === 'sample') texts.add(JSON.stringify([folder, step, event.completion.split('\n')[0]]));
  }
  return { curves, texts };
}

const killed = await train(({ type, step, steps }) => type === 'step' && step > 0.8 * steps);
console.log(`killed in ${killed}`);
await train();
const reader = fileURLToPath(new URL('read_events.py', import.meta.url));
const { stdout, stderr, status } = spawnSync(
  process.env.MOSSCTL_PYTHON ?? 'python3',
  [reader, join(run, 'tensorboard')],
  { encoding: 'utf8', maxBuffer: 1 << 28 },
);
if (status !== 0) throw new Error(stderr);
const found = JSON.parse(stdout);
const { curves, texts } = await expected();
const faults = [];
let points = 0;
for (const [folder, { scalars, texts: shown }] of Object.entries(found)) {
  for (const [tag, values] of Object.entries(scalars)) {
    for (const [step, value, wallTime] of values) {
      const key = JSON.stringify([folder, tag, step]);
      if (!Object.is(curves.get(key), value))
        faults.push(`${key}: TensorBoard ${value}, metrics.jsonl ${curves.get(key)}`);
      if (Math.abs(wallTime - Date.now() / 1000) > 86_400) faults.push(`${key}: time ${wallTime}`);
      curves.delete(key);
      points++;
    }
  }
  for (const values of Object.values(shown)) {
    for (const [step, text] of values) {
      for (const key of texts) {
        const [where, at, line] = JSON.parse(key);
        if (where === folder && at === step && text.includes(`    ${line}`)) texts.delete(key);
      }
    }
  }
}
faults.push(...[...curves.keys()].map((key) => `${key}: TensorBoard has none, or had it before`));
faults.push(...[...texts].map((key) => `${key}: TensorBoard has no such text`));
console.log(
  `${Object.keys(found).length} folders, ${points} points: ${faults.length === 0 ? 'all equal' : 'not equal'}`,
);
for (const fault of faults.slice(0, 20)) console.log(fault);
rmSync(run, { recursive: true });
process.exitCode = faults.length === 0 && points > 0 ? 0 : 1;
