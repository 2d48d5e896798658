// Preferences: the formats that data sets come in, what is refused and where, and what is skipped and counted.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { toJsonl } from '../../src/base/jsonl.js';
import type { PreferenceFormat } from '../../src/config/preference-data.js';
import { RowNotes } from '../../src/data/conversations/notes.js';
import { readPreferences } from '../../src/data/preferences/read.js';
import { isPair, type Preference } from '../../src/data/preferences/types.js';
import type { Message } from '../../src/tokenizer/message.js';

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'preferences-'));
});
after(() => rm(directory, { recursive: true }));

async function readWithNotes(rows: readonly unknown[], format?: PreferenceFormat) {
  const path = join(directory, 'pairs.jsonl');
  await writeFile(path, toJsonl(rows));
  const notes = new RowNotes('preference');
  const preferences: Preference[] = [];
  for await (const { preference } of readPreferences(path, notes, { format })) preferences.push(preference);
  return { preferences, notes: notes.lines().map(({ text }) => text.replaceAll(`${directory}/`, '')) };
}

/** As a person reads it: `user hi | assistant hello > assistant hm`, or `+ assistant hello` for a label. */
function shown({ prompt, judgement }: Preference): string {
  const said = (messages: readonly Message[]): string =>
    messages.map(({ role, content }) => `${role} ${content}`).join(' / ');
  const judged = isPair(judgement)
    ? `${said(judgement.chosen)} > ${said(judgement.rejected)}`
    : `${judgement.isGood ? '+' : '-'} ${said(judgement.answer)}`;
  return `${said(prompt)} | ${judged}`;
}

const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const human = (value: string) => ({ from: 'human', value });
const gpt = (value: string) => ({ from: 'gpt', value });

test('every format of pairs says the same preference', async () => {
  const expected = 'user 1+1? | assistant 2 > assistant 3';
  const rows: Record<string, unknown> = {
    'TRL, texts': { prompt: '1+1?', chosen: '2', rejected: '3' },
    'TRL, conversations and a prompt': {
      prompt: [user('1+1?')],
      chosen: [assistant('2')],
      rejected: [assistant('3')],
    },
    'TRL, conversations with a common prompt': {
      chosen: [user('1+1?'), assistant('2')],
      rejected: [user('1+1?'), assistant('3')],
    },
    'ultrafeedback_binarized repeats the prompt and the better conversation': {
      prompt: '1+1?',
      messages: [user('1+1?'), assistant('2')],
      chosen: [user('1+1?'), assistant('2')],
      rejected: [user('1+1?'), assistant('3')],
      score_chosen: 8.5,
    },
    'LLaMA-Factory ranking, Alpaca': { instruction: '1+1?', input: '', chosen: '2', rejected: '3' },
    'LLaMA-Factory ranking, ShareGPT': { conversations: [human('1+1?')], chosen: gpt('2'), rejected: gpt('3') },
    'MOSS-RLHF': { chosen: ['1+1?', '2'], rejected: ['1+1?', '3'] },
    'hh-rlhf': { chosen: '\n\nHuman: 1+1?\n\nAssistant: 2', rejected: '\n\nHuman: 1+1?\n\nAssistant: 3' },
    'hh-rlhf with a prompt': { prompt: '\n\nHuman: 1+1?\n\nAssistant:', chosen: '2', rejected: '3' },
    'messages, and what should not have been the answer': {
      messages: [user('1+1?'), assistant('2')],
      rejected_response: '3',
    },
    'JSON text in a table': {
      prompt: '1+1?',
      chosen: JSON.stringify([user('1+1?'), assistant('2')]),
      rejected: JSON.stringify([user('1+1?'), assistant('3')]),
    },
  };
  const { preferences, notes } = await readWithNotes(Object.values(rows));
  assert.deepEqual(
    Object.fromEntries(Object.keys(rows).map((name, i) => [name, preferences[i] && shown(preferences[i])])),
    Object.fromEntries(Object.keys(rows).map((name) => [name, expected])),
  );
  assert.deepEqual(notes, ['fields that are not read: score_chosen']);
  assert.equal(preferences[0].id, 'pairs.jsonl:1');
  assert.equal(preferences[0].source, 'pairs.jsonl');
});

test('labels: TRL unpaired, and the KTO rows of LLaMA-Factory', async () => {
  const { preferences, notes } = await readWithNotes([
    { prompt: '1+1?', completion: '2', label: true },
    { prompt: [user('1+1?')], completion: [assistant('3')], label: 'False' },
    { instruction: '1+1?', output: '2', kto_tag: 1 },
    { messages: [user('1+1?'), assistant('3')], label: false },
  ]);
  const [good, bad] = ['user 1+1? | + assistant 2', 'user 1+1? | - assistant 3'];
  assert.deepEqual(preferences.map(shown), [good, bad, good, bad]);
  assert.deepEqual(notes, []);
});

