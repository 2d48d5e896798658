// npm run test:reward-kill: a reward model is trained, measured and licensed, and is killed (kill -9) at random moments, over and over:
// while it learns, while it is measured, while the answers of its licence are sampled. It must end with the weights, the licence and the
// figures of the run that nothing happened to, and with the same answers, none of them sampled twice.
//   --kills 20  --seed 1  --sources (src/ through tsx, not dist/)  --folder PATH (kept where it goes wrong)
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import {
  licenceAnswersName,
  licenceName,
  manifestName,
  metricsName,
  rewardModelFolder,
} from '../../src/base/layout.js';
import type { Event } from '../../src/report/event.js';
import { endedOrKilled, killOptions, openKills } from '../crash/kills.js';
import { root, runSession, type Session } from '../crash/session.js';
import { letterPairs, letterTasks } from './pairs.js';

const { values: options } = parseArgs({ options: killOptions });
const { folder, command, random } = openKills('reward-kill', options);
const steps = 24;
const [pairs, tasks] = ['pairs.jsonl', 'tasks.jsonl'].map((name) => join(folder, name));
writeFileSync(pairs, letterPairs(160));
writeFileSync(tasks, letterTasks(24));
const settings = [
  `train={steps: ${steps}, batchSize: 8, learningRate: 0.01, evaluateEvery: 4, checkpointEvery: 3}`,
  'licence={samples: 16, maxNewTokens: 24}',
];

const argumentsOf = (run: string): string[] => [
  ...['align', '--only', 'reward-model', '--from', join(root, 'test/interop/fixtures/qwen3'), '--out', run],
  ...['--data', pairs, '--prompts', tasks],
  ...settings.flatMap((setting) => ['--set', `rewardModel.${setting}`]),
];

/** What it is at, in their order: the first event of each, and the last. */
const isProgress = (event: Event, label: string): boolean => event.type === 'progress' && event.label === label;
const phases: { name: string; begins(event: Event): boolean; ends(event: Event): boolean }[] = [
  {
    name: 'learning',
    begins: ({ type }) => type === 'stage',
    ends: (event) => event.type === 'step' && event.step === steps,
  },
  {
    name: 'an evaluation amid it',
    begins: (event) => event.type === 'step' && event.step === 12,
    ends: (event) => event.type === 'step' && event.step === 13,
  },
  {
    name: 'the held-out pairs',
    begins: (event) => event.type === 'checkpoint' && event.step === steps,
    ends: (event) => isProgress(event, 'best of n'),
  },
  {
    name: 'the answers of its licence',
    begins: (event) => isProgress(event, 'held-out pairs'),
    ends: (event) => event.type === 'reward',
  },
  {
    name: 'writing the licence',
    begins: ({ type }) => type === 'reward',
    ends: (event) => event.type === 'stage' && event.state === 'finished',
  },
];

/** Weights, licence, answers in whatever order, the last figures, and the loss of each step. */
function outcomeOf(run: string): Record<'weights' | 'licence' | 'answers' | 'figures' | 'losses', unknown> {
  const stage = join(run, rewardModelFolder);
  const read = (...path: string[]): string => readFileSync(join(stage, ...path), 'utf8');
  const checkpoint = `step-${String(steps).padStart(6, '0')}`;
  const [, ...answers] = read(licenceAnswersName).trimEnd().split('\n');
  const events = readFileSync(join(run, metricsName), 'utf8').trimEnd().split('\n');
  const found = events.map((line) => JSON.parse(line) as Event & { time?: unknown });
  const { time: _, ...figures } = found.findLast(({ type }) => type === 'reward') ?? {};
  return {
    weights: read(checkpoint, manifestName),
    licence: read(checkpoint, licenceName),
    answers: answers.map((line) => JSON.stringify({ ...(JSON.parse(line) as object), seal: '' })).sort(),
    figures,
    losses: Object.fromEntries(found.flatMap((event) => (event.type === 'step' ? [[event.step, event.loss]] : []))),
  };
}

async function run(path: string, at?: { phase: number; milliseconds: number }): Promise<Session> {
  const session = await runSession({
    ...{ command, args: argumentsOf(path) },
    ...(at !== undefined && {
      moment: { stage: 'rewardModel', milliseconds: at.milliseconds, event: phases[at.phase].begins },
      act: (child) => void child.kill('SIGKILL'),
    }),
  });
  return endedOrKilled(session);
}

const whole = join(folder, 'whole');
const { events, times } = await run(whole);
const durations = phases.map(({ begins, ends }) => {
  const [from, to] = [events.findIndex(begins), events.findIndex(ends)];
  if (from < 0 || to < from) throw new Error('the undisturbed run does not go through all that kills are aimed at');
  return times[to] - times[from];
});
const expected = outcomeOf(whole);
const each = phases.map(({ name }, i) => `${name} ${Math.round(durations[i])} ms`).join(', ');
console.log(`seed ${options.seed}, in ${folder}; undisturbed: ${each}`);

const hit = phases.map(() => 0);
let [left, wrong, runs] = [Number(options.kills), 0, 0];
while (left > 0) {
  const path = join(folder, `run-${++runs}`);
  // What comes first is killed first, or the rest would be past.
  const planned = Array.from({ length: Math.min(4, left) }, () => random.integer(0, phases.length)).sort();
  let kills = 0;
  for (const phase of planned) {
    const session = await run(path, { phase, milliseconds: random.uniform() * durations[phase] });
    if (session.signal === null) break;
    kills++;
    hit[phase]++;
  }
  if (kills === planned.length) await run(path);
  left -= Math.max(1, kills);
  const outcome = outcomeOf(path);
  const other = Object.keys(expected).filter((key) => {
    return !isDeepStrictEqual(outcome[key as keyof typeof outcome], expected[key as keyof typeof expected]);
  });
  if (other.length > 0) wrong++;
  console.log(`run ${runs}: ${kills} kills, ${other.length === 0 ? 'the same outcome' : `OTHER ${other.join(', ')}`}`);
}
console.log(`killed in: ${phases.map(({ name }, i) => `${name} ${hit[i]}`).join(', ')}`);
console.log(`${runs - wrong} of ${runs} runs ended as the undisturbed one`);
if (wrong === 0 && options.folder === undefined) rmSync(folder, { recursive: true, force: true });
process.exitCode = wrong === 0 ? 0 : 1;
