// How fast an endpoint may be asked: so many requests at a time, fewer after it said "too many", none while it asks to wait.
// What its headers say of its limits is taken before it has to refuse.
import { setTimeout as sleep } from 'node:timers/promises';
import { steadyNow } from '../base/clock.js';

export class Pace {
  readonly #most: number;
  /** How many at a time: halved by a refusal, regained answer by answer. */
  #allowed: number;
  /** What the endpoint said that it would still take. */
  #remaining = Number.POSITIVE_INFINITY;
  #busy = 0;
  /** On the clock of `performance.now()`. */
  #notBefore = 0;
  readonly #queue: (() => void)[] = [];

  constructor(concurrency: number) {
    this.#most = concurrency;
    this.#allowed = concurrency;
  }

  get allowed(): number {
    return Math.max(1, Math.min(Math.floor(this.#allowed), this.#remaining));
  }

  /** Runs `work` when its turn has come; where `signal` is aborted meanwhile, at once. */
  async use<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const leave = (): void => this.#wakeAll();
    signal?.addEventListener('abort', leave, { once: true });
    try {
      while (signal?.aborted !== true && !this.#isFree()) await this.#turn();
    } finally {
      signal?.removeEventListener('abort', leave);
    }
    this.#busy++;
    try {
      return await work();
    } finally {
      this.#busy--;
      this.#wakeAll();
    }
  }

  /** It asked all to wait so long. */
  pause(seconds: number): void {
    this.#notBefore = Math.max(this.#notBefore, performance.now() + 1000 * seconds);
  }

  /** Learns from an answer. `headers` as OpenAI, Azure, Anthropic and the IETF's draft have them. */
  observe(status: number, headers: Headers): void {
    if (status === 429 || status === 503) this.#allowed = Math.max(1, this.#allowed / 2);
    else if (status < 400) this.#allowed = Math.min(this.#most, this.#allowed + 1 / this.#allowed);
    const limits = limitsIn(headers);
    this.#remaining = Math.min(Number.POSITIVE_INFINITY, ...limits.map(({ remaining }) => remaining));
    const waits = limits.filter(({ remaining }) => remaining === 0).map(({ seconds }) => seconds);
    const wait = Math.max(0, ...waits);
    // Longer ones are those of a day: the next answer says more.
    if (wait > 0) this.pause(Math.min(wait, maxPauseSeconds));
    // Nothing is known of what comes after the pause.
    if (this.#remaining === 0) this.#remaining = Number.POSITIVE_INFINITY;
  }

  #isFree(): boolean {
    return this.#busy < this.allowed && performance.now() >= this.#notBefore;
  }

  /** Until something has changed. */
  async #turn(): Promise<void> {
    const wait = this.#notBefore - performance.now();
    const timer = new AbortController();
    const woken = new Promise<void>((resolve) => this.#queue.push(resolve));
    const isOver = wait > 0 ? [sleep(wait, undefined, { signal: timer.signal }).catch(() => undefined)] : [];
    await Promise.race([woken, ...isOver]);
    timer.abort();
  }

  #wakeAll(): void {
    for (const wake of this.#queue.splice(0)) wake();
  }
}

const maxPauseSeconds = 60;

interface Limit {
  /** Requests that it will still take. */
  remaining: number;
  /** Until it takes one again. */
  seconds: number;
}

/** Limits of requests; those of tokens count only where none are left. */
function limitsIn(headers: Headers): Limit[] {
  const limits: Limit[] = [];
  for (const what of ['requests', 'tokens']) {
    // OpenAI refills steadily and says when it will be full; Anthropic says when it was reset.
    const steady = limitOf(headers, `x-ratelimit-remaining-${what}`, `x-ratelimit-reset-${what}`);
    const full = numberIn(headers, `x-ratelimit-limit-${what}`);
    if (steady && full) limits.push(asLimit(what, { ...steady, seconds: steady.seconds / full }));
    const dated = limitOf(headers, `anthropic-ratelimit-${what}-remaining`, `anthropic-ratelimit-${what}-reset`);
    if (dated) limits.push(asLimit(what, dated));
  }
  const draft = limitOf(headers, 'ratelimit-remaining', 'ratelimit-reset');
  const combined = /(?:^|;)\s*r=(\d+).*?;\s*t=(\d+)/.exec(headers.get('ratelimit') ?? '');
  if (draft) limits.push(draft);
  if (combined) limits.push({ remaining: Number(combined[1]), seconds: Number(combined[2]) });
  return limits;
}

function asLimit(what: string, { remaining, seconds }: Limit): Limit {
  return { remaining: what === 'requests' || remaining === 0 ? remaining : Number.POSITIVE_INFINITY, seconds };
}

function limitOf(headers: Headers, remaining: string, reset: string): Limit | undefined {
  const left = numberIn(headers, remaining);
  const seconds = secondsOf(headers.get(reset)?.trim() ?? '', headers.get('date'));
  return left === undefined || seconds === undefined ? undefined : { remaining: left, seconds };
}

function numberIn(headers: Headers, name: string): number | undefined {
  const text = headers.get(name)?.trim() ?? '';
  return /^\d{1,12}$/.test(text) ? Number(text) : undefined;
}

const units = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** `12`, `1.5s`, `6m0s`, `20ms`, or a date by the endpoint's own clock. */
export function secondsOf(text: string, date: string | null = null): number | undefined {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text);
  if (/^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/.test(text)) {
    const parts = text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g);
    return [...parts].reduce((sum, [, value, unit]) => sum + Number(value) * units[unit as keyof typeof units], 0);
  }
  const wait = (Date.parse(text) - (date === null ? steadyNow() : Date.parse(date))) / 1000;
  return /^\d{4}-\d\d-\d\dT/.test(text) && Number.isFinite(wait) ? Math.max(0, wait) : undefined;
}
