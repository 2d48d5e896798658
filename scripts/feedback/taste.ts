// A planted taste, from labels to a win rate: a scripted person judges 50 pairs of answers of a run's fine-tuned model by one
// rule (the shorter answer is better), `align --data` learns from them, and on prompts that nobody judged the rule
// says how often the new model's answers are better than the old one's. Then: a judgement that was made and withdrawn, and
// one that was deleted, must leave the digest as it is; and ten contrary labels must not turn the result.
//   npm run test:taste -- runs/quickstart
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { toJsonl } from '../../src/base/jsonl.js';
import { bootstrapMean, type Estimate } from '../../src/base/statistics.js';
import { readManifest } from '../../src/checkpoint/manifest.js';
import { samplingAt } from '../../src/config/sampling.js';
import { answerTasks, readTasks } from '../../src/evaluation/tasks.js';
import { appendFeedback, eraseLines, indexStore, readFeedback } from '../../src/feedback/store.js';
import { LocalModel } from '../../src/inference/local-model.js';
import { silentReporter } from '../../src/report/event.js';
import { openBackend } from '../../src/tensor/backends.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [run] = process.argv.slice(2);
const sft = existsSync(join(run, 'sft')) ? join(run, 'sft') : run;
const settings = process.argv.slice(3);
const labels = 50;
const contraryLabels = 10;
const folder = mkdtempSync(join(tmpdir(), 'mossctl-taste-'));

/** What the person likes: the fewer characters the better, but for none at all. */
const taste = (text: string): number => (text.trim() === '' ? Number.NEGATIVE_INFINITY : -[...text.trim()].length);

const tasks = await readTasks(join(run, 'self-instruct/prompts.jsonl'), silentReporter);
const prompts = tasks.filter((_, i) => i % Math.floor(tasks.length / 260) === 0);
/** Prompts to judge answers to: those that are learnt from, and those that decide on the promotion. */
const [learntPrompts, decidingPrompts] = [prompts.slice(0, 100), prompts.slice(100, 180)].map((part, i) => {
  const path = join(folder, `prompts-${i}.jsonl`);
  writeFileSync(path, toJsonl(part.map(({ messages }) => ({ messages: messages.slice(0, -1) }))));
  return path;
});
/** Nobody judged anything of these. */
const heldOut = prompts.slice(180, 260);

function mossctl(args: readonly string[]) {
  const child = spawn(process.execPath, [join(root, 'bin/mossctl.js'), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return { child, closed: once(child, 'close').then(([code]) => code as number) };
}

/** Judges by `mossctl annotate`, as a person would from what is shown: ties are skipped. */
async function judge(
  store: string,
  annotator: string,
  { asked, count, better }: { asked: string; count: number; better(a: string, b: string): number },
): Promise<void> {
  const options = ['--prompts', asked, '--feedback', store, '--annotator', annotator, '--json', '--temperature', '1'];
  const { child, closed } = mossctl(['annotate', sft, ...options, '--max-new-tokens', '40', '--threads', '1']);
  let judged = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line) as { type: string; answers: { content: string }[][] };
    if (event.type !== 'item') continue;
    const [a, b] = event.answers.map((messages) => messages.map(({ content }) => content).join(''));
    const gain = better(a, b);
    if (gain === 0) child.stdin.write('s\n');
    else if (judged++ < count) child.stdin.write(gain > 0 ? 'a\n' : 'b\n');
    else child.stdin.write('q\n');
  }
  await closed;
}

async function align(store: string, out: string): Promise<string> {
  const fixed = ['--from', sft, '--data', store, '--eval-data', deciding, '--out', join(folder, out)];
  const { child, closed } = mossctl(['align', ...fixed, '--threads', '1', '--quiet', ...settings]);
  child.stdout.resume();
  const code = await closed;
  if (code !== 0) throw new Error(`align ended with code ${code}`);
  const round = join(folder, out, 'align/round-01');
  const steps = readdirSync(round)
    .filter((name) => name.startsWith('step-'))
    .sort();
  const result = JSON.parse(readFileSync(join(round, 'round.json'), 'utf8')) as { gate?: { text: string } };
  console.log(`${out}: ${result.gate?.text}`);
  return join(round, steps[steps.length - 1]);
}

