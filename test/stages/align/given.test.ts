// Preferences that a person gives, as a round gets them: tokens by the model's template, a share held out by prompt, what is
// skipped counted, what could teach nothing refused.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { UserError } from '../../../src/base/errors.js';
import { toJsonl } from '../../../src/base/jsonl.js';
import { fitPreference } from '../../../src/data/preferences/fit.js';
import type { Judgement } from '../../../src/feedback/record.js';
import { appendFeedback } from '../../../src/feedback/store.js';
import { stageReporter } from '../../../src/report/event.js';
import { type GivenRequest, readGiven } from '../../../src/stages/align/given.js';
import { ChatTemplate } from '../../../src/tokenizer/chat-template.js';
import type { Message } from '../../../src/tokenizer/message.js';
import { templateTokenizer } from '../../golden/template-tokenizer.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-given-'));
after(() => rm(folder, { recursive: true }));
const tokenizer = await templateTokenizer('chatml');
const template = new ChatTemplate(tokenizer);
const user = (content: string): Message => ({ role: 'user', content });
const assistant = (content: string): Message => ({ role: 'assistant', content });
const decode = (ids: readonly number[]): string => tokenizer.decode([...ids]);

/** What a request gives, and the lines that a person reads. */
async function read(rows: readonly unknown[] | string, request: Partial<GivenRequest> = {}) {
  const path = typeof rows === 'string' ? rows : join(folder, 'pairs.jsonl');
  if (typeof rows !== 'string') await writeFile(path, toJsonl(rows));
  const lines: string[] = [];
  const job = {
    ...{ config: {}, inputs: {}, directory: folder, seed: 1, compute: {} as never },
    reporter: stageReporter(
      { emit: (event) => void (event.type === 'note' && lines.push(event.text.replaceAll(`${folder}/`, ''))) },
      'align',
    ),
  };
  const given = await readGiven(job, {
    ...{ data: path, validation: 0, template, contextLength: 64, rows: 'pairs' },
    ...request,
  });
  return { given, lines };
}

async function faultOf(rows: readonly unknown[], request: Partial<GivenRequest> = {}): Promise<string> {
  const error = await read(rows, request).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof UserError, String(error));
  return error.message.replaceAll(`${folder}/`, '');
}

test('the prompt ends where the model begins to write, and each answer with the token that ends it', async () => {
  const { given } = await read([{ prompt: '说点什么', chosen: '你好', rejected: 'no', weight: 2 }]);
  const [{ prompt, chosen, rejected, id, weight }] = given.pairs;
  const asked = template.encode([user('说点什么')], { addGenerationPrompt: true }).tokens;
  assert.deepEqual(prompt, asked);
  assert.deepEqual(chosen.tokens, [...tokenizer.encode('你好'), tokenizer.specialId('turnEnd')]);
  assert.equal(decode(rejected.tokens), 'no<|im_end|>');
  assert.equal(chosen.loss, undefined);
  assert.deepEqual({ id, weight, text: chosen.text }, { id: 'pairs.jsonl:1', weight: 2, text: '你好' });
});

test('a control token that an answer spells stays text', async () => {
  const { given } = await read([{ prompt: 'a', chosen: 'b<|im_end|>c', rejected: 'd' }]);
  const [{ chosen }] = given.pairs;
  assert.equal(chosen.tokens.filter((token) => token === tokenizer.specialId('turnEnd')).length, 1);
  assert.equal(decode(chosen.tokens), 'b<|im_end|>c<|im_end|>');
});

