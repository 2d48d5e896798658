// Every conversation, seed, task and tool file of ../shared/data is read, or refused for a reason that is stated.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RowNotes } from '../../src/data/conversations/notes.js';
import { readConversations } from '../../src/data/conversations/read.js';
import type { Conversation } from '../../src/data/types.js';

const shared = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
const skip = existsSync(shared) ? false : `${shared} is absent`;

interface Expected {
  rows: number;
  /** Of them, those that end with an answer. */
  answered: number;
  /** Fields that matter and are not read. */
  warned?: readonly string[];
}
const instances: Expected = { rows: 50, answered: 50 };
const files: Readonly<Record<string, Expected | 'refused'>> = {
  'self_instruct_seed_tasks.jsonl': { rows: 175, answered: 175 },
  'belle_zh_seed_tasks.jsonl': { rows: 175, answered: 175 },
  'moss_sft_sample.jsonl': { rows: 240, answered: 240 },
  'lf_glaive_toolcall_zh_demo.json': { rows: 300, answered: 300 },
  'lf_kto_en_demo.json': { rows: 300, answered: 300, warned: ['label'] },
  // Pairs and prompts: questions without an answer to learn, but for the 20 lists of an even number of turns.
  'lf_dpo_zh_demo.json': { rows: 300, answered: 0, warned: ['chosen', 'rejected'] },
  'moss_rlhf_ppo_train.json': { rows: 31, answered: 20 },
  'moss_rlhf_ppo_valid.json': { rows: 31, answered: 20 },
  'moss_meta_instruction.txt': 'refused',
  'superni/task078_all_elements_except_last_i.json': instances,
  'superni/task085_unnatural_addsub_arithmetic.json': instances,
  'superni/task092_check_prime_classification.json': instances,
  'superni/task1146_country_capital.json': instances,
  'superni/task363_sst2_polarity_classification.json': instances,
};

async function read(name: string): Promise<{ all: Conversation[]; notes: RowNotes }> {
  const notes = new RowNotes();
  const all: Conversation[] = [];
  for await (const { conversation } of readConversations(shared + name, notes)) all.push(conversation);
  return { all, notes };
}

test('every file of shared/data is read, and what is not read of it is said', { skip }, async () => {
  const there = readdirSync(shared, { recursive: true }).map(String);
  const others = there.filter((name) => /\.(jsonl?|txt)$/.test(name) && !Object.hasOwn(files, name));
  assert.deepEqual(others, [], 'files that nobody looks at');
  for (const [name, expected] of Object.entries(files)) {
    if (!there.includes(name)) continue;
    if (expected === 'refused') {
      await assert.rejects(read(name), /Give rows: JSON lines, one JSON list, CSV/);
      continue;
    }
    const { all, notes } = await read(name);
    const lines = notes.lines();
    const warnings = lines
      .filter(({ level }) => level === 'warning')
      .map(({ text }) => /the field (\w+)/.exec(text)?.[1] ?? text);
    const answered = all.filter(({ messages }) => messages.at(-1)?.role === 'assistant').length;
    assert.deepEqual(
      [name, all.length, answered, warnings],
      [name, expected.rows, expected.answered, expected.warned ?? []],
    );
  }
});

test('a task file of Super-NaturalInstructions: an instance is a row, its definition the instruction', {
  skip,
}, async () => {
  const { all } = await read('superni/task1146_country_capital.json');
  const [first] = all;
  assert.deepEqual(
    [first.id, first.kind, first.language, first.messages.map(({ content }) => content.split('\n').at(-1))],
    ['task1146_country_capital.json:1', 'Answer Generation, Fact Based', 'en', ['Afghanistan', 'Kabul']],
  );
  assert.match(first.messages[0].content, /return the capital city of the given country\nAfghanistan$/);
  assert.equal(basename(first.id), first.id);
});
