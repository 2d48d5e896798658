// A run of the stage against a server that says what a test makes of each request.
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { SelfInstructConfig } from '../../../src/config/pipeline.js';
import type { Conversation } from '../../../src/data/types.js';
import { type Event, stageReporter } from '../../../src/report/event.js';
import type { MethodFailure } from '../../../src/stages/self-instruct/asked-model.js';
import type { RejectedTask } from '../../../src/stages/self-instruct/filters/rejected.js';
import { selfInstructStage } from '../../../src/stages/self-instruct/stage.js';
import { type ChatRequest, sendJson, sendText, startChatServer } from '../../inference/chat-server.js';

export const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

export interface Outcome {
  rows: Conversation[];
  rejected: RejectedTask[];
  rules: Set<string>;
  requests: ChatRequest[];
  warnings: string[];
  report: { failed: (Omit<MethodFailure, 'error'> & { why: string })[] };
}

export type Say = (request: {
  system: string;
  user: string;
  isChinese: boolean;
  word(i: number): string;
}) => string | { refused: string };

/** A run of the stage against a server that says what `say` makes of a request; `word(i)` differs from request to request. */
export async function runWith(
  t: TestContext,
  say: Say,
  config: Partial<SelfInstructConfig>,
  data?: string,
): Promise<Outcome> {
  const server = await startChatServer(({ messages }, response) => {
    const [system = '', user = ''] = messages.map(({ content }) => content);
    const whole = messages.map(({ content }) => content).join('\n');
    const isChinese = whole.includes('Simplified Chinese');
    const word = (i: number): string => {
      const letters = digest(`${whole} ${i}`);
      const han = (from: number): string =>
        String.fromCharCode(0x4e00 + (Number.parseInt(letters.slice(from, from + 4), 16) % 20_000));
      if (isChinese) return Array.from({ length: 12 }, (_, at) => han(4 * at)).join('');
      const plain = letters.slice(0, 12).replace(/\d/g, (digit) => 'ghijklmnop'[Number(digit)]);
      return plain.replace(/(.{4})/g, '$1 ').trim();
    };
    const said = say({ system, user, isChinese, word });
    if (typeof said === 'string') sendText(response, said);
    else sendJson(response, { error: { message: said.refused } }, 400);
  });
  t.after(() => server.close());
  const directory = await mkdtemp(join(tmpdir(), 'mossctl-methods-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const events: Event[] = [];
  const folder = join(directory, 'self-instruct');
  await selfInstructStage.run({
    config: {
      ...{ seeds: 'data-specs/seeds.jsonl', teacher: 'openai', answers: 'short', model: 'tiny', baseUrl: server.url },
      ...{ timeoutSeconds: 5, retries: 0, concurrency: 8, count: 24, heldOut: 4, prompts: 0, maxSimilarity: 0.7 },
      ...{ turns: { share: 0, most: 6 }, tools: ['Calculate', 'Now'] },
      ...config,
    },
    ...{ inputs: { data }, directory: folder, seed: 1, compute: { backend: 'auto' } },
    reporter: stageReporter({ emit: (event) => events.push(event) }, 'selfInstruct'),
  });
  const read = async <T>(name: string): Promise<T[]> =>
    (await readFile(join(folder, name), 'utf8'))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as T);
  const rows = [...(await read<Conversation>('train.jsonl')), ...(await read<Conversation>('heldout.jsonl'))];
  const rejected = await read<RejectedTask>('rejected.jsonl');
  const warnings = events.flatMap((event) => (event.type === 'note' && event.level === 'warning' ? [event.text] : []));
  return {
    rows: rows.filter(({ provenance }) => provenance?.teacher !== 'seed'),
    ...{ rejected, rules: new Set(rejected.map(({ rule }) => rule)), requests: server.requests, warnings },
    report: JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')) as Outcome['report'],
  };
}
