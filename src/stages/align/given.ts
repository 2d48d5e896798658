// The preferences that a person gives (align.data): read, written as the policy's template writes them, a share of them held
// out to decide with. What is skipped is counted and named; what could teach nothing is refused.
import { stopIfAborted, UserError } from '../../base/errors.js';
import { digestOf } from '../../base/files.js';
import { countOf, formatCount } from '../../base/format.js';
import type { PreferenceFormat } from '../../config/preference-formats.js';
import { RowNotes } from '../../data/conversations/notes.js';
import { HoldOut } from '../../data/hold-out.js';
import { type AnswerTokens, fitPreference } from '../../data/preferences/fit.js';
import { readPreferences } from '../../data/preferences/read.js';
import type { Preference } from '../../data/preferences/types.js';
import type { Conversation } from '../../data/types.js';
import type { ChatTemplate } from '../../tokenizer/chat-template.js';
import type { Method } from '../../train/objectives/methods.js';
import { type RowSource, rowSources, type SourceChoice } from '../sft/sources.js';
import type { Job } from '../stage.js';

interface GivenRow {
  /** Of all rows, no two have the same. */
  id: string;
  prompt: number[];
  source: string;
  weight?: number;
  /** The id of its record in a feedback store. */
  feedback?: string;
}

export interface GivenPair extends GivenRow {
  chosen: AnswerTokens;
  rejected: AnswerTokens;
}

export interface GivenLabel extends GivenRow {
  answer: AnswerTokens;
  isGood: boolean;
}

interface GivenRows {
  pairs: GivenPair[];
  labelled: GivenLabel[];
}

export interface GivenPreferences extends GivenRows {
  /** Training never sees these. Pairs stay pairs here, whatever the method learns from. */
  heldOut: GivenRows & { prompts: Conversation[] };
  /** Of all that is here but the names of rows: what a training follows from. */
  digest: string;
}

export interface GivenRequest {
  data: SourceChoice;
  /** Of the rows, where it is not to be recognised. */
  format?: PreferenceFormat;
  /** Preferences to decide with, instead of a share of `data`. */
  evalData?: string;
  /** Share that is held out. */
  validation: number;
  template: ChatTemplate;
  contextLength: number;
  /** What the method learns from: pairs become labels for those that need them, never the other way round. */
  rows: Method['rows'];
}

/** Preferences that are held out, at most. */
const maxHeldOut = 1000;
/** Fewer decide nothing: even if all of them went the right way, chance could have done it. */
const minHeldOut = 20;

interface FittedRow {
  preference: Preference;
  row: GivenPair | GivenLabel;
}

export async function readGiven(job: Job<unknown>, request: GivenRequest): Promise<GivenPreferences> {
  const { validation, evalData } = request;
  const ids = new Map<string, number>();
  const holdOut = new HoldOut<FittedRow>(evalData === undefined ? validation : 0, { seed: job.seed, most: maxHeldOut });
  const learnt: FittedRow[] = [];
  const sources = await rowSources(request.data);
  const notes = new RowNotes('preference');
  for (const source of sources) {
    for await (const fitted of readSource(job, source, { request, notes, ids })) {
      learnt.push(...holdOut.add(groupOf(fitted.preference), fitted));
    }
  }
  notes.report(job.reporter);
  const finished = holdOut.finish();
  learnt.push(...finished.learnt);
  const heldOut = evalData === undefined ? finished.heldOut : await readEvaluated(job, evalData, request, ids, learnt);
  checkEnough(learnt, finished.heldOut, { request, sources, notes });
  describe(job, learnt, heldOut, request);
  const rows = { ...asRows(learnt, request.rows), heldOut: { ...asRows(heldOut), prompts: promptsOf(heldOut) } };
  const { pairs, labelled } = asRows(heldOut);
  return { ...rows, digest: digestOf([rows.pairs, rows.labelled, pairs, labelled].map((all) => all.map(unnamed))) };
}

interface Reading {
  request: GivenRequest;
  notes: RowNotes;
  ids: Map<string, number>;
}

