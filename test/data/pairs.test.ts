// Preference pairs: strings, message lists, an implicit prompt, ShareGPT's shape; what is refused and what is left out.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { toJsonl } from '../../src/base/jsonl.js';
import type { ReadOptions } from '../../src/data/conversations.js';
import { readPairs } from '../../src/data/pairs.js';
import type { Message, PreferencePair } from '../../src/data/types.js';

const sample = fileURLToPath(new URL('../../../shared/data/lf_dpo_zh_demo.json', import.meta.url));
const user = (content: string): Message => ({ role: 'user', content });
const assistant = (content: string): Message => ({ role: 'assistant', content });

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pairs-'));
});
after(() => rm(directory, { recursive: true }));

async function read(rows: readonly unknown[], options?: ReadOptions): Promise<PreferencePair[]> {
  const path = join(directory, 'rows.jsonl');
  await writeFile(path, toJsonl(rows));
  return collect(readPairs(path, options));
}

test('every shape gives the same pair', async () => {
  const lists = { chosen: [assistant('good')], rejected: [assistant('bad')] };
  const turn = { prompt: [user('q')], chosen: 'good', rejected: 'bad' };
  const pairs = await read([
    { id: 'a', prompt: 'q', chosen: 'good', rejected: 'bad' },
    { prompt: [user('q')], ...lists },
    { chosen: [user('q'), ...lists.chosen], rejected: [user('q'), ...lists.rejected] },
    {
      conversations: [{ from: 'human', value: 'q' }],
      chosen: { from: 'gpt', value: 'good' },
      rejected: { from: 'gpt', value: 'bad' },
    },
  ]);
  assert.deepEqual(pairs, [
    { id: 'a', ...turn },
    { id: 'rows.jsonl:2', ...turn },
    { id: 'rows.jsonl:3', ...turn },
    { id: 'rows.jsonl:4', ...turn },
  ]);
});

test('pairs that teach nothing are reported and left out', async () => {
  const same = [user('q'), assistant('one')];
  const rows = [
    { prompt: 'q', chosen: 'one', rejected: 'one' },
    { chosen: same, rejected: same },
    { prompt: 'q', chosen: '', rejected: 'two' },
    { prompt: 'q', chosen: 'one', rejected: ' ' },
    { prompt: [user('q'), assistant('r')], chosen: 'one', rejected: 'two' },
    { prompt: 'q', chosen: 'one', rejected: 'two' },
  ];
  const dropped: string[] = [];
  const pairs = await read(rows, { onDropped: (reason) => dropped.push(reason) });
  assert.deepEqual(
    pairs.map(({ id }) => id),
    ['rows.jsonl:6'],
  );
  assert.deepEqual(dropped, [
    'the two answers are equal',
    'the two answers are equal',
    'the assistant message 2 is empty',
    'the rejected answer is empty',
    'the prompt ends with an assistant message',
  ]);
  await assert.rejects(read(rows), /rows\.jsonl:1: the two answers are equal\. Mend or delete that row/);
});

test('rows of a wrong shape are errors that name the line', async () => {
  await assert.rejects(read([{ prompt: 'q', chosen: 'one' }]), /rows\.jsonl:1: rejected: expected a string, or a list/);
  await assert.rejects(read([{ chosen: 'one', rejected: 'two' }]), /rows\.jsonl:1: "prompt" is missing/);
  const turns = [assistant('one'), user('more'), assistant('two')];
  await assert.rejects(
    read([{ prompt: 'q', chosen: turns, rejected: 'two' }]),
    /rows\.jsonl:1: chosen and rejected must each be one answer.*assistant, user, assistant/,
  );
});

const skip = existsSync(sample) ? false : 'lf_dpo_zh_demo.json is not on this machine';

test('ShareGPT sample: 300 real pairs', { skip }, async () => {
  const dropped: string[] = [];
  const pairs = await collect(readPairs(sample, { onDropped: (reason) => dropped.push(reason) }));
  assert.equal(pairs.length + dropped.length, 300);
  assert.deepEqual(dropped, []);
  assert.equal(pairs.filter(({ prompt }) => prompt[0].role === 'system').length, 64);
  assert.ok(pairs.every(({ prompt, chosen, rejected }) => prompt.at(-1)?.role === 'user' && chosen !== rejected));
});
