// Exchanges → conversations: one or several, with the tools that they need and others, and at least a quarter of them where
// no call is right: talk, what the student answers itself, an answer that was given already, a tool that is not there.
import { Random } from '../../base/random.js';
import type { Check, Conversation } from '../../data/types.js';
import type { Message, Tool } from '../../tokenizer/message.js';
import { type Exchange, questionOf } from './exchange.js';
import { type Spoken, spokenLanguages, type Wordings, wordingsFor } from './exercise.js';

/** What is asked after an exchange, and answered from it. */
const again: Wordings = {
  en: [
    'What was that again?',
    'Say that once more, please.',
    'Can you repeat that?',
    'Please repeat your answer.',
    'Once more, please.',
    'Sorry, what did you say?',
    'Repeat that.',
    'Could you say it again?',
    'I missed that. What was it?',
    'Tell me again.',
    'What did you just say?',
    'Repeat the last answer.',
    'And again?',
    'Say it again.',
    'Please say that again.',
    'I did not catch that.',
    'Pardon?',
    'What was your answer?',
    'Your last answer again, please.',
    'Can you say that again?',
  ],
  zh: [
    '请再说一遍。',
    '再说一次。',
    '刚才说什么？',
    '你能重复一下吗？',
    '请重复你的回答。',
    '我没听清，是什么？',
    '再讲一遍好吗？',
    '重复一下。',
    '请再告诉我一次。',
    '再说一遍吧。',
    '你刚才说了什么？',
    '重复上一个回答。',
    '再来一次。',
    '请把刚才的话再说一次。',
    '麻烦再说一遍。',
    '没听懂，再说一次。',
    '什么？',
    '你的回答是什么？',
    '上一个答案再说一遍。',
    '能再说一遍吗？',
  ],
};

export const withoutTool: Record<Spoken, string> = { en: 'I have no tool for that.', zh: '我没有能做这件事的工具。' };

export interface Pool {
  /** What a call is right for. */
  calls: readonly Exchange[];
  /** What needs none, though it sounds as if. */
  talk: readonly Exchange[];
  /** What the student answers by itself, in its own words. */
  direct: readonly Exchange[];
  /** Nothing but copying; none in what is held out. */
  copying: readonly Exchange[];
}

export interface Composition {
  tools: readonly Tool[];
  /** Of rows: no call is right. */
  noCallShare: number;
  /** Of rows: nothing but copying, without tools. */
  copyShare: number;
  count: number;
  seed: number;
  isHeldOut: boolean;
  /** Whether the model's context has room for it. */
  fits(row: Conversation): boolean;
}

/** How many exchanges come before the one that counts. To learn, more of them share one list of tools. */
const before = { learnt: [0, 0, 0, 1, 1, 2, 2, 3, 4], heldOut: [0, 0, 0, 0, 1, 1, 2] };
/** How many tools are kept out of a row, whoever asks for them. */
const lacking = [0, 0, 1, 2, 3, 4, 5];
const copiesInRow = 6;

