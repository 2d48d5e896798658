// What fine-tuning shows while it works, on conversations that it never learns from: the loss, as a whole and by source;
// and of a few answers, greedy ones, whether they end by themselves and are right, by family of tasks and by language.
import { countOf } from '../../base/format.js';
import { Random } from '../../base/random.js';
import { detectLanguage } from '../../data/clean.js';
import type { BatchShape } from '../../data/sequences.js';
import type { Check, Conversation, TokenSequence } from '../../data/types.js';
import { measureAnswers, metricsOf } from '../../evaluation/measurements.js';
import { type Answer, answerTasks, lastQuestion } from '../../evaluation/tasks.js';
import { withWeights } from '../../inference/local-model.js';
import type { Model } from '../../model/model.js';
import type { Metrics } from '../../report/event.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import { measureLogProbabilities } from '../../train/objectives/sequence-log-probabilities.js';

/** Answers of one evaluation, at most: a quickstart's model gives them in half a second. */
const maxAnswers = 64;
const minAnswers = 8;
/** A reference answer of more tokens than this is not asked for: the model's own could not end within the limit. */
const maxReferenceTokens = 96;
const maxNewTokens = 128;
/** A reference answer of at most so many tokens is its own check, where the row has none: a label, a name, a number. */
const maxExactTokens = 16;
/** Tokens that the loss is taken on, about: of more conversations, so many are measured, the same ones each time. */
const maxLossTokens = 32_768;
const minLossTokens = 4096;
/** A model of more parameters is asked less, so that an evaluation takes no more of its training than one of this size. */
const parametersOfAll = 30e6;
/** Sources of which a loss is given: as many as one chart shows. */
const maxSources = 6;

export interface HeldOutRow {
  conversation: Conversation;
  /** As it would be learnt; none where it does not fit. */
  sequences: readonly TokenSequence[];
  /** The file or data set that it comes from. */
  source?: string;
}

interface HeldOutOptions {
  tokenizer: Tokenizer;
  shape: BatchShape;
  seed: number;
  /** Of the model. */
  parameters: number;
}

export class HeldOutMetrics {
  readonly #rows: readonly HeldOutRow[];
  readonly #options: HeldOutOptions;
  /** The largest first; empty where there is but one. */
  readonly #sources: readonly string[];
  readonly #asked: readonly Conversation[];
  readonly #limit: number;
  /** Of all rows that were given. */
  readonly #count: number;

  constructor(rows: readonly HeldOutRow[], options: HeldOutOptions) {
    this.#rows = affordable(rows, scaled(maxLossTokens, minLossTokens, options.parameters));
    this.#count = rows.length;
    this.#options = options;
    this.#sources = sourcesOf(this.#rows);
    const tokensOf = (text: string): number => options.tokenizer.encode(text).length;
    const questions = rows.flatMap(({ conversation }) => questionOf(conversation, tokensOf));
    const chosen = balanced(questions, scaled(maxAnswers, minAnswers, options.parameters));
    this.#asked = chosen.map(({ task }) => task);
    this.#limit = Math.min(maxNewTokens, 16 + 2 * Math.max(0, ...chosen.map(({ tokens }) => tokens)));
  }

