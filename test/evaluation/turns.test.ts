// The same task as the first, second and fourth question of a talk: what comes before it, and that its right answers count.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Conversation } from '../../src/data/types.js';
import type { Answer } from '../../src/evaluation/tasks.js';
import { laterTasks, measureTurns } from '../../src/evaluation/turns.js';
import type { LocalModel } from '../../src/inference/local-model.js';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { bytesJson, families } from '../tokenizer/foreign-world.js';

const task = (i: number, rest: Partial<Conversation> = {}): Conversation => ({
  id: `t${i}`,
  kind: 'parity',
  language: i % 2 === 0 ? 'en' : 'zh',
  messages: [
    { role: 'user', content: `${i}?` },
    { role: 'assistant', content: `a${i}` },
  ],
  check: { type: 'equals', answer: `a${i}` },
  ...rest,
});

test('each task after one and three exchanges of others, the same ones nearest to it; mostly in its language', () => {
  const tasks = [
    ...Array.from({ length: 40 }, (_, i) => task(i, i < 10 ? { group: `g${i % 5}` } : {})),
    task(40, { check: undefined }),
    task(41, { messages: [...task(41).messages, ...task(41).messages] }),
    task(42, { tools: [] }),
  ];
  const options = { turns: [2, 4], seed: 3, size: () => 10, room: 64 };
  const { asked, byTurn, unfit } = laterTasks(tasks, options);
  assert.equal(unfit, 0);
  assert.deepEqual(asked, tasks.slice(0, 40), 'single tasks with a check');
  const known = new Map(tasks.map((each) => [each.messages[0].content, each]));
  let [own, all] = [0, 0];
  for (const [i, later] of (byTurn.get(4) ?? []).entries()) {
    const { messages, ...rest } = later;
    const { messages: alone, ...same } = asked[i];
    assert.deepEqual(rest, same);
    assert.deepEqual([messages.length, messages.slice(-2)], [8, alone]);
    assert.deepEqual(byTurn.get(2)?.[i].messages, messages.slice(-4), 'talks are nested');
    const earlier = [0, 2, 4].map((at) => known.get(messages[at].content) as Conversation);
    assert.deepEqual(
      messages.slice(0, 6),
      earlier.flatMap((each) => each.messages),
      'with their right answers',
    );
    assert.equal(
      new Set([asked[i], ...earlier].map(({ id, group = id }) => group)).size,
      4,
      'each asks something else',
    );
    own += earlier.filter(({ language }) => language === asked[i].language).length;
    all += earlier.length;
  }
  assert.ok(own / all > 0.7 && own < all, `${own} of ${all}`);
  assert.deepEqual(laterTasks(tasks, options), { asked, byTurn, unfit });
});

test('what has no room at turn 4 is asked at none, and counted', () => {
  const tasks = Array.from({ length: 20 }, (_, i) => task(i));
  const size = ({ id }: Conversation): number => (id === 't3' ? 40 : 10);
  const { asked, unfit } = laterTasks(tasks, { turns: [2, 4], seed: 3, size, room: 60 });
  assert.deepEqual([asked.length, unfit], [19, 1]);
  assert.ok(asked.every(({ id }) => id !== 't3'));
});

test('right answers at turns 1, 2 and 4 are of the same tasks, pair by pair', async () => {
  const json = bytesJson(families.qwen3);
  const tokenizer = Tokenizer.fromJson(json, 'tokenizer.json', { afterAnswer: '<|im_end|>' });
  const template = new ChatTemplate(tokenizer, families.qwen3.template);
  // Right at the first question, at the second where its number is even, and never later.
  const generate = ({ tokens }: { tokens: number[] }): Promise<object[]> => {
    const asked = [...tokenizer.decode(tokens).matchAll(/(\d+)\?/g)].map(([, number]) => Number(number));
    const last = asked.at(-1) ?? 0;
    const isRight = asked.length === 1 || (asked.length === 2 && last % 2 === 0);
    return Promise.resolve([
      { tokens: tokenizer.encode(isRight ? `a${last}` : 'no'), stopId: tokenizer.specialId('turnEnd') },
    ]);
  };
  const model = { contextLength: 2048, tokenizer, template, generate } as unknown as LocalModel;
  const tasks = Array.from({ length: 12 }, (_, i) => task(i));
  const first = tasks.map(
    (each): Answer => ({ task: each, promptTokens: [], tokens: [], text: `a${each.id.slice(1)}`, ended: true }),
  );
  const options = { maxNewTokens: 8, seed: 1 };
  const { measurements } = await measureTurns(model, first, { ...options, turns: [2, 4] });
  assert.deepEqual([...measurements.keys()], ['correct.turn1', 'correct.turn2', 'correct.turn4']);
  const right = (turn: number) =>
    measurements.get(`correct.turn${turn}`)?.flatMap(({ id, value }) => (value === 1 ? [id] : []));
  assert.deepEqual(
    right(1),
    tasks.map(({ id }) => id),
  );
  assert.deepEqual(right(2), ['t0', 't2', 't4', 't6', 't8', 't10']);
  assert.deepEqual(right(4), []);
  assert.deepEqual((await measureTurns(model, first, { ...options, turns: [] })).measurements, new Map());
});
