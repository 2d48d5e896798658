// What was asked of a paid endpoint and what came of it: one append-only file. A request stands in it before it is sent, again
// when it is handed to the network; then its answer, whole, or that the answer was lost. What it may cost is counted before it
// is sent, so that a budget is a stop.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { AppendFile, type WriteWarning } from '../base/append-file.js';
import { steadyNow } from '../base/clock.js';
import { asUserError, UserError } from '../base/errors.js';
import { formatCount } from '../base/format.js';
import { redactAll } from '../base/secrets.js';
import type { Reply, TokenUsage } from './chat-model.js';
import { type LedgerLine, type RequestBound, readLines } from './ledger-lines.js';

/** USD per million tokens. */
export interface TokenPrices {
  input: number;
  output: number;
}

/** Of all that the ledger holds, earlier runs too. */
export interface Budget {
  usd?: number;
  tokens?: number;
}

export interface LedgerOptions {
  budget?: Budget;
  prices?: TokenPrices;
  /** The block of settings that messages name. */
  block?: string;
  /** The block stands in a list: no option gives its budget. */
  isInList?: true;
  warn?: WriteWarning;
}

/** What a reply took, as far as it is known. */
export interface ReplyCost {
  tokens?: TokenUsage;
  /** False: the endpoint did not say, `tokens` is the most that it can have been. */
  isReported: boolean;
  seconds?: number;
}

/** A request would take more than the budget has left: nothing was sent. */
export class BudgetSpent extends UserError {}

export interface LedgerTotals {
  /** Requests; `sent` are all that stand in the ledger, `waiting` those of them without an end. */
  sent: number;
  answered: number;
  lost: number;
  unsent: number;
  waiting: number;
  tokens: TokenUsage;
  /** undefined: without prices. */
  usd: number | undefined;
}

interface WaitingRequest {
  atMost: RequestBound;
  boot?: string;
  isLeaving: boolean;
}

const processEnded = { lost: 'the process ended before its answer came', unsent: 'the process ended before it left' };

export class RequestLedger {
  /** Replies by key. */
  readonly replies = new Map<string, Reply>();
  readonly #costs = new Map<string, ReplyCost>();
  readonly #file: AppendFile;
  readonly #options: LedgerOptions;
  readonly #path: string;
  readonly #waiting = new Map<string, WaitingRequest>();
  readonly #boot = bootId();
  readonly #totals = { sent: 0, answered: 0, lost: 0, unsent: 0 };
  readonly #tokens: TokenUsage = { input: 0, output: 0 };
  /** Those that wait for the end of a request that holds a share of the budget. */
  #onEnd: (() => void)[] = [];

  private constructor(file: AppendFile, path: string, options: LedgerOptions) {
    this.#file = file;
    this.#path = path;
    this.#options = options;
  }

