// Answers with calls, sampled from a model at temperatures at which all is well and at those at which calls break.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { samplingSchema } from '../../src/config/sampling.ts';
import { readRow } from '../../src/data/conversations/formats.ts';
import { LocalModel } from '../../src/inference/local-model.ts';
import { openBackend } from '../../src/tensor/backends.ts';

const temperatures = [0.2, 1, 1.5, 2];

/** `count` answers with a mark of a call in them. @param rows conversations with tools: JSON lines. */
export async function sampledCalls(path, rows, count) {
  if (rows === undefined) throw new Error('--model needs --rows: conversations whose questions it is asked');
  await openBackend('auto');
  const model = await LocalModel.open(path);
  const { tokenizer, template } = model;
  const answers = [];
  const tools = new Map();
  let asked = 0;
  for await (const line of createInterface({ input: createReadStream(rows) })) {
    const { conversation } = readRow(JSON.parse(line), `${rows}:${asked + 1}`);
    if (conversation.tools === undefined) continue;
    for (const tool of conversation.tools) tools.set(tool.name, tool);
    const last = conversation.messages.findLastIndex(({ role }) => role === 'user');
    const messages = conversation.messages.slice(0, last + 1);
    const { tokens } = template.encode(messages, { addGenerationPrompt: true, tools: conversation.tools });
    const sampled = await Promise.all(
      temperatures.map((temperature) =>
        model.generate({
          ...{ tokens, maxNewTokens: 96, samples: 2, seed: ++asked },
          sampling: samplingSchema.parse({ temperature, topK: 0 }),
        }),
      ),
    );
    for (const { tokens: ids } of sampled.flat()) {
      const text = tokenizer.decode(ids);
      if (text.includes('<tool_call>')) answers.push({ text, ours: template.read(ids) });
    }
    if (answers.length >= count) break;
  }
  console.log(`${asked * 2} answers, of which ${answers.length} call`);
  return { tokenizer, answers: answers.slice(0, count), tools: [...tools.values()] };
}
