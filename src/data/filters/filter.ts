// What a filter is: one entry of the table in `table.ts`. It edits a text or drops it, and says why in a few words.
import type { z } from 'zod';
import type { IdentityStore } from '../identity-set.js';
import type { Language } from '../types.js';
import type { Units } from './units.js';

/** A document on its way into the corpus. */
export interface Draft {
  text: string;
  language: Language;
  /** `source:path:line` */
  id: string;
}

/** Undefined: the document stays as it is. */
export interface FilterVerdict {
  /** The edited text. */
  text?: string;
  /** Why it is dropped, with the measure: `0.41 of the words are symbols`. */
  drop?: string;
  /** What was edited, kind → how often: { PHONE: 2 }. */
  counts?: Record<string, number>;
}

export type Step = (draft: Draft) => FilterVerdict | undefined;

export interface FilterContext {
  /** Relative paths in the configuration start here. */
  folder: string;
  /** Shared: a text that several filters look at is cut into units once. */
  units: Units;
  /** Where a filter keeps the texts that it has seen, however many they are. */
  identities: IdentityStore;
  /** Files of tasks that the pipeline evaluates with. */
  evaluationSets: readonly string[];
  /** What a filter has to say in the report, asked for when all documents are through. */
  notes: (() => string | undefined)[];
}

export interface Filter<S extends z.ZodType = z.ZodType> {
  /** What it drops or edits: the description of its key in the data-spec. */
  about: string;
  schema: S;
  /**
   * `raw`: looks at the text as it was read, control characters and all. `document`: at one cleaned text alone.
   * `corpus`: remembers what it has let through, so it runs last, on texts that weights, limits and exact duplicates
   * have left.
   */
  scope: 'raw' | 'document' | 'corpus';
  make: (config: z.output<S>, context: FilterContext) => Step | Promise<Step>;
}

export function defineFilter<S extends z.ZodType>(filter: Filter<S>): Filter<S> {
  return filter;
}
