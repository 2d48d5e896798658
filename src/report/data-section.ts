// What the corpus is made of: the funnel from what was read to what was kept, its languages and sources with their
// licences, and samples of what each rule dropped or changed. All of it is third-party text.
import { formatBytes, formatCount } from '../base/format.js';
import { escapeHtml, linkHtml } from './escape.js';
import type { CorpusPart, SourceFate } from './event.js';
import { headerHtml, rowHtml, section, tableHtml } from './page.js';
import { type Of, ofType, type RunFacts } from './sections.js';
import { type Bar, barChart } from './svg.js';

const maxExamples = 6;

export function dataSection({ events }: RunFacts): string {
  const sources = ofType(events, 'licence');
  if (sources.length === 0) return '';
  const compositions = ofType(events, 'composition');
  const funnel = compositions.find((event) => event.funnel !== undefined)?.funnel;
  // The tokenised corpus knows all that the plain one does, and its tokens.
  const parts = compositions.findLast(({ parts }) => parts.some(({ tokens }) => tokens !== undefined))?.parts;
  const fates = sources.flatMap(({ fate }) => fate ?? []);
  const dropped = fates.flatMap((fate) => fate.dropped);
  const edited = fates.flatMap((fate) => fate.edited.map((effect) => ({ ...effect, rule: effect.kind })));
  const body = [
    funnelHtml(funnel, fates),
    languagesHtml(parts ?? compositions.at(-1)?.parts ?? []),
    sourcesHtml(sources, parts),
    attributionsHtml(sources),
    effectsHtml('What the rules dropped', dropped),
    effectsHtml('What the rules changed', edited),
  ];
  return section('Data', body.join(''));
}

/** How many are left after each rule that took some. */
function funnelHtml(funnel: Of<'composition'>['funnel'], fates: readonly SourceFate[]): string {
  const read = fates.reduce((sum, fate) => sum + fate.read, 0);
  if (funnel === undefined || read === 0) return '';
  const share = (part: number): string => `${((100 * part) / read).toFixed(1)} %`;
  const bars: Bar[] = [{ label: 'read', value: read, text: formatCount(read) }];
  let kept = read;
  for (const { rule, documents } of funnel) {
    kept -= documents;
    const text = `${formatCount(kept)} (−${formatCount(documents)}, ${share(documents)})`;
    bars.push({ label: rule, value: kept, text });
  }
  bars.push({ label: 'kept', value: kept, text: `${formatCount(kept)}, ${share(kept)}` });
  const twins = funnel.filter(({ rule }) => /duplicate/i.test(rule)).reduce((sum, { documents }) => sum + documents, 0);
  const chart = barChart('documents left after each rule', 720, bars);
  return `<div class="card"><h3>From raw to kept</h3><p class="soft">Documents left after each rule; ${share(twins)} of all that was read were duplicates.</p>${chart}</div>`;
}

function languagesHtml(parts: readonly CorpusPart[]): string {
  const languages = [...new Set(parts.map(({ language }) => language))].filter((language) => language !== undefined);
  const rows = languages.map((language) => {
    const own = parts.filter((part) => part.language === language);
    const cells = ['train', 'validation'].flatMap((split) => sizes(own.filter((part) => part.split === split)));
    return rowHtml(escapeHtml(language), cells);
  });
  if (rows.length === 0) return '';
  return tableHtml(
    headerHtml(['language', 'documents', 'size of text', 'tokens', 'held out', 'size of text', 'tokens']),
    rows,
  );
}

function sourcesHtml(sources: readonly Of<'licence'>[], parts: readonly CorpusPart[] | undefined): string {
  const rows = sources.map(({ source, url, documents, bytes, licence, fate }) => {
    const own = parts?.filter((part) => part.source === source) ?? [];
    const [, , tokens] = sizes(own);
    const read = fate === undefined ? '–' : formatCount(fate.read);
    const cells = [read, formatCount(documents), formatBytes(bytes), tokens];
    return rowHtml(linkHtml(source, url), cells, `<td class="left">${escapeHtml(licence)}</td>`);
  });
  const header = headerHtml(['source', 'read', 'documents', 'size of text', 'tokens']);
  return tableHtml(`${header}<th class="left" scope="col">licence</th>`, rows);
}

/** What licences ask to be said. */
function attributionsHtml(sources: readonly Of<'licence'>[]): string {
  const items = sources.flatMap(({ source, attribution }) =>
    attribution === undefined ? [] : [`<li><b>${escapeHtml(source)}</b>: ${escapeHtml(attribution)}</li>`],
  );
  return items.length === 0 ? '' : `<div class="card"><h3>Attribution</h3><ul>${items.join('')}</ul></div>`;
}

/** Documents, bytes and tokens. */
function sizes(parts: readonly CorpusPart[]): [string, string, string] {
  const sum = (of: (part: CorpusPart) => number): number => parts.reduce((total, part) => total + of(part), 0);
  const isCounted = parts.some(({ tokens }) => tokens !== undefined);
  const tokens = isCounted ? formatCount(sum((part) => part.tokens ?? 0)) : '–';
  return [formatCount(sum((part) => part.documents)), formatBytes(sum((part) => part.bytes)), tokens];
}

interface RuleEffect {
  rule: string;
  documents: number;
  /** How often in all, of a rule that edits. */
  count?: number;
  examples: readonly string[];
}

/** What each rule did to all sources, the most frequent first. */
function effectsHtml(title: string, effects: readonly RuleEffect[]): string {
  const totals = new Map<string, Required<RuleEffect>>();
  for (const { rule, documents, count = 0, examples } of effects) {
    const known = totals.get(rule) ?? { rule, documents: 0, count: 0, examples: [] };
    totals.set(rule, {
      rule,
      documents: known.documents + documents,
      count: known.count + count,
      examples: [...known.examples, ...examples].slice(0, maxExamples),
    });
  }
  if (totals.size === 0) return '';
  const sorted = [...totals.values()].sort((a, b) => b.documents - a.documents);
  const items = sorted.map((total) => {
    const examples = total.examples.map((example) => `<li>${escapeHtml(example)}</li>`);
    const times = total.count === 0 ? '' : `${formatCount(total.count)} times in `;
    const summary = `<b>${escapeHtml(total.rule)}</b> ${times}${formatCount(total.documents)} documents`;
    if (examples.length === 0) return `<p class="soft" style="margin:8px 0 0">${summary}</p>`;
    return `<details><summary>${summary}</summary><ul class="examples">${examples.join('')}</ul></details>`;
  });
  return `<div class="card"><h3>${title}</h3>${items.join('')}</div>`;
}
