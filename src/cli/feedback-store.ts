// The store that a command writes to or reads, and whose judgements they are.
import { steadyNow } from '../base/clock.js';
import { UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { annotatorOf } from '../feedback/annotator.js';
import { FeedbackSession } from '../feedback/session.js';
import { defaultStore, type StoreIndex } from '../feedback/store.js';
import { shownPath, warnOnStderr } from './output.js';

export interface FeedbackOptions {
  feedback?: string;
  annotator?: string;
}

/** `--feedback`, else the one of this folder; for the keyword `feedback`, too. */
export function storePath({ feedback = defaultStore }: FeedbackOptions): string {
  return feedback;
}

export function openFeedback(options: FeedbackOptions): Promise<FeedbackSession> {
  return FeedbackSession.open(storePath(options), annotatorOf(options.annotator), steadyNow);
}

/** Characters of an id that are shown: as many as tell them apart. */
export const shortIdLength = 8;

/** @throws UserError where there is none yet. */
export async function requireStore(path: string): Promise<string> {
  if (await exists(path)) return path;
  throw new UserError({
    what: 'there is no feedback here yet',
    where: path,
    next: 'Judge answers with /good, /bad and /edit in `mossctl chat MODEL`, or with `mossctl annotate`; or name another file',
  });
}

export function noteDamage({ damaged, unfinished }: StoreIndex, path: string): void {
  for (const { line, why } of damaged) warnOnStderr(`${shownPath(path)}:${line} is not read: ${why}`);
  for (const { line, id } of unfinished) {
    warnOnStderr(
      `${shownPath(path)}:${line}: a deletion was interrupted; \`mossctl feedback delete ${id}\` finishes it`,
    );
  }
}

/** What ids, or the beginnings of them, name: a judgement, or all those of a conversation. @throws UserError for others. */
export function placesOf<T extends { id: string; conversation: string }>(
  ids: readonly string[],
  places: readonly T[],
  path: string,
): T[] {
  const found = new Set<T>();
  const faults = ids.flatMap((typed) => {
    const where = `${shownPath(path)}, ${typed}`;
    if (!/^[0-9a-f]{4,16}$/.test(typed)) {
      return {
        what: 'this is no id',
        where,
        next: 'Give at least 4 characters of one that `mossctl feedback list` shows',
      };
    }
    const fits = places.filter(({ id, conversation }) => id.startsWith(typed) || conversation.startsWith(typed));
    const named = new Set(fits.map(({ id, conversation }) => (id.startsWith(typed) ? id : conversation)));
    if (named.size === 1) {
      for (const place of fits) found.add(place);
      return [];
    }
    return named.size === 0
      ? { what: 'nothing has this id', where, next: '`mossctl feedback list --all` shows what there is' }
      : { what: `${named.size} ids begin so: ${[...named].join(', ')}`, where, next: 'Give more of it' };
  });
  if (faults.length > 0) throw new UserError(faults);
  return [...found];
}
