// Exercises → exchanges: a question, the calls that really ran with their results, and the answer. An exercise whose tools do
// not answer it gives none.
import { Random } from '../../base/random.js';
import type { Check, SessionStart } from '../../data/types.js';
import type { Message, ToolCall } from '../../tokenizer/message.js';
import type { Toolbox } from '../../tools/toolbox.js';
import { type Exercise, filled, type Maker, type Spoken, spokenLanguages, type Wordings } from './exercise.js';
import { failingCall } from './retries.js';

export interface Exchange {
  id: string;
  kind: string;
  language: Spoken;
  wording: string;
  /** From the question to the answer. */
  messages: Message[];
  check: Check;
  /** Names of the tools that it calls. */
  needs: readonly string[];
  calls: number;
  start?: SessionStart;
}

export const questionOf = ({ messages }: Exchange): string => messages[0].content;

/** Runs the calls of an exercise; undefined where their results do not answer it. */
export async function exchangeOf(
  id: string,
  exercise: Exercise,
  { toolbox, slip }: { toolbox: Toolbox; slip?(call: ToolCall): ToolCall | Promise<ToolCall | undefined> },
): Promise<Exchange | undefined> {
  const { kind, language, wording, needs, question, start } = exercise;
  const session = toolbox.session(start);
  const messages: Message[] = [{ role: 'user', content: question }];
  const results: string[] = [];
  const [first] = exercise.turns[0]?.([]) ?? [];
  const wrong = first === undefined ? undefined : await slip?.(first);
  if (wrong !== undefined) {
    const { content, fault } = await session.call(wrong);
    if (fault === undefined) return undefined;
    // Nobody is to learn a call that goes wrong, only what to do then.
    messages.push({ role: 'assistant', content: '', toolCalls: [wrong], weight: 0 }, { role: 'tool', content });
  }
  for (const turn of exercise.turns) {
    const toolCalls = turn(results);
    messages.push({ role: 'assistant', content: '', toolCalls });
    for (const each of toolCalls) {
      const { content, fault } = await session.call(each);
      if (fault !== undefined) return undefined;
      messages.push({ role: 'tool', content });
      results.push(content);
    }
  }
  const ending = exercise.ending(results);
  if (ending === undefined) return undefined;
  messages.push({ role: 'assistant', content: ending.answer });
  const { check } = ending;
  const calls = results.length;
  return { id, kind, language, wording, messages, check, needs, calls, ...(start !== undefined && { start }) };
}

export interface DrawRequest {
  /** By kind, with how many of a kind there are in proportion. */
  makers: Readonly<Record<string, { maker: Maker; share: number }>>;
  count: number;
  seed: number;
  isHeldOut: boolean;
  toolbox: Toolbox;
  /** Of the exchanges: they begin with a call that fails for what it says. Default: none. */
  retryShare?: number;
  /** Questions that are not asked. */
  unlike?: ReadonlySet<string>;
  signal?: AbortSignal;
}

export interface ExchangeSet {
  exchanges: Exchange[];
  /** Exercises whose tools did not answer them, by kind. */
  dropped: Record<string, number>;
}

/** What stands around a question and changes nothing. */
const around: Wordings = {
  en: [
    'Hi! {q}',
    'Hello. {q}',
    'Quick question: {q}',
    'One more thing. {q}',
    '{q} Thanks!',
    '{q} Thank you.',
    '{q} I am curious.',
    'Now this: {q}',
    'So: {q}',
    '{q} Please be quick.',
    'Tell me something. {q}',
    'Next: {q}',
  ],
  zh: [
    '你好，{q}',
    '您好！{q}',
    '问一下，{q}',
    '还有，{q}',
    '{q}谢谢！',
    '{q}多谢。',
    '{q}我很好奇。',
    '下一个：{q}',
    '那么，{q}',
    '{q}快一点。',
    '请教一下，{q}',
    '再问一个：{q}',
  ],
};

function wrapped(question: string, language: Spoken, random: Random): string {
  return filled(random.choose(around[language]), { q: question });
}

/** Of exchanges that begin with a call that goes wrong. */
const slipShare = 0.05;

/** What small models write: a name that nearly is one, an argument by another name or not at all, a number in place of text. */
function slipOf({ name, arguments: given }: ToolCall, random: Random): ToolCall {
  const [[key, value] = ['input', '']] = Object.entries(given);
  const others = Object.fromEntries(Object.entries(given).slice(1));
  return random.choose([
    { name: `${name}${random.choose(['r', 's', 'Tool'])}`, arguments: given },
    { name, arguments: { [`${key}${random.choose(['s', '_text', '1'])}`]: value, ...others } },
    { name, arguments: { ...others, [key]: random.integer(0, 1000) } },
    { name: name.toLowerCase(), arguments: given },
  ]);
}

/** A question may come again only where few can be asked (the time, a table). */
const maxTimes = 4;

export async function drawExchanges(request: DrawRequest): Promise<ExchangeSet> {
  const { makers, count, seed, isHeldOut, toolbox, retryShare = 0, unlike = new Set() } = request;
  const side = isHeldOut ? 'held-out' : 'train';
  const random = Random.stream(seed, `tool-exchanges-${side}`);
  const retries = Random.stream(seed, `tool-retries-${side}`);
  const kinds = Object.keys(makers).flatMap((kind) => Array<string>(Math.round(20 * makers[kind].share)).fill(kind));
  const exchanges: Exchange[] = [];
  const dropped: Record<string, number> = {};
  const asked = new Map<string, number>();
  for (let tries = 0; exchanges.length < count && tries < 20 * count; tries++) {
    if (request.signal?.aborted) break;
    const kind = random.choose(kinds);
    const language = spokenLanguages[exchanges.length % spokenLanguages.length];
    const exercise = makers[kind].maker({ random, language, isHeldOut });
    if (exercise === undefined) continue;
    const times = asked.get(exercise.question) ?? 0;
    if (unlike.has(exercise.question) || times >= maxTimes) continue;
    asked.set(exercise.question, times + 1);
    if (random.uniform() < 0.4) exercise.question = wrapped(exercise.question, language, random);
    const isSlip = random.uniform() < slipShare;
    const isRetry = !isSlip && retries.uniform() < retryShare;
    const { start } = exercise;
    const slip = isSlip
      ? (right: ToolCall) => slipOf(right, random)
      : isRetry
        ? (right: ToolCall) => failingCall(right, { toolbox, start, random: retries })
        : undefined;
    const exchange = await exchangeOf(`${kind}-${side}-${exchanges.length}`, exercise, { toolbox, slip });
    if (exchange === undefined) dropped[kind] = (dropped[kind] ?? 0) + 1;
    else exchanges.push(exchange);
  }
  return { exchanges, dropped };
}
