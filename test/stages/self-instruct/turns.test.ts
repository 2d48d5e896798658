// Rows of several exchanges: whose tasks they are, what comes before, and that each answer is right where it stands.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wordsOf } from '../../../src/base/words.js';
import type { Conversation } from '../../../src/data/types.js';
import { repetitions } from '../../../src/stages/repetitions.js';
import { operandOf } from '../../../src/stages/self-instruct/operands.js';
import { chainedInWords, chainRows } from '../../../src/stages/self-instruct/turns.js';

const exchange = (question: string, answer: string): Conversation['messages'] => [
  { role: 'user', content: question },
  { role: 'assistant', content: answer },
];

const parityOf = { zh: ['偶数。', '奇数。'], en: ['Even.', 'Odd.'] };

function otherLanguage(answer: string): string {
  const place = parityOf.zh.indexOf(answer);
  if (place >= 0) return parityOf.en[place];
  if (parityOf.en.includes(answer)) return parityOf.zh[parityOf.en.indexOf(answer)];
  return answer.replace(' is larger.', '更大。').replace(' is smaller.', '更小。');
}

/** Two wordings a language of parity, comparisons in both directions, and small talk that remembers. */
function pool(): Conversation[] {
  const rows: Conversation[] = [];
  const add = (kind: string, language: 'zh' | 'en', messages: Conversation['messages']): void => {
    const id = `${kind}-${language}-${rows.length}`;
    rows.push({ id, kind, language, messages, group: `group ${id}`, provenance: { teacher: 'offline', seeds: [id] } });
  };
  for (let i = 0; i < 120; i++) {
    const n = 100 + i;
    add('parity', 'zh', exchange(i % 2 < 1 ? `${n}是奇数还是偶数？` : `判断奇偶：${n}`, parityOf.zh[n % 2]));
    add('parity', 'en', exchange(i % 2 < 1 ? `Is ${n} odd or even?` : `${n}: odd or even?`, parityOf.en[n % 2]));
    const isLarger = i % 2 === 0;
    const [a, b] = [3 * i + 5, 700 - 2 * i];
    const chosen = isLarger ? Math.max(a, b) : Math.min(a, b);
    add(
      'comparison',
      'en',
      exchange(
        `Which is ${isLarger ? 'larger' : 'smaller'}, ${a} or ${b}?`,
        `${chosen} is ${isLarger ? 'larger' : 'smaller'}.`,
      ),
    );
    if (i % 4 === 0)
      add('chat', 'en', [
        ...exchange(`My dog is called Rex${i}.`, 'I see.'),
        ...exchange('What is it called?', `Rex${i}.`),
      ]);
  }
  return rows;
}

const options = { share: 0.5, most: 6, maxTokens: 256, seed: 7, part: 'train' };

/** Each question with its answer, and the question before. */
const exchangesOf = ({ messages }: Conversation) =>
  messages.flatMap(({ role, content }, i) =>
    role === 'user' ? [{ question: content, answer: messages[i + 1].content, before: messages[i - 2]?.content }] : [],
  );

test('talks that a teacher wrote stay as they are, and come into no other row', () => {
  const talks = Array.from({ length: 40 }, (_, i): Conversation => {
    const messages = [...exchange(`I planted ${i} beans.`, 'In the sun?'), ...exchange('In the shade.', `Talk ${i}.`)];
    const provenance = { teacher: 'openai:tiny', method: 'dialogue@1', seeds: [] };
    return { id: `talk-${i}`, kind: 'dialogue', language: 'en', messages, provenance };
  });
  const rows = [...pool(), ...talks];
  const { rows: chained } = chainRows(rows, rows, { ...options, share: 1 });
  assert.deepEqual(chained.slice(-talks.length), talks);
  assert.doesNotMatch(JSON.stringify(chained.slice(0, -talks.length)), /beans/);
});

test('repetitions are asked in the wordings that are learnt, never in those that tool use holds out', () => {
  const rows = pool();
  const { rows: chained, counts } = chainRows(rows, rows, { ...options, share: 1 });
  const asked = new Set(chained.flatMap(exchangesOf).map(({ question }) => question));
  const count = (isHeldOut: boolean): number =>
    (['zh', 'en'] as const).flatMap((language) => repetitions(language, isHeldOut)).filter((each) => asked.has(each))
      .length;
  assert.ok(counts.forms.repetition > 20 && count(false) > 10);
  assert.equal(count(true), 0);
});

test('half of each family and language: the same tasks in the same order, each asked last', () => {
  const rows = pool();
  const { rows: chained, counts } = chainRows(rows, rows, options);
  assert.deepEqual(
    chained.map(({ messages: _, provenance: __, ...row }) => row),
    rows.map(({ messages: _, provenance: __, ...row }) => row),
  );
  for (const [bucket, of] of [
    ['parity-zh', 120],
    ['parity-en', 120],
    ['comparison-en', 120],
  ] as const) {
    const several = chained.filter(({ id, messages }) => id.startsWith(bucket) && messages.length > 2);
    assert.equal(several.length, of / 2, bucket);
  }
  for (const [i, { messages }] of chained.entries())
    assert.equal(messages.at(-1)?.content, rows[i].messages.at(-1)?.content);
  const lengths = Object.keys(counts.byExchanges).map(Number);
  assert.deepEqual([Math.min(...lengths), Math.max(...lengths)], [1, 6]);
  assert.ok(counts.byExchanges[2] > counts.byExchanges[5], 'short talks are more frequent');
  assert.ok(
    Object.values(counts.forms).every((count) => count >= 10),
    JSON.stringify(counts.forms),
  );
  const share = counts.bilingual / chained.filter(({ messages }) => messages.length > 2).length;
  assert.ok(share > 0.08 && share < 0.25, `${share}`);
  assert.match(
    chainedInWords({ rows: chained, counts }),
    /^2\d\d of 390 conversations have 2 to 6 exchanges: \d+ follow-ups, /,
  );
  assert.deepEqual(chainRows(rows, rows, options).rows, chained);
  assert.notDeepEqual(chainRows(rows, rows, { ...options, seed: 8 }).rows, chained);
  assert.deepEqual(chainRows(rows, rows, { ...options, share: 0 }).rows, rows);
});