async function* readSource(
  { signal }: Job<unknown>,
  source: RowSource,
  { request: { format, template, contextLength }, notes, ids }: Reading,
): AsyncGenerator<FittedRow> {
  for await (const { preference, where } of readPreferences(source.path, notes, { format, source: source.name })) {
    stopIfAborted(signal, 'stopped while reading preferences; the next run reads them again');
    const fitted = fitPreference(preference, template, contextLength);
    if ('skipped' in fitted) {
      notes.skip(fitted.skipped, where);
      continue;
    }
    for (const note of fitted.notes) notes.add(note, where);
    const weight = (preference.weight ?? 1) * source.weight;
    const row = {
      id: uniqueId(preference.id, ids),
      prompt: fitted.prompt,
      source: preference.source,
      ...(weight !== 1 && { weight }),
      ...(preference.feedback !== undefined && { feedback: preference.feedback }),
    };
    yield { preference, row: { ...row, ...fitted.judged } };
  }
}

/** `data.jsonl:3`, and `data.jsonl:3#2` where another row has that name already. */
function uniqueId(id: string, ids: Map<string, number>): string {
  const count = (ids.get(id) ?? 0) + 1;
  ids.set(id, count);
  return count === 1 ? id : uniqueId(`${id}#${count}`, ids);
}

/** Rows of one group, or of one prompt, are one piece of evidence: they go the same way. */
function groupOf({ group, prompt }: Preference): string {
  return group === undefined ? JSON.stringify(prompt) : `group ${group}`;
}

/** Preferences of a file of their own; those that are learnt too are said. */
async function readEvaluated(
  job: Job<unknown>,
  path: string,
  request: GivenRequest,
  ids: Map<string, number>,
  learnt: readonly FittedRow[],
): Promise<FittedRow[]> {
  const notes = new RowNotes('held-out preference');
  const [source] = await rowSources(path);
  const all: FittedRow[] = [];
  for await (const fitted of readSource(job, source, { request, notes, ids })) all.push(fitted);
  notes.report(job.reporter);
  if (all.length === 0) throw nothingLeft(path, 'there is no preference to decide with', notes);
  const prompts = new Set(learnt.map(({ row }) => row.prompt.join()));
  const known = all.filter(({ row }) => prompts.has(row.prompt.join())).length;
  if (known > 0) {
    const text = `${formatCount(known)} of ${countOf(all.length, 'preference')} to decide with (align.evalData) ask what is learnt too: they tell what is remembered, not what is understood`;
    job.reporter.note('warning', text);
  }
  return all;
}

function checkEnough(
  learnt: readonly FittedRow[],
  heldOut: readonly FittedRow[],
  { request, sources, notes }: { request: GivenRequest; sources: readonly RowSource[]; notes: RowNotes },
): void {
  const where = sources.map(({ path }) => path).join(', ');
  if (learnt.length === 0 && heldOut.length > 0) {
    const next = 'Lower align.validation, or give preferences to decide with: align.evalData';
    throw new UserError({
      where,
      what: 'every preference would be held out to decide with',
      why: 'they ask the same, or are of one group',
      next,
    });
  }
  if (learnt.length === 0) throw nothingLeft(where, 'there is no preference to learn from', notes);
  const isPair = learnt.map(({ row }) => 'chosen' in row);
  if (request.rows === 'pairs' && !isPair.includes(true)) {
    throw new UserError({
      where,
      what: `${countOf(learnt.length, 'answer')} with a label, and no pair of answers`,
      why: 'this method compares two answers to one prompt',
      next: 'Learn from labels: --set align.method=kto',
    });
  }
  const good = learnt.filter(({ row }) => 'chosen' in row || row.isGood).length;
  const bad = learnt.filter(({ row }) => 'chosen' in row || !row.isGood).length;
  if (request.rows !== 'pairs' && good === 0) {
    throw new UserError({
      where,
      what: `all ${countOf(bad, 'answer')} are called bad`,
      why: 'nothing says what to write instead',
      next: 'Give good answers, too',
    });
  }
  if (request.rows === 'labels' && bad === 0) {
    throw new UserError({
      where,
      what: `all ${countOf(good, 'answer')} are called good`,
      why: 'a method that learns from labels needs answers of both kinds: nothing tells good from bad here',
      next: 'Give bad answers, too; or learn the good ones alone: --set align.method=best-of-n',
    });
  }
}

function nothingLeft(where: string, what: string, notes: RowNotes): UserError {
  return new UserError({
    where,
    what,
    why: notes.skippedInWords || 'the file is empty',
    next: 'Give pairs (prompt, chosen, rejected) or answers with a label. mossctl inspect MODEL --row FILE:1 shows what becomes of one',
  });
}

