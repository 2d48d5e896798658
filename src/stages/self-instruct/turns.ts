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
import { repetitions } from '../repetitions.js';
import { fill } from './families/family.js';
import { operandOf, shownOperand } from './operands.js';
import { bucketOf } from './rows.js';
import type { TaskLanguage } from './teacher.js';
import { inLanguage } from './turn-languages.js';
import { corrections, followUps, languageSwitches } from './turn-wordings.js';

/** Of the exchanges that are asked in another way than anew. */
const turnForms = ['followUp', 'correction', 'repetition', 'languageSwitch'] as const;
export type TurnForm = (typeof turnForms)[number];

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
const shares: Record<TurnForm, number> = { followUp: 0.25, correction: 0.1, repetition: 0.08, languageSwitch: 0.15 };
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
  const shuffled = Random.stream(seed, `self-instruct/turns/${part}`).shuffle(rows.filter(isChainable));
  for (const bucket of groupBy(shuffled, bucketOf).values())
    for (const row of bucket.slice(0, Math.round(share * bucket.length))) chosen.add(row);
  const chain = new Chain(pool.filter(isChainable), options);
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
    `${formatCount(forms.languageSwitch)} to say it in the other language; ${formatCount(bilingual)} are in both languages`,
  ].join(', ');
  const single =
    unchained === 0
      ? ''
      : `; ${formatCount(unchained)} more are too long for a second exchange (selfInstruct.turns.maxTokens)`;
  return `${formatCount(several)} of ${countOf(rows.length, 'conversation')} have ${most === 2 ? '2' : `2 to ${most}`} exchanges: ${kinds}${single}`;
}

/**
 * Questions and answers in turn, and nothing else; no talk that a teacher wrote as a whole, which another subject would break into.
 * Small talk of the built-in kind has two exchanges and is chained on purpose: what was said first is asked for later.
 */
function isChainable({ messages, tools, provenance }: Conversation): boolean {
  const isWholeTalk = messages.length > 2 && provenance?.method !== undefined;
  return (
    tools === undefined &&
    !isWholeTalk &&
    messages.length % 2 === 0 &&
    messages.every(({ role }, i) => role === (i % 2 === 0 ? 'user' : 'assistant'))
  );
}

class Chain {
  readonly counts = {
    forms: { followUp: 0, correction: 0, repetition: 0, languageSwitch: 0 },
    bilingual: 0,
    unchained: 0,
  };
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
    this.#siblings = groupBy(pool, (row) => operandOf(row)?.question ?? '');
  }

  lengthen(row: Conversation): Conversation {
    const { seed, part, most } = this.#options;
    const random = Random.stream(seed, `self-instruct/turns/${part}/${row.id}`);
    // The smaller of two draws: short talks are more frequent than long ones.
    const wanted = Math.min(random.integer(2, most + 1), random.integer(2, most + 1));
    const isBilingual = random.uniform() < bilingualShare;
    const used = new Set([row]);
    const own = this.#unitOf(row, random, used, wanted, true);
    const earlier: Unit[] = [];
    let exchanges = own.messages.length / 2;
    let tokens = estimatedTokens(own.messages);
    for (let tries = 0; exchanges < wanted && tries < 2 * most; tries++) {
      const language = isBilingual ? random.choose([...this.#decks.keys()]) : (row.language ?? 'other');
      const other = this.#draw(language, used);
      if (other === undefined) break;
      const unit = this.#unitOf(other, random, used, wanted - exchanges, false);
      const size = estimatedTokens(unit.messages);
      if (exchanges + unit.messages.length / 2 > wanted || tokens + size > this.#maxTokens) continue;
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
    if (deck === undefined) return undefined;
    const hasMemory = [...used].some(({ messages }) => messages.length > 2);
    const row = firstOf(
      Math.min(deck.rows.length, maxDraws),
      () => deck.rows[deck.next++ % deck.rows.length],
      (each) => !used.has(each) && !(hasMemory && each.messages.length > 2),
    );
    if (row !== undefined) used.add(row);
    return row;
  }

  /** A row's own messages, or with what makes another form of it, at most `most` exchanges. A row's own task stays last. */
  #unitOf(row: Conversation, random: Random, used: Set<Conversation>, most: number, isOwn: boolean): Unit {
    const { language, messages } = row;
    const plain: Unit = { messages, rows: [row] };
    let draw = random.uniform();
    const form = turnForms.find((each) => {
      draw -= shares[each];
      return draw < 0;
    });
    if (form === undefined || messages.length > 2 || most < 2 || (language !== 'zh' && language !== 'en')) return plain;
    const unit = this.#formOf(form, { row, language, random, used, isOwn });
    if (unit === undefined || estimatedTokens(unit.messages) > this.#maxTokens) return plain;
    for (const each of unit.rows) used.add(each);
    return { ...unit, form };
  }

  #formOf(form: TurnForm, { row, language, random, used, isOwn }: FormOptions): Unit | undefined {
    const { messages } = row;
    const [, answer] = messages;
    const ask = (wordings: readonly string[], operand = ''): Message => {
      return { role: 'user', content: fill(random.choose(wordings), operand) };
    };
    if (form === 'repetition')
      return { messages: [...messages, ask(repetitions(language, false)), answer], rows: [row] };
    if (form === 'languageSwitch') {
      const content = inLanguage(answer.content, language === 'zh' ? 'en' : 'zh');
      if (isOwn || content === undefined) return undefined;
      return { messages: [...messages, ask(languageSwitches[language]), { role: 'assistant', content }], rows: [row] };
    }
    const operand = operandOf(row);
    const siblings = operand && this.#siblings.get(operand.question);
    const sibling =
      siblings &&
      firstOf(
        maxDraws,
        () => random.choose(siblings),
        (each) => !used.has(each),
      );
    if (operand === undefined || sibling === undefined) return undefined;
    const asked = ask((form === 'correction' ? corrections : followUps)[language], shownOperand(operand, language));
    return { messages: [...sibling.messages, asked, answer], rows: [sibling, row] };
  }

  get #maxTokens(): number {
    return this.#options.maxTokens ?? defaultMaxTokens;
  }
}

interface FormOptions {
  row: Conversation;
  language: TaskLanguage;
  random: Random;
  used: ReadonlySet<Conversation>;
  isOwn: boolean;
}

const maxDraws = 16;

/** The first of so many draws that is right. */
function firstOf<T>(draws: number, draw: () => T, isRight: (drawn: T) => boolean): T | undefined {
  for (let i = 0; i < draws; i++) {
    const drawn = draw();
    if (isRight(drawn)) return drawn;
  }
  return undefined;
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
