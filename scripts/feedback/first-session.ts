// A first session with the page, recorded: `mossctl serve` of a run, 50 judgements of one visible taste (the shorter answer is
// better) through /api/feedback, a round of alignment through /api/rounds and its gate, how often the new model's answers to
// prompts that nobody judged are better, and the way back. All over HTTP, as the page does it; nothing is asked of the files.
//   npm run test:first-session -- runs/quickstart [--model sft] [--judgements 50] [-- options of mossctl serve, such as --threads 1]
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatSeconds } from '../../src/base/format.js';
import { bootstrapMean, type Estimate } from '../../src/base/statistics.js';
import { readTasks } from '../../src/evaluation/tasks.js';
import { silentReporter } from '../../src/report/event.js';
import type { FeedbackSummary, PageMessage, RoundEvent, RoundUndone, Session } from '../../src/serve/contract.js';
import { tokenHeader } from '../../src/serve/contract.js';
import { eventsOf, readEvents } from '../../test/serve/sse-client.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: { model: { type: 'string' }, judgements: { type: 'string', default: '50' } },
});
const [run, ...settings] = positionals;
const judgements = Number(given.judgements);
const samples = 4;
const maxNewTokens = 40;
/** Requests at once: the engine decodes them side by side. */
const width = 8;
const folder = mkdtempSync(join(tmpdir(), 'mossctl-first-session-'));
const began = performance.now();

const say = (text: string): void => {
  console.log(`${formatSeconds((performance.now() - began) / 1000).padStart(7)}  ${text}`);
};

/** What the person likes: the fewer characters the better, but for none at all. */
const taste = (text: string): number => (text.trim() === '' ? Number.NEGATIVE_INFINITY : -[...text.trim()].length);

async function startServer(): Promise<{ url: string; child: ChildProcess }> {
  const places = ['--feedback', join(folder, 'feedback.jsonl'), '--runs', join(folder, 'runs')];
  const args = [join(root, 'bin/mossctl.js'), 'serve', run, '--port', '0', '--json', '--annotator', 'taste', ...places];
  const child = spawn(process.execPath, [...args, ...settings], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const { type, url } = JSON.parse(line) as { type: string; url: string };
    if (type === 'listening') return { url, child };
  }
  throw new Error('the server ended before it listened');
}

const { url, child } = await startServer();
const session = await get<Session>('/api/session');

async function get<T>(path: string): Promise<T> {
  return (await fetch(url + path)).json() as Promise<T>;
}

function posting(body: unknown): RequestInit {
  const headers = { 'content-type': 'application/json', [tokenHeader]: session.token };
  return { method: 'POST', headers, body: JSON.stringify(body) };
}

async function post<T>(path: string, body: unknown): Promise<T> {
  const response = await fetch(url + path, posting(body));
  const answer = (await response.json()) as T & { what?: string };
  if (!response.ok) throw new Error(`${path}: ${answer.what}`);
  return answer;
}

interface Answer {
  text: string;
  messages: PageMessage[];
  seed: number;
}

const sampling = { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 };

/** Undefined where prompt and answer do not fit into the model's context. */
async function ask(model: string, messages: PageMessage[], seed: number): Promise<Answer | undefined> {
  const body = { model, messages, seed, sampling, maxNewTokens, tools: false };
  const response = await fetch(`${url}/api/chat`, posting(body));
  if (response.status === 400) {
    const { what } = (await response.json()) as { what: string };
    if (!what.includes('context')) throw new Error(what);
    return undefined;
  }
  for await (const { data } of eventsOf(response)) {
    if (data.type === 'error') throw new Error(String(data.what));
    if (data.type !== 'end') continue;
    const added = data.messages as PageMessage[];
    return { text: added.map(({ content }) => content).join(''), messages: added, seed };
  }
  throw new Error('an answer did not come to its end');
}

/** The items in order, `width` at once. */
async function inParallel<T, R>(items: readonly T[], work: (item: T, i: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i], i);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

/** Of few prompts each is asked again. */
const maxPasses = 10;