/** What there is of each source, what is not used, and how many rows decide. */
function describe(
  { reporter }: Job<unknown>,
  learnt: readonly FittedRow[],
  heldOut: readonly FittedRow[],
  { rows, validation, evalData }: GivenRequest,
): void {
  for (const source of new Set(learnt.map(({ row }) => row.source))) {
    const own = learnt.flatMap(({ row }) => (row.source === source ? [row] : []));
    const pairs = own.filter((row) => 'chosen' in row);
    const labels = own.filter((row) => 'answer' in row);
    const parts = [
      ...(pairs.length > 0
        ? [
            `${countOf(pairs.length, 'pair')}, ${mean(pairs.map(({ chosen }) => chosen))} tokens in a chosen answer and ${mean(pairs.map(({ rejected }) => rejected))} in a rejected one`,
          ]
        : []),
      ...(labels.length > 0
        ? [
            `${countOf(labels.length, 'answer')} with a label, ${formatCount(labels.filter(({ isGood }) => isGood).length)} of them good`,
          ]
        : []),
    ];
    reporter.note('info', `${source}: ${parts.join('; ')}`);
    if (rows === 'pairs' && labels.length > 0) {
      const text = `${countOf(labels.length, 'answer')} of ${source} with a label ${labels.length === 1 ? 'is' : 'are'} not learnt: this method learns from pairs (align.method: kto learns from both)`;
      reporter.note('warning', text);
    }
  }
  const opposed = contradictions(learnt);
  if (opposed > 0) {
    reporter.note('warning', `${countOf(opposed, 'pair')} say the opposite of another pair of the same answers`);
  }
  const from = evalData === undefined ? `align.validation: ${validation}` : 'align.evalData';
  const of = evalData === undefined ? ` of ${countOf(learnt.length + heldOut.length, 'preference')}` : '';
  const few = heldOut.length < minHeldOut;
  const advice = few
    ? `: too few to decide on a promotion${evalData === undefined ? ', raise align.validation' : ''}`
    : '';
  reporter.note(
    few ? 'warning' : 'info',
    `${formatCount(heldOut.length)}${of} ${heldOut.length === 1 ? 'is' : 'are'} held out to decide with (${from})${advice}`,
  );
}

function mean(answers: readonly AnswerTokens[]): string {
  return (answers.reduce((sum, { tokens }) => sum + tokens.length, 0) / answers.length).toFixed(1);
}

/** Pairs whose answers another pair prefers the other way round. */
function contradictions(rows: readonly FittedRow[]): number {
  const key = (prompt: number[], better: AnswerTokens, worse: AnswerTokens): string =>
    [prompt, better.tokens, worse.tokens].join('|');
  const pairs = rows.flatMap(({ row }) => ('chosen' in row ? [row] : []));
  const said = new Set(pairs.map(({ prompt, chosen, rejected }) => key(prompt, chosen, rejected)));
  return pairs.filter(({ prompt, chosen, rejected }) => said.has(key(prompt, rejected, chosen))).length;
}

/** As the method learns them; without one, each as it is. */
function asRows(all: readonly FittedRow[], rows?: Method['rows']): GivenRows {
  const given = all.map(({ row }) => row);
  const pairs = given.filter((row) => 'chosen' in row);
  const labelled = given.filter((row) => 'answer' in row);
  if (rows === undefined) return { pairs, labelled };
  if (rows === 'pairs') return { pairs, labelled: [] };
  return { pairs: [], labelled: given.flatMap((row) => ('chosen' in row ? labelsOf(row) : [row])) };
}

function labelsOf({ chosen, rejected, ...row }: GivenPair): GivenLabel[] {
  return [
    { ...row, id: `${row.id}#chosen`, answer: chosen, isGood: true },
    { ...row, id: `${row.id}#rejected`, answer: rejected, isGood: false },
  ];
}

/** What was asked, once each: for samples that a person reads. */
function promptsOf(rows: readonly FittedRow[]): Conversation[] {
  const asked = new Map(
    rows.map(({ row, preference: { prompt: messages, tools, language } }) => {
      return [
        JSON.stringify(messages),
        { id: row.id, messages, ...(tools && { tools }), ...(language && { language }) },
      ];
    }),
  );
  return [...asked.values()];
}

/** Not its id, which may be a place, nor what it came from. */
function unnamed({ id: _, source: __, feedback: ___, ...row }: GivenPair | GivenLabel): object {
  return row;
}
