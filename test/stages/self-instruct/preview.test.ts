// A preview against a real server: the rows that the run makes first, what they took, and nothing paid for twice.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { previewText } from '../../../src/cli/preview-text.js';
import type { SelfInstructConfig } from '../../../src/config/pipeline.js';
import type { TokenUsage } from '../../../src/inference/chat-model.js';
import { stageReporter } from '../../../src/report/event.js';
import { selfInstructStage } from '../../../src/stages/self-instruct/stage.js';
import type { Job, StagePreview } from '../../../src/stages/stage.js';
import { goodTeacher, startChatServer } from '../../inference/chat-server.js';

test('a preview shows rows that the run finds paid, and a range of what the whole takes that holds it', async (t) => {
  let tokens = 0;
  const server = await startChatServer((request, response, count) => {
    const end = response.end.bind(response);
    // As an endpoint counts: it says so in the body of each answer.
    response.end = ((body: string) => {
      const usage = { prompt_tokens: 100 + (count % 3), completion_tokens: 10 };
      tokens += usage.prompt_tokens + usage.completion_tokens;
      return end(JSON.stringify({ ...(JSON.parse(body) as object), usage }));
    }) as typeof response.end;
    goodTeacher(request, response, count);
  });
  const folder = await mkdtemp(join(tmpdir(), 'mossctl-preview-'));
  t.after(() => Promise.all([server.close(), rm(folder, { recursive: true })]));
  const jobOf = (run: string, config: Partial<SelfInstructConfig> = {}): Job<SelfInstructConfig> => ({
    config: {
      ...{ seeds: 'data-specs/seeds.jsonl', teacher: 'openai', answers: 'short', model: 'tiny', baseUrl: server.url },
      ...{ timeoutSeconds: 5, retries: 2, concurrency: 8, kinds: ['arithmetic'], count: 60, heldOut: 10, prompts: 10 },
      ...{ maxSimilarity: 0.7, turns: { share: 0, most: 6 }, prices: { input: 1, output: 2 } },
      ...config,
    },
    inputs: {},
    directory: join(folder, run, 'self-instruct'),
    seed: 1,
    compute: { backend: 'auto' },
    reporter: stageReporter({ emit: () => undefined }, 'selfInstruct'),
  });
  const previewOf = async (job: Job<SelfInstructConfig>, count = 5): Promise<StagePreview> => {
    const preview = await selfInstructStage.preview?.(job, count);
    return preview ?? assert.fail('it has no preview');
  };

  const job = jobOf('run');
  const preview = await previewOf(job);
  const { rows, estimate = assert.fail('no estimate') } = preview;
  assert.deepEqual(
    rows.map(({ language }) => language),
    ['zh', 'en', 'zh', 'en', 'zh'],
    'of each family before a second of any',
  );
  assert.equal(server.requests.length, 7, '2 lists of tasks, 5 answers');
  assert.deepEqual(await readdir(join(folder, 'run')), ['self-instruct-responses.jsonl'], 'nothing else is written');
  const again = await previewOf(job);
  assert.equal(server.requests.length, 7, 'another asks for nothing');
  assert.deepEqual(again, preview);

  await selfInstructStage.run(job);
  const bodies = server.requests.map(({ body }) => JSON.stringify(body));
  assert.equal(new Set(bodies).size, bodies.length, 'nothing is asked twice');
  const made = await readFile(join(job.directory, 'train.jsonl'), 'utf8');
  for (const { messages } of rows.slice(0, 3)) {
    const files = ['heldout', 'prompts'].map((name) => readFile(join(job.directory, `${name}.jsonl`), 'utf8'));
    assert.ok(
      [made, ...(await Promise.all(files))].join('').includes(JSON.stringify(messages[0].content).slice(1, -1)),
    );
  }
  const holds = (name: 'requests' | 'inputTokens' | 'outputTokens' | 'usd', value: number): void => {
    const { low, high } = estimate[name] ?? assert.fail(name);
    if (low > value || value > high) assert.fail(`${name}: ${value}, not ${low} to ${high}`);
  };
  assert.equal(estimate.rows, 80 - preview.given);
  holds('requests', server.requests.length);
  holds('outputTokens', 10 * server.requests.length);
  holds('inputTokens', tokens - 10 * server.requests.length);
  holds('usd', (tokens + 10 * server.requests.length) / 1e6);

  const next = 'mossctl self-instruct';
  const text = previewText(preview, { prices: job.config.prices, budget: { budgetUsd: 1e-4 }, next });
  assert.match(text, /^5 rows by openai:tiny.*\n1 {2}arithmetic zh\n {3}user {7}请问\d/s);
  assert.match(text, /cost +\$0\.0\d+ +\$0\.0\d+ to \$0\.0\d+\n.*\$0\.00010 may end it at about \d+ rows/s);
  assert.match(previewText(preview, { next }), /no price is given, so no cost: --set 'selfInstruct\.prices=/);
  for (const line of text.split('\n')) assert.ok(line.length <= 80, line);

  // Enough for a list of tasks, not for another after what the first has taken.
  const ledger = await readFile(join(folder, 'run', 'self-instruct-responses.jsonl'), 'utf8');
  const { atMost } = JSON.parse(ledger.slice(0, ledger.indexOf('\n'))) as { atMost: TokenUsage };
  const budgetTokens = atMost.input + atMost.output + 150;
  const poor = await previewOf(jobOf('poor', { budgetTokens }));
  assert.equal(poor.rows.length, 1);
  assert.match(previewText(poor, { next }), /^1 of 5 rows.*it ended early: .*budget of [\d,]+ tokens is spent/s);
  const two = { teacher: 'offline' as const, kinds: ['rules', 'constraints'], heldOut: 1 };
  const kindsOf = ({ rows: shown }: StagePreview): string[] => shown.map(({ kind, language }) => `${kind}/${language}`);
  const each = await previewOf(jobOf('offline', two), 4);
  assert.deepEqual(kindsOf(each), ['rules/zh', 'rules/en', 'constraints/zh', 'constraints/en']);
  assert.deepEqual(each.unshown, []);
  const some = await previewOf(jobOf('offline', two), 3);
  assert.deepEqual(kindsOf(some), kindsOf(each).slice(0, 3));
  assert.match(
    previewText(some, { next }),
    /whole makes these too: constraints\/en \(--preview 4\s+shows one of each\)/,
  );

  const offline = await previewOf(jobOf('offline', { teacher: 'offline' }), 2);
  assert.match(previewText(offline, { next }), /computes its rows on this machine: nothing is asked, nothing is paid/);
});