export function composed(pool: Pool, composition: Composition): Conversation[] {
  const { tools, noCallShare, copyShare, count, seed, isHeldOut, fits } = composition;
  const side = isHeldOut ? 'held-out' : 'train';
  const random = Random.stream(seed, `tool-conversations-${side}`);
  const of = (exchanges: readonly Exchange[]) =>
    new Map(spokenLanguages.map((language) => [language, exchanges.filter((each) => each.language === language)]));
  const [calls, talk, direct, copying] = [pool.calls, pool.talk, pool.direct, pool.copying].map(of);
  const used = new Map<Spoken, number>();
  const pick = (from: ReadonlyMap<Spoken, Exchange[]>, language: Spoken): Exchange | undefined => {
    const list = from.get(language) ?? [];
    return list.length === 0 ? undefined : random.choose(list);
  };
  /** Each once, before any comes again. */
  const nextCall = (language: Spoken): Exchange | undefined => {
    const list = calls.get(language) ?? [];
    const at = used.get(language) ?? 0;
    used.set(language, at + 1);
    return list[at % Math.max(1, list.length)];
  };
  const rows: Conversation[] = [];
  for (let tries = 0; rows.length < count && tries < 4 * count; tries++) {
    const language = spokenLanguages[rows.length % spokenLanguages.length];
    const id = `tools-${side}-${rows.length}`;
    if (random.uniform() < copyShare) {
      const exchanges = Array.from({ length: copiesInRow }, () => pick(copying, language)).filter(
        (each) => each !== undefined,
      );
      if (exchanges.length > 0) rows.push(rowOf(id, exchanges, []));
      continue;
    }
    const lacks = new Set(
      random.shuffle(tools.map(({ name }) => name)).slice(0, Math.min(random.choose(lacking), tools.length - 2)),
    );
    const { last, repeats } = lastOf(random.uniform() < noCallShare, lacks);
    if (last === undefined) continue;
    const earlier: Exchange[] = [];
    for (let i = random.choose(before[isHeldOut ? 'heldOut' : 'learnt']); i > 0; i--) {
      const other = pick(random.uniform() < 0.2 ? talk : calls, language);
      if (other === undefined || other.start !== undefined || hasSlip(other)) continue;
      const isServed = !other.needs.some((name) => lacks.has(name));
      const asked = isServed ? other : unserved(other);
      earlier.push(asked);
      if (isServed && other.calls > 0 && random.uniform() < 0.1) earlier.push(repeated(other, random, isHeldOut));
    }
    if (repeats !== undefined) earlier.push(repeats);
    // Exchanges that the context has no room for go, the earliest first.
    for (let from = 0; from <= earlier.length - (repeats === undefined ? 0 : 1); from++) {
      const exchanges = [...earlier.slice(from), last];
      // What is said again was said before.
      if (exchanges[0].kind === 'repeat') continue;
      const row = rowOf(id, exchanges, offered(tools, exchanges, lacks, random));
      if (!fits(row)) continue;
      rows.push(row);
      break;
    }

    /** Takes what it needs off those that are lacking, or adds it. */
    function lastOf(isNoCall: boolean, lacks: Set<string>): { last?: Exchange; repeats?: Exchange } {
      const serve = (exchange: Exchange | undefined): Exchange | undefined => {
        for (const name of exchange?.needs ?? []) lacks.delete(name);
        return exchange;
      };
      if (!isNoCall) return { last: serve(nextCall(language)) };
      const what = random.uniform();
      if (what < 0.25) return { last: pick(talk, language) };
      if (what < 0.45) return { last: pick(direct, language) ?? pick(talk, language) };
      const other = pick(calls, language);
      if (other === undefined) return {};
      if (what < 0.8) {
        for (const name of other.needs) lacks.add(name);
        return { last: unserved(other) };
      }
      if (other.start !== undefined || hasSlip(other)) return { last: pick(talk, language) };
      serve(other);
      return { last: repeated(other, random, isHeldOut), repeats: other };
    }
  }
  return rows;
}

function hasSlip({ messages }: Exchange): boolean {
  return messages.some(({ weight }) => weight === 0);
}

/** The same answer again, which the conversation holds. */
function repeated({ id, messages, language, check }: Exchange, random: Random, isHeldOut: boolean): Exchange {
  const wording = random.choose(wordingsFor(again[language], isHeldOut));
  const own: Message[] = [{ role: 'user', content: wording }, messages[messages.length - 1]];
  return { id, kind: 'repeat', language, wording, messages: own, check, needs: [], calls: 0 };
}

/** What is asked needs a tool that is not there. */
function unserved(exchange: Exchange): Exchange {
  const { id, language, wording } = exchange;
  const answer = withoutTool[language];
  const messages: Message[] = [
    { role: 'user', content: questionOf(exchange) },
    { role: 'assistant', content: answer },
  ];
  const check: Check = { type: 'equals', answer: answer.replace(/[.。]$/, '') };
  return { id, kind: 'unserved', language, wording, messages, check, needs: [], calls: 0 };
}

/** The tools that are needed, and others, in any order. */
function offered(
  tools: readonly Tool[],
  exchanges: readonly Exchange[],
  lacks: ReadonlySet<string>,
  random: Random,
): Tool[] {
  const needs = new Set(exchanges.flatMap((exchange) => exchange.needs));
  const needed = tools.filter(({ name }) => needs.has(name));
  const others = random.shuffle(tools.filter(({ name }) => !needs.has(name) && !lacks.has(name)));
  // One row in eight offers all there are.
  const count = random.uniform() < 0.125 ? others.length : random.integer(needed.length > 0 ? 0 : 1, 3);
  return random.shuffle([...needed, ...others.slice(0, count)]);
}

function rowOf(id: string, exchanges: readonly Exchange[], tools: Tool[]): Conversation {
  const { kind, language, wording, check, calls, start } = exchanges[exchanges.length - 1];
  return {
    id,
    messages: exchanges.flatMap(({ messages }) => messages),
    ...(tools.length > 0 && { tools }),
    kind: calls > 0 ? kind : 'none',
    language,
    check,
    group: `${kind}: ${wording}`,
    ...(start !== undefined && { start }),
    provenance: { teacher: 'tools', seeds: [] },
  };
}
