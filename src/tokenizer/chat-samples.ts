// chat_samples.json of a checkpoint: sample conversations with the ids and the loss that its training gave them, and what must be
// read back from each answer. An export, another tokenizer or a changed template must write and read them alike: what is
// served is then what was learnt. chat-replay.ts compares.

import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { jsonAs } from '../base/schema.js';
import type { Answer } from './answer.js';
import type { ChatTemplate } from './chat-template.js';
import { messageText, toolCallSchema } from './message.js';
import { ownTemplate } from './own-templates.js';
import { type SampleChat, type SampleForms, sampleChats } from './sample-chats.js';
import { TemplateFault } from './template-fault.js';

const maxBytes = 4 << 20;
const ids = z.array(z.int().min(0)).max(1 << 16);
const place = z
  .int()
  .min(0)
  .max(1 << 16);
const message = z.strictObject({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: messageText,
  reasoning: messageText.optional(),
  toolCalls: z.array(toolCallSchema).max(128).optional(),
  name: z.string().max(1000).optional(),
});
const answer = z.strictObject({
  content: messageText,
  reasoning: messageText.optional(),
  toolCalls: z.array(toolCallSchema).max(128).optional(),
});
const tool = z.looseObject({ name: z.string().max(1000) });

const sampleSchema = z.strictObject({
  name: z.string().max(1000),
  messages: z.array(message).min(1).max(64),
  tools: z.array(tool).max(16).optional(),
  /** As they are learnt: one, or one for each answer where the template writes earlier turns otherwise later. */
  sequences: z.array(z.strictObject({ tokens: ids, loss: z.array(z.int().min(0).max(1)).max(1 << 16) })).max(64),
  /** Where the answer to `message` stands in a sequence: `tokens[0..start)` is what the model is given, up to `end` what it writes. */
  answers: z
    .array(z.strictObject({ message: place, sequence: place, start: place, end: place, read: answer.optional() }))
    .max(64),
});
export type ChatSample = z.output<typeof sampleSchema>;

const fileSchema = z.strictObject({
  format: z.literal(1),
  /** Special tokens that an assistant's texts keep as such. */
  keepTokens: z.array(z.string().max(1000)).max(1000).optional(),
  /** Whether servers read answers by the response_template of tokenizer_config.json. */
  responseTemplate: z.boolean(),
  /** What the tokenizer puts around every text, a chat's excepted: servers that add it there too add what was not learnt. */
  affixes: z.strictObject({ before: ids, after: ids }).optional(),
  samples: z.array(sampleSchema).max(64),
});
export type ChatSamples = z.output<typeof fileSchema>;

/** What a training with this template gives its sample conversations; those that the template refuses are left out. */
export function makeChatSamples(template: ChatTemplate, forms: SampleForms): ChatSamples {
  const { keepTokens = [] } = forms;
  return {
    format: 1,
    ...(keepTokens.length > 0 && { keepTokens: [...keepTokens] }),
    responseTemplate: ownTemplate(template.tokenizer.chatTemplate)?.responseTemplate !== undefined,
    affixes: { before: [...template.tokenizer.affixes.before], after: [...template.tokenizer.affixes.after] },
    samples: sampleChats(forms).flatMap((chat) => {
      try {
        return [sampleOf(template, chat)];
      } catch (error) {
        if (error instanceof TemplateFault) return [];
        throw error;
      }
    }),
  };
}

function sampleOf(template: ChatTemplate, { name, messages, tools }: SampleChat): ChatSample {
  const { sequences } = template.encodeTurns(messages, { tools });
  const answers = messages.flatMap(({ role }, i): ChatSample['answers'] => {
    if (role !== 'assistant') return [];
    const { tokens: prompt } = template.encode(messages.slice(0, i), { addGenerationPrompt: true, tools });
    const sequence = sequences.findIndex(({ tokens }) => isDeepStrictEqual(tokens.slice(0, prompt.length), prompt));
    if (sequence < 0) return []; // a prompt that no training has; it is said when the rows are read
    const { tokens } = sequences[sequence];
    const stops = new Set(template.tokenizer.stopIds);
    const stop = tokens.findIndex((id, at) => at >= prompt.length && stops.has(id));
    const [start, end] = [prompt.length, stop < 0 ? tokens.length : stop + 1];
    const read = template.isOurs ? withoutBroken(template.read(tokens.slice(start, end))) : undefined;
    return [{ message: i, sequence, start, end, ...(read && { read }) }];
  });
  return {
    ...{ name, messages, answers },
    ...(tools && { tools: [...tools] }),
    sequences: sequences.map(({ tokens, loss }) => ({ tokens, loss: loss.map((weight) => (weight > 0 ? 1 : 0)) })),
  };
}

export function withoutBroken({ content, reasoning, toolCalls }: Answer): Answer {
  return { content, ...(reasoning !== undefined && { reasoning }), ...(toolCalls && { toolCalls }) };
}

/** One line a sample: the ids of a checkpoint are read by few people, and differ in one place. */
export function chatSamplesText({ samples, ...rest }: ChatSamples): string {
  const lines = samples.map((sample) => JSON.stringify(sample)).join(',\n');
  return `${JSON.stringify(rest).slice(0, -1)},"samples":[\n${lines}\n]}\n`;
}

/** @throws UserError where the file is none of ours; `where` names it. */
export function parseChatSamples(text: string, where: string): ChatSamples {
  const broken = (why: string): UserError =>
    new UserError({
      ...{ what: 'these are no sample conversations of mossctl', where, why },
      next: 'Make or fetch the checkpoint again; without the file its template is not checked',
    });
  if (text.length > maxBytes) throw broken(`they have more than ${maxBytes >> 20} MiB`);
  return jsonAs(fileSchema, text, broken);
}
