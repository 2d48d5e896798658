// What the output is balanced over: one family in one language by one method. Methods have the shares that the settings say; the
// families of a method share alike.
import type { MethodName } from '../../config/methods.js';
import type { TaskKind } from '../../config/pipeline.js';
import { type TaskLanguage, type Teacher, taskLanguages } from './teacher.js';

export interface Bucket {
  method: MethodName;
  kind: TaskKind;
  language: TaskLanguage;
  /** Of all rows; over all buckets they add up to 1. */
  share: number;
}

export const bucketName = ({ method, kind, language }: Omit<Bucket, 'share'>): string =>
  method === 'families' || method === kind ? `${kind}/${language}` : `${method}: ${kind}/${language}`;

/** The buckets that seeds, the choice of kinds and methods, and the teacher allow, in a fixed order. */
export function bucketsFor(
  kinds: readonly TaskKind[],
  teacher: Pick<Teacher, 'can' | 'methods'>,
  shares: ReadonlyMap<MethodName, number>,
): Bucket[] {
  const found = [...shares].map(([method, share]) => {
    const ofMethod =
      method === 'families'
        ? kinds.flatMap((kind) =>
            taskLanguages.filter((each) => teacher.can(kind, each)).map((language) => ({ kind, language })),
          )
        : (teacher.methods?.get(method)?.kinds(kinds) ?? []).flatMap((kind) =>
            taskLanguages.map((language) => ({ kind, language })),
          );
    return ofMethod.map((each) => ({ method, ...each, share: share / ofMethod.length }));
  });
  const all = found.flat();
  const sum = all.reduce((total, { share }) => total + share, 0);
  return all.map((bucket) => ({ ...bucket, share: bucket.share / sum }));
}

/** Whether a rule checks its rows. */
export function isChecked({ method, kind }: Bucket, teacher: Pick<Teacher, 'checks' | 'methods'>): boolean {
  return method === 'families' ? teacher.checks(kind) : teacher.methods?.get(method)?.hasChecks === true;
}

interface Filled {
  share: number;
  accepted: readonly unknown[];
  /** Requests in a row that brought nothing. */
  fruitless: number;
}

/** Rows that a bucket may still take: one instruction may have brought several. Shares of exhausted buckets go to the others. */
export function roomOf(
  { share, accepted }: Filled,
  states: readonly Filled[],
  { wanted, patience }: { wanted: number; patience: number },
): number {
  const open = states.reduce((sum, state) => sum + (state.fruitless < patience ? state.share : 0), 0);
  return Math.ceil(wanted * Math.min(1, share / open)) - accepted.length;
}