test('what a row says beside its answers is kept: system prompt, tools, turns before, our own fields', async () => {
  const call = { role: 'assistant', tool_calls: [{ name: 'Calculate', arguments: { expression: '6*7' } }] };
  const tools = [{ name: 'Calculate', parameters: { type: 'object', properties: {} } }];
  const { preferences } = await readWithNotes([
    {
      id: 'a',
      system: '简短。',
      history: [['hi', 'hello']],
      instruction: 'Colour of the sky?',
      chosen: 'Blue.',
      rejected: 'Green.',
      ...{ kind: 'colour', language: 'en', group: 7, weight: 2 },
    },
    {
      tools,
      chosen: [user('6*7?'), call, { role: 'tool', content: '42' }, assistant('42')],
      rejected: [user('6*7?'), assistant('41')],
    },
  ]);
  assert.equal(
    shown(preferences[0]),
    'system 简短。 / user hi / assistant hello / user Colour of the sky? | assistant Blue. > assistant Green.',
  );
  const { id, kind, language, group, weight } = preferences[0];
  assert.deepEqual(
    { id, kind, language, group, weight },
    { id: 'a', kind: 'colour', language: 'en', group: '7', weight: 2 },
  );
  assert.equal(shown(preferences[1]), 'user 6*7? | assistant  / tool 42 / assistant 42 > assistant 41');
  assert.deepEqual(preferences[1].tools, tools);
});

test('a prompt that is only the common beginning of two texts ends where a word or a line does, and is said', async () => {
  const { preferences, notes } = await readWithNotes([
    { chosen: 'The sky is blue.', rejected: 'The sky is black.' },
    { chosen: '问：天空？\n答：蓝', rejected: '问：天空？\n答：绿' },
    { chosen: '蓝', rejected: '绿' },
  ]);
  assert.deepEqual(preferences.map(shown), [
    'user The sky is | assistant blue. > assistant black.',
    'user 问：天空？\n答： | assistant 蓝 > assistant 绿',
  ]);
  assert.deepEqual(notes, [
    'skipped 1 preference: there is no prompt, and chosen and rejected begin differently (first: pairs.jsonl:3)',
    '2 preferences have no prompt: what both of its texts begin with is taken for what was asked (first: pairs.jsonl:1)',
  ]);
});

test('rows of no use are skipped, counted and named', async () => {
  const { preferences, notes } = await readWithNotes([
    { prompt: 'a', chosen: 'b', rejected: 'b' },
    { prompt: 'a', chosen: '', rejected: 'b' },
    { prompt: 'a', chosen: 'b', rejected: '  ' },
    { chosen: [user('a'), assistant('b')], rejected: [user('c'), assistant('d')] },
    { prompt: 'x', chosen: [user('a'), assistant('b')], rejected: [user('a'), assistant('d')] },
    { chosen: ['a', 'b', 'c', 'd'], rejected: ['a', 'b', 'c', 'd'] },
    { chosen: ['a', 'b'], rejected: ['a', 'b', 'c', 'd'] },
    { prompt: [user('a'), assistant('b')], chosen: 'c', rejected: 'd' },
    { prompt: 'a', chosen: 'b', rejected: 'c', weight: 0 },
    { prompt: 'a', completion: ' ', label: true },
    { prompt: 'a', chosen: 'b', rejected: 'c', margin: 3 },
  ]);
  assert.deepEqual(preferences.map(shown), ['user a | assistant b > assistant c']);
  assert.deepEqual(notes, [
    'skipped 2 preferences: chosen and rejected say the same (first: pairs.jsonl:1)',
    'skipped 1 preference: there is no chosen answer, or it is empty (first: pairs.jsonl:2)',
    'skipped 1 preference: the rejected answer is empty (first: pairs.jsonl:3)',
    'skipped 2 preferences: the prompts of chosen and rejected differ (first: pairs.jsonl:4)',
    'skipped 1 preference: the prompts differ: prompt is not what chosen and rejected begin with (first: pairs.jsonl:5)',
    'skipped 1 preference: the prompt ends with a message of the assistant (first: pairs.jsonl:8)',
    'skipped 1 preference: its weight is no number above 0, up to 1000 (first: pairs.jsonl:9)',
    'skipped 1 preference: the answer is empty (first: pairs.jsonl:10)',
    '1 preference has the field margin, which is not read: every pair counts alike, however clear it is (weight says otherwise) (first: pairs.jsonl:11)',
  ]);
});

test('a row of the wrong shape is an error with its line; a named format is kept to', async () => {
  const fault = async (row: unknown, format?: PreferenceFormat): Promise<string> => {
    const error = await readWithNotes([{ prompt: 'a', chosen: 'b', rejected: 'c' }, row], format).catch(
      (thrown) => thrown,
    );
    assert.ok(error instanceof UserError, String(error));
    return error.message.replaceAll(`${directory}/`, '');
  };
  assert.match(
    await fault({ messages: [user('a'), assistant('b')] }),
    /pairs.jsonl:2.*no preference.*the field messages/s,
  );
  assert.match(await fault({ prompt: 'a', completion: 'b', label: 3 }), /label: true or false was expected/);
  assert.match(
    await fault({ prompt: 'a', chosen: 'b', rejected: { role: 'user' }, label: 1 }, 'trl-unpaired'),
    /completion/,
  );
  assert.match(
    await fault({ prompt: 'a', completion: 'b', label: { toString: 1 } }),
    /label: true or false was expected/,
  );
  assert.match(await fault({ prompt: 'a', chosen: 5, rejected: 'b' }), /chosen: a list of messages was expected/);
  assert.match(await fault(['a', 'b']), /an object with fields was expected/);
  const both = { prompt: 'a', completion: 'b', label: true, chosen: 'c', rejected: 'd' };
  const [asPair] = (await readWithNotes([both])).preferences;
  const [asLabel] = (await readWithNotes([both], 'trl-unpaired')).preferences;
  assert.deepEqual([asPair, asLabel].map(shown), ['user a | assistant c > assistant d', 'user a | + assistant b']);
});
