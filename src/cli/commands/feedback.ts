// mossctl feedback: what a store holds, withdrawing, scrubbing, and how far people agree.
import { UserError } from '../../base/errors.js';
import { alignColumns, countOf, printable, printableLines, shorten } from '../../base/format.js';
import { type PersonalKind, personalKinds } from '../../data/filters/scrub.js';
import { type Agreement, agreements, kappaInWords } from '../../feedback/agreement.js';
import { type Judgement, lineOf, verdictInWords } from '../../feedback/record.js';
import { scrubStore } from '../../feedback/scrubbed.js';
import { indexStore, judgementsAt, readFeedback, type StoreIndex } from '../../feedback/store.js';
import { verdictLabel } from '../annotation.js';
import {
  type FeedbackOptions,
  noteDamage,
  openFeedback,
  placesOf,
  requireStore,
  shortIdLength,
  storePath,
} from '../feedback-store.js';
import type { OutputOptions } from '../options.js';
import { printJson, printLine, printVerbatim, shownPath, verbatim } from '../output.js';

type Options = FeedbackOptions & OutputOptions;

/** Models are named by paths, which may be long. */
const maxVerdict = 48;

export async function list(ids: readonly string[], options: Options & { all?: boolean }): Promise<void> {
  const path = await requireStore(storePath(options));
  const index = await indexStore(path);
  if (!options.quiet) noteDamage(index, path);
  const shown = options.all || ids.length > 0 ? newestTexts(index) : index.live;
  const wanted = ids.length === 0 ? shown : placesOf(ids, shown, path);
  const rows: string[][] = [];
  const verdicts = new Map<string, number>();
  for await (const judgement of judgementsAt(path, wanted)) {
    const isUndone = index.undone.has(judgement.id);
    if (options.json) printJson({ ...(JSON.parse(lineOf(judgement)) as object), withdrawn: isUndone });
    else if (ids.length > 0) printWhole(judgement, isUndone);
    else rows.push(rowOf(judgement, isUndone));
    if (isUndone) continue;
    const verdict = verdictInWords(judgement);
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
  }
  if (options.json || ids.length > 0) return;
  if (rows.length > 0) {
    const header = ['judgement', 'conversation', 'when', 'who', 'verdict', 'last question'];
    printLine(`${alignColumns([header, ...rows]).join('\n')}\n`);
  }
  const conversations = new Set(index.live.map(({ conversation }) => conversation)).size;
  const counts = [...verdicts].map(([verdict, count]) => `${count} ${verdictLabel(verdict, maxVerdict)}`).join(', ');
  const total = `${countOf(index.live.length, 'judgement')} of ${countOf(conversations, 'conversation')}`;
  const withdrawn = newestTexts(index).filter(({ id }) => index.undone.has(id)).length;
  const gone = `${withdrawn} withdrawn, ${index.deleted.length} deleted`;
  printLine(`${shownPath(path)}: ${total}${counts === '' ? '' : ` (${counts})`}; ${gone}`);
}

/** Every judgement once, in its newest form, the withdrawn ones included. */
function newestTexts({ texts }: StoreIndex): StoreIndex['texts'] {
  return [...new Map(texts.map((place) => [place.id, place])).values()];
}

function rowOf(judgement: Judgement, isUndone: boolean): string[] {
  const { id, conversation, at, annotator, prompt } = judgement;
  const verdict = verdictLabel(verdictInWords(judgement), maxVerdict);
  return [
    ...[id.slice(0, shortIdLength), conversation.slice(0, shortIdLength), at.slice(0, 16).replace('T', ' ')],
    ...[verbatim(printable(annotator)), isUndone ? `${verdict} (withdrawn)` : verdict],
    verbatim(shorten(printable(prompt.findLast(({ role }) => role === 'user')?.content ?? ''), 60)),
  ];
}

function printWhole(judgement: Judgement, isUndone: boolean): void {
  const { id, conversation, at, annotator, prompt, answers, edited } = judgement;
  const verdict = verdictLabel(verdictInWords(judgement));
  printLine(`judgement ${id} of conversation ${conversation}`);
  printLine(`${at} by ${verbatim(printable(annotator))}: ${verdict}${isUndone ? ' (withdrawn)' : ''}`);
  for (const { role, content } of prompt) printVerbatim(`  ${role}: ${indented(content)}`);
  for (const [i, { messages, model, name, sampling, seed }] of answers.entries()) {
    const origin = [
      name && verbatim(printable(name)),
      model?.slice(0, 12),
      sampling && `temperature ${sampling.temperature}`,
      `seed ${seed ?? '?'}`,
    ];
    printLine(`  ${answers.length === 1 ? 'answer' : ['first', 'second'][i]} (${origin.filter(Boolean).join(', ')}):`);
    for (const { content } of messages) printVerbatim(`    ${indented(content)}`);
  }
  if (edited !== undefined)
    printLine(`  edited: ${verbatim(edited.map(({ content }) => indented(content)).join('\n'))}`);
  printLine('');
}

