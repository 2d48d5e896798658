// A preview as a person reads it: the rows, what was rejected on the way, and a table of what the whole takes.
import {
  formatCount,
  formatSeconds,
  formatTable,
  printableLines,
  shorten,
  terminalColumns,
  wrapped,
} from '../base/format.js';
import { dollars, type TokenPrices } from '../inference/request-ledger.js';
import type { EstimatedRange, StagePreview, WholeEstimate } from '../stages/stage.js';
import { verbatim } from './output.js';

export interface PreviewContext {
  prices?: TokenPrices;
  budget?: { budgetUsd?: number; budgetTokens?: number };
  /** The command that makes the whole. */
  next: string;
}

const maxTextLength = 800;
const maxRejected = 5;
const maxUnshown = 12;

export function previewText(preview: StagePreview, context: PreviewContext): string {
  const { teacher, rows, wanted, stopped, estimate } = preview;
  const count = rows.length < wanted ? `${rows.length} of ${wanted} rows` : `${wanted} rows`;
  return [
    `${count} by ${teacher}${rows.length === 0 ? '' : ', as they would be learnt:'}`,
    ...rows.map((row, i) => `\n${i + 1}  ${row.kind ?? ''} ${row.language ?? ''}\n${exchangeOf(row.messages)}`),
    ...unshownLines(preview),
    ...rejectedLines(preview),
    ...(stopped === undefined ? [] : [`\nit ended early: ${stopped}`]),
    ...(estimate === undefined
      ? [`\n${withoutEstimate(preview)}`]
      : ['', ...estimateLines(estimate, preview, context)]),
    `\nnext    ${context.next}`,
  ].join('\n');
}

function exchangeOf(messages: StagePreview['rows'][number]['messages']): string {
  return messages
    .map(({ role, content, reasoning, toolCalls = [] }) => {
      const thought = reasoning === undefined ? [] : [`(thinks) ${reasoning}`];
      const calls = toolCalls.map(({ name, arguments: given }) => `(calls ${name}) ${JSON.stringify(given)}`);
      const said = [...thought, ...(content === '' ? [] : [content]), ...calls].join('\n');
      return indented(role.padEnd(11), shorten(printableLines(said), maxTextLength));
    })
    .join('\n');
}

function indented(label: string, text: string): string {
  const width = terminalColumns - label.length - 3;
  const [first = '', ...others] = text.split('\n').flatMap((line) => wrapped(line, width).split('\n'));
  const before = ' '.repeat(3 + label.length);
  return [`   ${label}${verbatim(first)}`, ...others.map((line) => before + verbatim(line))].join('\n');
}

function unshownLines({ rows, unshown, wanted }: StagePreview): string[] {
  if (rows.length === 0 || unshown.length === 0) return [];
  const names = unshown.slice(0, maxUnshown).join(', ');
  const more = unshown.length > maxUnshown ? `, … and ${formatCount(unshown.length - maxUnshown)} more` : '';
  const next = rows.length < wanted ? '' : ` (--preview ${rows.length + unshown.length} shows one of each)`;
  return ['', wrapped(`the whole makes these too: ${names}${more}${next}`, terminalColumns)];
}

function rejectedLines({ rejected }: StagePreview): string[] {
  if (rejected.length === 0) return [];
  const shown = rejected.slice(0, maxRejected).map(({ rule, why, turns, answer, said }) => {
    const text = [turns?.at(-1), answer, said].filter((each) => each !== undefined && each !== '').join(' → ');
    const reason = why === undefined || why === turns?.at(-1) ? '' : ` (${why})`;
    return indented('', shorten(printableLines(`${rule}${reason}: ${text}`).replace(/\s+/g, ' '), 240));
  });
  const more = rejected.length - shown.length;
  return [
    `\nrejected on the way: ${rejected.length}`,
    ...shown,
    ...(more > 0 ? [`   … and ${formatCount(more)} more`] : []),
  ];
}

function withoutEstimate({ rows, teacher }: StagePreview): string {
  return rows.length === 0
    ? 'nothing was accepted, so nothing can be said of the whole'
    : `the ${teacher} teacher computes its rows on this machine: nothing is asked, nothing is paid`;
}

function estimateLines(
  estimate: WholeEstimate,
  { given }: StagePreview,
  { prices, budget = {} }: PreviewContext,
): string[] {
  const { rows, requests, inputTokens, outputTokens, usd, seconds, isReported } = estimate;
  const row = (name: string, range: EstimatedRange | undefined, form: (value: number) => string): string[][] =>
    range === undefined ? [] : [[name, form(range.estimate), `${form(range.low)} to ${form(range.high)}`]];
  const table = formatTable(
    [`the whole: ${formatCount(rows)} rows`, 'about', '90 % range'],
    [
      ...row('requests', requests, rounded),
      ...row('tokens in', inputTokens, rounded),
      ...row('tokens out', outputTokens, rounded),
      ...row('cost', usd, dollars),
      ...row('time', seconds, formatSeconds),
    ],
  );
  const seeds = given === 0 ? '' : ` beside ${formatCount(given)} of your seeds`;
  return [
    table,
    ...notes([
      `new rows${seeds}; what was asked above is part of it, kept, and not paid for again`,
      'the more rows there are, the more tasks are rejected as not new: rather more than less',
      inputTokens !== undefined &&
        !isReported &&
        'the endpoint does not say its tokens: counted at the most that they can be',
      inputTokens !== undefined &&
        prices === undefined &&
        "no price is given, so no cost: --set 'selfInstruct.prices={input: 0.15, output: 0.6}' (USD per million tokens, from its price list)",
      usd === undefined || budget.budgetUsd === undefined || usd.high <= budget.budgetUsd
        ? false
        : `the budget of ${dollars(budget.budgetUsd)} may end it at about ${rowsWithin(budget.budgetUsd / usd.estimate, rows)} rows`,
      inputTokens === undefined || outputTokens === undefined || budget.budgetTokens === undefined
        ? false
        : overTokens(budget.budgetTokens, inputTokens, outputTokens, rows),
    ]),
  ];
}

function overTokens(budget: number, input: EstimatedRange, output: EstimatedRange, rows: number): string | false {
  if (input.high + output.high <= budget) return false;
  const share = budget / (input.estimate + output.estimate);
  return `the budget of ${formatCount(budget)} tokens may end it at about ${rowsWithin(share, rows)} rows`;
}

function rowsWithin(share: number, rows: number): string {
  return rounded(Math.min(1, share) * rows);
}

function notes(lines: readonly (string | false)[]): string[] {
  return lines.flatMap((line) =>
    line === false ? [] : [`- ${wrapped(line, terminalColumns - 2).replaceAll('\n', '\n  ')}`],
  );
}

/** To two figures: more would be a pretence. */
function rounded(value: number): string {
  return formatCount(Number(value.toPrecision(2)));
}