/** Two answers to each prompt, side by side, until enough are judged. @returns how many pairs were looked at. */
async function judge(model: string, prompts: readonly PageMessage[][]): Promise<number> {
  let judged = 0;
  for (let i = 0; i < maxPasses * prompts.length; i++) {
    const messages = prompts[i % prompts.length];
    const given = await Promise.all([ask(model, messages, 2 * i), ask(model, messages, 2 * i + 1)]);
    const answers = given.filter((answer) => answer !== undefined);
    if (answers.length < 2) continue;
    const [a, b] = answers.map(({ text }) => taste(text));
    if (a === b) continue;
    const sent = answers.map(({ messages: added, seed }) => ({ model, messages: added, seed, sampling }));
    const body = { kind: 'better', messages, answers: sent, better: a > b ? 0 : 1, maxNewTokens };
    if (judged === 0) {
      const slip = await post<{ id: string }>('/api/feedback', { ...body, better: a > b ? 1 : 0 });
      await post('/api/feedback/undo', slip);
      say('the first one is judged the wrong way round, and withdrawn');
    }
    await post('/api/feedback', body);
    const [better, worse] = a > b ? answers : [...answers].reverse();
    if (judged < 3) say(`“${better.text.trim()}” is better than “${worse.text.trim()}”`);
    if (++judged === judgements) return i + 1;
  }
  throw new Error(`${prompts.length} prompts gave ${judged} pairs of answers of different length: too few`);
}

/** How often an answer of `after` is better than one of `before` to the same prompt; equal ones count half. */
async function winRate(before: string, after: string, prompts: readonly PageMessage[][]): Promise<Estimate> {
  const units = await inParallel(prompts, async (messages, i) => {
    const textsOf = async (model: string): Promise<string[]> => {
      const texts: string[] = [];
      for (let k = 0; k < samples; k++) {
        const answer = await ask(model, messages, 100_000 + samples * i + k);
        if (answer !== undefined) texts.push(answer.text);
      }
      return texts;
    };
    const [old, fresh] = [await textsOf(before), await textsOf(after)];
    const games = fresh.flatMap((a) => old.map((b) => Math.sign(taste(a) - taste(b)) || 0));
    return { id: String(i), value: games.reduce((sum, game) => sum + (1 + game) / 2, 0), weight: games.length };
  });
  return bootstrapMean(units);
}

const percent = ({ mean, low, high }: Estimate): string =>
  `${(100 * mean).toFixed(1)} % [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;

async function main(): Promise<boolean> {
  const tasks = await readTasks(join(run, 'self-instruct/prompts.jsonl'), silentReporter);
  const all = tasks.map(({ messages }) => messages.slice(0, -1) as PageMessage[]);
  const apart = Math.max(1, Math.floor(all.length / 260));
  const prompts = all.filter((_, i) => i % apart === 0);
  const judgedCount = Math.floor((9 * prompts.length) / 13);
  const [shown, heldOut] = [prompts.slice(0, judgedCount), prompts.slice(judgedCount)];
  const model = given.model ?? (session.models.some(({ id }) => id === 'sft') ? 'sft' : session.default);
  say(`${session.models.map(({ id }) => id).join(', ')} are served; ${model} is judged (seeds 0, 1, …, temperature 1)`);
  const looked = await judge(model, shown);
  const { wouldTrain, preferred } = await get<FeedbackSummary>('/api/feedback');
  say(
    `${preferred} judgements of ${looked} pairs of answers; a round would learn ${wouldTrain.pairs} pairs: ${wouldTrain.enough}`,
  );

  const { id } = await post<{ id: string }>('/api/rounds', { model });
  let end: Extract<RoundEvent, { type: 'end' }> | undefined;
  for await (const { data } of readEvents(`${url}/api/rounds/${id}`)) {
    const event = data as RoundEvent;
    if (event.type === 'end') end = event;
    else if (event.type === 'progress' && event.text !== undefined && event.done === undefined)
      say(`${id}: ${event.text}`);
  }
  if (end === undefined) throw new Error('the round did not say how it ended');
  say(`${end.promoted ? 'promoted' : 'not promoted'}: ${end.why}`);
  for (const { metric, value, low = Number.NaN, high = Number.NaN } of end.gains ?? []) {
    if (['preference', 'winRate'].includes(metric))
      say(`  ${metric} gained ${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}] on what is held out`);
  }
  if (end.model === undefined) return false;
  const served = (await get<Session>('/api/session')).default;
  say(`${served} is the default now; it and ${model} answer ${heldOut.length} prompts that nobody judged`);
  const rate = await winRate(model, end.model, heldOut);
  say(`held-out win rate ${percent(rate)}`);
  const undone = await post<RoundUndone>(`/api/rounds/${id}/undo`, {});
  const isBack = undone.default !== id && (await get<Session>('/api/session')).default === undone.default;
  say(`undone: ${undone.default} is the default again; the checkpoint stays in ${undone.checkpoint}`);
  return rate.low > 0.5 && isBack && existsSync(undone.checkpoint);
}

try {
  const isDone = await main();
  say(isDone ? 'yes: a taste is learnt in one session' : 'NO: see above');
  process.exitCode = isDone ? 0 : 1;
} finally {
  child.kill('SIGTERM');
  await once(child, 'close');
  rmSync(folder, { recursive: true });
}
