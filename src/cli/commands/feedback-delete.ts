// mossctl feedback delete: erases conversations, and says which checkpoints learnt from them and how to train without.
import { join } from 'node:path';
import { UserError } from '../../base/errors.js';
import { countOf } from '../../base/format.js';
import { pairsName, rolloutsName, sampledAnswersName, settingsName } from '../../base/layout.js';
import { mossctlCommand } from '../../base/shell.js';
import { identifyCheckpoint } from '../../checkpoint/directory.js';
import { eraseLines, finishDeletions, indexStore } from '../../feedback/store.js';
import { type Touched, touchedBy } from '../../feedback/touched.js';
import { isModelName } from '../../network/model-name.js';
import { loadPipeline } from '../../pipeline/load.js';
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
  await printTouched(touched, options.runs);
  printLine('Copies elsewhere (backups, version control, exported models) are not found from here.');
}

/** The model outside the runs that the settings of one name, if it is still the one that it started from. */
export async function namedStart(
  run: string,
  digest: string,
  block: 'align' | 'rewardModel' = 'align',
): Promise<string | undefined> {
  try {
    const { [block]: settings } = await loadPipeline({ config: join(run, settingsName) });
    // A model of a hub is its name and its revision; it may no longer be on this machine, and need not be.
    if (settings?.from === undefined || isModelName(settings.from)) return settings?.from;
    return (await identifyCheckpoint(settings.from)).digest === digest ? settings.from : undefined;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function shownStart(from: string): string {
  return isModelName(from) ? from : shownPath(from);
}

async function printTouched({ checkpoints, runs, unreadable }: Touched, folder: string): Promise<void> {
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
  const rounds = runs.flatMap(({ isRewardModel, rounds: own }) => (isRewardModel ? [] : own));
  if (rounds.length > 0) {
    printLine(
      `\nThe files of these rounds hold the text as well (${pairsName}, ${sampledAnswersName}, ${rolloutsName}):`,
    );
  }
  for (const round of rounds) printLine(`  ${shownPath(round)}`);
  printLine('Samples in their metrics.jsonl, report.html and gate.json may quote its questions.');
  for (const { run, start, isRewardModel } of runs) {
    if (run === undefined || start === undefined) continue;
    const from = start.path ?? (await namedStart(run, start.digest, isRewardModel ? 'rewardModel' : 'align'));
    if (from === undefined) {
      const digest = start.digest.slice(0, 12);
      printLine(
        `\n${shownPath(run)} cannot be trained again from here: the model that it started from (${digest}) is neither below ${shownPath(folder)} nor where its settings say.`,
      );
      continue;
    }
    const words = [
      'align',
      ...(isRewardModel ? ['--only', 'reward-model'] : []),
      '--config',
      `${shownPath(run)}/${settingsName}`,
    ];
    printLine(`\nTo train ${shownPath(run)} again without it:`);
    printLine(`  ${mossctlCommand(...words, '--from', shownStart(from), '--out', `${shownPath(run)}-again`)}`);
  }
  printLine('\nThen remove the checkpoints and rounds above, and the files that quote it.');
}
