// Conversations in third-party formats, recognised by their shape: Alpaca, ShareGPT, and MOSS's own SFT format.
// Each format is a schema of the row and a function from the row to messages.
import { z } from 'zod';
import { type Message, maxMessages, type Role, messageText as text } from '../tokenizer/message.js';

const optionalText = text.nullish();

interface Format {
  name: string;
  /** A field that only this format has. */
  key: string;
  toMessages(row: unknown): Message[];
}

function format<T>(name: string, key: string, schema: z.ZodType<T>, convert: (row: T) => Message[]): Format {
  return { name, key, toMessages: (row) => convert(schema.parse(row)) };
}

const alpacaSchema = z.object({
  instruction: text,
  input: optionalText,
  output: text,
  system: optionalText,
  history: z
    .array(z.tuple([text, text]))
    .max(maxMessages)
    .nullish(),
});

function fromAlpaca(row: z.output<typeof alpacaSchema>): Message[] {
  const question = row.input ? `${row.instruction}\n${row.input}` : row.instruction;
  return [
    ...system(row.system),
    ...[...(row.history ?? []), [question, row.output]].flatMap(([user, assistant]): Message[] => [
      { role: 'user', content: user },
      { role: 'assistant', content: assistant },
    ]),
  ];
}

const shareGptRoles = {
  system: 'system',
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  assistant: 'assistant',
  function_call: 'assistant',
  observation: 'tool',
  tool: 'tool',
} as const satisfies Record<string, Role>;
type ShareGptRole = keyof typeof shareGptRoles;

const shareGptMessage = z
  .object({ from: z.enum(Object.keys(shareGptRoles) as [ShareGptRole, ...ShareGptRole[]]), value: text })
  .transform(({ from, value }): Message => ({ role: shareGptRoles[from], content: value }));

const shareGptSchema = z.object({
  conversations: z.array(shareGptMessage).min(1).max(maxMessages),
  system: optionalText,
  /** Tool definitions, as JSON text: they join the system message. */
  tools: optionalText,
});

function fromShareGpt(row: z.output<typeof shareGptSchema>): Message[] {
  const [first, ...others] = row.conversations;
  const rest = first.role === 'system' ? others : row.conversations;
  const preamble = [row.system, first.role === 'system' ? first.content : '', row.tools === '[]' ? '' : row.tools];
  return [...system(preamble.filter(Boolean).join('\n\n')), ...rest];
}

const mossSchema = z.object({
  meta_instruction: optionalText,
  chat: z.record(
    z.string().regex(/^turn_[1-9]\d{0,3}$/, 'expected turn_1, turn_2, …'),
    z.object({
      Human: text,
      'Inner Thoughts': optionalText,
      Commands: optionalText,
      'Tool Responses': optionalText,
      MOSS: text,
    }),
  ),
});

/** Inner thoughts become a leading `<think>…</think>`; commands and their results become messages where there are any. */
function fromMoss(row: z.output<typeof mossSchema>): Message[] {
  const turns = Object.entries(row.chat).sort(([a], [b]) => Number(a.slice(5)) - Number(b.slice(5)));
  const messages = system(row.meta_instruction);
  for (const [, turn] of turns) {
    const thoughts = unlessNone(turn['Inner Thoughts']);
    const command = unlessNone(turn.Commands);
    const result = unlessNone(turn['Tool Responses']);
    const thinking = thoughts === undefined ? '' : `<think>\n${thoughts}\n</think>\n\n`;
    const answer = withoutMarkers(turn.MOSS);
    messages.push({ role: 'user', content: withoutMarkers(turn.Human) });
    if (command === undefined || result === undefined) {
      messages.push({ role: 'assistant', content: answer === '' ? '' : thinking + answer });
    } else {
      messages.push({ role: 'assistant', content: thinking + command }, { role: 'tool', content: result });
      messages.push({ role: 'assistant', content: answer });
    }
  }
  return messages;
}

/** `<|Human|>: 你好<eoh>\n` → `你好`. */
function withoutMarkers(field: string): string {
  return field
    .replace(/^\s*<\|(?:Human|Inner Thoughts|Commands|Results|MOSS)\|>:?/, '')
    .replace(/<eo[htcrm]>\s*$/, '')
    .trim();
}

/** Some rows say why there is none: `None (This question needs no call.)`. */
function unlessNone(field: string | null | undefined): string | undefined {
  const content = withoutMarkers(field ?? '');
  return /^(none\b.{0,200})?$/i.test(content) ? undefined : content;
}

function system(content: string | null | undefined): Message[] {
  return content ? [{ role: 'system', content }] : [];
}

/** The formats that `readConversations` takes beside our own. */
export const foreignFormats: readonly Format[] = [
  format('ShareGPT', 'conversations', shareGptSchema, fromShareGpt),
  format('Alpaca', 'instruction', alpacaSchema, fromAlpaca),
  format('MOSS', 'chat', mossSchema, fromMoss),
];
