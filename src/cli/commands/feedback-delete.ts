// mossctl feedback delete: erases conversations, and says which checkpoints learnt from them and how to train without.
import { countOf } from '../../base/format.js';
import { settingsName } from '../../base/layout.js';
import { mossctlCommand } from '../../base/shell.js';
import { eraseLines, finishDeletions, indexStore } from '../../feedback/store.js';
import { type Touched, touchedBy } from '../../feedback/touched.js';
import { type FeedbackOptions, placesOf, requireStore, storePath } from '../feedback-store.js';
import type { OutputOptions } from '../options.js';
import { printJson, printLine, shownPath } from '../output.js';

type DeleteOptions = FeedbackOptions & OutputOptions & { runs: string; dryRun?: boolean };

export async function remove(ids: readonly string[], options: DeleteOptions): Promise<void> {
  const path = await requireStore(storePath(options));
  if (!options.dryRun) await finishDeletions(path);
  const { texts, deleted } = await indexStore(path);
  // What is erased already may be asked about again: which checkpoints learnt from it does not change by that.
  const gone = deleted.map((place) => ({ ...place, isGone: true }));
  const places = placesOf(ids, [...texts.map((place) => ({ ...place, isGone: false })), ...gone], path);
  const judgements = new Set(places.map(({ id }) => id));
  const conversations = new Set(places.map(({ conversation }) => conversation));
  const lines = texts.filter(({ id }) => judgements.has(id));
  const touched = await touchedBy(judgements, options.runs);
  if (!options.dryRun) await eraseLines(path, lines);
  if (options.json) {
    const erased = { judgements: [...judgements], conversations: [...conversations], dryRun: options.dryRun ?? false };
    printJson({ type: 'deleted', ...erased, ...touched });
    return;
  }
  const what = `${countOf(judgements.size, 'judgement')} of ${countOf(conversations.size, 'conversation')}`;
  printLine(`${options.dryRun ? 'Would erase' : 'Erased'} the text of ${what} in ${shownPath(path)}.`);
  const others = texts.filter(({ id, conversation }) => conversations.has(conversation) && !judgements.has(id));
  if (others.length > 0) {
    const rest = countOf(new Set(others.map(({ id }) => id)).size, 'other judgement');
    printLine(`${rest} of the same conversation stay: give the id of the conversation to erase them as well.`);
  }
  printTouched(touched, options.runs);
  printLine('Copies elsewhere (backups, version control, exported models) are not found from here.');
}

function printTouched({ checkpoints, runs, unreadable }: Touched, folder: string): void {
  for (const path of unreadable)
    printLine(`${shownPath(path)} cannot be read: whether it learnt from it is not known.`);
  if (runs.length === 0) {
    printLine(`No checkpoint below ${shownPath(folder)} learnt from it.`);
    return;
  }
  printLine(`\n${countOf(checkpoints.length, 'checkpoint')} below ${shownPath(folder)} learnt from it:`);
  for (const { path, digest, isDirect } of checkpoints) {
    printLine(`  ${shownPath(path)}  ${digest.slice(0, 12)}${isDirect ? '' : '  (by descent)'}`);
  }
  printLine('\nThe pairs of these rounds hold the text as well:');
  for (const { rounds } of runs) for (const round of rounds) printLine(`  ${shownPath(round)}`);
  for (const { run, start } of runs) {
    if (run === undefined || start === undefined) continue;
    const from = start.path === undefined ? 'MODEL' : shownPath(start.path);
    const words = ['align', '--config', `${shownPath(run)}/${settingsName}`, '--from', from];
    printLine(`\nTo train ${shownPath(run)} again without it:`);
    printLine(`  ${mossctlCommand(...words, '--out', `${shownPath(run)}-again`)}`);
    if (start.path === undefined) {
      printLine(
        `  (MODEL is what it started from, ${start.digest.slice(0, 12)}, which is not below ${shownPath(folder)})`,
      );
    }
  }
  printLine('\nThen remove the checkpoints and rounds above.');
}
