// A judge as a scorer: any chat model, shown two answers at a time, in both orders. A verdict that changes with the order is a tie, and
// what an answer is worth is the share of those it meets that it beats. Verdicts are kept where the model's replies are: paid once.
import { Interrupted, UserError } from '../../base/errors.js';
import { digestOf } from '../../base/files.js';
import { Random } from '../../base/random.js';
import { Slots } from '../../base/slots.js';
import { detectLanguage } from '../../data/clean.js';
import type { Conversation, Language } from '../../data/types.js';
import { QuestionRefused, replyOf } from '../../inference/chat-model.js';
import type { Question, RecordedModel } from '../../inference/recording.js';
import type { Message } from '../../tokenizer/message.js';
import { referenceTurn } from '../reference.js';
import type { Scorer } from '../scorer.js';
import { type Answer, lastQuestion } from '../tasks.js';
import { type Comparison, judgeQuestion, questionVersion, type Verdict, verdictIn } from './judge-question.js';
import { groupsOf } from './mixed.js';

/** What came of two answers, a and b, that were shown in both orders. */
export interface Outcome {
  /** Undefined: one of the verdicts cannot be read, or the judge would not say. */
  better?: 'a' | 'b' | 'tie';
  /** With a first, and with b first. */
  verdicts: readonly (Verdict | undefined)[];
}

/** Of two answers: what was asked, and what each says. */
export interface JudgedTexts extends Omit<Comparison, 'first' | 'second'> {
  a: string;
  b: string;
}

/** Unreadable replies in a row before nobody is asked any more. */
const maxUnreadable = 20;

export class Judge {
  /** Two that may judge otherwise have different ones. */
  readonly name: string;
  readonly #model: RecordedModel;
  readonly #slots: Slots;
  /** What is asked at present: the same is not asked, and paid, twice at once. */
  readonly #asking = new Map<string, Promise<Verdict | undefined>>();
  /** Unreadable ones since the last that could be read. */
  #waste: Question[] = [];
  /** Why nobody is asked any more. */
  #failure: unknown;
  /** Pairs that were compared, those whose verdict changed with the order, and those without one. */
  counts = { pairs: 0, swayed: 0, silent: 0 };

  /** @param atOnce Questions at a time. @param settings What else its rewards follow from. */
  constructor(model: RecordedModel, { atOnce, settings = {} }: { atOnce: number; settings?: object }) {
    this.name = `judge ${digestOf([model.identity, questionVersion, settings]).slice(0, 12)}`;
    this.#model = model;
    this.#slots = new Slots(atOnce);
  }

