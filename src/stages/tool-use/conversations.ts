// Exchanges → conversations under one list of tools, and at least a quarter of the exchanges where no call is right: talk,
// what the student answers itself, an answer that was given already, a tool that is not there.
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
}

export interface Composition {
  tools: readonly Tool[];
  /** Of exchanges to learn, and of the last ones of held-out rows: no call is right. */
  noCallShare: number;
  count: number;
  seed: number;
  isHeldOut: boolean;
  /** Tokens that a conversation may have. */
  room: number;
  /** Tokens of a conversation. */
  lengthOf(messages: readonly Message[], tools?: readonly Tool[]): number;
}

/** How many tools there are in a row to learn; all of them once more. */
const offeredTools = [1, 1, 2, 2, 3, 3, 4, 5];
/** How many exchanges come before the one that counts in a row that is held out. */
const before = [0, 0, 0, 0, 1, 1, 2];
/** Rows to learn that are full; others have a few exchanges, as short talks do. */
const fullShare = 0.7;
const fewExchanges = 3;

/**
 * Rows of conversations. To learn, one list of tools serves many exchanges: what the list costs is paid once, and whether a
 * tool is there has to be read from it. Held out, what counts is the last exchange.
 */
export function composed(pool: Pool, composition: Composition): Conversation[] {
  const { count, seed, isHeldOut } = composition;
  const random = Random.stream(seed, `tool-conversations-${isHeldOut ? 'held-out' : 'train'}`);
  const drawers = new Map(spokenLanguages.map((language) => [language, new Drawer(pool, language, random)]));
  const rows: Conversation[] = [];
  for (let tries = 0; rows.length < count && tries < 4 * count; tries++) {
    const language = spokenLanguages[rows.length % spokenLanguages.length];
    const drawer = drawers.get(language);
    if (drawer === undefined) break;
    const row = new Row(composition, drawer, random);
    if (isHeldOut) row.holdOut();
    else row.learn();
    if (row.exchanges.length > 0) rows.push(rowOf(`tools-${isHeldOut ? 'held-out' : 'train'}-${rows.length}`, row));
  }
  return rows;
}

/** Exchanges of one language; of each tool, each once before any comes again. */
class Drawer {
  readonly #random: Random;
  readonly #calls = new Map<string, Exchange[]>();
  readonly #kinds: string[];
  readonly #left = new Map<string, Exchange[]>();
  readonly #others: Record<'talk' | 'direct', readonly Exchange[]>;
  readonly language: Spoken;

  constructor(pool: Pool, language: Spoken, random: Random) {
    const of = (list: readonly Exchange[]): Exchange[] => list.filter((each) => each.language === language);
    this.language = language;
    this.#random = random;
    for (const each of of(pool.calls)) {
      const kind = each.needs.join('+');
      const list = this.#calls.get(kind) ?? [];
      list.push(each);
      this.#calls.set(kind, list);
    }
    // As often as there are such exchanges.
    this.#kinds = [...this.#calls].flatMap(([kind, { length }]) => Array<string>(length).fill(kind));
    this.#others = { talk: of(pool.talk), direct: of(pool.direct) };
  }

  /** One that these tools serve; or, with `isServed` false, one that they do not. */
  call(offered: ReadonlySet<string>, isServed = true): Exchange | undefined {
    for (let tries = 0; tries < 50 && this.#kinds.length > 0; tries++) {
      const kind = this.#random.choose(this.#kinds);
      if (kind.split('+').every((name) => offered.has(name)) === isServed) return this.#next(kind);
    }
    return undefined;
  }

  other(kind: 'talk' | 'direct'): Exchange | undefined {
    const list = this.#others[kind];
    return list.length === 0 ? undefined : this.#random.choose(list);
  }

  #next(kind: string): Exchange | undefined {
    let left = this.#left.get(kind) ?? [];
    if (left.length === 0) left = this.#random.shuffle([...(this.#calls.get(kind) ?? [])]);
    const exchange = left.pop();
    this.#left.set(kind, left);
    return exchange;
  }
}

/** One conversation as it grows. */
class Row {
  exchanges: Exchange[] = [];
  tools: Tool[] = [];
  readonly #composition: Composition;
  readonly #drawer: Drawer;
  readonly #random: Random;

  constructor(composition: Composition, drawer: Drawer, random: Random) {
    this.#composition = composition;
    this.#drawer = drawer;
    this.#random = random;
  }

