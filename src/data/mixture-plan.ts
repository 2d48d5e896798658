// From a mixture's settings and the sizes of its groups to what is read: the share of each group in each phase, how many
// rows that comes to, and which groups are used up on the way.
import { nearest, UserError } from '../base/errors.js';
import type { Blend, MixtureConfig } from '../config/mixture.js';
import { openShares, type Phase } from './apportionment.js';

/** What one source has of one language. */
export interface Group {
  source: string;
  language: string;
  documents: number;
  /** With the two <|endoftext|> of each document. */
  tokens: number;
}

export interface MixturePlan {
  groups: readonly Group[];
  phases: Phase[];
  /** Rows of each group, at most. */
  limits: number[];
  /** Rows that the training will read of each group, to within a row or two. */
  rows: number[];
  /** Group → the share of the training after which it is used up. */
  usedUp: ReadonlyMap<number, number>;
}

export interface MixturePlanOptions {
  /** Tokens of a row. */
  columns: number;
  /** Rows that training reads up to that share of its steps. */
  rowsUntil(share: number): number;
}

/** Throws a UserError where a name is unknown, nothing has a share, or the limits leave too little to read. */
export function planMixture(
  groups: readonly Group[],
  mixture: MixtureConfig,
  { columns, rowsUntil }: MixturePlanOptions,
): MixturePlan {
  const { epochs, phases: written = [] } = mixture;
  for (const { languages, sources } of [mixture, ...written]) {
    checkNames(groups, 'language', languages);
    checkNames(groups, 'source', sources);
  }
  if (typeof epochs === 'object') checkNames(groups, 'source', epochs);
  const phases: Phase[] = [];
  let begin = 0;
  for (const blend of [...written, { ...mixture, until: 1 }]) {
    const end = rowsUntil(blend.until);
    if (end > begin) phases.push({ rows: end - begin, shares: sharesOf(groups, blend) });
    begin = Math.max(begin, end);
  }
  const limits = groups.map((group) => rowLimit(group, epochs, columns));
  return { groups, phases, limits, ...expectedRows(phases, limits) };
}

/** A source of less than one row is read once all the same. */
function rowLimit({ source, tokens, documents }: Group, epochs: MixtureConfig['epochs'], columns: number): number {
  const passes = typeof epochs === 'object' ? ownWeight(epochs, source) : epochs;
  return passes === undefined ? Infinity : Math.max(1, Math.floor((passes * (tokens - documents)) / columns));
}

interface Level {
  key: 'language' | 'source';
  weights?: Readonly<Record<string, number | undefined>>;
  temperature?: number;
}

/** The share of each group; they add up to 1. Languages are divided first where anything is said of them, then sources. */
export function sharesOf(groups: readonly Group[], { languages, sources, temperature }: Blend): number[] {
  const levels: Level[] = [{ key: 'source', weights: sources, temperature: temperature?.sources }];
  if (languages !== undefined || temperature?.languages !== undefined) {
    levels.unshift({ key: 'language', weights: languages, temperature: temperature?.languages });
  }
  const shares = new Map<Group, number>();
  divide(groups, 1, levels, shares);
  return groups.map((group) => shares.get(group) ?? 0);
}

function divide(
  groups: readonly Group[],
  share: number,
  [level, ...deeper]: readonly Level[],
  shares: Map<Group, number>,
): void {
  if (level === undefined) {
    const all = tokensOf(groups);
    for (const group of groups) shares.set(group, (share * group.tokens) / all);
    return;
  }
  const { key, temperature = 1 } = level;
  const parts = new Map<string, Group[]>(groups.map((group) => [group[key], []]));
  for (const group of groups) parts.get(group[key])?.push(group);
  const names = [...parts.keys()];
  const { weights } = level;
  const named = weights !== undefined && names.some((name) => ownWeight(weights, name) !== undefined);
  const sizes = [...parts].map(([name, part]) =>
    named ? (ownWeight(weights, name) ?? 0) : tokensOf(part) ** (1 / temperature),
  );
  const total = sizes.reduce((a, b) => a + b, 0);
  if (total === 0 && share > 0) {
    throw new UserError({
      where: 'pretrain.mixture',
      what: `none of ${names.join(', ')} has a proportion above 0`,
      next: `Give at least one ${key} a proportion`,
    });
  }
  [...parts.values()].forEach((part, i) => {
    if (sizes[i] > 0) divide(part, (share * sizes[i]) / total, deeper, shares);
  });
}

function tokensOf(groups: readonly Group[]): number {
  return groups.reduce((sum, { tokens }) => sum + tokens, 0);
}

function ownWeight<T>(weights: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(weights, name) ? weights[name] : undefined;
}

function checkNames(groups: readonly Group[], key: Level['key'], named: object = {}): void {
  const known = [...new Set(groups.map((group) => group[key]))].sort();
  const unknown = Object.keys(named).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const near = nearest(unknown, known);
  throw new UserError({
    where: 'pretrain.mixture',
    what: `the corpus has no ${key} ${unknown}`,
    why: `its ${key}s are: ${known.join(', ')}`,
    next: near === undefined ? 'Give one of these' : `Did you mean ${near}?`,
  });
}

/** The shares as if rows could be divided. */
function expectedRows(phases: readonly Phase[], limits: readonly number[]): Pick<MixturePlan, 'rows' | 'usedUp'> {
  const all = phases.reduce((sum, { rows }) => sum + rows, 0);
  const rows = limits.map(() => 0);
  const usedUp = new Map<number, number>();
  let done = 0;
  for (const phase of phases) {
    // Each turn ends the phase or uses up a group.
    for (const end = done + phase.rows; end - done > 1e-6; ) {
      const shares = openShares(phase.shares, (i) => !usedUp.has(i));
      if (shares === undefined) {
        throw new UserError({
          where: 'pretrain.mixture.epochs',
          what: `all text that may be read is used up after ${((100 * done) / all).toPrecision(2)} % of the training`,
          why: 'no source is read more often than these passes',
          next: 'Raise them, give other sources a share, or train fewer steps',
        });
      }
      const lasts = shares.map((share, i) => (share === 0 ? Number.POSITIVE_INFINITY : (limits[i] - rows[i]) / share));
      const span = lasts.reduce((a, b) => Math.min(a, b), end - done);
      done += span;
      for (const [i, share] of shares.entries()) {
        rows[i] += share * span;
        if (lasts[i] <= span) usedUp.set(i, done / all);
      }
    }
  }
  return { rows, usedUp };
}
