// Rows of several exchanges, made of those of one: other tasks come before a row's own, or its own is asked as people ask in
// the middle of a talk ("And 17?", "No, I meant 45.", "Say that again."). Made after the split and of training rows alone,
// so that nothing held out is met. Of each row the last question stays its own task: id, check and group stay true.
import { countOf, formatCount } from '../../base/format.js';
import { groupBy } from '../../base/groups.js';
import { Random } from '../../base/random.js';
import { wordsOf } from '../../base/words.js';
import type { TurnsConfig } from '../../config/turns.js';
import type { Conversation } from '../../data/types.js';
import type { Message } from '../../tokenizer/message.js';
import { fill } from './families/family.js';
import { familyOf } from './families/table.js';
import { bucketOf } from './rows.js';
import { payloadOf } from './task-key.js';
import type { TaskLanguage } from './teacher.js';
import { corrections, followUps, repetitions } from './turn-wordings.js';

/** Of the exchanges that are asked in another way than anew. */
export type TurnForm = 'followUp' | 'correction' | 'repetition';

export interface TurnCounts {
  /** Exchanges of a row → rows. */
  byExchanges: Record<number, number>;
  /** Exchanges of each form. */
  forms: Record<TurnForm, number>;
  /** Rows of several exchanges in which both languages are spoken. */
  bilingual: number;
  /** Rows that were to have more exchanges, and have one: with a second they are longer than `maxTokens`. */
  unchained: number;
}

export interface ChainedRows {
  rows: Conversation[];
  counts: TurnCounts;
}

interface ChainOptions extends TurnsConfig {
  seed: number;
  /** Names the random choices: `train`, `prompts`. */
  part: string;
}

/** Of the rows of several exchanges: in so many, the earlier ones are in either language. */
const bilingualShare = 0.2;
/** Of the exchanges that can be asked so. */
const shares: Record<TurnForm, number> = { followUp: 0.25, correction: 0.1, repetition: 0.08 };
/** Where nothing says how long a row may be. */
const defaultMaxTokens = 256;
/** An estimate for vocabularies of thousands of tokens; the marks and names around a question and its answer. */
const tokensPerWord = 1.5;
const tokensPerMessage = 5;

/**
 * `share` of the rows, of each family and language alike, with 2 to `most` exchanges; the others, and the order, as they are.
 * @param pool where earlier exchanges come from.
 */
export function chainRows(
  rows: readonly Conversation[],
  pool: readonly Conversation[],
  options: ChainOptions,
): ChainedRows {
  const { share, seed, part } = options;
  const chosen = new Set<Conversation>();
  const shuffled = Random.stream(seed, `self-instruct/turns/${part}`).shuffle(rows.filter(isDialogue));
  for (const bucket of groupBy(shuffled, bucketOf).values())
    for (const row of bucket.slice(0, Math.round(share * bucket.length))) chosen.add(row);
  const chain = new Chain(pool.filter(isDialogue), options);
  const chained = rows.map((row) => (chosen.has(row) ? chain.lengthen(row) : row));
  const byExchanges: Record<number, number> = {};
  for (const { messages } of chained) {
    const exchanges = messages.filter(({ role }) => role === 'assistant').length;
    byExchanges[exchanges] = (byExchanges[exchanges] ?? 0) + 1;
  }
  return { rows: chained, counts: { byExchanges, ...chain.counts } };
}

/** What was made, and what could not be. */
export function chainedInWords({ rows, counts: { byExchanges, forms, bilingual, unchained } }: ChainedRows): string {
  const several = rows.length - (byExchanges[1] ?? 0);
  const most = Math.max(...Object.keys(byExchanges).map(Number));
  const kinds = [
    countOf(forms.followUp, 'follow-up'),
    countOf(forms.correction, 'correction'),
    countOf(forms.repetition, 'repetition'),
    `${formatCount(bilingual)} in both languages`,
  ].join(', ');
  const single =
    unchained === 0
      ? ''
      : `; ${formatCount(unchained)} more are too long for a second exchange (selfInstruct.turns.maxTokens)`;
  return `${formatCount(several)} of ${countOf(rows.length, 'conversation')} have 2 to ${most} exchanges: ${kinds}${single}`;
}