  learn(): void {
    const { tools } = this.#composition;
    const isAll = this.#random.uniform() < 0.125;
    this.tools = this.#random.shuffle([...tools]).slice(0, isAll ? tools.length : this.#random.choose(offeredTools));
    const isFull = this.#random.uniform() < fullShare;
    this.#fill(() => this.#any(), isFull ? Number.POSITIVE_INFINITY : this.#random.integer(1, fewExchanges + 1));
  }

  holdOut(): void {
    const { tools } = this.#composition;
    const lacks = new Set(this.#random.shuffle(tools.map(({ name }) => name)).slice(0, this.#random.integer(0, 6)));
    const names = (): Set<string> => new Set(tools.map(({ name }) => name).filter((name) => !lacks.has(name)));
    const last = this.#last(lacks, names);
    if (last === undefined) return;
    const earlier: Exchange[] = [];
    for (let i = this.#random.choose(before); i > 0; i--) {
      const other = this.#random.uniform() < 0.2 ? this.#drawer.other('talk') : this.#drawer.call(names());
      // The one that counts begins in a time and a house of its own.
      if (other !== undefined && other.start === undefined && !hasSlip(other)) earlier.push(other);
    }
    // Exchanges that there is no room for go, the earliest first.
    for (let from = 0; from <= earlier.length; from++) {
      const exchanges = [...earlier.slice(from), ...last];
      this.tools = this.#offered(exchanges, lacks);
      if (this.#length(exchanges) > this.#composition.room) continue;
      this.exchanges = exchanges;
      return;
    }
  }

  /** What counts in a row that is held out, after what it is about. */
  #last(lacks: Set<string>, names: () => Set<string>): Exchange[] | undefined {
    const { noCallShare, tools } = this.#composition;
    const all = new Set(tools.map(({ name }) => name));
    if (this.#random.uniform() < noCallShare) return this.#withoutCall(names());
    const call = this.#drawer.call(all);
    for (const name of call?.needs ?? []) lacks.delete(name);
    return call && [call];
  }

  /** One exchange, after another where it repeats it. */
  #any(): Exchange[] | undefined {
    const offered = new Set(this.tools.map(({ name }) => name));
    if (this.#random.uniform() < this.#composition.noCallShare) return this.#withoutCall(offered);
    const call = this.#drawer.call(offered);
    return call && [call];
  }

  #withoutCall(offered: ReadonlySet<string>): Exchange[] | undefined {
    const { isHeldOut } = this.#composition;
    const what = this.#random.uniform();
    const talk = this.#drawer.other('talk');
    const chosen = ((): Exchange[] | undefined => {
      if (what < 0.25) return undefined;
      if (what < 0.4) {
        const direct = this.#drawer.other('direct');
        return direct && [direct];
      }
      const call = this.#drawer.call(offered, what >= 0.9);
      if (call === undefined) return undefined;
      if (what < 0.9) return [unserved(call)];
      return call.start !== undefined || hasSlip(call) ? undefined : [call, repeated(call, this.#random, isHeldOut)];
    })();
    return chosen ?? (talk && [talk]);
  }

  /** Adds exchanges until there are enough, or no room for the next. */
  #fill(next: () => Exchange[] | undefined, most: number): void {
    const { room, lengthOf } = this.#composition;
    const nothing: Message[] = [{ role: 'user', content: '' }];
    let left = room - (lengthOf(nothing, this.tools) - lengthOf(nothing));
    while (this.exchanges.length < most) {
      const exchanges = next();
      if (exchanges === undefined) return;
      left -= exchanges.reduce((sum, { messages }) => sum + lengthOf(messages), 0);
      if (left < 0) return;
      this.exchanges.push(...exchanges);
    }
  }

  #length(exchanges: readonly Exchange[]): number {
    return this.#composition.lengthOf(
      exchanges.flatMap(({ messages }) => messages),
      this.tools,
    );
  }

  /** The tools that are needed, and others, in any order. */
  #offered(exchanges: readonly Exchange[], lacks: ReadonlySet<string>): Tool[] {
    const { tools } = this.#composition;
    const needs = new Set(exchanges.flatMap((exchange) => exchange.needs));
    const needed = tools.filter(({ name }) => needs.has(name));
    const others = this.#random.shuffle(tools.filter(({ name }) => !needs.has(name) && !lacks.has(name)));
    // One row in eight offers all that may be.
    const isAll = this.#random.uniform() < 0.125;
    const count = isAll ? others.length : this.#random.integer(needed.length > 0 ? 0 : 1, 4);
    return this.#random.shuffle([...needed, ...others.slice(0, count)]);
  }
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

function rowOf(id: string, { exchanges, tools }: Pick<Row, 'exchanges' | 'tools'>): Conversation {
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
