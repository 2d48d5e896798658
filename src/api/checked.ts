// What a program hands over is checked against schemas as what a person types is, with the same words.
import { z } from 'zod';
import { type Fault, nearest, UserError } from '../base/errors.js';
import { shorten } from '../base/format.js';
import { expectation, nodeAt, schemaNode, valueAt } from '../base/schema.js';
import { parseYaml } from '../base/yaml.js';
import { askedSamplingSchema } from '../config/sampling.js';
import { maxMessages, maxToolCalls, messageText, toolCallSchema } from '../tokenizer/message.js';

/** How an answer is drawn, and how long it may be. */
export const askSchema = z.strictObject({
  ...askedSamplingSchema.shape,
  maxNewTokens: z.int().min(1).default(256),
  seed: z.int().min(0).max(0xffffffff).default(42),
});

const short = z.string().max(1000);
const messageSchema = z.strictObject({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: messageText,
  reasoning: messageText.optional(),
  toolCalls: z.array(toolCallSchema).max(maxToolCalls).optional(),
  callText: messageText.optional(),
  toolCallId: short.optional(),
  name: short.optional(),
  weight: z.number().min(0).optional(),
});
export const messagesSchema = z.array(messageSchema).min(1).max(maxMessages);

/** @param name of the value, for errors. @throws UserError with every fault. */
export function checked<S extends z.ZodType>(name: string, schema: S, value: unknown): z.output<S> {
  // JSON is YAML; what is undefined is not there, and what JSON has no word for is said as it is.
  return parseYaml({ path: name, text: JSON.stringify(value, sayable) }, schema);
}

/** Of a program that is not checked by a compiler: a key that nobody reads is a mistake. @throws UserError naming the nearest. */
export function checkKeys(options: object, known: readonly string[]): void {
  const faults = Object.keys(options)
    .filter((key) => !known.includes(key))
    .map((key): Fault => {
      const near = nearest(key, known);
      const next = near === undefined ? `Known here: ${known.join(', ')}` : `Did you mean ${near}?`;
      return { what: `unknown key ${key}`, where: 'options', next };
    });
  if (faults.length > 0) throw new UserError(faults);
}

/** Texts and messages, which may be long: the value itself is looked at. @throws UserError with every fault. */
export function checkText(name: string, schema: z.ZodType, value: unknown): void {
  const parsed = schema.safeParse(value);
  if (parsed.success) return;
  const root = schemaNode(schema);
  const faults = parsed.error.issues.slice(0, 8).flatMap((issue): Fault[] => {
    const place = [name, ...issue.path].join('.');
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ what: `unknown key ${place}.${key}` }));
    const node = nodeAt(root, issue.path, value);
    const given = valueAt(value, issue.path);
    if (node === undefined) return [{ where: place, what: issue.message }];
    const shown = typeof given === 'number' ? String(given) : (JSON.stringify(given, sayable) ?? String(given));
    return [{ what: `${place} must be ${expectation(node)}, got ${shorten(shown, 60)}` }];
  });
  throw new UserError(faults);
}

function sayable(_: string, value: unknown): unknown {
  const isUnknownToJson = typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value));
  return isUnknownToJson ? String(value) : value;
}
