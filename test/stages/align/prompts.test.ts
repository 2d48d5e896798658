// Tasks of one file, some of which decide: none of those is trained on, nor is what asks the same or is of their group.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { toJsonl } from '../../../src/base/jsonl.js';
import { stageReporter } from '../../../src/report/event.js';
import { apartFrom } from '../../../src/stages/align/apart.js';
import type { GivenPreferences } from '../../../src/stages/align/given.js';
import { readPrompts } from '../../../src/stages/align/prompts.js';
import { ChatTemplate } from '../../../src/tokenizer/chat-template.js';
import { templateTokenizer } from '../../golden/template-tokenizer.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-prompts-'));
after(() => rm(folder, { recursive: true }));
const template = new ChatTemplate(await templateTokenizer('chatml'));

async function read(asked: readonly { n: number; group?: string }[]) {
  const prompts = join(folder, 'tasks.jsonl');
  const rows = asked.map(({ n, group }) => {
    const messages = [{ role: 'user', content: `${n} + 1 = ?` }];
    return { messages, check: { type: 'number', answer: n + 1 }, ...(group !== undefined && { group }) };
  });
  await writeFile(prompts, toJsonl(rows));
  const job = { config: { prompts }, inputs: {}, reporter: stageReporter({ emit: () => undefined }, 'align') };
  return readPrompts(job as unknown as Parameters<typeof readPrompts>[0], template);
}

test('a task that decides is in no training: neither twice in the file, nor by its group', async () => {
  const many = Array.from({ length: 60 }, (_, i) => ({ n: i % 30, group: i % 30 < 15 ? 'small' : undefined }));
  const { prompts, heldOut } = await read(many);
  const learnt = new Set(prompts.map(({ messages }) => messages[0].content));
  assert.equal(heldOut.length, 6);
  assert.equal(prompts.length, 54);
  assert.ok(heldOut.every(({ messages, group }) => group !== 'small' && !learnt.has(messages[0].content)));
  await assert.rejects(read([{ n: 1 }, { n: 1 }, { n: 1 }]), /all 3 tasks ask the same, or are of one group/);
});

test('a preference that asks what a held-out task asks is not learnt, and that is said', async () => {
  const { prompts, heldOut } = await read(Array.from({ length: 10 }, (_, n) => ({ n })));
  const pairs = [...prompts, ...heldOut].map(({ id, messages }) => {
    const prompt = template.encode(messages, { addGenerationPrompt: true }).tokens;
    return {
      id,
      prompt,
      source: 'pairs.jsonl',
      chosen: { tokens: [1], text: '' },
      rejected: { tokens: [2], text: '' },
    };
  });
  const lines: string[] = [];
  const reporter = stageReporter({ emit: (event) => void (event.type === 'note' && lines.push(event.text)) }, 'align');
  const given = { pairs, labelled: [], heldOut: { pairs: [], labelled: [], prompts: [], preferences: [] }, digest: '' };
  const apart = apartFrom(heldOut, given as GivenPreferences, { template, reporter });
  assert.deepEqual(
    apart.pairs.map(({ id }) => id),
    prompts.map(({ id }) => id),
  );
  assert.deepEqual(lines, ['1 preference asks what a held-out task asks, and is not learnt: those tasks decide']);
});

test('no task to sample is a fault only where there are no preferences: those that are held out decide then', async () => {
  const selfInstruct = await mkdtemp(join(folder, 'self-instruct-'));
  await writeFile(join(selfInstruct, 'prompts.jsonl'), '');
  const question = { messages: [{ role: 'user', content: '1 + 1 = ?' }], check: { type: 'number', answer: 2 } };
  const rows = Array.from({ length: 12 }, (_, i) => ({ id: `${i}`, ...question }));
  await writeFile(join(selfInstruct, 'heldout.jsonl'), toJsonl(rows));
  const readWith = (config: object) => {
    const job = { config, inputs: { selfInstruct }, reporter: stageReporter({ emit: () => undefined }, 'align') };
    return readPrompts(job as unknown as Parameters<typeof readPrompts>[0], template);
  };
  await assert.rejects(readWith({}), /0 tasks have a check/);
  const { prompts, heldOut } = await readWith({ data: 'pairs.jsonl' });
  assert.equal(prompts.length, 0);
  assert.ok(heldOut.length > 0);
});
