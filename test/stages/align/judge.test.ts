// A judge behind a real server steers alignment: only once it has shown that it can, asked for nothing twice however often it fails, and
// refused where the order or the length of the answers decides for it.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { UserError } from '../../../src/base/errors.js';
import { toJsonl } from '../../../src/base/jsonl.js';
import { openCheckpoint } from '../../../src/checkpoint/directory.js';
import { loadPipeline } from '../../../src/pipeline/load.js';
import { type Event, eventSchema, stageReporter } from '../../../src/report/event.js';
import { rewardSection } from '../../../src/report/reward-section.js';
import { alignStage } from '../../../src/stages/align/stage.js';
import { type ChatRequest, sendJson, sendText, startChatServer } from '../../inference/chat-server.js';
import { fewAnswers, published, writeTasks } from './say-e.js';

let root: string;
let gold: string;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'align-judge-'));
  await writeTasks(root);
  gold = join(root, 'gold.jsonl');
  const answer = (content: string) => [{ role: 'assistant', content }];
  const rows = Array.from({ length: 24 }, (_, i) => ({
    prompt: [{ role: 'user', content: i % 2 === 0 ? `Say e ${i}` : `说 e ${i}` }],
    chosen: answer(i % 3 === 0 ? 'e' : 'eel eel'),
    rejected: answer(i % 3 === 1 ? 'an owl is not it' : 'o'),
  }));
  await writeFile(gold, toJsonl(rows));
});
after(() => rm(root, { recursive: true, force: true }));

interface Shown {
  A: string;
  B: string;
}

/** What a judge was shown: JSON on the first line. */
function shownIn({ messages }: ChatRequest): Shown {
  return JSON.parse((messages.at(-1)?.content ?? '').split('\n')[0]) as Shown;
}

const earlyShare = (text: string): number => (text.match(/[a-m]/g)?.length ?? 0) / Math.max(1, text.length);
/** Prefers what holds more of the first letters: gold answers do. */
function fair({ A, B }: Shown): string {
  const [a, b] = [earlyShare(A), earlyShare(B)];
  if (a === b) return 'TIE';
  return a > b ? 'A' : 'B';
}

async function align(name: string, url: string, set: string[] = []) {
  const scorers = `scorers=[{judge: {model: tiny, baseUrl: '${url}', retries: 0, timeoutSeconds: 20, gold: ${gold}}}]`;
  const { align: config } = await loadPipeline({
    set: [...fewAnswers, 'train={steps: 2, batchSize: 4, learningRate: 0.01}', `prompts=${join(root, 'tasks.jsonl')}`]
      .concat(scorers, set)
      .map((each) => `align.${each}`),
    flags: { backend: 'auto' },
  });
  const events: Event[] = [];
  const directory = join(root, name, 'align');
  const { metrics } = await alignStage.run({
    config: config ?? assert.fail(),
    inputs: { sft: published },
    ...{ directory, seed: 1 },
    compute: { backend: 'auto', precision: 'fp32' },
    reporter: stageReporter({ emit: (event) => void events.push(event) }, 'align'),
    signal: new AbortController().signal,
  });
  return {
    metrics,
    events,
    notes: events.flatMap((event) => (event.type === 'note' ? [event.text] : [])).join('\n'),
    candidate: await openCheckpoint(join(directory, 'round-01')),
    rollouts: await readFile(join(directory, 'round-01', 'rollouts.jsonl'), 'utf8'),
  };
}

