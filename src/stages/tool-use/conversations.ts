// Exchanges → conversations under one list of tools, and at least a quarter of the exchanges where no call is right: talk,
// what the student answers itself, an answer that was given already, a tool that is not there.
import { Random } from '../../base/random.js';
import type { Check, Conversation } from '../../data/types.js';
import type { Message, Tool } from '../../tokenizer/message.js';
import { repetitions } from '../repetitions.js';
import { type Exchange, questionOf } from './exchange.js';
import { type Spoken, spokenLanguages } from './exercise.js';

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
const offeredTools = [1, 1, 1, 1, 2, 2, 2, 3, 4, 5];
/** How many exchanges come before the one that counts in a row that is held out. */
const before = [0, 0, 0, 0, 1, 1, 2];
/** Rows to learn that are full. Most begin and soon end: what is asked first, nothing that was called before tells how to answer. */
const fullShare = 0.1;
const fewExchanges = [1, 1, 1, 2, 3];
/** Of the short ones, those whose tools are names with arguments and no more: whether a name stands in a list is learnt from short lists. */
const terseShare = 0.6;

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

/** How many tools stand in a list that is nothing but read. */
const listLengths = [1, 1, 2, 2, 3, 4];

/** More than half: there is one way to say that there is no tool, and many calls. */
const servedShare = 0.6;

/**
 * The first call to each of the questions, or that there is no tool for it, under short lists of tools without
 * their descriptions. Among calls and results this one decision is so small a part of the loss that it is learnt very late;
 * alone it is learnt in some hundred steps.
 */
export function listed(
  calls: readonly Exchange[],
  tools: readonly Tool[],
  { count, seed }: { count: number; seed: number },
): Conversation[] {
  const random = Random.stream(seed, 'tool-lists');
  const askable = random.shuffle(calls.filter((each) => !hasSlip(each)));
  if (askable.length === 0) return [];
  return Array.from({ length: count }, (_, i): Conversation => {
    const exchange = askable[i % askable.length];
    const needed = tools.filter(({ name }) => exchange.needs.includes(name));
    const others = random.shuffle(tools.filter((tool) => !needed.includes(tool)));
    const isThere = others.length === 0 || random.uniform() < servedShare;
    const length = random.choose(listLengths);
    const offered = isThere ? [...needed, ...others.slice(0, length - 1)] : others.slice(0, length);
    const messages = isThere ? exchange.messages.slice(0, 2) : unserved(exchange).messages;
    return { id: `tools-list-${i}`, messages, tools: random.shuffle(offered).map(terse), language: exchange.language };
  });
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
    const isAll = this.#random.uniform() < 0.1;
    this.tools = this.#random.shuffle([...tools]).slice(0, isAll ? tools.length : this.#random.choose(offeredTools));
    const isFull = this.#random.uniform() < fullShare;
    if (!isFull && this.#random.uniform() < terseShare) this.tools = this.tools.map(terse);
    this.#fill(() => this.#any(), isFull ? Number.POSITIVE_INFINITY : this.#random.choose(fewExchanges));
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
      if (what < 0.2) return undefined;
      if (what < 0.3) {
        const direct = this.#drawer.other('direct');
        return direct && [direct];
      }
      const call = this.#drawer.call(offered, what >= 0.93);
      if (call === undefined) return undefined;
      if (what < 0.93) return [unserved(call)];
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

/** A tool without its descriptions. */
function terse({ name, parameters }: Tool): Tool {
  const { properties = {}, ...schema } = parameters as { properties?: Record<string, Record<string, unknown>> };
  const bare = Object.entries(properties).map(([key, { description: _, ...type }]) => [key, type]);
  return { name, description: '', parameters: { ...schema, properties: Object.fromEntries(bare) } };
}

function hasSlip({ messages }: Exchange): boolean {
  return messages.some(({ weight }) => weight === 0);
}

/** The same answer again, which the conversation holds. */
function repeated({ id, messages, language, check }: Exchange, random: Random, isHeldOut: boolean): Exchange {
  const wording = random.choose(repetitions(language, isHeldOut));
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