/** Questions and answers in turn, and nothing else. */
function isDialogue({ messages }: Conversation): boolean {
  return messages.length % 2 === 0 && messages.every(({ role }, i) => role === (i % 2 === 0 ? 'user' : 'assistant'));
}

class Chain {
  readonly counts = { forms: { followUp: 0, correction: 0, repetition: 0 }, bilingual: 0, unchained: 0 };
  readonly #options: ChainOptions;
  /** By language, shuffled, with the place of the next: each row comes once before any comes again. */
  readonly #decks: ReadonlyMap<string, { rows: Conversation[]; next: number }>;
  /** Rows that ask the same of different operands. */
  readonly #siblings: ReadonlyMap<string, Conversation[]>;

  constructor(pool: readonly Conversation[], options: ChainOptions) {
    this.#options = options;
    const random = Random.stream(options.seed, `self-instruct/turns/${options.part}/deck`);
    const byLanguage = groupBy(pool, ({ language = 'other' }) => language);
    this.#decks = new Map(
      [...byLanguage].map(([language, rows]) => [language, { rows: random.shuffle(rows), next: 0 }]),
    );
    this.#siblings = groupBy(pool, (row) => operandOf(row)?.template ?? '');
  }

  lengthen(row: Conversation): Conversation {
    const { seed, part, most, maxTokens = defaultMaxTokens } = this.#options;
    const random = Random.stream(seed, `self-instruct/turns/${part}/${row.id}`);
    // The smaller of two draws: short talks are more frequent than long ones.
    const wanted = Math.min(random.integer(2, most + 1), random.integer(2, most + 1));
    const isBilingual = random.uniform() < bilingualShare;
    const used = new Set([row]);
    const own = this.#unitOf(row, random, used, wanted);
    const earlier: Unit[] = [];
    let exchanges = own.messages.length / 2;
    let tokens = estimatedTokens(own.messages);
    for (let tries = 0; exchanges < wanted && tries < 2 * most; tries++) {
      const language = isBilingual ? random.choose([...this.#decks.keys()]) : (row.language ?? 'other');
      const other = this.#draw(language, used);
      if (other === undefined) break;
      const unit = this.#unitOf(other, random, used, wanted - exchanges);
      const size = estimatedTokens(unit.messages);
      if (exchanges + unit.messages.length / 2 > wanted || tokens + size > maxTokens) continue;
      earlier.push(unit);
      exchanges += unit.messages.length / 2;
      tokens += size;
    }
    const units = [...earlier, own];
    if (exchanges === 1) {
      this.counts.unchained++;
      return row;
    }
    for (const { form } of units) if (form !== undefined) this.counts.forms[form]++;
    const languages = new Set(units.flatMap(({ rows }) => rows.map(({ language }) => language)));
    if (languages.size > 1) this.counts.bilingual++;
    const before = units.flatMap(({ rows }) => rows).filter((each) => each !== row);
    return {
      ...row,
      messages: arranged(earlier, own, random),
      ...(row.provenance &&
        before.length > 0 && { provenance: { ...row.provenance, earlier: before.map(({ id }) => id) } }),
    };
  }

  /** The next row of a language that the conversation does not have yet: a memory of its own only once. */
  #draw(language: string, used: Set<Conversation>): Conversation | undefined {
    const deck = this.#decks.get(language);
    const hasMemory = [...used].some(({ messages }) => messages.length > 2);
    for (let tries = 0; deck !== undefined && tries < Math.min(deck.rows.length, 16); tries++) {
      const row = deck.rows[deck.next++ % deck.rows.length];
      if (used.has(row) || (hasMemory && row.messages.length > 2)) continue;
      used.add(row);
      return row;
    }
    return undefined;
  }

  /** A row's own messages, or with what makes another form of it, at most `most` exchanges. */
  #unitOf(row: Conversation, random: Random, used: Set<Conversation>, most: number): Unit {
    const { language, messages } = row;
    const plain: Unit = { messages, rows: [row] };
    const draw = random.uniform();
    if (messages.length > 2 || most < 2 || (language !== 'zh' && language !== 'en')) return plain;
    const [question, answer] = messages;
    if (draw < shares.repetition) {
      const again: Message = { role: 'user', content: random.choose(repetitions[language]) };
      return this.#fitting({ messages: [question, answer, again, answer], rows: [row], form: 'repetition' }, plain);
    }
    const form = draw < shares.repetition + shares.correction ? 'correction' : 'followUp';
    if (draw >= shares.repetition + shares.correction + shares.followUp) return plain;
    const operand = operandOf(row);
    const siblings = (operand && this.#siblings.get(operand.template))?.filter((each) => !used.has(each)) ?? [];
    if (operand === undefined || siblings.length === 0) return plain;
    const sibling = random.choose(siblings);
    used.add(sibling);
    const wordings = form === 'correction' ? corrections : followUps;
    const asked: Message = { role: 'user', content: fill(random.choose(wordings[language]), shown(operand, language)) };
    return this.#fitting({ messages: [...sibling.messages, asked, answer], rows: [sibling, row], form }, plain);
  }

  #fitting(unit: Unit, otherwise: Unit): Unit {
    return estimatedTokens(unit.messages) <= (this.#options.maxTokens ?? defaultMaxTokens) ? unit : otherwise;
  }
}

