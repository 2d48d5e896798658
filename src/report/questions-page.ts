// The page of an evaluation on a person's own questions: what was asked of whom, the table, and the answers side by side.
import { join, resolve } from 'node:path';
import { writeFileAtomic } from '../base/files.js';
import { formatCount } from '../base/format.js';
import { reportName } from '../base/layout.js';
import { redactAll, shownUrls } from '../base/secrets.js';
import { english, type Speech } from '../language/speech.js';
import { escapeHtml } from './escape.js';
import type { EvaluationTable } from './event.js';
import { headerHtml, pageHtml, rowHtml, section, tableHtml } from './page.js';
import { resultsHtml } from './results-html.js';
import { spokenHtml } from './spoken.js';

/** One question as it was answered by each column. */
export interface AnsweredQuestion {
  id: string;
  mode: string;
  question: string;
  right: string;
  /** In the order of the columns. `isRight`: undefined where an answer is not simply right or wrong. */
  answers: { text: string; isRight?: boolean }[];
}

/** A further table, as text. */
export interface ShownTable {
  title: string;
  header: string[];
  rows: string[][];
  note: string;
}

export interface QuestionsReport {
  name: string;
  command: string;
  table: EvaluationTable;
  /** Of each column: what it is, and how it was asked. */
  columns: { label: string; path: string; digest: string; asked: string }[];
  notes: string[];
  tables: ShownTable[];
  questions: AnsweredQuestion[];
}

const maxShown = 200;

/** Writes `report.html` into the folder. @returns its path. */
export async function writeQuestionsReport(
  directory: string,
  report: QuestionsReport,
  speech: Speech = english,
): Promise<string> {
  const path = join(resolve(directory), reportName);
  const { name, ...rest } = redactAll(report);
  const html = pageHtml(`${name}: questions`, bodyOf(name, rest), 'Made by mossctl from results.json.');
  await writeFileAtomic(path, spokenHtml(html, speech));
  return path;
}

function bodyOf(
  name: string,
  { command, table, columns, notes, tables, questions }: Omit<QuestionsReport, 'name'>,
): string {
  const rows = columns.map(
    ({ label, path, digest, asked }) =>
      `<tr><td class="name">${escapeHtml(label)}</td><td><code>${escapeHtml(path)}</code></td><td><code title="${escapeHtml(digest)}">${escapeHtml(digest.slice(0, 12))}</code></td><td class="words">${escapeHtml(asked)}</td></tr>`,
  );
  const items = notes.map((note) => `<li>${escapeHtml(note)}</li>`);
  return [
    `<h1>${escapeHtml(name)}</h1>`,
    `<p class="lead">The same questions, asked of each checkpoint alike. To ask them again:</p>`,
    `<pre>${escapeHtml(shownUrls(command))}</pre>`,
    resultsHtml('Results', table, { basis: 'on the same questions', gainsTitle: 'Differences' }),
    ...tables.map(shownTableHtml),
    section('Checkpoints', tableHtml(headerHtml(['', 'checkpoint', 'digest', 'asked']), rows)),
    items.length === 0 ? '' : section('Notes', `<div class="card"><ul class="notes">${items.join('')}</ul></div>`),
    answersHtml(
      questions,
      columns.map(({ label }) => label),
    ),
  ].join('\n');
}

function shownTableHtml({ title, header, rows, note }: ShownTable): string {
  const lines = rows.map(([name, ...cells]) => rowHtml(escapeHtml(name), cells.map(escapeHtml)));
  return section(title, `${tableHtml(headerHtml(header), lines)}<p class="soft">${escapeHtml(note)}</p>`);
}

function answersHtml(questions: readonly AnsweredQuestion[], labels: readonly string[]): string {
  const rows = questions.slice(0, maxShown).map(({ id, mode, question, right, answers }) => {
    const cells = answers.map(({ text, isRight }) => {
      const mark = isRight === undefined ? '' : isRight ? '✓ ' : '✗ ';
      return `<td>${mark}${escapeHtml(text)}</td>`;
    });
    const how = mode === 'direct' ? '' : ` (${mode})`;
    return `<tr><td class="soft" title="${escapeHtml(id)}">${escapeHtml(question)}${how}</td><td>${escapeHtml(right)}</td>${cells.join('')}</tr>`;
  });
  const more =
    questions.length > maxShown
      ? `<p class="soft">The first ${maxShown} of ${formatCount(questions.length)}; all of them are in answers.jsonl.</p>`
      : '';
  return section('Answers', more + tableHtml(headerHtml(['question', 'right', ...labels]), rows, 'answers'));
}
