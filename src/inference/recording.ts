// A model whose every reply is kept the moment it is whole, so that a killed run resumes without paying twice.
// Keyed by index and content: a changed prompt, model or endpoint asks anew.
import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { ifAbsent } from '../base/errors.js';
import { digestOf, writeFileAtomic } from '../base/files.js';
import { toJsonl } from '../base/jsonl.js';
import { type Message, toolCallSchema } from '../tokenizer/message.js';
import type { ChatModel, Reply, ReplyOptions } from './chat-model.js';

export interface Question {
  messages: readonly Message[];
  options: ReplyOptions;
}

const recordSchema = z.object({
  key: z.string(),
  completion: z.object({
    text: z.string(),
    /** Earlier files say `garbage`. */
    finish: z.string().transform((finish) => (finish === 'garbage' ? 'unusable' : finish)),
    toolCalls: z.array(toolCallSchema).optional(),
  }),
});
type Entry = z.output<typeof recordSchema>;

export class Recording implements ChatModel {
  readonly identity: string;
  readonly #inner: ChatModel;
  readonly #path: string;
  readonly #known: Map<string, Reply>;
  #file: FileHandle;
  #writing: Promise<void> = Promise.resolve();
  /** Replies that were paid for in this run, and that came from the record. */
  readonly counts = { asked: 0, replayed: 0 };

  private constructor(inner: ChatModel, path: string, known: Map<string, Reply>, file: FileHandle) {
    this.#inner = inner;
    this.identity = inner.identity;
    this.#path = path;
    this.#known = known;
    this.#file = file;
  }

  /** Opens `path`, a JSONL file of `{key, completion}`. A last line cut by a crash is dropped. */
  static async open(inner: ChatModel, path: string): Promise<Recording> {
    await mkdir(dirname(path), { recursive: true });
    const entries = await readEntries(path);
    // Rewritten whole, so that appending never continues half a line.
    await writeFileAtomic(path, toJsonl(entries));
    const known = new Map(entries.map(({ key, completion }) => [key, completion]));
    return new Recording(inner, path, known, await open(path, 'a'));
  }

  /** A reply that was aborted is not kept, nor one whose reader stopped listening. */
  async *reply(messages: readonly Message[], options: ReplyOptions): AsyncGenerator<string, Reply> {
    const key = this.#keyOf({ messages, options });
    const known = this.#known.get(key);
    if (known !== undefined) {
      this.counts.replayed++;
      if (known.text !== '') yield known.text;
      return known;
    }
    const reply = yield* this.#inner.reply(messages, options);
    if (reply.finish === 'aborted') return reply;
    this.counts.asked++;
    await this.#append({ key, completion: reply });
    return reply;
  }

  /** Removes replies that led nowhere, so that the next run asks again. */
  forget(questions: readonly Question[]): Promise<void> {
    for (const question of questions) this.#known.delete(this.#keyOf(question));
    const rest = toJsonl([...this.#known].map(([key, completion]) => ({ key, completion })));
    return this.#write(async () => {
      await this.#file.close();
      await writeFileAtomic(this.#path, rest);
      this.#file = await open(this.#path, 'a'); // another file than the one that was open
    });
  }

  async close(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.#file.close();
  }

  /** One system and one user text have the key that they have always had: their replies were paid for. */
  #keyOf({ messages, options: { index = 0, maxNewTokens, signal: _, ...options } }: Question): string {
    const roles = messages.map(({ role, name }) => `${role}${name === undefined ? '' : `:${name}`}`).join();
    const [system, user] = messages;
    const asked = roles === 'system,user' ? { system: system.content, user: user.content } : { messages };
    return `${index}:${digestOf([this.identity, { index, ...asked, maxTokens: maxNewTokens, ...options }])}`;
  }

  /** Durable before anyone builds on it. */
  #append(entry: Entry): Promise<void> {
    this.#known.set(entry.key, entry.completion);
    return this.#write(async () => {
      await this.#file.appendFile(toJsonl([entry]));
      await this.#file.sync();
    });
  }

  /** One change of the file at a time, in the order of arrival. */
  #write(change: () => Promise<void>): Promise<void> {
    this.#writing = this.#writing.then(change);
    return this.#writing;
  }
}

async function readEntries(path: string): Promise<Entry[]> {
  const text = await readFile(path, 'utf8').catch(ifAbsent(''));
  return text.split('\n').flatMap((line) => {
    try {
      return [recordSchema.parse(JSON.parse(line))];
    } catch {
      return [];
    }
  });
}