  /** @throws Interrupted; UserError where the model cannot be asked, or nothing that it says can be read. */
  async compare({ a, b, ...asked }: JudgedTexts, signal?: AbortSignal): Promise<Outcome> {
    const orders = [
      { ...asked, first: a, second: b },
      { ...asked, first: b, second: a },
    ];
    // To their ends: what was paid is kept.
    const ends = await Promise.allSettled(orders.map((order) => this.#verdict(judgeQuestion(order), signal)));
    const verdicts = ends.map((end) => {
      if (end.status === 'rejected') throw end.reason;
      return end.value;
    });
    const [better, again] = [sideOf(verdicts[0], 'a', 'b'), sideOf(verdicts[1], 'b', 'a')];
    this.counts.pairs++;
    if (better === undefined || again === undefined) {
      this.counts.silent++;
      return { verdicts };
    }
    if (better === again) return { better, verdicts };
    this.counts.swayed++;
    return { better: 'tie', verdicts };
  }

  #verdict(question: Question, signal?: AbortSignal): Promise<Verdict | undefined> {
    const key = digestOf(question.messages);
    const known = this.#asking.get(key);
    if (known !== undefined) return known;
    const asking = this.#slots.use(() => this.#ask(question, signal)).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    return asking;
  }

  async #ask(question: Question, signal?: AbortSignal): Promise<Verdict | undefined> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      const { text, finish, why } = await replyOf(this.#model, question.messages, { ...question.options, signal });
      if (finish === 'aborted') throw new Interrupted('stopped while asking the judge');
      const verdict = finish === 'unusable' || finish === 'thinking' ? undefined : verdictIn(text);
      if (verdict !== undefined) {
        this.#waste = [];
        return verdict;
      }
      this.#waste.push(question);
      if (this.#waste.length < maxUnreadable) return undefined;
      await this.#model.forget(this.#waste);
      throw unreadable(this.#waste.length, why ?? text);
    } catch (error) {
      if (error instanceof QuestionRefused) return undefined; // longer than its context, say: another may fit
      this.#failure ??= error;
      throw error;
    }
  }
}

function sideOf(verdict: Verdict | undefined, first: 'a' | 'b', second: 'a' | 'b'): 'a' | 'b' | 'tie' | undefined {
  if (verdict === undefined || verdict === 'tie') return verdict;
  return verdict === 'first' ? first : second;
}

function unreadable(count: number, said: string): UserError {
  return new UserError(
    {
      where: 'align.scorers',
      what: `${count} replies of the judge in a row held no verdict`,
      why: `it was asked for A, B or TIE, and said: ${said.replace(/\s+/g, ' ').slice(0, 200)}`,
      next: 'A larger model may follow the form; else try jsonMode: schema, or turn its thoughts off (request). What could be read is kept, and not asked again',
    },
    { exitCode: 1 },
  );
}

/** Of so many answers all are compared with all. */
const wholeGroup = 4;

/** The pairs of n answers that are compared: all of few; of more, each is in about `opponents` of them. */
export function pairsOfGroup(n: number, opponents: number, random: Random): [number, number][] {
  const all = Array.from({ length: n }, (_, i) => i);
  if (n <= wholeGroup || opponents >= n - 1)
    return all.flatMap((i) => all.slice(i + 1).map((j): [number, number] => [i, j]));
  // On a ring in random order each meets those that are next to it on both sides.
  const ring = random.shuffle(all);
  const reach = Math.ceil(opponents / 2);
  const pairs = ring.flatMap((i, at) =>
    Array.from({ length: reach }, (_, step): [number, number] => [i, ring[(at + step + 1) % n]]),
  );
  const distinct = new Map(pairs.map(([i, j]) => [`${Math.min(i, j)} ${Math.max(i, j)}`, [i, j] as [number, number]]));
  return [...distinct.values()];
}

/** @param opponents Of each answer, where there are more than four different ones. */
export function judgeScorer(judge: Judge, { opponents, seed }: { opponents: number; seed: number }): Scorer {
  const ofGroup = async (answers: readonly Answer[], signal?: AbortSignal): Promise<(number | undefined)[]> => {
    const texts = [...new Set(answers.map(({ text }) => text))];
    if (texts.length === 1) return answers.map(() => 0.5); // alike, whoever judges
    const asked = { messages: askedOf(answers[0]), language: languageOf(answers[0].task) };
    const pairs = pairsOfGroup(texts.length, opponents, Random.stream(seed, digestOf([asked.messages, texts])));
    const ends = await Promise.allSettled(
      pairs.map(([i, j]) => judge.compare({ ...asked, a: texts[i], b: texts[j] }, signal)),
    );
    const met = texts.map((): number[] => []);
    ends.forEach((end, at) => {
      if (end.status === 'rejected') throw end.reason;
      const { better } = end.value;
      if (better === undefined) return;
      const [i, j] = pairs[at];
      met[i].push(better === 'tie' ? 0.5 : Number(better === 'a'));
      met[j].push(better === 'tie' ? 0.5 : Number(better === 'b'));
    });
    const worth = new Map(texts.map((text, i) => [text, met[i].length === 0 ? undefined : meanOf(met[i])]));
    return answers.map(({ text }) => worth.get(text));
  };
  const rewards = async (answers: readonly Answer[], signal?: AbortSignal) => {
    const groups = groupsOf(answers).map(([from, to]) => ofGroup(answers.slice(from, to), signal));
    const ends = await Promise.allSettled(groups);
    return ends.flatMap((end) => {
      if (end.status === 'rejected') throw end.reason;
      return end.value;
    });
  };
  const { name } = judge;
  return {
    name,
    isScaleless: true, // a win rate: another group's is not the same
    isRelative: true,
    parts: async (answers, signal) => [{ name, weight: 1, rewards: await rewards(answers, signal) }],
    score: rewards,
  };
}

/** The conversation up to what the answer answers. */
export function askedOf({ task: { messages }, calls }: Pick<Answer, 'task' | 'calls'>): readonly Message[] {
  if (calls !== undefined) return referenceTurn(messages).prompt;
  return messages.at(-1)?.role === 'assistant' ? messages.slice(0, -1) : messages;
}

export function languageOf(task: Conversation): Language {
  return task.language ?? detectLanguage(lastQuestion(task));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
