// Judgements over HTTP: what the page sends is what the terminal keeps, in a real store, and nothing else is taken.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { samplingAt, samplingSchema } from '../../src/config/sampling.js';
import { preferencesOf } from '../../src/feedback/preferences.js';
import { appendFeedback, indexStore, readFeedback } from '../../src/feedback/store.js';
import type { FeedbackSummary, JudgementList } from '../../src/serve/contract.js';
import { feedbackRoutes } from '../../src/serve/feedback-routes.js';
import { collected, judgement } from '../feedback/judgements.js';
import { mounted } from './mounted.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-feedback-routes-'));
after(() => rm(folder, { recursive: true }));

const tools = [{ name: 'Calculate', description: 'sums' }];
const answerers = {
  small: {
    identity: 'a'.repeat(64),
    name: 'runs/small',
    sampling: (asked = {}) => samplingSchema.parse(asked),
    tools: async () => tools,
  },
  large: { identity: 'b'.repeat(64), name: 'runs/large', sampling: () => samplingAt(1) },
};
let stores = 0;
function served(file = join(folder, `store-${++stores}.jsonl`)) {
  const routes = feedbackRoutes({
    ...{ file, annotator: 'anna', seed: 42 },
    answererOf: (id) => (Object.hasOwn(answerers, id) ? answerers[id as keyof typeof answerers] : undefined),
  });
  const app = mounted(routes);
  const post = async (body: unknown, path = '', headers: Record<string, string> = {}) => {
    const response = await app.request(`/api/feedback${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, string> };
  };
  const summary = async (language = 'en') => {
    const response = await app.request('/api/feedback', { headers: { 'accept-language': language } });
    return (await response.json()) as FeedbackSummary;
  };
  const list = async (query: string) => {
    const response = await app.request(`/api/feedback/judgements${query}`);
    return { status: response.status, body: (await response.json()) as JudgementList };
  };
  return { file, post, summary, list, live: () => collected(readFeedback(file)) };
}

const user = (content: string) => ({ role: 'user', content });
const said = (content: string) => ({ role: 'assistant', content });
const conversation = [user('hello'), said('hi'), user('2 + 2?'), said('4')];

test('good, bad, edited and better are kept as the terminal keeps them', async () => {
  const { post, summary, live, file } = served();
  const good = { kind: 'good', model: 'small', messages: conversation, sampling: { temperature: 0.3 }, seed: 7 };
  assert.equal((await post({ ...good, maxNewTokens: 64, tools: true })).status, 200);
  await post({ kind: 'bad', model: 'large', messages: conversation.slice(0, 2) });
  await post({ kind: 'edit', model: 'small', messages: [user('3 + 3?'), said('7')], edited: '6' });
  const answers = [
    { model: 'small', messages: [said('long')], seed: 1 },
    { model: 'large', messages: [said('short')] },
  ];
  await post({ kind: 'better', messages: [user('say it')], answers, better: 1, annotator: 'bob' });
  await post({ kind: 'better', messages: [user('again')], answers, better: 'both bad' });
  const [first, second, third, fourth, fifth] = await live();
  assert.deepEqual(first.prompt, conversation.slice(0, 3));
  assert.deepEqual([first.verdict, first.annotator, first.tools], ['good', 'anna', tools]);
  assert.deepEqual(first.answers, [
    {
      messages: [said('4')],
      ...{ model: 'a'.repeat(64), name: 'runs/small', seed: 7, maxNewTokens: 64 },
      sampling: { ...samplingSchema.parse({}), temperature: 0.3 },
    },
  ]);
  assert.equal(first.conversation, second.conversation); // they begin alike
  assert.deepEqual([second.verdict, second.tools, second.answers[0].model], ['bad', undefined, 'b'.repeat(64)]);
  assert.deepEqual([third.verdict, third.edited], ['edit', [said('6')]]);
  assert.deepEqual([fourth.verdict, fourth.annotator, fourth.shownFirst], ['second', 'bob', 0]);
  assert.equal(fifth.verdict, 'both-bad');
  const taught = (await live()).flatMap(preferencesOf);
  assert.deepEqual(await summary(), {
    ...{ good: 1, bad: 1, edited: 1, preferred: 1, file },
    pairs: taught.filter(({ judgement }) => 'chosen' in judgement).length,
    last: { id: fifth.id, kind: 'both bad', at: fifth.at },
    wouldTrain: {
      ...{ pairs: 2, labels: 4, learnt: 5, heldOut: 1, method: 'kto', epochs: 6, needed: 18, enough: false },
      why: (await summary()).wouldTrain.why,
    },
  });
  assert.match((await summary()).wouldTrain.why ?? '', /held out|good|bad/);
});

test('the same judgement is kept once, another one of the same answer replaces it, and undo withdraws', async () => {
  const { post, summary, live, file } = served();
  const body = { kind: 'good', model: 'small', messages: conversation };
  const [one, two] = await Promise.all([post(body), post(body)]);
  assert.equal(one.body.id, two.body.id);
  const bad = await post({ ...body, kind: 'bad' });
  assert.deepEqual(
    (await live()).map(({ verdict }) => verdict),
    ['bad'],
  );
  assert.deepEqual((await post({ id: bad.body.id }, '/undo')).body, { id: bad.body.id });
  assert.equal((await post({ id: bad.body.id }, '/undo')).status, 200);
  assert.deepEqual(await live(), []);
  assert.equal((await indexStore(file)).texts.length, 2); // their text stays until it is deleted
  const { good, bad: none, last, wouldTrain } = await summary();
  assert.deepEqual([good, none, last, wouldTrain.enough], [0, 0, undefined, false]);
  assert.match(wouldTrain.why ?? '', /no preference to learn from/);
  assert.equal((await post({ id: '0'.repeat(16) }, '/undo')).status, 404);
});

test('with enough pairs a round would begin; with good labels alone it would not', async () => {
  const { post, summary } = served();
  for (let i = 0; i < 32; i++) {
    const answers = ['yes', 'no'].map((text) => ({ model: 'small', messages: [said(`${text} ${i}`)] }));
    await post({ kind: 'better', messages: [user(`${i}?`)], answers, better: 0 });
  }
  const { learnt, heldOut, ...outlook } = (await summary()).wouldTrain;
  assert.deepEqual(outlook, { pairs: 32, labels: 0, enough: true, method: 'dpo', epochs: 6 });
  assert.ok(heldOut >= 6 && learnt + heldOut === 32, `${learnt} + ${heldOut}`);
  const labels = served();
  for (let i = 0; i < 32; i++)
    await labels.post({ kind: 'good', model: 'small', messages: [user(`${i}?`), said('yes')] });
  const { enough, why, needed } = (await labels.summary()).wouldTrain;
  assert.deepEqual([enough, needed], [false, 1]); // a pair has a worse answer, too
  const chinese = (await labels.summary('zh-CN')).wouldTrain.why ?? '';
  assert.match(chinese, /回答/);
  assert.doesNotMatch(chinese, /answer/);
  assert.match(why ?? '', /answers are called good/);
});

test('judgements are listed newest first, by kind and page by page; a long text says how much is cut', async () => {
  const { post, list, file } = served();
  const long = `${'很'.repeat(3999)}😀 and more`;
  await post({ kind: 'good', model: 'small', messages: conversation });
  await post({ kind: 'edit', model: 'small', messages: [user('3 + 3?'), said(long)], edited: '6' });
  const answers = ['long', 'short'].map((text) => ({ model: 'small', messages: [said(text)] }));
  await post({ kind: 'better', messages: [user('say it')], answers, better: 1 });
  await post({ kind: 'better', messages: [user('again')], answers, better: 'tie' });
  const { judgements, all, counts, more } = (await list('')).body;
  assert.deepEqual(
    judgements.map(({ verdict }) => verdict),
    ['tie', 'second', 'edit', 'good'],
  );
  assert.deepEqual([all, more, counts], [4, undefined, { good: 1, bad: 0, edited: 1, preferred: 1, neither: 1 }]);
  const [, , edit, good] = judgements;
  assert.deepEqual([good.turn, good.question, good.annotator], [2, { text: '2 + 2?' }, 'anna']);
  assert.deepEqual(edit.answers, [{ name: 'runs/small', said: { text: '很'.repeat(3999), omitted: 11 } }]);
  assert.deepEqual(edit.edited, { text: '6' });
  const preferred = (await list('?kind=preferred')).body.judgements;
  assert.deepEqual(
    preferred.map(({ question }) => question.text),
    ['say it'],
  );
  await appendFeedback(
    file,
    Array.from({ length: 51 }, (_, i) => judgement(i, 'bad', ['no'])),
  );
  const first = (await list('?kind=bad')).body;
  assert.deepEqual([first.judgements.length, first.more], [50, 1]);
  const rest = (await list(`?kind=bad&before=${first.judgements[49].id}`)).body;
  assert.deepEqual([rest.judgements.map(({ question }) => question.text), rest.more], [['question 0'], undefined]);
  assert.equal((await list('?kind=all')).status, 400);
});

test('a deleted judgement is gone from the list, from what is learnt, and from the disk', async () => {
  const { post, list, file } = served();
  const secret = 'my number is 555-0199';
  const { body } = await post({ kind: 'good', model: 'small', messages: [user(secret), said('noted')] });
  await post({ kind: 'bad', model: 'small', messages: [user('2 + 2?'), said('5')] });
  assert.equal((await post({ id: body.id }, '/delete')).status, 200);
  assert.equal((await post({ id: body.id }, '/delete')).status, 200); // as often as one likes
  assert.equal((await post({ id: body.id }, '/undo')).status, 200); // a page that does not know yet
  assert.deepEqual(
    (await list('')).body.judgements.map(({ verdict }) => verdict),
    ['bad'],
  );
  assert.doesNotMatch(await readFile(file, 'utf8'), /555-0199|noted/);
  assert.equal((await post({ id: '0'.repeat(16) }, '/delete')).status, 404);
});

test('what is no judgement is refused in words, and nothing of it is written', async () => {
  const { post, file } = served();
  const good = { kind: 'good', model: 'small', messages: conversation };
  const refused: [unknown, number, RegExp, Record<string, string>?][] = [
    [good, 415, /must be JSON/, { 'content-type': 'text/plain' }],
    ['{"kind":', 400, /no JSON/],
    [{ ...good, more: 1 }, 400, /more/],
    [{ ...good, model: '__proto__' }, 404, /no model/],
    [{ ...good, messages: [said('4')] }, 400, /no question/],
    [{ ...good, messages: [user('2 + 2?')] }, 400, /do not end with an answer/],
    [{ ...good, annotator: 'a\nb' }, 400, /annotator/],
    [{ ...good, conversation: '../x' }, 400, /conversation/],
    [{ ...good, kind: 'edit', edited: ' 4 ' }, 400, /nothing to keep/],
    [{ kind: 'better', messages: [user('x')], answers: [good, good], better: 0 }, 400, /answers/],
    [JSON.stringify({ ...good, pad: 'x'.repeat(4 << 20) }), 413, /larger than 4194304 bytes/],
  ];
  for (const [body, status, words, headers] of refused) {
    const answer = await post(body, '', headers);
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    assert.match(answer.body.what, words);
    assert.ok(!JSON.stringify(answer.body).includes('.ts:'), 'no stack');
  }
  await assert.rejects(readFile(file), { code: 'ENOENT' });
});

test('a file that is no store is refused, and stays as it is', async () => {
  const file = join(folder, 'notes.jsonl');
  await writeFile(file, '{"a": 1}\n');
  const { post } = served(file);
  const { body } = await post({ kind: 'good', model: 'small', messages: conversation });
  assert.match(body.what, /no feedback store/);
  assert.equal(await readFile(file, 'utf8'), '{"a": 1}\n');
});
