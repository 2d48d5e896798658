// A model whose every reply is kept the moment it is whole, so that a killed run resumes without paying twice.
// Keyed by index and content: a changed prompt, model or endpoint asks anew. It holds what was said, thoughts and all, but
// for keys.
import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { ifAbsent, systemErrorCode } from '../base/errors.js';
import { digestOf, writeFileAtomic } from '../base/files.js';
import { toJsonl } from '../base/jsonl.js';
import { redactAll } from '../base/secrets.js';
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
    reasoning: z.string().optional(),
    why: z.string().optional(),
  }),
});
type Entry = z.output<typeof recordSchema>;

type Warn = (text: string, isIncomplete: boolean) => void;

export class Recording implements ChatModel {
  readonly identity: string;
  readonly #inner: ChatModel;
  readonly #path: string;
  readonly #known: Map<string, Reply>;
  #file: FileHandle;
  /** What the disk had no room for: tried again with the next reply. */
  #waiting: Entry[] = [];
  #writing: Promise<void> = Promise.resolve();
  #hasWarned = false;
  readonly #warn: Warn;
  /** Replies that were paid for in this run, and that came from the record. */
  readonly counts = { asked: 0, replayed: 0 };

  private constructor(inner: ChatModel, path: string, known: Map<string, Reply>, file: FileHandle, warn: Warn) {
    this.#inner = inner;
    this.identity = inner.identity;
    this.#path = path;
    this.#known = known;
    this.#file = file;
    this.#warn = warn;
  }

  /**
   * Opens `path`, a JSONL file of `{key, completion}`. A last line cut by a crash is dropped. Where it cannot be written later,
   * the replies continue: `warn` hears of it, and at the end (`isIncomplete`) of replies that were never written.
   */
  static async open(inner: ChatModel, path: string, warn: Warn = () => undefined): Promise<Recording> {
    await mkdir(dirname(path), { recursive: true });
    const data = await readFile(path).catch(ifAbsent(Buffer.alloc(0)));
    const wholeBytes = data.lastIndexOf(0x0a) + 1;
    const written = readEntries(data.toString('utf8', 0, wholeBytes));
    const entries = redactAll(written);
    const last = redactAll(readEntries(data.toString('utf8', wholeBytes))); // whole but for its line end
    const known = new Map([...entries, ...last].map(({ key, completion }) => [key, completion]));
    const file = await open(path, 'a');
    // Cut and not rewritten, which needs room: appending must not continue half a line.
    if (wholeBytes < data.length) await file.truncate(wholeBytes);
    const recording = new Recording(inner, path, known, file, warn);
    recording.#waiting = last;
    // An earlier version kept the keys that an endpoint repeated.
    if (!isDeepStrictEqual(entries, written)) await recording.forget([]);
    return recording;
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
    await this.#append({ key, completion: redactAll(reply) });
    return reply;
  }

  /** Removes replies that led nowhere, so that the next run asks again. */
  forget(questions: readonly Question[]): Promise<void> {
    for (const question of questions) this.#known.delete(this.#keyOf(question));
    const rest = toJsonl([...this.#known].map(([key, completion]) => ({ key, completion })));
    return this.#write(async () => {
      await writeFileAtomic(this.#path, rest);
      const before = this.#file;
      this.#file = await open(this.#path, 'a'); // another file than the one that was open
      this.#waiting = [];
      await before.close();
    });
  }

  async close(): Promise<void> {
    if (this.#waiting.length > 0) void this.#write(() => this.#appendWaiting());
    await this.#writing;
    await this.#file.close();
    const lost = this.#waiting.length;
    if (lost > 0) this.#warn(`${this.#path} lacks ${lost} answers: another run would have to ask for them again`, true);
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
    return this.#write(() => {
      this.#waiting.push(entry);
      return this.#appendWaiting();
    });
  }

  /** All of it or nothing. */
  async #appendWaiting(): Promise<void> {
    const { size } = await this.#file.stat();
    try {
      await this.#file.appendFile(toJsonl(this.#waiting));
      await this.#file.sync();
      this.#waiting = [];
    } catch (error) {
      await this.#file.truncate(size).catch(() => undefined); // else a torn line, which readers skip
      throw error;
    }
  }

  /** One change of the file at a time, in the order of arrival. Never rejects: a reply is worth more than its record. */
  #write(change: () => Promise<void>): Promise<void> {
    this.#writing = this.#writing.then(change).catch((error: unknown) => {
      if (this.#hasWarned) return;
      this.#hasWarned = true;
      const why = systemErrorCode(error) ?? String(error);
      this.#warn(`cannot write ${this.#path} (${why}): answers are kept in memory and tried again`, false);
    });
    return this.#writing;
  }
}

function readEntries(text: string): Entry[] {
  return text.split('\n').flatMap((line) => {
    try {
      return [recordSchema.parse(JSON.parse(line))];
    } catch {
      return [];
    }
  });
}
