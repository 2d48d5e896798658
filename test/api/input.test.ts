// What a program hands over: an adapter and a signal count in a conversation too, and every value is checked before it is used.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { chat, type Message, openModel, train, UserError } from '../../src/index.js';
import { saveTrained, temporaryFolder } from '../serve/world.js';

const { folder, remove } = await temporaryFolder();
after(remove);
const path = join(folder, 'sft');
before(() => saveTrained(path, 0));

const refused =
  (pattern: RegExp) =>
  (error: unknown): boolean =>
    error instanceof UserError && pattern.test(error.message);

test('a conversation opens the adapter that it is given, as openModel does', async () => {
  const lora = join(folder, 'no-adapter');
  const alone = await openModel(path, { lora }).catch((error: unknown) => error);
  assert.ok(alone instanceof UserError);
  await assert.rejects(chat(path, { lora }), { message: alone.message });
  await assert.rejects(chat(path, { lora: path }), refused(/adapter/));
});

test('the signal of a conversation stops its answers, and so does that of one turn', async () => {
  const whole = new AbortController();
  const conversation = await chat(path, { threads: 1, maxNewTokens: 400, temperature: 0, signal: whole.signal });
  let pieces = 0;
  for await (const _ of conversation.send('Count.', AbortSignal.abort())) pieces++;
  assert.equal(pieces, 0);
  whole.abort();
  for await (const _ of conversation.send('Count.')) pieces++;
  for await (const _ of conversation.send('Count.', new AbortController().signal)) pieces++;
  assert.equal(pieces, 0);
  await conversation.close();
});

test('an option that there is not is refused, with the nearest that there is', async () => {
  const untyped = (options: object) => options as never;
  await assert.rejects(
    openModel(path, untyped({ thread: 1 })),
    refused(/options: unknown key thread\. Did you mean threads\?/),
  );
  await assert.rejects(chat(path, untyped({ temprature: 0 })), refused(/unknown key temprature.*temperature/));
  await assert.rejects(
    train('smoke', untyped({ output: 'x' })),
    refused(/unknown key output\. Known here: out, set, only/),
  );
  const model = await openModel(path, { threads: 1 });
  await assert.rejects(model.answer('Count.', untyped({ max_tokens: 3 })), refused(/unknown key max_tokens/));
  await model.close();
});

test('a seed, a length, a role or a text that is none is refused, with its name and what it must be', async () => {
  const model = await openModel(path, { threads: 1 });
  for (const seed of [Number.NaN, -1, 1.5, 2 ** 32]) {
    await assert.rejects(model.answer('Count.', { seed }), refused(/seed must be a whole number from 0 to 4294967295/));
    await assert.rejects(chat(path, { seed }), refused(/seed must be/));
  }
  await assert.rejects(model.answer('Count.', { seed: Number.NaN }), refused(/NaN/));
  for (const maxNewTokens of [0, -3, 2.5])
    await assert.rejects(
      model.answer('Count.', { maxNewTokens }),
      refused(/maxNewTokens must be a whole number of at least 1/),
    );
  const say = (message: object) => model.answer([message as Message], { maxNewTokens: 1 });
  await assert.rejects(
    say({ role: 'robot', content: 'Count.' }),
    refused(/messages\.0\.role must be one of system, user, assistant, tool, got "robot"/),
  );
  await assert.rejects(say({ role: 'user', content: 3 }), refused(/messages\.0\.content must be text, got 3/));
  await assert.rejects(
    say({ role: 'user', content: 'x', tool_calls: [] }),
    refused(/unknown key messages\.0\.tool_calls/),
  );
  await assert.rejects(model.answer([]), refused(/messages must be a list/));
  await assert.rejects(model.score([3 as unknown as string]), refused(/texts\.0 must be text, got 3/));
  const { finish } = await model.answer('Count.', { maxNewTokens: 1, seed: 0 });
  assert.match(finish, /stop|length/);
  await model.close();
});
