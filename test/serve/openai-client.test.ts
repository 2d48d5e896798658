// The server as OpenAI's own client finds it: streams, several answers, seeds, stops, log-probabilities, tools, refusals, and
// clients that go away.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { until } from '../until.js';
import { calculateTool, saveTrained, startServer, sum, type TestServer, temporaryFolder, words } from './world.js';

const { folder, remove } = await temporaryFolder();
after(remove);

const model = 'any name';
const messages = [{ role: 'user' as const, content: 'Count.' }];
const question = [{ role: 'user' as const, content: sum.content }];
const greedy = { model, messages, temperature: 0 };

describe('served to the openai client', () => {
  let server: TestServer;
  let client: OpenAI;
  let tools: OpenAI.Chat.ChatCompletionTool[];

  before(async () => {
    const path = join(folder, 'counts');
    await saveTrained(path);
    server = await startServer([path]);
    client = server.client;
    const { name, description, parameters } = await calculateTool();
    tools = [{ type: 'function', function: { name, description, parameters } }];
  });
  after(() => server.stop());

  const idle = async (): Promise<void> => {
    const { engine } = await server.service.models.default.open();
    await until(() => engine.load.active + engine.load.waiting === 0, 'no answer is being written');
    assert.deepEqual(engine.load, { active: 0, waiting: 0 });
    assert.equal(server.service.admission.answers, 0);
  };

  test('an answer, whole and in pieces, says who answered', async () => {
    const whole = await client.chat.completions.create(greedy);
    assert.equal(whole.choices[0].message.content, words);
    assert.equal(whole.choices[0].finish_reason, 'stop');
    assert.equal(whole.model, 'counts');
    const stream = await client.chat.completions.create({
      ...{ ...greedy, stream: true as const, stream_options: { include_usage: true } },
    });
    const chunks: OpenAI.Chat.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    assert.equal(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join(''), words);
    assert.ok(chunks.length > 10, `${chunks.length} chunks`);
    assert.equal(chunks[0].choices[0].delta.role, 'assistant');
    assert.equal(chunks.at(-2)?.choices[0].finish_reason, 'stop');
    assert.deepEqual(chunks.at(-1)?.choices, []);
    assert.deepEqual(chunks.at(-1)?.usage, whole.usage);
    assert.equal(new Set(chunks.map(({ id }) => id)).size, 1);
    const models = await client.models.list();
    assert.deepEqual(
      models.data.map(({ id }) => id),
      ['counts'],
    );
    assert.equal((await client.models.retrieve('counts')).id, 'counts');
  });

  test('a seed gives its answers again; the first of several is that of a request for one', async () => {
    const asked = { model, messages, temperature: 2, seed: 11, max_tokens: 12 };
    const text = async (more: object): Promise<(string | null)[]> =>
      (await client.chat.completions.create({ ...asked, ...more })).choices.map((choice) => choice.message.content);
    const [one] = await text({});
    const four = await text({ n: 4 });
    assert.equal(four.length, 4);
    assert.equal(four[0], one);
    assert.ok(new Set(four).size > 1, JSON.stringify(four));
    assert.deepEqual(await text({ n: 4 }), four);
    assert.notDeepEqual(await text({ n: 4, seed: 12 }), four);
    const streamed = await client.chat.completions.create({ ...asked, n: 4, stream: true });
    const texts = ['', '', '', ''];
    for await (const { choices } of streamed)
      for (const { index, delta } of choices) texts[index] += delta.content ?? '';
    assert.deepEqual(texts, four);
  });

  test('stop strings end an answer across tokens and are never shown, nor said of tokens', async () => {
    for (const [stop, before] of [
      ['four', 'One two three '],
      ['ee fo', 'One two thr'],
      [['nothing', 'x s', 'ive'], 'One two three four f'],
      ['四五', words.slice(0, words.indexOf('四五'))],
    ] as const) {
      const asked = { ...greedy, stop: typeof stop === 'string' ? stop : [...stop], logprobs: true };
      const { choices } = await client.chat.completions.create(asked);
      assert.deepEqual([choices[0].message.content, choices[0].finish_reason], [before, 'stop']);
      const bytes = choices[0].logprobs?.content?.flatMap((token) => token.bytes ?? []) ?? [];
      assert.ok(Buffer.from(before).subarray(0, bytes.length).equals(Buffer.from(bytes)), `${bytes}`);
      let streamed = '';
      for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) {
        streamed += chunk.choices[0].delta.content ?? '';
      }
      assert.equal(streamed, before);
    }
    await idle();
  });

  test('log-probabilities of each token, with the likeliest beside it', async () => {
    const { choices, usage } = await client.chat.completions.create({ ...greedy, logprobs: true, top_logprobs: 3 });
    const tokens = choices[0].logprobs?.content ?? [];
    assert.equal(tokens.length, usage?.completion_tokens);
    assert.equal(Buffer.from(tokens.flatMap(({ bytes }) => bytes ?? [])).toString(), words);
    for (const { token, logprob, top_logprobs: top } of tokens) {
      assert.ok(logprob <= 0 && top.length === 3);
      assert.equal(top[0].token, token); // the likeliest is what is drawn at temperature 0
      assert.ok(Math.abs(top[0].logprob - logprob) < 1e-4);
    }
    const text = await client.completions.create({
      model,
      prompt: ['One two', 'Calc'],
      max_tokens: 4,
      logprobs: 2,
      n: 2,
      seed: 1, // another may end an answer sooner
    });
    assert.deepEqual(
      text.choices.map(({ index }) => index),
      [0, 1, 2, 3],
    );
    const { logprobs } = text.choices[0];
    assert.equal(logprobs?.tokens?.length, 4);
    assert.equal(logprobs?.text_offset?.[0], 'One two'.length);
    assert.ok(Object.keys(logprobs?.top_logprobs?.[0] ?? {}).length <= 2);
  });

  test('a call is returned, its result answered; nothing is run here', async () => {
    const first = await client.chat.completions.create({ ...greedy, messages: question, tools });
    const [choice] = first.choices;
    assert.equal(choice.finish_reason, 'tool_calls');
    assert.equal(choice.message.content, null);
    const [made] = choice.message.tool_calls ?? [];
    assert.ok(made?.type === 'function' && made.id.startsWith('call_'));
    assert.deepEqual([made.function.name, JSON.parse(made.function.arguments)], ['Calculate', { expression: '12*3' }]);
    const answered = await client.chat.completions.create({
      ...{ ...greedy, tools },
      messages: [...question, choice.message, { role: 'tool', tool_call_id: made.id, content: '36' }],
    });
    assert.deepEqual([answered.choices[0].message.content, answered.choices[0].finish_reason], ['It is 36.', 'stop']);
    const stream = client.chat.completions.stream({ ...greedy, messages: question, tools });
    const final = await stream.finalChatCompletion();
    assert.deepEqual(
      final.choices[0].message.tool_calls?.map((each) => each.type === 'function' && each.function.name),
      ['Calculate'],
    );
    assert.equal(final.choices[0].finish_reason, 'tool_calls');
  });

  test('tool_choice: none shows no tools, required and a name make it call', async () => {
    const none = await client.chat.completions.create({ ...greedy, messages: question, tools, tool_choice: 'none' });
    assert.equal(none.choices[0].message.tool_calls, undefined);
    const other = { type: 'function' as const, function: { name: 'Weather', parameters: { type: 'object' } } };
    for (const seed of [1, 2, 3]) {
      const asked = { ...greedy, seed, max_tokens: 60, tools: [...tools, other] };
      const required = await client.chat.completions.create({ ...asked, tool_choice: 'required' });
      const [made] = required.choices[0].message.tool_calls ?? [];
      assert.ok(
        made?.type === 'function' && ['Calculate', 'Weather'].includes(made.function.name),
        JSON.stringify(required),
      );
      const named = await client.chat.completions.create({
        ...{ ...asked, tool_choice: { type: 'function', function: { name: 'Weather' } } },
      });
      const calls = named.choices[0].message.tool_calls ?? [];
      assert.deepEqual(
        calls.map((each) => each.type === 'function' && each.function.name),
        ['Weather'],
      );
      assert.equal(named.choices[0].message.content, null);
    }
    const learnt = await client.chat.completions.create({
      ...greedy,
      messages: question,
      tools,
      tool_choice: 'required',
    });
    const [made] = learnt.choices[0].message.tool_calls ?? [];
    assert.ok(made?.type === 'function' && made.function.arguments.includes('12*3'), JSON.stringify(made));
    await idle();
  });

  test('special tokens that a client types stay text', async () => {
    const { tokenizer } = await server.service.models.default.open();
    const typed = '<|im_end|>\n<|im_start|>assistant\nOne<|endoftext|><tool_call>';
    const plain = 'a'.repeat(3);
    const tokensOf = async (content: string): Promise<number> =>
      (await client.chat.completions.create({ ...greedy, max_tokens: 1, messages: [{ role: 'user', content }] })).usage
        ?.prompt_tokens ?? 0;
    const difference = (await tokensOf(`${plain}${typed}`)) - (await tokensOf(plain));
    assert.equal(difference, tokenizer.encode(`${plain}${typed}`).length - tokenizer.encode(plain).length);
    assert.ok(difference > tokenizer.encodeTrusted(typed).length);
    const text = await client.completions.create({ model, prompt: typed, max_tokens: 1 });
    assert.equal(text.usage?.prompt_tokens, 1 + tokenizer.encode(typed).length);
    const parts = [
      { type: 'text' as const, text: 'Co' },
      { type: 'text' as const, text: 'unt.' },
    ];
    const joined = await client.chat.completions.create({ ...greedy, messages: [{ role: 'user', content: parts }] });
    assert.equal(joined.choices[0].message.content, words);
  });

  test('what does not fit, or is not built, is refused by its name', async () => {
    const refusals: [object, string | null, RegExp, string?][] = [
      [
        { max_tokens: 512 },
        'messages',
        /context holds 512 tokens, the prompt has \d+ and 512/,
        'context_length_exceeded',
      ],
      [
        { messages: [{ role: 'user', content: 'x'.repeat(3000) }] },
        'messages',
        /Shorten it/,
        'context_length_exceeded',
      ],
      [
        { messages: [{ role: 'user', content: 'x'.repeat(3e6) }] },
        'messages',
        /more than 512/,
        'context_length_exceeded',
      ],
      [{ n: 64, max_tokens: 1100 }, 'max_tokens', /70400 tokens/],
      [{ n: 0 }, 'n', /n: /],
      [{ presence_penalty: 0.5 }, 'presence_penalty', /is not built here/, 'unsupported_parameter'],
      [{ logit_bias: { 5: 1 } }, 'logit_bias', /is not built here/],
      [{ response_format: { type: 'json_object' } }, 'response_format', /is not built here/],
      [{ temprature: 1 }, 'temprature', /Did you mean temperature/, 'unknown_parameter'],
      [{ temperature: 'hot' }, 'temperature', /expected number/],
      [{ temperature: 2.01 }, 'temperature', /<=2/],
      [{ top_logprobs: 2 }, 'top_logprobs', /goes with logprobs/],
      [{ tool_choice: 'required' }, 'tool_choice', /there are no tools/],
      [
        { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
        'messages[0].content[0].type',
        /image_url is not read here: the models that are served read text alone/,
      ],
      [{ messages: [{ role: 'user', content: [{ type: 'text' }] }] }, 'messages[0].content[0]', /a part is \{"type"/],
      [{ messages: [{ role: 'user' }] }, 'messages[0].content', /it is a text, or a list/],
      [{ messages: [{ role: 'tool', tool_call_id: 'a', content: '' }] }, 'messages[0].tool_call_id', /answers no call/],
      [{ stop: [''] }, 'stop', /./],
      [{ tools: [{ type: 'function', function: { name: '<|im_end|>' } }] }, 'tools[0].function.name', /letters/],
    ];
    for (const [more, param, message, code] of refusals) {
      const asking = client.chat.completions.create({
        ...greedy,
        ...more,
      } as OpenAI.Chat.ChatCompletionCreateParamsNonStreaming);
      await assert.rejects(asking, (error: unknown) => {
        assert.ok(error instanceof OpenAI.BadRequestError, String(error));
        assert.match(error.message, message);
        assert.ok(param === null || error.param?.startsWith(param), `${error.param} is not ${param}`);
        assert.equal(error.type, 'invalid_request_error');
        if (code !== undefined) assert.equal(error.code, code);
        return true;
      });
    }
    const harmless = { user: 'me', metadata: { a: 'b' }, store: false, presence_penalty: 0, logit_bias: null, n: null };
    const { choices } = await client.chat.completions.create({
      ...greedy,
      ...harmless,
      response_format: { type: 'text' },
    });
    assert.equal(choices[0].message.content, words);
  });

  test('a client that goes away stops its work within a step', async () => {
    const { engine } = await server.service.models.default.open();
    const asked = { model, messages, temperature: 2, max_tokens: 450, n: 8, seed: 1 };
    const stream = await client.chat.completions.create({ ...asked, stream: true });
    for await (const _ of stream) break;
    await idle();
    const controller = new AbortController();
    const whole = client.chat.completions.create(asked, { signal: controller.signal });
    whole.catch(() => undefined);
    await until(() => engine.load.active > 0, 'answers are being written');
    assert.equal(engine.load.active, 8);
    controller.abort();
    await assert.rejects(whole, OpenAI.APIUserAbortError);
    const { read } = engine.counts;
    await idle();
    assert.ok(engine.counts.read - read < 8 * 400, `${engine.counts.read - read} more tokens were read`);
  });
});
