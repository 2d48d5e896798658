// What the output is balanced over: one family in one language by one method. Methods have the shares that the settings say, and
// so have families; of what a teacher makes to be held out, the families of a method share alike.
import type { MethodName } from '../../config/methods.js';
import type { TaskKind } from '../../config/pipeline.js';
import { type TaskLanguage, type Teacher, taskLanguages } from './teacher.js';

export interface Bucket {
  method: MethodName;
  kind: TaskKind;
  language: TaskLanguage;
  /** Of the rows to learn from, and of the prompts; over all buckets they add up to 1. */
  share: number;
  /** The same of what is held out. */
  shareHeldOut: number;
}

export const bucketName = ({ method, kind, language }: Omit<Bucket, 'share' | 'shareHeldOut'>): string =>
  method === 'families' || method === kind ? `${kind}/${language}` : `${method}: ${kind}/${language}`;

/**
 * The buckets that seeds, the choice of kinds and methods, and the teacher allow, in a fixed order.
 * @param kinds with their shares of a method's rows, relative to each other
 */
export function bucketsFor(
  kinds: ReadonlyMap<TaskKind, number>,
  teacher: Pick<Teacher, 'can' | 'methods' | 'holdsOut'>,
  shares: ReadonlyMap<MethodName, number>,
): Bucket[] {
  const names = [...kinds.keys()];
  const found = [...shares].map(([method, share]) => {
    const ofMethod =
      method === 'families'
        ? names.flatMap((kind) =>
            taskLanguages.filter((each) => teacher.can(kind, each)).map((language) => ({ kind, language })),
          )
        : (teacher.methods?.get(method)?.kinds(names) ?? []).flatMap((kind) =>
            taskLanguages.map((language) => ({ kind, language })),
          );
    const weightOf = (kind: TaskKind): number => kinds.get(kind) ?? 1;
    const weights = ofMethod.reduce((sum, { kind }) => sum + weightOf(kind), 0);
    return ofMethod.map((each) => {
      const own = (share * weightOf(each.kind)) / weights;
      return { method, ...each, share: own, shareHeldOut: teacher.holdsOut ? share / ofMethod.length : own };
    });
  });
  const all = found.flat();
  const sum = all.reduce((total, { share }) => total + share, 0);
  return all.map((each) => ({ ...each, share: each.share / sum, shareHeldOut: each.shareHeldOut / sum }));
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
