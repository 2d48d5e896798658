// What is said of given preferences before the first step, and what is refused: nothing to learn, one class alone, pairs that
// contradict each other, too few to decide with.
import { UserError } from '../../base/errors.js';
import { countOf, formatCount } from '../../base/format.js';
import type { RowNotes } from '../../data/conversations/notes.js';
import type { AnswerTokens } from '../../data/preferences/fit.js';
import type { Job } from '../stage.js';
import type { FittedRow, GivenRequest } from './given.js';
import type { PreferenceSource } from './given-sources.js';
import { minHeldOut } from './given-split.js';
import { minToDecide } from './promotion.js';

/** What is learnt of a row: a pair, or an answer with its label. */
type Judged = { chosen: unknown } | { isGood: boolean };

/** @throws UserError where there is nothing to learn, or nothing to compare. */
export function checkEnough(
  learnt: readonly { row: Judged }[],
  heldOut: readonly unknown[],
  given: {
    request: Pick<GivenRequest, 'rows' | 'block'>;
    sources: readonly Pick<PreferenceSource, 'path'>[];
    notes: Pick<RowNotes, 'skippedInWords'>;
  },
): void {
  const { request, sources, notes } = given;
  const { block = 'align' } = request;
  const where = sources.map(({ path }) => path).join(', ');
  if (learnt.length === 0 && heldOut.length > 0) {
    // Not a lower align.validation: of few preferences a quarter is held out whatever it is, and with none of them nothing decides.
    const next = `Give preferences of other prompts or conversations, too; or some to decide with: ${block}.evalData=FILE`;
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
      next: block === 'align' ? 'Learn from labels: --set align.method=kto' : 'Give rows with chosen and rejected',
    });
  }
  const good = learnt.filter(({ row }) => 'chosen' in row || row.isGood).length;
  const bad = learnt.filter(({ row }) => 'chosen' in row || !row.isGood).length;
  if (request.rows !== 'pairs' && good === 0) {
    throw new UserError({
      where,
      what: allCalled('bad', bad),
      why: 'nothing says what to write instead',
      next: 'Give good answers, too',
    });
  }
  if (request.rows === 'labels' && bad === 0) {
    throw new UserError({
      where,
      what: allCalled('good', good),
      why: 'a method that learns from labels compares good answers with bad ones',
      next: 'Give bad answers, too; or learn the good ones alone: --set align.method=best-of-n',
    });
  }
}

export function nothingLeft(where: string, what: string, notes: Pick<RowNotes, 'skippedInWords'>): UserError {
  return new UserError({
    where,
    what,
    why: notes.skippedInWords || 'the file is empty',
    next: 'Give pairs (prompt, chosen, rejected) or answers with a label. mossctl inspect MODEL --row FILE:1 shows what becomes of one',
  });
}

/** @throws UserError before anything is trained, where nothing could say whether it is worth promoting. */
export function checkDecidable({
  heldOut,
}: {
  heldOut: { pairs: readonly unknown[]; labelled: readonly unknown[] };
}): void {
  const count = heldOut.pairs.length + heldOut.labelled.length;
  if (count >= minToDecide) return;
  throw new UserError({
    where: 'align.data',
    what: `${countOf(count, 'preference')} ${count === 1 ? 'is' : 'are'} held out, and a promotion takes ${minToDecide} at least`,
    why: 'of fewer, all may go the right way by chance',
    next: 'Give more preferences (about 40, of which a quarter is held out), align.validation=0.5, or others to decide with: align.evalData=FILE',
  });
}

/** What there is of each source, what is not used, and how many rows decide. */
export function describe(
  { reporter }: Job<unknown>,
  learnt: readonly FittedRow[],
  heldOut: readonly FittedRow[],
  { block = 'align', rows, validation, evalData, atLeast = minHeldOut }: GivenRequest,
): void {
  const all = evalData === undefined ? [...learnt, ...heldOut] : learnt;
  for (const source of new Set(all.map(({ row }) => row.source))) {
    const held = all.length === learnt.length ? 0 : heldOut.filter(({ row }) => row.source === source).length;
    const own = learnt.flatMap(({ row }) => (row.source === source ? [row] : []));
    const pairs = own.filter((row) => 'chosen' in row);
    const labels = own.filter((row) => 'answer' in row);
    const parts = [
      ...(pairs.length > 0
        ? [
            `${countOf(pairs.length, 'pair')}, ${mean(pairs.map(({ chosen }) => chosen))} tokens in a chosen answer and ${mean(pairs.map(({ rejected }) => rejected))} in a rejected one`,
          ]
        : []),
      ...(labels.length > 0 ? [labelsInWords(labels)] : []),
    ];
    if (own.length === 0) {
      const text = `${source}: none of its ${countOf(held, 'preference')} is learnt, for all are held out to decide with: what asks the same, or is of one conversation, goes one way`;
      reporter.note('warning', text);
      continue;
    }
    reporter.note('info', `${source}: ${parts.join('; ')}${held === 0 ? '' : `; ${formatCount(held)} more held out`}`);
    if (rows === 'pairs' && labels.length > 0) {
      const text = `${countOf(labels.length, 'answer')} of ${source} with a label ${labels.length === 1 ? 'is' : 'are'} not learnt: this method learns from pairs${block === 'align' ? ' (align.method: kto learns from both)' : ''}`;
      reporter.note('warning', text);
    }
  }
  const opposed = contradictions(learnt);
  if (opposed > 0) {
    reporter.note('warning', `${countOf(opposed, 'pair')} say the opposite of another pair of the same answers`);
  }
  const count = learnt.length + heldOut.length;
  const more = validation * count < atLeast ? `, and up to a quarter of fewer than ${atLeast / validation}` : '';
  const from =
    evalData === undefined ? `${block}.validation: ${validation}${validation > 0 ? more : ''}` : `${block}.evalData`;
  const of = evalData === undefined ? ` of ${countOf(count, 'preference')}` : '';
  const isDecided = block === 'align';
  const few = isDecided && heldOut.length < minHeldOut;
  const advice = !isDecided
    ? ''
    : heldOut.length < minToDecide
      ? `: fewer than ${minToDecide} promote nothing by themselves. Give more preferences, or others as align.evalData`
      : few
        ? ': few to decide on a promotion with, so its interval is wide'
        : '';
  reporter.note(
    few ? 'warning' : 'info',
    `${formatCount(heldOut.length)}${of} ${heldOut.length === 1 ? 'is' : 'are'} held out to ${isDecided ? 'decide' : 'measure'} with (${from})${advice}`,
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

function allCalled(what: 'good' | 'bad', count: number): string {
  return count === 1 ? `the only answer is called ${what}` : `all ${formatCount(count)} answers are called ${what}`;
}

function labelsInWords(labels: readonly { isGood: boolean }[]): string {
  const good = labels.filter(({ isGood }) => isGood).length;
  return `${countOf(labels.length, 'answer')} with a label: ${formatCount(good)} good, ${formatCount(labels.length - good)} bad`;
}