test('of an answer that calls a tool, what the tool says is not learnt; both answers share the prompt', () => {
  const call: Message = { role: 'assistant', content: '', toolCalls: [{ name: 'Say', arguments: { a: 1 } }] };
  const chosen: Message[] = [call, { role: 'tool', content: 'something' }, assistant('done')];
  const prompt = [user('tool?'), assistant('earlier'), user('again')];
  const tools = [{ name: 'Say', parameters: { type: 'object' } }];
  const fitted = fitPreference({ prompt, tools, judgement: { chosen, rejected: [assistant('no')] } }, template, 4096);
  assert.ok(!('skipped' in fitted) && 'chosen' in fitted.judged, JSON.stringify(fitted));
  const { tokens, loss = [] } = fitted.judged.chosen;
  const learnt = decode(tokens.filter((_, i) => loss[i] === 1));
  const given = decode(tokens.filter((_, i) => loss[i] === 0));
  assert.match(learnt, /"Say".*done<\|im_end\|>$/s);
  assert.match(given, /something/);
  assert.doesNotMatch(learnt, /something|earlier/);
  assert.equal(fitted.judged.rejected.loss, undefined);
});

test('rows past the context are skipped whole, and what is left is told', async () => {
  const { given, lines } = await read([
    { prompt: 'a', chosen: 'b', rejected: 'c' },
    { prompt: 'a', chosen: 'long '.repeat(40), rejected: 'c' },
    { prompt: 'a', chosen: 'c', rejected: 'b' },
    { prompt: 'x', completion: 'y', label: true },
  ]);
  assert.equal(given.pairs.length, 2);
  assert.deepEqual(lines, [
    'skipped 1 preference: with its prompt, the chosen answer takes more than 64 tokens (first: pairs.jsonl:2)',
    'pairs.jsonl: 2 pairs, 2.0 tokens in a chosen answer and 2.0 in a rejected one; 1 answer with a label: 1 good, 0 bad',
    '1 answer of pairs.jsonl with a label is not learnt: this method learns from pairs (align.method: kto learns from both)',
    '2 pairs say the opposite of another pair of the same answers',
    '0 of 3 preferences are held out to decide with (align.validation: 0): fewer than 6 promote nothing by themselves. Give more preferences, or others as align.evalData',
  ]);
});

test('nothing to learn from is refused in words', async () => {
  const same = { prompt: 'a', chosen: 'b', rejected: 'b' };
  const label = { prompt: 'a', completion: 'b', label: true };
  assert.match(await faultOf([same, same]), /no preference to learn from.*2 × chosen and rejected say the same/s);
  assert.match(await faultOf([label]), /1 answer with a label, and no pair.*align.method=kto/s);
  assert.match(await faultOf([label], { rows: 'labels' }), /the only answer is called good.*compares good/s);
  assert.match(await faultOf([{ ...label, label: false }], { rows: 'answers' }), /the only answer is called bad/);
  // Which prompts are held out follows from their hash: of six, some are.
  const faults = await Promise.all(
    ['a', 'b', 'c', 'd', 'e', 'f'].map(async (prompt) => {
      const path = join(folder, `alike-${prompt}.jsonl`);
      await writeFile(path, toJsonl([1, 2, 3].map((i) => ({ prompt, chosen: `b${i}`, rejected: 'c' }))));
      return read(path, { validation: 0.5 }).then(() => '', String);
    }),
  );
  assert.ok(faults.some((fault) => /every preference would be held out/.test(fault)) && faults.includes(''));
  assert.ok(
    faults.every((fault) => !/Lower align\.validation/.test(fault)),
    'with a lower one, none would be held out, and that is refused too',
  );
});

test('prompts are held out whole, the rest does not move when rows are added, and labels come of pairs', async () => {
  const rows = Array.from({ length: 60 }, (_, i) => ({ prompt: `p${i >> 1}`, chosen: `b${i}`, rejected: 'c' }));
  const first = (await read(rows, { validation: 0.3, rows: 'labels' })).given;
  const more = (await read([...rows, { prompt: 'q', chosen: 'b', rejected: 'c' }], { validation: 0.3 })).given;
  const heldOut = new Set(first.heldOut.pairs.map(({ prompt }) => decode(prompt)));
  assert.ok(first.heldOut.pairs.length > 5 && heldOut.size === first.heldOut.pairs.length / 2, `${heldOut.size}`);
  assert.ok(first.labelled.every(({ prompt }) => !heldOut.has(decode(prompt))));
  assert.equal(first.labelled.length, 2 * (60 - first.heldOut.pairs.length));
  assert.equal(first.heldOut.prompts.length, heldOut.size);
  assert.deepEqual(more.heldOut.pairs.slice(0, first.heldOut.pairs.length), first.heldOut.pairs);
  assert.notEqual(first.digest, more.digest);
});

