// A teacher's endpoint as bad as they come: it is too busy, fails, is slow, breaks off, talks nonsense and thinks aloud, each
// now and then. It keeps a book of its own of every request that arrived whole, which the other side's is compared with.
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Random } from '../../src/base/random.js';
import { type ChatRequest, type ChatServer, startChatServer } from '../../test/inference/chat-server.js';

export interface SeenRequest {
  /** As the other side named it. */
  id: string;
  /** Of the body: equal for the same question. */
  digest: string;
  fault: Fault;
  /** What it asks to be paid for. */
  tokens: number;
}

/** One in so many requests. */
const faults = { '429': 25, '500': 25, slow: 200, 'cut off': 40, garbage: 60, thoughts: 20 } as const;
export type Fault = keyof typeof faults | 'none';

export interface FaultyTeacher {
  url: string;
  seen: SeenRequest[];
  /** Hears of every request when it has arrived, before it is answered. */
  onRequest: (count: number) => void;
  close(): Promise<void>;
}

/** @param timeoutSeconds What the other side waits: `slow` takes longer. */
export async function startFaultyTeacher(seed: number, timeoutSeconds: number): Promise<FaultyTeacher> {
  const random = Random.stream(seed, 'faulty teacher');
  const teacher: Omit<FaultyTeacher, 'url' | 'close'> = { seen: [], onRequest: () => undefined };
  const server: ChatServer = await startChatServer((request, response) => {
    const fault = drawFault(random);
    const text = answerTo(request);
    const usage = {
      prompt_tokens: Math.ceil(JSON.stringify(request.messages).length / 4),
      completion_tokens: text.length,
    };
    const isPaid = fault !== '429' && fault !== '500';
    teacher.seen.push({
      id: String(request.headers['x-client-request-id']),
      digest: createHash('sha256').update(JSON.stringify(request.body)).digest('hex'),
      fault,
      tokens: isPaid ? usage.prompt_tokens + usage.completion_tokens : 0,
    });
    server.requests.length = 0; // thousands come
    teacher.onRequest(teacher.seen.length);
    const delay = fault === 'slow' ? 1000 * timeoutSeconds + 500 : random.integer(2, 30);
    setTimeout(() => respond(response, fault, text, usage, random), delay);
  });
  return Object.assign(teacher, { url: server.url, close: server.close });
}

function drawFault(random: Random): Fault {
  for (const [fault, oneIn] of Object.entries(faults)) if (random.uniform() < 1 / oneIn) return fault as Fault;
  return 'none';
}

function respond(response: ServerResponse, fault: Fault, text: string, usage: object, random: Random): void {
  if (response.destroyed) return;
  const completion = (content: string): string =>
    JSON.stringify({ choices: [{ message: { role: 'assistant', content }, finish_reason: 'stop' }], usage });
  const nonsense = [completion('\u0000\u202e'), '{"choices":[{"mess', completion('As a language model, I like lists.')];
  const bodies: Partial<Record<Fault, string>> = {
    '429': '{"error":{"message":"slow down"}}',
    '500': '<html><title>Bad gateway</title></html>',
    garbage: random.choose(nonsense),
    thoughts: completion(`<think>\n1. What is 1+1?\n</think>\n${text}`),
  };
  const body = bodies[fault] ?? completion(text);
  const status = fault === '429' || fault === '500' ? Number(fault) : 200;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...(status === 429 && { 'retry-after-ms': '20' }),
  });
  if (fault === 'cut off') response.write(body.slice(0, body.length >> 1), () => response.destroy());
  else response.end(body);
}

/** Additions in the language that is asked for, whose numbers follow from the request; and their sums. */
function answerTo({ messages }: ChatRequest): string {
  const user = messages.at(-1)?.content ?? '';
  const question = /Task: (.*)\nAnswer:$/.exec(user)?.[1];
  if (question !== undefined) {
    const [a, b] = (question.match(/\d+/g) ?? []).map(Number);
    const isChinese = /\p{Script=Han}/u.test(question);
    return `${a}+${b}=${a + b}${isChinese ? `。答案是${a + b}。` : `. The answer is ${a + b}.`}`;
  }
  const numbers = new Uint16Array(createHash('sha512').update(user).digest().buffer.slice(0, 64));
  const first = Number(/numbered (\d+) to/.exec(user)?.[1] ?? 1);
  const isChinese = user.includes('Simplified Chinese');
  const lines = Array.from({ length: 8 }, (_, i) => {
    const sum = `${numbers[2 * i] % 1000}+${numbers[2 * i + 1] % 1000}`;
    return `${first + i}. ${isChinese ? `请问${sum}等于多少？` : `What is ${sum}?`}`;
  });
  return lines.join('\n');
}