function indented(text: string): string {
  return printableLines(text).replaceAll('\n', '\n    ');
}

export async function undo(ids: readonly string[], options: Options): Promise<void> {
  const path = await requireStore(storePath(options));
  const { live } = await indexStore(path);
  const places = placesOf(ids, live, path);
  const session = await openFeedback({ ...options, feedback: path });
  for (const place of places) await session.undo(place);
  if (options.json) for (const { id } of places) printJson({ type: 'undo', target: id });
  else
    printLine(
      `Withdrawn: ${countOf(places.length, 'judgement')}. Their text stays; \`mossctl feedback delete\` erases it.`,
    );
}

export async function scrub(options: Options & { kind?: string[]; dryRun?: boolean }): Promise<void> {
  const path = await requireStore(storePath(options));
  const unknown = options.kind?.find((kind) => !personalKinds.includes(kind as PersonalKind));
  if (unknown !== undefined) {
    throw new UserError({ what: `there is no kind ${unknown}`, where: '--kind', next: personalKinds.join(', ') });
  }
  const kinds = options.kind as PersonalKind[] | undefined;
  const { judgements, changed } = await scrubStore(path, { kinds, onlyCount: options.dryRun });
  if (options.json) {
    for (const each of changed) printJson({ type: 'scrubbed', ...each, ...(options.dryRun && { dryRun: true }) });
    return;
  }
  for (const { id, counts } of changed) {
    const found = Object.entries(counts).map(([kind, count]) => `${count} <${kind}>`);
    printLine(`  ${id.slice(0, shortIdLength)}  ${found.join(', ')}`);
  }
  const verb = options.dryRun ? 'would be replaced' : 'replaced';
  printLine(`Personal data ${verb} in ${changed.length} of ${countOf(judgements, 'judgement')} of ${shownPath(path)}.`);
  printLine('Patterns find numbers, addresses and keys, not names: read what matters with `mossctl feedback list ID`.');
  if (changed.length > 0 && !options.dryRun) {
    printLine('Trainings before this learnt the text as it was: `mossctl feedback delete ID --dry-run` lists them.');
  }
}

export async function agreement(files: readonly string[], options: OutputOptions): Promise<void> {
  const judgements: Judgement[] = [];
  for (const file of files.length === 0 ? [storePath({})] : files) {
    for await (const judgement of readFeedback(await requireStore(file))) judgements.push(judgement);
  }
  const found = agreements(judgements);
  if (options.json) {
    for (const { disagreements, ...rest } of found) {
      printJson({ type: 'agreement', ...rest, disagreements: disagreements.map(({ item }) => item) });
    }
    return;
  }
  if (found.length > 0) for (const each of found) printAgreement(each);
  else {
    const people = new Set(judgements.map(({ annotator }) => annotator)).size;
    printLine(`No item was judged by two people: ${countOf(judgements.length, 'judgement')} by ${people}.`);
    printLine('A second person judges the same: mossctl annotate --answers feedback.jsonl --annotator NAME');
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

function printAgreement(found: Agreement): void {
  const { annotators, kind, items, observed, expected, kappa, interval, disagreements } = found;
  const [a, b] = annotators.map((name) => verbatim(printable(name)));
  printLine(`${a} and ${b}: ${countOf(items, 'item')} that both judged (${kind})`);
  const range = Number.isNaN(kappa) ? '' : ` [${interval.low.toFixed(2)}, ${interval.high.toFixed(2)}]`;
  printLine(`  agree on ${percent(observed)}; by chance they would on ${percent(expected)}`);
  printLine(`  Cohen's κ ${Number.isNaN(kappa) ? '' : kappa.toFixed(2)}${range}  ${kappaInWords(kappa)}`);
  for (const { judgements } of disagreements.slice(0, maxShown)) {
    const question = judgements[0].prompt.findLast(({ role }) => role === 'user')?.content ?? '';
    const [first, second] = judgements.map(({ verdict }) => verdict);
    const ids = judgements.map(({ id }) => id.slice(0, shortIdLength)).join(' ');
    printLine(`    ${first} / ${second}  ${ids}  ${verbatim(shorten(printable(question), 60))}`);
  }
  if (disagreements.length > maxShown) printLine(`    and ${disagreements.length - maxShown} more`);
  printLine('');
}

const maxShown = 10;