  /** The metrics that `measure` reports: known before the first step. */
  get names(): string[] {
    const silent = this.#asked.map((task): Answer => ({ task, promptTokens: [], tokens: [], text: '', ended: false }));
    return Object.keys(wholesFirst({ ...this.#lossesOf(new Map()), ...answerMetrics(silent) }));
  }

  /** What an evaluation does, for a person to know before it is done again and again. */
  get note(): string {
    const some = this.#rows.length < this.#count ? `${this.#rows.length} of ` : '';
    const loss = `an evaluation takes the loss on ${some}${countOf(this.#count, 'held-out conversation')}`;
    if (this.#asked.length === 0) return `${loss}; none has an answer short enough to ask for`;
    const checked = this.#asked.filter(({ check }) => check !== undefined).length;
    const exact = checked === 0 ? '' : `, ${checked} of them checked for the right answer`;
    return `${loss} and asks ${this.#asked.length} of them (at most ${this.#limit} tokens an answer)${exact}`;
  }

  async measure(model: Model, signal?: AbortSignal): Promise<Metrics> {
    const losses = this.#lossesOf(await this.#nats(model));
    if (this.#asked.length === 0) return losses;
    const { tokenizer, seed } = this.#options;
    const answers = await withWeights({ model, tokenizer }, (local) =>
      answerTasks(local, this.#asked, { maxNewTokens: this.#limit, seed, signal }),
    );
    return wholesFirst({ ...losses, ...answerMetrics(answers) });
  }

  /** Row → nats of the tokens that it would learn, and how many those are. */
  async #nats(model: Model): Promise<Map<number, { nats: number; tokens: number }>> {
    const byRow = this.#rows.flatMap(({ sequences }, row) =>
      sequences.map((sequence) => ({ ...sequence, id: String(row) })),
    );
    const measured = await measureLogProbabilities(model, byRow, this.#options.shape);
    return new Map([...measured].map(([row, { sum, count }]) => [Number(row), { nats: -sum, tokens: count }]));
  }

  /** `heldOutLoss`: mean nats a token; `heldOutLoss.source.<source>`. */
  #lossesOf(sums: ReadonlyMap<number, { nats: number; tokens: number }>): Metrics {
    const meanOf = (isWanted: (row: HeldOutRow) => boolean): number => {
      const wanted = [...sums].filter(([row]) => isWanted(this.#rows[row]));
      const total = (key: 'nats' | 'tokens'): number => wanted.reduce((sum, [, each]) => sum + each[key], 0);
      return total('nats') / (total('tokens') || 1);
    };
    const losses: Metrics = this.#rows.some(({ sequences }) => sequences.length > 0)
      ? { heldOutLoss: meanOf(() => true) }
      : {};
    for (const name of this.#sources) losses[`heldOutLoss.source.${name}`] = meanOf(({ source }) => source === name);
    return losses;
  }
}

/** `ended`, `correct`, and that of each language and family where there are several. */
function answerMetrics(answers: readonly Answer[]): Metrics {
  const { ended, correct, ...families } = metricsOf(measureAnswers(answers));
  const byLanguage = answers.map((answer) => ({ ...answer, task: { ...answer.task, kind: answer.task.language } }));
  const { ended: _, correct: __, ...languages } = metricsOf(measureAnswers(byLanguage));
  const parts = [languages, families].filter((part) => Object.keys(part).length > 1);
  return {
    ...(ended !== undefined && { ended }),
    ...(correct !== undefined && { correct }),
    ...Object.assign({}, ...parts),
  };
}

/** What a line in the terminal has room for, before what it consists of. */
function wholesFirst(metrics: Metrics): Metrics {
  const isPart = ([name]: [string, number]): boolean => name.includes('.');
  const all = Object.entries(metrics);
  return Object.fromEntries([...all.filter((each) => !isPart(each)), ...all.filter(isPart)]);
}

/** `most`, or of a model that is larger than all of it is for less, `least` at the least. */
function scaled(most: number, least: number, parameters: number): number {
  return Math.max(least, Math.floor(most * Math.min(1, parametersOfAll / parameters)));
}

/** All rows, or as many of them in a fixed random order as `limit` tokens let be read, at least one. */
function affordable(rows: readonly HeldOutRow[], limit: number): readonly HeldOutRow[] {
  let tokens = 0;
  const fits = ({ sequences }: HeldOutRow, i: number): boolean => {
    tokens += sequences.reduce((sum, sequence) => sum + sequence.tokens.length, 0);
    return i === 0 || tokens <= limit;
  };
  if (rows.every(fits)) return rows;
  const shuffled = Random.stream(0, 'held-out conversations').shuffle([...rows]);
  tokens = 0;
  const end = shuffled.findIndex((row, i) => !fits(row, i));
  return end < 0 ? shuffled : shuffled.slice(0, end);
}

function sourcesOf(rows: readonly HeldOutRow[]): string[] {
  const counts = new Map<string, number>();
  for (const { source, sequences } of rows) {
    if (source !== undefined && sequences.length > 0) counts.set(source, (counts.get(source) ?? 0) + 1);
  }
  if (counts.size < 2) return [];
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .flatMap(([name], i) => (i < maxSources ? name : []));
}

interface AskedQuestion {
  task: Conversation;
  /** Of the reference answer. */
  tokens: number;
}

/** The question that ends a conversation, with a check of its own or that of a short answer; none where it cannot be asked. */
function questionOf(conversation: Conversation, tokensOf: (text: string) => number): AskedQuestion[] {
  const answer = conversation.messages.at(-1);
  if (answer?.role !== 'assistant' || answer.toolCalls !== undefined || answer.content.trim() === '') return [];
  const tokens = tokensOf(answer.content);
  if (tokens > maxReferenceTokens) return [];
  const own: Check | undefined = tokens <= maxExactTokens ? { type: 'equals', answer: answer.content } : undefined;
  const { check: given = own, language = detectLanguage(lastQuestion(conversation)) } = conversation;
  // Here no tool runs, so that nothing can be done.
  const check = given?.type === 'world' ? own : given;
  return [{ task: { ...conversation, check, language }, tokens }];
}

/** At most `limit`, as many of each family and language as there are, in the order in which they come. */
function balanced(questions: readonly AskedQuestion[], limit: number): AskedQuestion[] {
  const groups = new Map<string, AskedQuestion[]>();
  for (const question of questions) {
    const key = `${question.task.kind} ${question.task.language}`;
    groups.set(key, [...(groups.get(key) ?? []), question]);
  }
  const chosen: AskedQuestion[] = [];
  for (let turn = 0; chosen.length < Math.min(limit, questions.length); turn++) {
    for (const group of groups.values()) if (turn < group.length && chosen.length < limit) chosen.push(group[turn]);
  }
  return chosen;
}
