// Thoughts are no answers: every way in which a reply carries one, and what is asked again when a limit cuts it.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  type ChatModel,
  QuestionRefused,
  type Reply,
  type ReplyOptions,
  replyOf,
} from '../../src/inference/chat-model.js';
import { Recording } from '../../src/inference/recording.js';
import { RequestLedger } from '../../src/inference/request-ledger.js';
import { SpokenModel, withoutThoughts } from '../../src/inference/thoughts.js';
import type { Message } from '../../src/tokenizer/message.js';

test('what is said is left, whoever marked the thought', () => {
  const rows: [string, string][] = [
    ['<think>\n1. plan\n2. more\n</think>\n\n7. Task', '7. Task'],
    ['<think></think>Yes.', 'Yes.'],
    ['<thinking>a</thinking>\nYes.', 'Yes.'],
    ['[THINK]a[/THINK]Yes.', 'Yes.'],
    ['plan without its opening\n</think>\nYes.', 'Yes.'],
    ['<think>I must close with </think> later</think>Yes.', 'Yes.'],
    ['<think>the tag <think> opens</think>Yes.', 'Yes.'],
    ['1. One\n<think>hm</think>\n2. Two', '1. One\n\n2. Two'],
    ['<THINK>a</THINK>Yes.', 'Yes.'],
    ['<think>a</think><answer>Yes.</answer>', 'Yes.'],
    ['<|begin_of_thought|>a<|end_of_thought|><|begin_of_solution|>Yes.<|end_of_solution|>', 'Yes.'],
    ['<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>Yes.<|END_RESPONSE|>', 'Yes.'],
    ['<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>', 'Yes.'],
    ['analysisWe need to be brief.assistantfinalYes.', 'Yes.'],
    ['No thought: analysis of <b>tags</b>.', 'No thought: analysis of <b>tags</b>.'],
    ['analysis is hard', 'analysis is hard'],
    ['<answer>Yes.</answer>', '<answer>Yes.</answer>'],
  ];
  for (const [text, said] of rows)
    assert.deepEqual([withoutThoughts(text).text, withoutThoughts(text).isCut], [said, false]);
  for (const text of [
    '<think>\n1. plan',
    'A.\n<think>no end',
    '<|channel|>analysis<|message|>hm',
    'analysisWe need',
    '</think><think>b',
  ])
    assert.deepEqual([withoutThoughts(text).text, withoutThoughts(text).isCut], ['', true], text);
});

const messages: Message[] = [{ role: 'user', content: 'Why?' }];

/** Thinks for `needed` tokens and answers in 10; `begin` is what its text begins with. */
class Thinker implements ChatModel {
  readonly identity = 'thinker';
  readonly limits: number[] = [];
  needed: number;
  begin: string;
  context: number;
  constructor(needed: number, begin: string, context = 1e9) {
    this.context = context;
    this.needed = needed;
    this.begin = begin;
  }
  async *reply(_: readonly Message[], { maxNewTokens }: ReplyOptions): AsyncGenerator<string, Reply> {
    this.limits.push(maxNewTokens);
    yield '';
    if (maxNewTokens > this.context) throw new QuestionRefused({ what: `the context is ${this.context}` });
    if (maxNewTokens < this.needed) return { text: `${this.begin}1. hm`, finish: 'length' };
    const text = this.needed === 0 ? '' : `${this.begin}1. hm</think>`;
    const isWhole = maxNewTokens >= this.needed + 10;
    return { text: `${text}Because${isWhole ? '.' : ''}`, finish: isWhole ? 'stop' : 'length' };
  }
}