  /**
   * Opens `path`, which may be a file of an earlier version: `{key, completion}` alone. Requests without an end are lost
   * from here on, but for those that certainly never left. Where an answer cannot be written, `warn` hears of it and the work continues; a request that cannot be
   * written is not sent.
   */
  static async open(path: string, options: LedgerOptions = {}): Promise<RequestLedger> {
    const { file, lines, last } = await AppendFile.open(path, 'answers', options.warn ?? (() => undefined));
    const ledger = new RequestLedger(file, path, options);
    const written = readLines(lines);
    const whole = redactAll(written);
    const cut = redactAll(readLines([last])); // whole but for its line end
    for (const line of [...whole, ...cut]) ledger.#take(line);
    // An earlier version kept the keys that an endpoint repeated.
    if (!isDeepStrictEqual(whole, written)) await file.rewrite(whole);
    for (const line of cut) void file.keep(line);
    for (const [request, { boot, isLeaving }] of [...ledger.#waiting]) {
      const neverLeft = !isLeaving && boot !== undefined && boot === ledger.#boot;
      await (neverLeft ? ledger.fail(request, processEnded.unsent) : ledger.lose(request, processEnded.lost));
    }
    return ledger;
  }

  /** Notes a request, on the disk before it may be sent. @throws BudgetSpent, or UserError where it cannot be written. */
  async begin(atMost: RequestBound): Promise<string> {
    while (this.#exceeds(atMost)) {
      // What the others may take is more than they mostly do.
      if (this.#waiting.size === 0) throw this.#budgetSpent(atMost);
      await new Promise<void>((resolve) => this.#onEnd.push(resolve));
    }
    const line = {
      request: randomUUID(),
      sent: new Date(steadyNow()).toISOString(),
      atMost,
      ...(this.#boot !== undefined && { boot: this.#boot }),
    };
    this.#take(line);
    try {
      await this.#file.append(line);
    } catch (error) {
      this.#take({ request: line.request, unsent: 'it could not be noted' });
      this.#wake();
      throw asUserError(error, this.#path);
    }
    return line.request;
  }

  /**
   * Notes that it leaves now: to be called right before it is sent, so that a request without this line never was.
   * @throws UserError where it cannot be written: then it must not be sent.
   */
  async leave(request: string): Promise<void> {
    const line = { request, leaving: true } as const;
    try {
      await this.#file.note(line);
    } catch (error) {
      await this.fail(request, 'it could not be noted');
      throw asUserError(error, this.#path);
    }
    this.#take(line);
  }

  /** Keeps a reply under its key, which is the end of the request that brought it. */
  answer(key: string, reply: Reply, seconds?: number): Promise<void> {
    const { request, usage, ...said } = reply;
    const optional = {
      ...(request && { request }),
      ...(usage && { usage }),
      ...(seconds !== undefined && { seconds }),
    };
    return this.#end({ key, completion: redactAll(said), ...optional });
  }

  /** What the reply of this key took, whenever that was. */
  costOfReply(key: string): ReplyCost {
    return this.#costs.get(key) ?? { isReported: false };
  }

  /** An answer that is no reply: an error, with its HTTP status. */
  refuse(request: string, status: number): Promise<void> {
    return this.#end({ request, status });
  }

  /** No answer came, or none to its end: it may have cost what it could. */
  lose(request: string, why: string): Promise<void> {
    return this.#end({ request, lost: redactAll(why) });
  }

  /** It never reached the endpoint. */
  fail(request: string, why: string): Promise<void> {
    return this.#end({ request, unsent: redactAll(why) });
  }

  /** Replies that led nowhere: they were paid for, and will be asked for again. */
  forget(keys: readonly string[]): Promise<void> {
    const forgotten = keys.filter((key) => this.replies.has(key));
    return forgotten.length === 0 ? Promise.resolve() : this.#end({ forgotten });
  }

  totals(): LedgerTotals {
    const tokens = { ...this.#tokens };
    return { ...this.#totals, waiting: this.#waiting.size, tokens, usd: this.costOf(tokens) };
  }

  costOf(tokens: TokenUsage): number | undefined {
    return usdOf(tokens, this.#options.prices);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #end(line: LedgerLine): Promise<void> {
    this.#take(line);
    this.#wake();
    return this.#file.keep(line);
  }

  /** Lets those who wait for room in the budget look again. */
  #wake(): void {
    for (const wake of this.#onEnd.splice(0)) wake();
  }

  #take(line: LedgerLine): void {
    if ('forgotten' in line) {
      for (const key of line.forgotten) this.replies.delete(key);
      return;
    }
    if ('sent' in line) {
      this.#totals.sent++;
      this.#waiting.set(line.request, { atMost: line.atMost, boot: line.boot, isLeaving: false });
      return;
    }
    if ('leaving' in line) {
      const waiting = this.#waiting.get(line.request);
      if (waiting !== undefined) waiting.isLeaving = true;
      return;
    }
    const { request = '' } = line;
    const atMost = this.#waiting.get(request)?.atMost;
    if ('completion' in line) {
      const { key, completion, usage, seconds } = line;
      this.replies.set(key, completion);
      const tokens = usage ?? (atMost && boundOf(atMost, completion));
      this.#costs.set(key, { tokens, isReported: usage !== undefined, seconds });
    }
    if (atMost === undefined) return; // an answer that nobody paid for, or a line that stands twice
    this.#waiting.delete(request);
    if ('completion' in line) this.#spend('answered', line.usage ?? boundOf(atMost, line.completion));
    else if (line.lost !== undefined) this.#spend('lost', boundOf(atMost));
    else if (line.unsent !== undefined) this.#totals.unsent++;
    else this.#totals.answered++;
  }

  #spend(end: 'answered' | 'lost', { input, output }: TokenUsage): void {
    this.#totals[end]++;
    this.#tokens.input += input;
    this.#tokens.output += output;
  }

  #exceeds(atMost: RequestBound): boolean {
    const { usd, tokens } = this.#options.budget ?? {};
    if (usd === undefined && tokens === undefined) return false;
    if (atMost.output === undefined) throw this.#unbounded();
    const taken = { ...this.#tokens };
    for (const { input, output = 0 } of [...[...this.#waiting.values()].map((each) => each.atMost), atMost]) {
      taken.input += input;
      taken.output += output;
    }
    return (
      (tokens !== undefined && taken.input + taken.output > tokens) ||
      (usd !== undefined && (this.costOf(taken) ?? Number.POSITIVE_INFINITY) > usd)
    );
  }

  #budgetSpent(atMost: RequestBound): BudgetSpent {
    const { budget = {}, block = '', isInList } = this.#options;
    const { tokens, usd = Number.NaN } = this.totals();
    const spent = tokens.input + tokens.output;
    const next = atMost.input + (atMost.output ?? 0);
    const isMoney = budget.usd !== undefined && usd + (this.costOf(boundOf(atMost)) ?? 0) > budget.usd;
    const flag = isMoney ? '--budget-usd' : '--budget-tokens';
    const [all, went, may] = isMoney
      ? [dollars(budget.usd ?? 0), dollars(usd), dollars(this.costOf(boundOf(atMost)) ?? 0)]
      : [`${formatCount(budget.tokens ?? 0)} tokens`, formatCount(spent), formatCount(next)];
    const where = `${block}.${isMoney ? 'budgetUsd' : 'budgetTokens'}`;
    if (spent === 0) {
      const least = isMoney ? roundedUp(this.costOf(boundOf(atMost)) ?? 0) : next;
      return new BudgetSpent({
        what: `the budget of ${all} is too small for the first request`,
        where,
        why: `it may take ${may}${isMoney ? '' : ' tokens'}: ${formatCount(atMost.input)} tokens for the question, ${formatCount(atMost.output ?? 0)} for the answer at most`,
        next: isInList
          ? `Write at least that, ${where}: ${least}, and more for the whole`
          : `Give at least that, ${flag} ${least}, and for the whole what --preview says`,
      });
    }
    return new BudgetSpent({
      what: `the budget of ${all} is spent`,
      where,
      why: `${went} went, and the next request may ${isMoney ? 'cost' : 'take'} ${may}`,
      next: isInList
        ? `Raise ${where} and run the same command again: what was answered is kept and not asked again`
        : `Raise it with ${flag}: what was answered is kept and not asked again`,
    });
  }

  #unbounded(): UserError {
    const { block = '' } = this.#options;
    return new UserError({
      what: 'a budget cannot be kept: this endpoint takes no limit of tokens',
      where: `${block}.request`,
      next: `Set the field by which it takes one, for example ${block}.request={max_completion_tokens: 4096}, or run without a budget`,
    });
  }
}

/** The most that it can have taken; an answer without a limit has at most a token for each byte. */
function boundOf({ input, output }: RequestBound, reply?: Pick<Reply, 'text' | 'reasoning'>): TokenUsage {
  return { input, output: output ?? Buffer.byteLength(`${reply?.text ?? ''}${reply?.reasoning ?? ''}`) };
}

/** undefined: without prices. */
export function usdOf({ input, output }: TokenUsage, prices?: TokenPrices): number | undefined {
  return prices && (input * prices.input + output * prices.output) / 1e6;
}

/** `$0.0042`, `$12.30`. */
export function dollars(usd: number): string {
  return `$${usd === 0 || usd >= 1 ? usd.toFixed(2) : usd.toPrecision(2)}`;
}

/** To two figures, and never below: what is given as the least is enough. */
function roundedUp(usd: number): string {
  const step = 10 ** (Math.floor(Math.log10(usd)) - 1);
  return String(Number((Math.ceil(usd / step) * step).toPrecision(2)));
}

/** Another whenever the machine was started anew; undefined where it cannot be known. */
function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return undefined;
  }
}