test('a judge that fails again and again is asked for nothing twice, and the round ends as if it had not failed', async (t) => {
  let left = Number.POSITIVE_INFINITY;
  let answered: string[] = [];
  const server = await startChatServer((request, response) => {
    if (left-- <= 0) return sendJson(response, { error: { message: 'down' } }, 500);
    answered.push(JSON.stringify(request.messages));
    sendText(response, fair(shownIn(request)));
  });
  t.after(() => server.close());
  const whole = await align('whole', server.url, ['method=grpo']);
  const asked = answered.sort();
  assert.equal(new Set(asked).size, asked.length);
  assert.equal(whole.metrics.judgeAccuracy, 1);
  assert.equal(whole.metrics.judgeOrderDependent, 0);
  assert.match(whole.notes, /judge [0-9a-f]{12}: right in 100\.0 % .* of 24 known pairs; 0\.0 % of 24 have no verdict/);
  assert.match(whole.notes, /judge [0-9a-f]{12}: it may steer alignment/);
  const reports = whole.events
    .filter(({ type }) => type === 'reward')
    .map((event) => ({ ...eventSchema.parse(event), time: 0 }));
  const page = rewardSection({
    events: reports,
    ...{ name: '', command: '', models: [], seconds: new Map(), broken: 0 },
  });
  assert.match(
    page,
    /What the judge tiny is worth.*May steer alignment.*yes.*changes with the order of the answers in 0\.0 %/s,
  );
  assert.match(whole.notes, /round 1: judge [0-9a-f]{12} compared \d+ pairs of answers; 0\.0 % changed with the order/);
  const shares = [...whole.rollouts.matchAll(/"rewards":\[\[([^\]]+)\]\]/g)].flatMap(([, all]) =>
    all.split(',').map(Number),
  );
  assert.ok(shares.length === 16 && shares.every((share) => share >= 0 && share <= 1));
  assert.ok(new Set(shares).size > 2, `${shares}`);

  const most = 30;
  [left, answered] = [most, []];
  let tries = 0;
  for (;;) {
    const outcome = await align('failing', server.url, ['method=grpo']).catch((error: unknown) => error);
    tries++;
    if (!(outcome instanceof Error)) {
      assert.equal((outcome as typeof whole).candidate.digest, whole.candidate.digest);
      break;
    }
    assert.ok(outcome instanceof UserError && tries < 20, `${outcome}`);
    left = most;
  }
  assert.ok(tries > 2, `${tries}`);
  assert.deepEqual(answered.sort(), asked, 'each once');
});

test('a judge that follows the order, the length or nothing is refused, and may steer only where a person says so', async (t) => {
  let say: (shown: Shown, count: number) => string = fair;
  let asked = 0;
  const server = await startChatServer((request, response, count) => {
    asked++;
    sendText(response, say(shownIn(request), count));
  });
  t.after(() => server.close());
  const refused = async (name: string, judge: typeof say): Promise<string> => {
    say = judge;
    const error = await align(name, server.url, ['method=online-dpo']).catch((each: unknown) => each);
    assert.ok(error instanceof UserError, `${error}`);
    return error.message;
  };
  assert.match(await refused('first', () => 'A'), /changes with the order of the answers in 100\.0 % of the pairs/);
  const longest = await refused('longest', ({ A, B }) => (A.length > B.length ? 'A' : 'B'));
  assert.match(longest, /not surely better than/);
  assert.match(
    await refused('silent', () => 'Both have their merits.'),
    /replies of the judge in a row held no verdict/,
  );
  const own = `scorers=[{judge: {checkpoint: '${published}', gold: ${gold}}}]`;
  await assert.rejects(align('babble', server.url, ['method=online-dpo', own]), /judge in a row held no verdict/);
  const unknown = `scorers=[{judge: {model: tiny, baseUrl: '${server.url}'}}]`;
  await assert.rejects(
    align('unknown', server.url, ['method=online-dpo', unknown]),
    /no pair of answers whose better one/,
  );
  const few = join(root, 'few.jsonl');
  await writeFile(few, `${(await readFile(gold, 'utf8')).split('\n').slice(0, 19).join('\n')}\n`);
  const of19 = `scorers=[{judge: {model: tiny, baseUrl: '${server.url}', gold: ${few}}}]`;
  asked = 0;
  await assert.rejects(align('few', '', ['method=online-dpo', of19]), /Its pairs are of 19 prompts/);
  assert.equal(asked, 0, 'certain before anything is paid');
  await assert.rejects(align('two', '', ['scorers=[{judge: {model: a, checkpoint: b}}]']), /a judge is one model/);

  say = ({ A, B }, count) => (count % 4 === 0 ? 'B, clearly' : A.length > B.length ? 'A' : 'B');
  const allowed = ['method=online-dpo', 'unlicensed=true', 'samplesPerPrompt=3'];
  const { notes, candidate, events } = await align('allowed', server.url, allowed);
  assert.match(notes, /a judge that has not shown enough steers alignment \(align\.unlicensed\)/);
  assert.match(notes, /the reference of online-dpo is the policy as it is at the round's start/);
  assert.equal((candidate.manifest.settings as { unlicensed?: boolean }).unlicensed, true);
  const steps = events.flatMap((event) => (event.type === 'step' ? [event.metrics ?? {}] : []));
  assert.ok(Math.abs(steps[0]['objective/kl']) < 1e-5 && steps[0]['rewards/accuracies'] !== undefined);
});
