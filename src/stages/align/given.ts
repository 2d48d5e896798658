// The preferences that a person gives (align.data): read, written as the policy's template writes them, a share of them held
// out to decide with. What is skipped is counted and named; what could teach nothing is refused.
import { stopIfAborted } from '../../base/errors.js';
import { digestOf } from '../../base/files.js';
import { countOf, formatCount } from '../../base/format.js';
import { RowNotes } from '../../data/conversations/notes.js';
import { type AnswerTokens, fitPreference } from '../../data/preferences/fit.js';
import type { RowChoice } from '../../data/preferences/formats.js';
import type { Preference } from '../../data/preferences/types.js';
import type { Conversation } from '../../data/types.js';
import type { ChatTemplate } from '../../tokenizer/chat-template.js';
import type { Method } from '../../train/objectives/methods.js';
import type { SourceChoice } from '../sft/sources.js';
import type { Job } from '../stage.js';
import { checkEnough, describe, nothingLeft } from './given-checks.js';
import { type PreferenceSource, preferenceSources, preferencesFrom } from './given-sources.js';
import { groupOf, splitGiven } from './given-split.js';

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
  heldOut: GivenRows & { prompts: Conversation[]; preferences: Preference[] };
  /** Of all that is here but the names of rows: what a training follows from. */
  digest: string;
}

export interface GivenRequest extends RowChoice {
  /** The block of the settings that asks, for messages; default: align. */
  block?: 'align' | 'rewardModel';
  data: SourceChoice;
  /** Preferences to decide with, instead of a share of `data`. */
  evalData?: string;
  /** Share that is held out. */
  validation: number;
  /** So many are held out of few, up to a quarter of them; default: `minHeldOut`. */
  atLeast?: number;
  template: ChatTemplate;
  contextLength: number;
  /** What the method learns from: pairs become labels for those that need them, never the other way round. */
  rows: Method['rows'];
}

export interface FittedRow {
  preference: Preference;
  row: GivenPair | GivenLabel;
}

export async function readGiven(job: Job<unknown>, request: GivenRequest): Promise<GivenPreferences> {
  const { learnt, heldOut } = await readSplit(job, request);
  const rows = { ...asRows(learnt, request.rows), heldOut: { ...asRows(heldOut), ...saidIn(heldOut) } };
  const { pairs, labelled } = asRows(heldOut);
  return { ...rows, digest: digestOf([rows.pairs, rows.labelled, pairs, labelled].map((all) => all.map(unnamed))) };
}

/** The preferences with their tokens: those that are learnt, and those that no training sees. */
export async function readSplit(
  job: Job<unknown>,
  request: GivenRequest,
): Promise<{ learnt: FittedRow[]; heldOut: FittedRow[] }> {
  const { validation, evalData, atLeast } = request;
  const ids = new Map<string, number>();
  const sources = await preferenceSources(request.data);
  const notes = new RowNotes('preference');
  const all: FittedRow[] = [];
  for (const source of sources) {
    for await (const fitted of readSource(job, source, { request, notes, ids })) all.push(fitted);
  }
  const share = { seed: job.seed, validation: evalData === undefined ? validation : 0, atLeast };
  const keysOf = ({ preference, row }: FittedRow) => [groupOf(preference), `asked ${digestOf(row.prompt)}`];
  const { learnt, ...kept } = splitGiven(all, keysOf, share);
  notes.report(job.reporter);
  const heldOut = evalData === undefined ? kept.heldOut : await readEvaluated(job, evalData, request, ids, learnt);
  checkEnough(learnt, kept.heldOut, { request, sources, notes });
  describe(job, learnt, heldOut, request);
  return { learnt, heldOut };
}

interface Reading {
  request: GivenRequest;
  notes: RowNotes;
  ids: Map<string, number>;
}

async function* readSource(
  { signal }: Job<unknown>,
  source: PreferenceSource,
  { request: { format, margins, template, contextLength }, notes, ids }: Reading,
): AsyncGenerator<FittedRow> {
  for await (const { preference, where } of preferencesFrom(source, notes, { format, margins })) {
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

/** Preferences of a file of their own; those that are learnt too are said. */
async function readEvaluated(
  job: Job<unknown>,
  path: string,
  request: GivenRequest,
  ids: Map<string, number>,
  learnt: readonly FittedRow[],
): Promise<FittedRow[]> {
  const notes = new RowNotes('held-out preference');
  const [source] = await preferenceSources(path);
  const all: FittedRow[] = [];
  for await (const fitted of readSource(job, source, { request, notes, ids })) all.push(fitted);
  notes.report(job.reporter);
  if (all.length === 0) throw nothingLeft(path, 'there is no preference to decide with', notes);
  const prompts = new Set(learnt.map(({ row }) => row.prompt.join()));
  const known = all.filter(({ row }) => prompts.has(row.prompt.join())).length;
  if (known > 0) {
    const text = `${formatCount(known)} of ${countOf(all.length, 'preference')} to decide with (${request.block ?? 'align'}.evalData) ask what is learnt too: they tell what is remembered, not what is understood`;
    job.reporter.note('warning', text);
  }
  return all;
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

/** As words: what a person reads, and what a judge is asked of. */
function saidIn(rows: readonly FittedRow[]): { prompts: Conversation[]; preferences: Preference[] } {
  return { prompts: promptsOf(rows), preferences: rows.map(({ preference }) => preference) };
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
