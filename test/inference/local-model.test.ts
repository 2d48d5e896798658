// A checkpoint of ours as chat, evaluation and alignment speak to it.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { modelConfig } from '../../src/architecture/config.js';
import { type CheckpointContent, openCheckpoint } from '../../src/checkpoint/directory.js';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import { modelSchema } from '../../src/config/model.js';
import { greedy, type Sampling, samplingSchema } from '../../src/config/sampling.js';
import { type Chat, openChat } from '../../src/inference/chat.js';
import { replyOf } from '../../src/inference/chat-model.js';
import { LocalModel, type OpenedModel, withWeights } from '../../src/inference/local-model.js';
import { answersWithTools } from '../../src/inference/tool-loop.js';
import { disposeModel, initModel, type Model } from '../../src/model/model.js';
import { openBackend } from '../../src/tensor/backends.js';
import { memory, tensor, tidy } from '../../src/tensor/tf.js';
import type { Message } from '../../src/tokenizer/message.js';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { trainTokenizer } from '../../src/tokenizer/train.js';
import { Toolbox } from '../../src/tools/toolbox.js';
import { checkpointContent } from '../checkpoint/fixtures/content.js';
import { modelTensors } from '../model-tensors.js';

const question: Message[] = [{ role: 'user', content: 'Say something.' }];

