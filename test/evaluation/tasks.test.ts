// Tasks from rows of any format: what a model is asked has the tools and the reasoning that the row has, and a task that
// cannot be asked is skipped and counted, not the end of the run.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { toJsonl } from '../../src/base/jsonl.js';
import { askableTasks, promptTokens, readTasks } from '../../src/evaluation/tasks.js';
import { type Event, stageReporter } from '../../src/report/event.js';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { bytesJson, families } from '../tokenizer/foreign-world.js';

const directory = await mkdtemp(join(tmpdir(), 'tasks-'));
after(() => rm(directory, { recursive: true }));
const path = join(directory, 'tasks.jsonl');
const tokenizer = Tokenizer.fromJson(bytesJson(families.qwen3), 'tokenizer.json', { afterAnswer: '<|im_end|>' });
const template = new ChatTemplate(tokenizer, families.qwen3.template);

function listen() {
  const notes: string[] = [];
  const emit = (event: Event): void => {
    if (event.type === 'note') notes.push(event.text.replaceAll(`${directory}/`, ''));
  };
  return { notes, reporter: stageReporter({ emit }, 'eval') };
}

test('the prompt has the tools, the calls and the reasoning of its row, and ends before the answer', async () => {
  const call = { function: { name: 'tide', arguments: { port: 'Brest' } } };
  const row = {
    tools: [{ type: 'function', function: { name: 'tide', description: 'Height of the tide' } }],
    system_prompt: 'Be brief.',
    conversations: [
      { from: 'human', value: 'How high?' },
      { role: 'assistant', content: null, reasoning: 'I look.', tool_calls: [call] },
      { role: 'tool', content: '5.1' },
      { from: 'gpt', value: 'the reference' },
    ],
    check: { type: 'number', answer: 5.1 },
  };
  await writeFile(path, toJsonl([row]));
  const { notes, reporter } = listen();
  const [task] = await readTasks(path, reporter);
  assert.deepEqual(task.check, row.check);
  assert.deepEqual(askableTasks([task], template, reporter), [task]);
  const text = tokenizer.decode(promptTokens(task, template));
  for (const part of ['Be brief.', '"Height of the tide"', '<think>\nI look.\n</think>', '{"port": "Brest"}', '5.1']) {
    assert.ok(text.includes(part), `${part} in ${text}`);
  }
  assert.ok(text.endsWith('<|im_end|>\n<|im_start|>assistant\n') && !text.includes('the reference'), text);
  assert.deepEqual(notes, []);
});

test('tasks that no question begins, or that the template refuses, are skipped and counted', async () => {
  const ask = (content: string) => ({ role: 'user', content });
  const answer = { role: 'assistant', content: 'x' };
  await writeFile(
    path,
    toJsonl([
      { messages: [ask('a'), answer], images: ['x.png'] },
      { messages: [answer] },
      { messages: [{ role: 'system', content: 's' }, ask('a')] },
      { id: 'third', messages: [ask('b')] },
    ]),
  );
  const { notes, reporter } = listen();
  const tasks = await readTasks(path, reporter);
  assert.equal(tasks.length, 3);
  const strict = `{%- if messages[0].role == 'system' -%}{{- raise_exception('no system turns') -}}{%- endif -%}${families.qwen3.template}`;
  const askable = askableTasks(tasks, new ChatTemplate(tokenizer, strict), reporter);
  assert.deepEqual(
    askable.map(({ id }) => id),
    ['tasks.jsonl:1', 'third'],
  );
  assert.deepEqual(notes, [
    'skipped 1 task: a message of the assistant where system or user was expected (first: tasks.jsonl:2, message 1)',
    '1 task has the field images, which is not read (first: tasks.jsonl:1)',
    'skipped 1 task: the chat template refuses it: no system turns (first: tasks.jsonl:3)',
  ]);
  await writeFile(path, toJsonl([{ messages: [answer] }]));
  await assert.rejects(readTasks(path, reporter), /there is no task to ask.*1 × a message of the assistant where/s);
});
