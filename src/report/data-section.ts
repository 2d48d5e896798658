// What the corpus is made of: the funnel from what was read to what was kept, its languages and sources with their
// licences, and samples of what each rule dropped or changed. All of it is text of strangers.
import { formatBytes, formatCount } from '../base/format.js';
import { escapeHtml, linkHtml } from './escape.js';
import type { CorpusPart, SourceFate } from './event.js';
import { section } from './page.js';
import { type Of, ofType, type RunFacts } from './sections.js';
import { type Bar, barChart } from './svg.js';

const shownExamples = 6;

export function dataSection({ events }: RunFacts): string {
  const sources = ofType(events, 'licence');
  if (sources.length === 0) return '';
  const compositions = ofType(events, 'composition');
  const funnel = compositions.find((event) => event.funnel !== undefined)?.funnel;
  // The tokenised corpus knows all that the plain one does, and its tokens.
  const parts = compositions.findLast(({ parts }) => parts.some(({ tokens }) => tokens !== undefined))?.parts;
  const fates = sources.flatMap(({ fate }) => fate ?? []);
  const body = [
    funnelHtml(funnel, fates),
    languagesHtml(parts ?? compositions.at(-1)?.parts ?? []),
    sourcesHtml(sources, parts),
    droppedHtml(fates),
    editedHtml(fates),
  ];
  return section('Data', body.join(''));
}

/** How many are left after each rule that took some. */
function funnelHtml(funnel: Of<'composition'>['funnel'], fates: readonly SourceFate[]): string {
  const read = fates.reduce((sum, fate) => sum + fate.read, 0);
  if (funnel === undefined || read === 0) return '';
  const share = (part: number): string => `${((100 * part) / read).toFixed(1)} %`;
  const bars: Bar[] = [{ label: 'read', value: read, text: formatCount(read) }];
  let left = read;
  for (const { rule, documents } of funnel) {
    left -= documents;
    bars.push({
      label: rule,
      value: left,
      text: `${formatCount(left)} (−${formatCount(documents)}, ${share(documents)})`,
    });
  }
  bars.push({ label: 'kept', value: left, text: `${formatCount(left)}, ${share(left)}` });
  const twins = funnel.filter(({ rule }) => /duplicate/i.test(rule)).reduce((sum, { documents }) => sum + documents, 0);
  const chart = barChart('documents left after each rule', 720, bars);
  return `<div class="card"><h3>From raw to kept</h3><p class="soft">Documents left after each rule; ${share(twins)} of all that was read were duplicates.</p>${chart}</div>`;
}

function languagesHtml(parts: readonly CorpusPart[]): string {
  const languages = [...new Set(parts.map(({ language }) => language))].filter((language) => language !== undefined);
  const rows = languages.map((language) => {
    const own = parts.filter((part) => part.language === language);
    return row(
      escapeHtml(language),
      ['train', 'validation'].flatMap((split) => sizes(own.filter((part) => part.split === split))),
    );
  });
  if (rows.length === 0) return '';
  const head = ['language', 'documents', 'text', 'tokens', 'held out', 'text', 'tokens'];
  return table(head, rows);
}

function sourcesHtml(sources: readonly Of<'licence'>[], parts: readonly CorpusPart[] | undefined): string {
  const rows = sources.map(({ source, url, documents, bytes, licence, fate }) => {
    const own = parts?.filter((part) => part.source === source) ?? [];
    const [, , tokens] = sizes(own);
    const read = fate === undefined ? '–' : formatCount(fate.read);
    const cells = [read, formatCount(documents), formatBytes(bytes), tokens];
    return row(linkHtml(source, url), cells, `<td class="left">${escapeHtml(licence)}</td>`);
  });
  return table(['source', 'read', 'documents', 'text', 'tokens'], rows, '<th class="left" scope="col">licence</th>');
}

/** Documents, bytes and tokens. */
function sizes(parts: readonly CorpusPart[]): [string, string, string] {
  const sum = (of: (part: CorpusPart) => number): number => parts.reduce((total, part) => total + of(part), 0);
  const isCounted = parts.some(({ tokens }) => tokens !== undefined);
  const tokens = isCounted ? formatCount(sum((part) => part.tokens ?? 0)) : '–';
  return [formatCount(sum((part) => part.documents)), formatBytes(sum((part) => part.bytes)), tokens];
}

function droppedHtml(fates: readonly SourceFate[]): string {
  const rules = gather(fates.flatMap(({ dropped }) => dropped.map((one) => ({ ...one, name: one.rule }))));
  return samplesHtml('What the rules dropped', rules, ({ documents }) => `${formatCount(documents)} documents`);
}

function editedHtml(fates: readonly SourceFate[]): string {
  const kinds = gather(fates.flatMap(({ edited }) => edited.map((one) => ({ ...one, name: one.kind }))));
  const words = ({ documents, count }: Gathered): string =>
    `${formatCount(count)} times in ${formatCount(documents)} documents`;
  return samplesHtml('What the rules changed', kinds, words);
}

interface Gathered {
  name: string;
  documents: number;
  count: number;
  examples: string[];
}

/** The entries of all sources by name, the most frequent first. */
function gather(entries: readonly (Omit<Gathered, 'count'> & { count?: number })[]): Gathered[] {
  const all = new Map<string, Gathered>();
  for (const { name, documents, count = 0, examples } of entries) {
    const known = all.get(name) ?? { name, documents: 0, count: 0, examples: [] };
    all.set(name, known);
    known.documents += documents;
    known.count += count;
    known.examples.push(...examples);
  }
  return [...all.values()].sort((a, b) => b.documents - a.documents);
}

function samplesHtml(title: string, entries: readonly Gathered[], words: (entry: Gathered) => string): string {
  if (entries.length === 0) return '';
  const items = entries.map((entry) => {
    const examples = entry.examples.slice(0, shownExamples).map((example) => `<li>${escapeHtml(example)}</li>`);
    const summary = `<b>${escapeHtml(entry.name)}</b> ${words(entry)}`;
    if (examples.length === 0) return `<p class="soft" style="margin:8px 0 0">${summary}</p>`;
    return `<details><summary>${summary}</summary><ul class="examples">${examples.join('')}</ul></details>`;
  });
  return `<div class="card"><h3>${title}</h3>${items.join('')}</div>`;
}

function row(name: string, cells: readonly string[], last = ''): string {
  return `<tr><td class="name">${name}</td>${cells.map((cell) => `<td>${cell}</td>`).join('')}${last}</tr>`;
}

function table(head: readonly string[], rows: readonly string[], last = ''): string {
  const cells = head.map((name) => `<th scope="col">${name}</th>`).join('');
  return `<div class="card scroll"><table><thead><tr>${cells}${last}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}