/** Exchanges that stay together. */
interface Unit {
  messages: readonly Message[];
  rows: readonly Conversation[];
  form?: TurnForm;
}

/** Own exchanges last; what is to be remembered over two of them is said first, half of the time, and asked for last. */
function arranged(earlier: readonly Unit[], own: Unit, random: Random): Message[] {
  const others = earlier.flatMap(({ messages }) => messages);
  const isMemory = own.form === undefined && own.messages.length > 2;
  if (!isMemory || random.uniform() < 0.5) return [...others, ...own.messages];
  return [...own.messages.slice(0, 2), ...others, ...own.messages.slice(2)];
}

export function estimatedTokens(messages: readonly Message[]): number {
  const words = messages.reduce((sum, { content }) => sum + wordsOf(content).length, 0);
  return tokensPerMessage * messages.length + Math.ceil(tokensPerWord * words);
}

interface Operand {
  /** As the question has it. */
  text: string;
  isQuoted: boolean;
  /** The family, the language and the question without its operand: rows that share it ask the same of different operands. */
  template: string;
}

/** Numbers, and what may stand between two of them. */
const numbers = /\d+(?:\s*(?:[+\-−×*÷/,、和与跟或]|and|or|还是)\s*\d+)*/g;

/** What a question is asked of, where another can take its place; undefined where that cannot be told. */
function operandOf({ kind, language, messages }: Conversation): Operand | undefined {
  if (kind === undefined || messages.length !== 2) return undefined;
  const prompt = messages[0].content;
  const { key } = familyOf(kind);
  const isQuoted = key === 'quotation';
  const text = isQuoted ? payloadOf(prompt) : key === 'numbers' ? onlyMatch(prompt, numbers) : undefined;
  if (text === undefined || text.includes('\n') || prompt.split(text).length !== 2) return undefined;
  return { text, isQuoted, template: `${kind}/${language} ${prompt.replace(text, () => '{}')}` };
}

function onlyMatch(text: string, pattern: RegExp): string | undefined {
  const found = text.match(pattern) ?? [];
  return found.length === 1 ? found[0] : undefined;
}

function shown({ text, isQuoted }: Operand, language: TaskLanguage): string {
  if (!isQuoted) return text;
  return language === 'zh' ? `“${text}”` : `"${text}"`;
}