test('every answer is that of a row it names, and right for the question it stands under', () => {
  const rows = pool();
  const byId = new Map(rows.map((row) => [row.id, row]));
  let asked = 0;
  for (const row of chainRows(rows, rows, { ...options, share: 1 }).rows) {
    const sources = [row.id, ...(row.provenance?.earlier ?? [])].map((id) => byId.get(id));
    assert.ok(sources.every((source) => source !== undefined));
    assert.equal(new Set(sources).size, sources.length, 'no row twice');
    const known = new Map(
      sources.flatMap((source) => exchangesOf(source as Conversation).map((each) => [each.question, each])),
    );
    const exchanges = exchangesOf(row);
    for (const [i, { question, answer }] of exchanges.entries()) {
      const own = known.get(question);
      if (own !== undefined) {
        assert.equal(answer, own.answer);
        continue;
      }
      const [first, second] = question.match(/\d+/g) ?? [];
      const earlier = exchanges[i - 1];
      asked++;
      if (/英|in Chinese/i.test(question)) assert.equal(answer, otherLanguage(earlier.answer), question);
      else if (first === undefined) assert.equal(answer, earlier.answer, question);
      else if (second === undefined) {
        assert.match(earlier.question, /奇|odd/);
        assert.equal(answer, parityOf[/奇/.test(earlier.question) ? 'zh' : 'en'][Number(first) % 2], question);
      } else {
        const [a, b] = [Number(first), Number(second)];
        const chosen = /larger/.test(earlier.question) ? Math.max(a, b) : Math.min(a, b);
        const direction = /larger/.test(earlier.question) ? 'larger' : 'smaller';
        assert.equal(answer, `${chosen} is ${direction}.`, `${earlier.question} ${question}`);
      }
    }
  }
  assert.ok(asked > 100, `${asked}`);
});

test('prompts for alignment keep their tasks, after exchanges of what is trained on', () => {
  const rows = pool();
  const [prompts, train] = [rows.filter((_, i) => i % 5 === 0), rows.filter((_, i) => i % 5 !== 0)];
  const trained = new Set(train.map(({ id }) => id));
  const chained = chainRows(prompts, train, { ...options, part: 'prompts' }).rows;
  const earlier = chained.flatMap(({ provenance }) => provenance?.earlier ?? []);
  assert.ok(earlier.length > 30 && earlier.every((id) => trained.has(id)));
  assert.deepEqual(
    chained.map(({ id }) => id),
    prompts.map(({ id }) => id),
  );
});

test('what is to be remembered is asked for at once or after other tasks, and nobody else says theirs', () => {
  const rows = pool();
  const memories = chainRows(rows, rows, { ...options, share: 1 }).rows.filter(({ kind }) => kind === 'chat');
  const questions = memories.map((row) => exchangesOf(row).map(({ question }) => question));
  assert.ok(questions.every((each) => each.filter((question) => question.startsWith('My dog')).length === 1));
  const apart = questions.filter(
    (each) => each.findIndex((question) => question.startsWith('My dog')) < each.length - 2,
  );
  assert.ok(apart.length >= 5 && apart.length < questions.length, `${apart.length} of ${questions.length}`);
});

test('a conversation is no longer than it may be, and what stays alone for that is counted', () => {
  const rows = pool();
  const { rows: short, counts } = chainRows(rows, rows, { ...options, maxTokens: 60 });
  const tokens = ({ messages }: Conversation): number =>
    messages.reduce((sum, { content }) => sum + 5 + 1.5 * wordsOf(content).length, 0);
  assert.ok(short.filter(({ messages }) => messages.length > 4).every((row) => tokens(row) <= 61));
  assert.ok((counts.byExchanges[2] ?? 0) > 50);
  const none = chainRows(rows, rows, { ...options, maxTokens: 20 });
  assert.ok(none.counts.unchained > 100);
  assert.match(chainedInWords(none), /more are too long for a second exchange \(selfInstruct\.turns\.maxTokens\)$/);
});

test('a sum is followed up where it says what is to be done; where it does not, by the same wording alone', () => {
  const row = (kind: string, question: string, answer: string): Conversation => ({
    ...{ id: question, kind, language: 'en', messages: exchange(question, answer) },
  });
  const asked = (kind: string, question: string, answer = ''): string | undefined =>
    operandOf(row(kind, question, answer))?.question;
  assert.equal(asked('small-sums', 'What is 7 plus 5?'), asked('small-sums', '3×4=?'));
  assert.notEqual(asked('small-sums', 'What is the sum of 7 and 5?'), asked('small-sums', '3×4=?'));
  assert.equal(asked('small-sums', 'Add 7 and 5.'), asked('small-sums', 'Add 1 and 2.'));
  assert.notEqual(asked('comparison', '7 or 5?', '7 is larger.'), asked('comparison', '8 or 5?', '5 is smaller.'));
  assert.equal(asked('parity', 'Is 12 of 30 odd?'), undefined, 'two numbers apart');
  assert.equal(asked('identity', 'Who are you?'), undefined);
});
