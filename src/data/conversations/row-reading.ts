// Rows of a file, read one by one into conversations or preferences. A row of the wrong shape is an error that names its
// line; one that is understood and of no use is skipped and counted.
import { z } from 'zod';
import { type Fault, UserError } from '../../base/errors.js';
import { maxFaults, type Row, readRows, shortened } from '../rows.js';
import { fixRow } from './fields.js';
import { type RowNote, type RowNotes, RowRefusal } from './notes.js';

export interface RowResult<T> {
  value: T;
  notes: RowNote[];
  /** Why a training skips it, although it was read. */
  fault?: RowRefusal;
}

/**
 * @param name of a row without an `id`.
 * Throws a UserError or a ZodError for a row of the wrong shape, a RowRefusal for one that is understood and cannot be used.
 */
export type ReadRow<T> = (value: unknown, name: string) => RowResult<T>;

/** What a row of a file is; `fault` says why a training would skip it, `notices` what was decided about the file. */
export interface SingleRow<T> {
  value: T;
  notes: RowNote[];
  notices: string[];
  fault?: string;
}

/** The row was understood; `result` is there where it was read, too. */
interface SkippedRow<T> {
  skipped: string;
  where: string;
  result?: RowResult<T>;
}

/** Throws a UserError that names file and line of every row of the wrong shape. */
export async function* readEachRow<T>(
  path: string,
  notes: RowNotes,
  read: ReadRow<T>,
): AsyncGenerator<{ value: T; where: string }> {
  const faults: Fault[] = [];
  for await (const row of readRows(path, notes.notice)) {
    notes.read();
    const result = attempt(row, read, faults);
    if (faults.length >= maxFaults) break;
    if (result === undefined || faults.length > 0) continue;
    if ('skipped' in result) {
      notes.skip(result.skipped, result.where);
      continue;
    }
    for (const note of result.notes) notes.add(note, row.where);
    yield { value: result.value, where: row.where };
  }
  if (faults.length > 0) throw new UserError(shortened(faults, path));
}

/**
 * One row of a file, by its line (in a JSON array by its place, from 1). Throws a UserError where there is no such row, or
 * it cannot be read at all.
 */
export async function readOneRow<T>(path: string, wanted: number, read: ReadRow<T>): Promise<SingleRow<T>> {
  let last = 0;
  const notices: string[] = [];
  for await (const row of readRows(path, (text) => notices.push(text))) {
    if (row.line > wanted) break;
    last = row.line;
    if (last < wanted) continue;
    const parsed = parse(row, read);
    if (!('skipped' in parsed)) return { value: parsed.value, notes: parsed.notes, notices };
    const { result, skipped, where } = parsed;
    if (result === undefined) {
      throw new UserError({ what: `this row is not used: ${skipped}`, where, next: fixRow });
    }
    return { value: result.value, notes: result.notes, notices, fault: skipped };
  }
  throw new UserError({
    what: `there is no row ${wanted}`,
    where: path,
    why: last === 0 ? 'no row comes before it' : `the nearest row before it is ${last}`,
    next: 'Name the line of a row, counted from 1',
  });
}

/** undefined where the row is of the wrong shape, which `faults` hears of. */
function attempt<T>(row: Row, read: ReadRow<T>, faults: Fault[]): RowResult<T> | SkippedRow<T> | undefined {
  try {
    return parse(row, read);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    faults.push(...error.faults);
    return undefined;
  }
}

/** What is wrong with the shape of the row becomes an error that names it. */
function parse<T>({ value, where, name }: Row, read: ReadRow<T>): RowResult<T> | SkippedRow<T> {
  const skipped = ({ message, place }: RowRefusal, result?: RowResult<T>): SkippedRow<T> => {
    return { skipped: message, where: place === undefined ? where : `${where}, ${place}`, result };
  };
  try {
    const result = read(value, name);
    return result.fault === undefined ? result : skipped(result.fault, result);
  } catch (error) {
    if (error instanceof RowRefusal) return skipped(error);
    if (error instanceof z.ZodError) {
      const issues = error.issues.slice(0, 5);
      throw new UserError(
        issues.map(({ path, message }) => ({
          what: [path.join('.'), message].filter(Boolean).join(': '),
          where,
          next: fixRow,
        })),
      );
    }
    if (error instanceof UserError) throw new UserError(error.faults.map((fault) => ({ where, ...fault })));
    throw error;
  }
}