/** How often an answer of `after` is better than one of `before` to the same prompt; equal ones count half. */
async function winRate(before: string, after: string): Promise<Estimate> {
  const textsOf = async (path: string): Promise<string[]> => {
    const model = await LocalModel.open(path);
    const options = { samples: 4, sampling: samplingAt(1), maxNewTokens: 40, seed: 7 };
    const answers = await answerTasks(model, heldOut, options);
    await model.dispose();
    return answers.map(({ text }) => text);
  };
  const [old, fresh] = [await textsOf(before), await textsOf(after)];
  const units = heldOut.map(({ id }, i) => {
    const at = (texts: readonly string[]): string[] => texts.slice(4 * i, 4 * i + 4);
    const games = at(fresh).flatMap((a) => at(old).map((b) => Math.sign(taste(a) - taste(b)) || 0));
    return { id, value: games.reduce((sum, game) => sum + (1 + game) / 2, 0), weight: games.length };
  });
  return bootstrapMean(units);
}

const shown = ({ mean, low, high }: Estimate): string =>
  `${(100 * mean).toFixed(1)} % [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;
const faults: string[] = [];
const check = (isTrue: boolean, what: string): void => {
  console.log(`${isTrue ? 'yes' : 'NO'}: ${what}`);
  if (!isTrue) faults.push(what);
};

await openBackend('native', { threads: 1, precision: 'fp32' });
const store = join(folder, 'feedback.jsonl');
const deciding = join(folder, 'deciding.jsonl');
const better = (a: string, b: string): number => taste(a) - taste(b);
await judge(store, 'taste', { asked: learntPrompts, count: labels, better });
await judge(deciding, 'taste', { asked: decidingPrompts, count: 40, better });
const made = (await indexStore(store)).live.length;
const learnt = await align(store, 'learnt');
const rate = await winRate(sft, learnt);
check(rate.low > 0.5, `${labels} labels (${made} with those skipped): held-out win rate ${shown(rate)} above 50 %`);

const { digest } = await readManifest(learnt);
const withdrawn = join(folder, 'withdrawn.jsonl');
cpSync(store, withdrawn);
for await (const judgement of readFeedback(store)) {
  const { conversation, at, annotator } = judgement;
  const other = {
    ...judgement,
    id: 'e'.repeat(16),
    verdict: judgement.verdict === 'first' ? 'second' : 'first',
  } as const;
  await appendFeedback(withdrawn, [other]);
  await appendFeedback(withdrawn, [
    { type: 'undo', id: 'd'.repeat(16), conversation, at, annotator, target: other.id },
  ]);
  const gone = { ...other, id: 'c'.repeat(16) };
  await appendFeedback(withdrawn, [gone]);
  await eraseLines(
    withdrawn,
    (await indexStore(withdrawn)).texts.filter(({ id }) => id === gone.id),
  );
  break;
}
const again = (await readManifest(await align(withdrawn, 'withdrawn'))).digest;
check(
  again === digest,
  `one withdrawn and one deleted beside them: digest ${again.slice(0, 12)}, as without ${digest.slice(0, 12)}`,
);

const contrary = (a: string, b: string): number => better(b, a);
await judge(store, 'contrary', { asked: learntPrompts, count: contraryLabels, better: contrary });
const disturbed = await winRate(sft, await align(store, 'disturbed'));
check(disturbed.low > 0.5, `with ${contraryLabels} contrary labels: win rate ${shown(disturbed)} above 50 %`);
rmSync(folder, { recursive: true });
process.exitCode = faults.length === 0 ? 0 : 1;
