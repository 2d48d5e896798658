// What a build reports of its sources: an event for each in the report, a line for each that lost something, and the
// error where nothing is left.
import { UserError } from '../base/errors.js';
import { formatBytes, formatCount } from '../base/format.js';
import type { CorpusPart, SourceFate, StageReporter } from '../report/event.js';
import { filterNames, filters } from './filters/table.js';
import type { DataManifest, DropRule, SourceReport } from './manifest.js';
import { splits } from './split.js';

const ofScope = (scope: string): DropRule[] => filterNames.filter((name) => filters[name].scope === scope);

/** The rules in the order in which a document meets them. */
const funnelOrder: readonly DropRule[] = [
  'unreadable',
  ...ofScope('raw'),
  'empty',
  'short',
  'long',
  'excluded',
  ...ofScope('document'),
  'duplicate',
  ...ofScope('corpus'),
];

/** Reports what became of each source, and what there is in all. */
export function reportFates(manifest: DataManifest, reporter: StageReporter): void {
  for (const source of manifest.sources) {
    const { name, licence, attribution, url, total, dropped, controlCharacters } = source;
    const documents = total.train.documents + total.validation.documents;
    const bytes = total.train.bytes + total.validation.bytes;
    const fate = fateOf(source);
    const stated = { licence, ...(attribution && { attribution }), ...(url && { url }) };
    reporter.emit({ type: 'licence', source: name, ...stated, documents, bytes, fate });
    const edits = editedInWords(source);
    if (documents === 0 || Object.keys(dropped).length > 0 || controlCharacters > 0 || edits !== '') {
      const removed = controlCharacters > 0 ? `, control characters removed: ${formatCount(controlCharacters)}` : '';
      const text = `${name}: ${formatCount(documents)} documents kept${droppedInWords(source)}${edits}${removed}`;
      const level = documents === 0 || dropped.unreadable !== undefined ? 'warning' : 'info';
      reporter.note(level, text);
    }
  }
  reporter.emit({ type: 'composition', parts: languageParts(manifest), funnel: funnelOf(manifest) });
  const { train, validation } = manifest.total;
  const sizes = [train, validation].map((half) => `${formatCount(half.documents)} (${formatBytes(half.bytes)})`);
  reporter.note('info', `documents: ${sizes[0]} for training, ${sizes[1]} held out`);
  const share = validation.bytes / Math.max(1, train.bytes + validation.bytes);
  if (share > manifest.validation + tolerated) {
    const text = `${(100 * share).toFixed(0)} % of the text is held out, ${formatPercent(manifest.validation)} were asked for: whole documents are, and there are few. More texts, or split: paragraphs, make it less; data.validation=0 holds nothing out`;
    reporter.note('warning', text);
  }
}

/** What more than asked for may be held out before it is said. */
const tolerated = 0.1;
const formatPercent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`;

function fateOf({ read, left, dropped, edited = {} }: SourceReport): SourceFate {
  return {
    read,
    left,
    dropped: funnelOrder.flatMap((rule) => {
      const found = dropped[rule];
      return found === undefined ? [] : { rule, documents: found.documents, examples: found.examples ?? [] };
    }),
    edited: Object.entries(edited).map(([kind, { documents, count, examples = [] }]) => {
      return { kind, documents, count, examples };
    }),
  };
}

/** What each rule took of all sources. Weights and limits take theirs around the search for duplicates. */
function funnelOf({ sources }: DataManifest): { rule: string; documents: number }[] {
  const sum = (of: (source: SourceReport) => number): number => sources.reduce((total, each) => total + of(each), 0);
  const rules = funnelOrder.map((rule) => ({ rule, documents: sum(({ dropped }) => dropped[rule]?.documents ?? 0) }));
  const left = { rule: 'subsampled (weight, limit)', documents: sum((source) => source.left) };
  const at = funnelOrder.indexOf('duplicate');
  return [...rules.slice(0, at), left, ...rules.slice(at)].filter(({ documents }) => documents > 0);
}

function languageParts({ languages }: DataManifest): CorpusPart[] {
  return Object.entries(languages).flatMap(([language, halves]) =>
    splits.map((split) => ({ split, language, ...halves[split] })).filter(({ documents }) => documents > 0),
  );
}

export function isEmpty({ total }: SourceReport): boolean {
  return splits.every((split) => total[split].documents === 0);
}

/** A source that gives nothing is a mistake in the data-spec, or in its files: nobody names one for that. */
export function emptySource(source: SourceReport, specPath: string): UserError {
  const left = source.left > 0 ? `, ${formatCount(source.left)} subsampled by its weight or limit` : '';
  const lost = `${droppedInWords(source)}${left}`;
  return new UserError({
    what: `source ${source.name} keeps no document`,
    where: specPath,
    why: `${formatCount(source.read)} read${lost || ', nothing in them'}`,
    next: 'Correct the source or what drops its documents, or take it out of the data-spec',
  });
}

/** Why there is nothing, source by source. */
export function emptyCorpus(sources: readonly SourceReport[], specPath: string): UserError {
  const reasons = sources.map(
    (source) => `${source.name}: ${formatCount(source.read)} read${droppedInWords(source) || ', nothing in them'}`,
  );
  return new UserError({
    what: 'no document is left to train on',
    where: specPath,
    why: reasons.join('; '),
    next: 'Check the paths and the filters of the data-spec (minCharacters, maxCharacters, exclude, limit, filters)',
  });
}

const plainRules: readonly string[] = ['empty', 'short', 'long', 'excluded', 'duplicate'];

/** `, 3 dropped as short (first: poems:a.txt:1)` */
function droppedInWords(source: SourceReport): string {
  return Object.entries(source.dropped)
    .map(([rule, { documents, example, examples }]) => {
      // A filter says its measure there, and a reader what was wrong; of the plain rules the name says all.
      const first = plainRules.includes(rule) ? example : (examples?.[0] ?? example);
      return `, ${formatCount(documents)} dropped as ${rule} (first: ${first})`;
    })
    .join('');
}

/** `, scrub.PHONE: 3 in 2 documents (first: posts:a.jsonl:1)` */
function editedInWords({ edited = {} }: SourceReport): string {
  return Object.entries(edited)
    .map(([kind, { documents, count, example }]) => {
      return `, ${kind}: ${formatCount(count)} in ${formatCount(documents)} documents (first: ${example})`;
    })
    .join('');
}