async function spoken(t: TestContext, inner: ChatModel, hasOwnLimit = false) {
  const directory = await mkdtemp(join(tmpdir(), 'mossctl-thoughts-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'record.jsonl');
  const notes: string[] = [];
  const ledger = await RequestLedger.open(path);
  const recording = new Recording(inner, ledger);
  t.after(() => ledger.close());
  const model = new SpokenModel(recording, { hasOwnLimit, note: (text) => notes.push(text) });
  return { model, notes, kept: () => readFile(path, 'utf8') };
}

const given = (tokens: number): string =>
  `it thinks before it answers: it is given ${tokens} tokens more, its thoughts are cut off`;

test('an endpoint that has no room for more tokens: what it said with fewer counts', async (t) => {
  for (const [needed, begin, expected] of [
    [0, '', { text: 'Because', finish: 'length' }],
    [1e9, '<think>', { text: '', finish: 'thinking' }],
  ] as const) {
    const small = new Thinker(needed, begin, 2000);
    const { model, notes } = await spoken(t, small);
    for (const index of [0, 1]) assert.deepEqual(await replyOf(model, messages, { maxNewTokens: 5, index }), expected);
    assert.deepEqual(small.limits, [5, 4101, 5], 'not tried twice');
    assert.match(notes.at(-1) ?? '', /^it refuses 4096 tokens more for a thought/);
    await assert.rejects(replyOf(model, messages, { maxNewTokens: 3000 }), /context is 2000/);
  }
});

test('a thought that the limit cut is asked again with more, and the next question at once so', async (t) => {
  for (const begin of ['<think>', '']) {
    const thinker = new Thinker(150, begin);
    const { model, notes, kept } = await spoken(t, thinker);
    for (const index of [0, 1]) {
      const reply = await replyOf(model, messages, { maxNewTokens: 100, index });
      assert.deepEqual(reply, { text: 'Because.', finish: 'stop' });
    }
    assert.match(await kept(), /1\. hm<\/think>Because/, 'the recording keeps the thought');
    if (begin === '') {
      assert.deepEqual(thinker.limits, [100, 4196, 100, 4196], 'without a tag it is known once one has closed');
      assert.deepEqual(await replyOf(model, messages, { maxNewTokens: 100, index: 1 }), {
        text: 'Because.',
        finish: 'stop',
      });
    } else {
      assert.deepEqual(thinker.limits, [100, 4196, 4196]);
      assert.deepEqual(notes, [given(4096)]);
    }
  }
});

test('an answer that a thought left too few tokens for is asked again, too', async (t) => {
  const thinker = new Thinker(95, '<think>');
  const { model } = await spoken(t, thinker);
  assert.equal((await replyOf(model, messages, { maxNewTokens: 100 })).text, 'Because.');
  assert.deepEqual(thinker.limits, [100, 4196]);
});

test('a thought without an end is no answer; a limit of the person’s is not raised', async (t) => {
  const endless = new Thinker(1e9, '<think>');
  const { model, notes } = await spoken(t, endless);
  assert.deepEqual(await replyOf(model, messages, { maxNewTokens: 100 }), { text: '', finish: 'thinking' });
  assert.deepEqual(endless.limits, [100, 4196, 16_484]);
  assert.deepEqual(notes, [given(4096), given(16_384)]);
  await model.forget([{ messages, options: { maxNewTokens: 100 } }]);
  await replyOf(model, messages, { maxNewTokens: 100 });
  assert.equal(endless.limits.length, 4, 'asked again after it was forgotten');
  const limited = new Thinker(1e9, '<think>');
  const own = await spoken(t, limited, true);
  assert.equal((await replyOf(own.model, messages, { maxNewTokens: 100 })).finish, 'thinking');
  assert.deepEqual(limited.limits, [100]);
});

test('a model that thinks nothing is asked once, cut or not, after its first answer', async (t) => {
  const plain = new Thinker(0, '');
  const { model, notes } = await spoken(t, plain);
  assert.equal((await replyOf(model, messages, { maxNewTokens: 100, index: 0 })).text, 'Because.');
  assert.deepEqual(await replyOf(model, messages, { maxNewTokens: 5, index: 1 }), {
    text: 'Because',
    finish: 'length',
  });
  assert.deepEqual(plain.limits, [100, 5]);
  assert.deepEqual(notes, []);
});

test('only a thought, hidden or shown, is unusable; hidden ones are asked again', async (t) => {
  const replies: Reply[] = [
    { text: '', finish: 'length', reasoning: 'hm' },
    { text: '<think>hm</think>', finish: 'stop' },
  ];
  const inner: ChatModel = {
    identity: 'x',
    // biome-ignore lint/correctness/useYield: the whole reply is returned
    async *reply() {
      return replies.shift() ?? { text: 'never', finish: 'stop' };
    },
  };
  const { model, notes } = await spoken(t, inner);
  const reply = await replyOf(model, messages, { maxNewTokens: 100 });
  assert.deepEqual(reply, { text: '', finish: 'unusable', why: 'it thought, and answered nothing' });
  assert.deepEqual(notes, [given(4096)]);
});