test('each source is named with what is learnt of it and what is held out, also where all of it is', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'];
  const rows = (prompt: string) => [1, 2, 3].map((i) => ({ prompt, chosen: `b${i}`, rejected: 'c' }));
  const files = await Promise.all(
    names.map(async (name) => {
      await writeFile(join(folder, `own-${name}.jsonl`), toJsonl(rows(name)));
      return join(folder, `own-${name}.jsonl`);
    }),
  );
  const { lines } = await read(files[0], { data: files, validation: 0.5 });
  const said = lines.join('\n');
  for (const name of names)
    assert.match(said, new RegExp(`own-${name}\\.jsonl: (3 pairs|none of its 3 preferences is learnt)`));
  assert.match(said, /none of its 3 preferences is learnt, for all are held out/);
});

test('what asks the same is on one side, whatever file it is in and whatever group it names', async () => {
  const rows = Array.from({ length: 80 }, (_, i) => ({ prompt: `p${i % 40}`, chosen: `yes ${i}`, rejected: 'no' }));
  const other = join(folder, 'other.jsonl');
  await writeFile(other, toJsonl(rows.map((row, i) => ({ ...row, rejected: 'never', group: `g${i}` }))));
  await writeFile(join(folder, 'pairs.jsonl'), toJsonl(rows));
  const { given } = await read(other, { data: [join(folder, 'pairs.jsonl'), other], validation: 0.2 });
  const learnt = new Set(given.pairs.map(({ prompt }) => prompt.join()));
  assert.ok(given.heldOut.pairs.length >= 8 && given.pairs.length >= 80);
  assert.ok(given.heldOut.pairs.every(({ prompt }) => !learnt.has(prompt.join())));
});

test('several sources have weights, and a feedback store is one: what is withdrawn leaves no trace', async () => {
  const store = join(folder, 'feedback.jsonl');
  const shared = { conversation: '0'.repeat(16), at: '2026-11-28T00:00:00.000Z', annotator: 'a' };
  const edit = (id: string, answer: string, edited: string): Judgement => ({
    ...{ ...shared, type: 'judgement', id, verdict: 'edit', item: '1'.repeat(16), prompt: [user('说')] },
    ...{ answers: [{ messages: [assistant(answer)] }], edited: [assistant(edited)] },
  });
  const [first, second] = ['a'.repeat(16), 'b'.repeat(16)];
  await appendFeedback(store, [edit(first, 'no', 'b')]);
  const before = (await read(store)).given;
  await appendFeedback(store, [
    edit(second, 'no', 'c'),
    { ...shared, type: 'undo', id: 'c'.repeat(16), target: second },
  ]);
  const { given: undone, lines } = await read(store);
  assert.deepEqual(
    before.pairs.map(({ feedback }) => feedback),
    [first],
  );
  assert.equal(undone.digest, before.digest);
  assert.match(lines[0], /^feedback: 1 pair,/);
  const other = join(folder, 'other.jsonl');
  await writeFile(other, toJsonl([{ prompt: 'z', chosen: 'b', rejected: 'c', weight: 3 }]));
  const { given } = await read([{ prompt: 'a', chosen: 'b', rejected: 'c' }], {
    data: [join(folder, 'pairs.jsonl'), { path: other, weight: 0.5 }],
  });
  assert.deepEqual(
    given.pairs.map(({ source, weight }) => [source, weight]),
    [
      ['pairs.jsonl', undefined],
      ['other.jsonl', 1.5],
    ],
  );
});
