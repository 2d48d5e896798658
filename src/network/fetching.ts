// Where progress goes and what stops it, for what is fetched deep inside: opening a checkpoint may have to bring a model
// first, and knows of no terminal. The command line says it once, around all of its work.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { FetchContext } from './http.js';

/** Runs `work` with a reporter that is there for as long as it takes. */
export type Fetching = <T>(work: (context: FetchContext) => Promise<T>) => Promise<T>;

interface Surroundings {
  fetching: Fetching;
  /** What was asked already: within one command a branch is one commit. */
  asked: Map<string, Promise<unknown>>;
}

const surroundings = new AsyncLocalStorage<Surroundings>();

export function withFetching<T>(fetching: Fetching, work: () => Promise<T>): Promise<T> {
  const asked = surroundings.getStore()?.asked ?? new Map<string, Promise<unknown>>();
  return surroundings.run({ fetching, asked }, work);
}

/** Fetches something, once under this key where a command surrounds it. Without one nothing is reported. */
export function fetchOnce<T>(key: string, work: (context: FetchContext) => Promise<T>): Promise<T> {
  const around = surroundings.getStore();
  if (around === undefined) return work({ reporter: { emit() {}, note() {} } });
  const asked = around.asked.get(key) ?? around.fetching(work);
  around.asked.set(key, asked);
  return asked as Promise<T>;
}