describe('a local model', () => {
  let folder: string;
  let tokenizer: Tokenizer;
  let weights: Model;

  /** Saves the model with this in its generation_config.json, and opens it. */
  async function open(name: string, generationConfig: CheckpointContent['generationConfig']): Promise<OpenedModel> {
    const directory = join(folder, name);
    const content = checkpointContent(1);
    await saveCheckpoint(directory, {
      ...content,
      ...{ model: weights.config, weights: modelTensors(weights), generationConfig, training: undefined },
      ...{ tokenizerFiles: tokenizer.files(), eosTokenIds: [tokenizer.specialId('turnEnd')] },
      manifest: { ...content.manifest, stage: 'sft' },
    });
    return LocalModel.of(await openCheckpoint(directory));
  }

  /** A chat that always answers with the likeliest tokens. */
  async function startChat(name: string, options: { maxNewTokens: number }): Promise<Chat> {
    await (await open(name, undefined)).dispose();
    const compute = { backend: 'wasm', precision: 'fp32' } as const;
    return openChat(join(folder, name), { compute, seed: 1, sampling: greedy, ...options });
  }

  before(async () => {
    await openBackend('wasm');
    folder = await mkdtemp(join(tmpdir(), 'mossctl-local-'));
    tokenizer = await trainTokenizer(['Say something. 说点什么。'], { vocabSize: 266 });
    const [endOfText, pad] = [tokenizer.specialId('endOfText'), tokenizer.specialId('pad')];
    const settings = modelSchema.parse({ hiddenSize: 16, layers: 1, heads: 2, contextLength: 96 });
    weights = initModel(modelConfig(settings, { vocabSize: tokenizer.vocabSize, endOfText, pad }), 3);
    // It says printable ASCII, a token a character: text that is tokenised again to the ids that were drawn.
    for (const [name, values] of weights.weights) {
      const rows = values.dataSync() as Float32Array;
      const width = values.shape[1] ?? 0;
      if (!/embed_tokens|lm_head/.test(name)) continue;
      const says = (id: number): boolean => /^[ -~]$/.test(tokenizer.decode([id]));
      tidy(() =>
        values.assign(
          tensor(
            rows.map((x, i) => (says(Math.floor(i / width)) ? x : 0)),
            values.shape,
          ),
        ),
      );
    }
  });
  after(async () => {
    disposeModel(weights);
    await rm(folder, { recursive: true });
  });

  test('a tokenizer with more tokens than the embedding has rows is refused before anything is computed', async () => {
    const larger = await trainTokenizer(['0123456789 the cat and the dog, the cat'.repeat(50)], { vocabSize: 300 });
    assert.ok(larger.vocabSize > weights.config.vocab_size);
    const opened = await open('fewer-rows', undefined);
    const content = { ...opened.checkpoint, weights: modelTensors(weights), training: undefined };
    await opened.dispose();
    const directory = join(folder, 'more-tokens');
    await saveCheckpoint(directory, { ...content, tokenizerFiles: larger.files() });
    const opening = LocalModel.open(directory);
    await assert.rejects(opening, /the tokenizer has \d+ tokens, the model's embedding \d+ rows/);
  });

  test('sampling is what is asked for, else what generation_config.json says, else our default', async () => {
    const written = await open('written', { do_sample: true, temperature: 0.6, top_k: 20, top_p: 0.9, min_p: 0.05 });
    assert.deepEqual(written.sampling(), { temperature: 0.6, topK: 20, topP: 0.9, minP: 0.05, repetitionPenalty: 1 });
    assert.deepEqual(written.sampling({ topK: 3, topP: undefined }), {
      ...{ temperature: 0.6, topK: 3, topP: 0.9, minP: 0.05, repetitionPenalty: 1 },
    });
    const still = await open('greedy', { do_sample: false, temperature: 0.6 });
    assert.equal(still.sampling().temperature, 0);
    assert.equal(still.sampling({ temperature: 1 }).temperature, 1);
    const silent = await open('silent', undefined);
    assert.deepEqual(silent.sampling(), samplingSchema.parse({}));
    for (const model of [written, still, silent]) await model.dispose();
  });

  test('published values are clamped to our bounds and nonsense is skipped; what is asked for is rejected', async () => {
    const cases: [CheckpointContent['generationConfig'], Partial<Sampling>][] = [
      [{ temperature: 50 }, { temperature: 10 }],
      [{ temperature: -1 }, {}],
      [{ top_p: 0 }, { topP: 0.01 }],
      [{ top_p: 1.5 }, {}],
      [{ min_p: 1.5 }, {}],
      [{ min_p: 0 }, { minP: 0 }],
      [{ top_k: -1 }, { topK: 0 }],
      [{ top_k: 1e9 }, { topK: 1_000_000 }],
      [{ top_k: 2.5 }, {}],
      [{ repetition_penalty: 0 }, {}],
      [{ repetition_penalty: 99 }, { repetitionPenalty: 10 }],
    ];
    for (const [i, [written, expected]] of cases.entries()) {
      const model = await open(`wide-${i}`, written);
      assert.deepEqual(model.publishedSampling, expected);
      assert.deepEqual(model.sampling(), samplingSchema.parse(expected));
      assert.throws(() => model.sampling({ temperature: 50 }), /temperature/);
      await model.dispose();
    }
  });

  test('a reply streams its text and returns it whole; whoever stops listening ends it', async () => {
    const held = memory().numTensors;
    const model = await open('reply', undefined);
    const options = { ...greedy, maxNewTokens: 20 };
    const pieces: string[] = [];
    for await (const piece of model.reply(question, options)) pieces.push(piece);
    const whole = await replyOf(model, question, options);
    assert.deepEqual([pieces.join(''), 'length'], [whole.text, whole.finish]);
    assert.ok(pieces.length > 3);
    for await (const piece of model.reply(question, options)) if (piece !== '') break;
    assert.deepEqual(model.engine.load, { active: 0, waiting: 0 });
    const aborted = await replyOf(model, question, { ...options, signal: AbortSignal.abort() });
    assert.deepEqual(aborted, { text: '', finish: 'aborted' });
    await model.dispose();
    assert.equal(memory().numTensors, held);
  });

  test('thoughts and calls come apart from the text, and the next prompt holds the very tokens that were drawn', async () => {
    const model = await open('called', undefined);
    const ids = tokenizer.encodeTrusted(
      '<think>\nhm\n</think>\n\nSee.\n<tool_call>\n{"name": "now", "arguments": {"zone": "<think>"}}\n</tool_call>',
    );
    const spelt = tokenizer.encode('<think>');
    const place = ids.lastIndexOf(tokenizer.controlId('<think>') ?? -1);
    const drawn = [...ids.slice(0, place), ...spelt, ...ids.slice(place + 1)];
    Object.assign(model.engine, {
      async *stream() {
        for (const id of drawn) yield { id };
        return { tokens: drawn, finish: 'stop' };
      },
    });
    const { finish, text, ...others } = await replyOf(model, question, { ...greedy, maxNewTokens: 99 });
    assert.deepEqual([finish, text], ['stop', 'See.']);
    assert.deepEqual(others, { reasoning: 'hm', toolCalls: [{ name: 'now', arguments: { zone: '<think>' } }] });
    const prompt = model.template.encode(question, { addGenerationPrompt: true }).tokens;
    const later = model.template.encode([...question, { role: 'assistant', content: text, ...others }]).tokens;
    assert.deepEqual(later.slice(0, prompt.length + drawn.length), [...prompt, ...drawn]);
    await model.dispose();
  });

  test("an answer ends at every token that the model's own files say ends it, and at no other", async () => {
    const model = await open('stops', undefined);
    const { tokens } = model.template.encode(question, { addGenerationPrompt: true });
    const ask = { tokens, sampling: greedy, maxNewTokens: 1, seed: 0 };
    const [{ tokens: first }] = await model.generate(ask);
    const own = { ...model.checkpoint, eosTokenIds: [first[0]] };
    const other = new LocalModel({ model: weights, tokenizer, checkpoint: own });
    assert.deepEqual(await other.generate(ask), [{ tokens: [], finish: 'stop', stopId: first[0] }]);
    const full = Array.from({ length: model.contextLength }, () => 5);
    assert.deepEqual(await model.generate({ ...ask, tokens: full, samples: 2 }), [
      { tokens: [], finish: 'length' },
      { tokens: [], finish: 'length' },
    ]);
    await other.engine.dispose();
    await model.dispose();
  });

  test('weights in training answer as they are now, and stay', async () => {
    const held = memory().numTensors;
    const ask = (model: LocalModel) => replyOf(model, question, { ...greedy, maxNewTokens: 4 });
    const opened = await open('now', undefined);
    assert.deepEqual(await withWeights({ model: weights, tokenizer }, ask), await ask(opened));
    await opened.dispose();
    assert.equal(memory().numTensors, held);
  });

  test('with tools that it does not call, a model says what it says without; all answers are drawn from one reading', async () => {
    const model = new LocalModel({ model: weights, tokenizer });
    const parameters = { type: 'object', properties: { a: { type: 'string' } } };
    const executor = { tool: { name: 'F', parameters }, limits: { seconds: 1, characters: 9 }, run: () => 'x' };
    const toolbox = new Toolbox([executor]);
    const { tokens } = model.template.encode(question, { addGenerationPrompt: true, tools: toolbox.tools });
    const request = { tokens, sampling: samplingSchema.parse({ temperature: 1 }), maxNewTokens: 12, seed: 5 };
    const plain = await model.generate({ ...request, samples: 3 });
    const sessions = Array.from({ length: 3 }, () => toolbox.session());
    const read = model.engine.counts.read;
    const answers = await answersWithTools(model, { ...request, sessions });
    assert.deepEqual(
      answers.map(({ tokens, finish }) => ({ tokens, finish })),
      plain.map(({ tokens, finish }) => ({ tokens, finish })),
    );
    assert.ok(answers.every(({ sampled }) => sampled.every(Boolean)));
    assert.ok(model.engine.counts.read - read <= tokens.length + 3 * 12, 'the prompt is read once at most');
    await model.dispose();
  });

  test('the second turn of a chat reads only what is new', async () => {
    const chat = await startChat('chat', { maxNewTokens: 8 });
    const answer = async (text: string): Promise<string> => {
      let whole = '';
      for await (const piece of chat.send(text)) whole += piece;
      return whole;
    };
    await answer('Say');
    const { read } = { ...chat.tokens };
    await answer('so');
    const { template } = new LocalModel({ model: weights, tokenizer });
    const [turns, options] = [chat.transcript(), { addGenerationPrompt: true }];
    const first = template.encode(turns.slice(0, 1), options).tokens.length;
    const second = template.encode(turns.slice(0, 3), options).tokens.length;
    // All of the first prompt and answer but the answer's last token, which was drawn and never read.
    assert.equal(chat.tokens.reused, first + 7);
    assert.equal(chat.tokens.read - read, second - (first + 7) + 7);
    await chat.close();
  });

  test('an aborted answer keeps its text as the turn; without any the turn is taken back', async () => {
    const chat = await startChat('abort', { maxNewTokens: 40 });
    for await (const piece of chat.send('Say', AbortSignal.abort())) assert.fail(String(piece));
    assert.deepEqual(chat.transcript(), []);
    const controller = new AbortController();
    let content = '';
    for await (const piece of chat.send('Say', controller.signal)) {
      content += piece;
      controller.abort();
    }
    assert.ok(content.length > 0 && content.length < 20, content);
    const aborted = [
      { role: 'user', content: 'Say' },
      { role: 'assistant', content },
    ];
    assert.deepEqual(chat.transcript(), aborted);
    // What the conversation is after a reset begins with a person's turn, whenever it was reset.
    for await (const piece of chat.send('so')) if (piece !== '') chat.reset();
    assert.deepEqual(chat.transcript(), []);
    await chat.close();
  });
});
