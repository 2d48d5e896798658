// The filters, in the order they are applied: what repairs a text comes before what judges it, and personal data is
// gone before an example of what was dropped is written down. A new filter is a new file and a line here.
import { z } from 'zod';
import { decontaminate } from './decontaminate.js';
import type { Draft, Filter, FilterContext, Step } from './filter.js';
import { language } from './language.js';
import { blocklist, boilerplate } from './lists.js';
import { nearDuplicates } from './near-duplicates.js';
import { paragraphs } from './paragraphs.js';
import { length, symbols } from './quality.js';
import { repair } from './repair.js';
import { repetition } from './repetition.js';
import { scrub } from './scrub.js';
import { Units } from './units.js';

export const filters = {
  repair,
  scrub,
  boilerplate,
  language,
  length,
  symbols,
  repetition,
  blocklist,
  decontaminate,
  nearDuplicates,
  paragraphs,
} as const;

export type FilterName = keyof typeof filters;
export const filterNames = Object.keys(filters) as [FilterName, ...FilterName[]];

type FilterSchemas = { [K in FilterName]: z.ZodOptional<(typeof filters)[K]['schema']> };

/** The `filters` block of a data-spec: a filter that is not named there is off. */
export const filtersSchema = z.strictObject(
  Object.fromEntries(
    filterNames.map((name) => [name, filters[name].schema.optional().describe(filters[name].about)]),
  ) as unknown as FilterSchemas,
);

export type FiltersSpec = z.output<typeof filtersSchema>;

/** What happened to a text: which filter dropped it, or what each one edited. */
export interface Outcome {
  text: string;
  dropped?: { by: FilterName; why: string };
  edits: { by: FilterName; counts: Record<string, number>; before: string; after: string }[];
}

/** The steps of one scope that a spec asks for, one after the other. */
export type FilterChain = (draft: Draft) => Outcome;

function chainOf(steps: readonly [FilterName, Step][]): FilterChain {
  return (draft) => {
    const edits: Outcome['edits'] = [];
    let { text } = draft;
    for (const [by, step] of steps) {
      const verdict = step({ ...draft, text });
      if (verdict === undefined) continue;
      if (verdict.drop !== undefined) return { text, dropped: { by, why: verdict.drop }, edits };
      const before = text;
      text = verdict.text ?? text;
      if (verdict.counts !== undefined) edits.push({ by, counts: verdict.counts, before, after: text });
    }
    return { text, edits };
  };
}

export type OpenFilters = Record<Filter['scope'], FilterChain> & {
  /** What the filters have to say, when all documents are through. */
  notes: () => string[];
};

/** @throws UserError where a file that a filter reads is not there. */
export async function openFilters(
  spec: FiltersSpec | undefined,
  options: Pick<FilterContext, 'folder' | 'identities' | 'evaluationSets'>,
): Promise<OpenFilters> {
  const context: FilterContext = { ...options, units: new Units(), notes: [] };
  const steps: Record<Filter['scope'], [FilterName, Step][]> = { raw: [], document: [], corpus: [] };
  for (const name of filterNames) {
    const config = spec?.[name];
    if (config === undefined) continue;
    const filter: Filter = filters[name];
    steps[filter.scope].push([name, await filter.make(config, context)]);
  }
  const notes = (): string[] => context.notes.flatMap((note) => note() ?? []);
  return { raw: chainOf(steps.raw), document: chainOf(steps.document), corpus: chainOf(steps.corpus), notes };
}
