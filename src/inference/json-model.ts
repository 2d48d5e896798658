// A model whose replies come as JSON, for those who read text: what is asked for is said in the prompt and in a schema, and what
// comes back is read as the list or the text that it holds. Thoughts are cut off before (thoughts.ts).
import { isRecord } from '../base/objects.js';
import type { Message } from '../tokenizer/message.js';
import { type Reply, type ReplyOptions, replyOf, unusable } from './chat-model.js';
import { parsed, wordsOfText } from './endpoint-words.js';
import type { Question, RecordedModel } from './recording.js';

const forms = {
  list: {
    words:
      'Reply with one JSON object and nothing else: {"items": ["…", "…"]}, an item for each of the list, without its number.',
    schema: objectOf('items', { type: 'array', items: { type: 'string' } }),
  },
  text: {
    words: 'Reply with one JSON object and nothing else: {"answer": "…"}.',
    schema: objectOf('answer', { type: 'string' }),
  },
} as const;

export class JsonModel implements RecordedModel {
  readonly identity: string;
  readonly #inner: RecordedModel;

  constructor(inner: RecordedModel) {
    this.#inner = inner;
    this.identity = inner.identity;
  }

  /** What says no `form` is asked for as it is. */
  async *reply(messages: readonly Message[], options: ReplyOptions): AsyncGenerator<string, Reply> {
    const asked = inJson({ messages, options });
    const whole = await replyOf(this.#inner, asked.messages, asked.options);
    const reply = options.form === undefined ? whole : textOfJson(whole, options.form);
    if (reply.text !== '') yield reply.text;
    return reply;
  }

  forget(questions: readonly Question[]): Promise<void> {
    return this.#inner.forget(questions.map(inJson));
  }
}

/** The same question, for JSON. */
function inJson({ messages, options }: Question): Question {
  const { form, continuation: _, ...others } = options;
  if (form === undefined) return { messages, options };
  const { words, schema } = forms[form];
  const system = messages.findIndex(({ role }) => role === 'system');
  const asked: Message[] =
    system < 0
      ? [{ role: 'system', content: words }, ...messages]
      : messages.map((message, i) =>
          i === system ? { ...message, content: `${message.content}\n${words}` } : message,
        );
  return { messages: asked, options: { ...others, schema } };
}

function textOfJson(reply: Reply, form: keyof typeof forms): Reply {
  if (reply.text === '' || reply.finish === 'unusable') return reply;
  const value = jsonWithin(reply.text);
  const text = form === 'list' ? listIn(value) : textIn(value);
  if (text !== undefined) return { ...reply, text };
  // Cut by the limit: the half of it says nothing.
  if (reply.finish === 'length') return { ...reply, text: '' };
  return unusable(`it was asked for JSON, and answered: ${wordsOfText(reply.text)}`);
}

/** Some wrap it in a fence, or in words. */
function jsonWithin(text: string): unknown {
  return parsed(text) ?? parsed(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
}

/** The items as a numbered list; of an object without a list, its values. */
function listIn(value: unknown): string | undefined {
  const list = Array.isArray(value) ? (value as unknown[]) : isRecord(value) ? Object.values(value) : [];
  const items = list.flat().map((item) => textIn(item));
  if (items.length === 0 || items.some((item) => item === undefined)) return undefined;
  return items.map((item = '', i) => `${i + 1}. ${item.replace(/\s+/g, ' ')}`).join('\n');
}

/** A text or number, or the only one that an object holds. */
function textIn(value: unknown): string | undefined {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  if (!isRecord(value)) return undefined;
  const texts = Object.values(value).filter((each) => typeof each === 'string' || typeof each === 'number');
  const said = 'answer' in value ? value.answer : texts.length === 1 ? texts[0] : undefined;
  return typeof said === 'string' || typeof said === 'number' ? String(said) : undefined;
}

function objectOf(name: string, value: object): Readonly<Record<string, unknown>> {
  return { type: 'object', properties: { [name]: value }, required: [name], additionalProperties: false };
}
