// The report's sections, each from a run's settled events. Everything that came from outside goes through escapeHtml.
import { formatCount, formatSeconds, kebabCase } from '../base/format.js';
import { stageCharts } from './charts.js';
import { escapeHtml } from './escape.js';
import type { Event, Metrics } from './event.js';
import { formatMetric } from './meaning.js';
import type { TimedEvent } from './metrics.js';
import { headerHtml, rowHtml, section, tableHtml } from './page.js';
import { sentenceOf } from './results.js';
import { resultsHtml } from './results-html.js';
import { statisticsHtml } from './statistics.js';
import { verdictsOf } from './verdicts.js';

export interface RunFacts {
  name: string;
  /** What a person types to make this run again. */
  command: string;
  /** What each model stage handed on, oldest first; paths as they are to be shown. */
  models: readonly { stage: string; path: string; digest: string }[];
  seed?: string;
  /** The resolved pipeline file. */
  settings?: string;
  events: readonly TimedEvent[];
  seconds: ReadonlyMap<string, number>;
  /** Lines of metrics.jsonl that could not be read. */
  broken: number;
}

type Kind = Event['type'];
export type Of<K extends Kind> = Extract<TimedEvent, { type: K }>;

export function ofType<K extends Kind>(events: readonly TimedEvent[], type: K): Of<K>[] {
  return events.filter((event): event is Of<K> => event.type === type);
}

const maxSamples = 8;
const maxEarlierSamples = 40;
const maxNotes = 100;

export function summarySection(run: RunFacts): string {
  const total = [...run.seconds.values()].reduce((a, b) => a + b, 0);
  const tokens = ofType(run.events, 'step').reduce((sum, step) => sum + step.tokens, 0);
  const backend = ofType(run.events, 'note').flatMap(({ backend }) => backend ?? []);
  const facts: [string, string][] = [['Total time', total > 0 ? formatSeconds(total) : '–']];
  if (backend.length > 0) facts.push(['Backend', [...new Set(backend)].join(', ')]);
  if (tokens > 0) facts.push(['Tokens trained on', formatCount(tokens)]);
  if (run.seed !== undefined) facts.push(['Seed', run.seed]);
  const tiles = facts.map(([name, value]) => `<div class="fact"><dt>${name}</dt><dd>${escapeHtml(value)}</dd></div>`);
  const sentences = sentencesOf(run).map((sentence) => `<p>${escapeHtml(sentence)}</p>`);
  return `<h1>${escapeHtml(run.name)}</h1>
<p class="lead">From text to a chat model with mossctl.</p>
${sentences.join('\n')}
<dl class="facts">${tiles.join('')}</dl>
<p class="soft">To make this run again:</p>
<pre>${escapeHtml(run.command)}</pre>`;
}

/** The stages that were trained after the newest results were measured, which then are of models that are there no longer. */
function trainedSince(events: readonly TimedEvent[]): string[] {
  const measured = events.findLastIndex(({ type }) => type === 'table');
  if (measured === -1) return [];
  return [...new Set(ofType(events.slice(measured), 'step').map(({ stage }) => kebabCase(stage)))];
}

/** What each stage gained on the one before; where nothing was measured, how its training went. */
function sentencesOf({ events }: RunFacts): string[] {
  const isStale = trainedSince(events).length > 0;
  const comparisons = isStale ? [] : (ofType(events, 'table').at(-1)?.comparisons ?? []);
  if (comparisons.length > 0) return comparisons.map((comparison) => sentenceOf(comparison));
  return stagesOf(events).flatMap((stage) => {
    const steps = ofType(events, 'step').filter((step) => step.stage === stage);
    const verdicts = verdictsOf(events, stage);
    if (verdicts.length > 0 || steps.length < 2) return verdicts;
    const [first, last] = [steps[0], steps[steps.length - 1]].map(({ loss }) => formatMetric('loss', loss));
    return [
      `${kebabCase(stage)}: the training loss went from ${first} to ${last} in ${formatCount(steps.length)} steps.`,
    ];
  });
}

/** base → sft → align, the best of each row marked; then what each stage gained on the one before. */
export function resultsSection({ events }: RunFacts): string {
  const table = ofType(events, 'table').at(-1);
  if (table === undefined || table.columns.length === 0) return '';
  const trained = trainedSince(events).join(' and ');
  const stale = `These results were measured before ${trained} was trained: mossctl eval measures what is there now.`;
  const note = trained === '' ? '' : `<ul class="notes"><li class="warning">${escapeHtml(stale)}</li></ul>`;
  return note + resultsHtml('Results on held-out data', table, { withoutSentences: true }); // the page opens with them
}

const answersOf = 'eval ';

/** What each checkpoint answered to the same prompts, side by side. */
export function answersSection({ events }: RunFacts): string {
  const answers = ofType(events, 'sample').filter(({ stage }) => stage.startsWith(answersOf));
  const newest = new Map(answers.map((answer) => [answer.stage, answer.step]));
  const shown = answers.filter(({ stage, step }) => newest.get(stage) === step);
  const prompts = [...new Set(shown.map(({ prompt }) => prompt))].slice(0, maxSamples);
  if (prompts.length === 0) return '';
  const rows = prompts.map((prompt) => {
    const cells = [...newest.keys()].map((stage) => {
      const answer = shown.find((one) => one.stage === stage && one.prompt === prompt);
      return `<td>${answer === undefined ? '' : escapeHtml(answer.completion)}</td>`;
    });
    return `<tr><td class="soft">${escapeHtml(prompt)}</td>${cells.join('')}</tr>`;
  });
  const header = headerHtml(['prompt', ...[...newest.keys()].map((stage) => stage.slice(answersOf.length))]);
  return section('Answers to held-out prompts', tableHtml(header, rows, 'answers'));
}

export function stagesSection({ events, seconds }: RunFacts): string {
  const rows = stagesOf(events).map((stage) => {
    const own = events.filter((event) => event.stage === stage);
    const steps = ofType(own, 'step');
    const state = ofType(own, 'stage').at(-1)?.state;
    const cells = [
      `<span>${state === 'finished' || state === 'skipped' ? 'finished' : 'interrupted'}</span>`,
      seconds.has(stage) ? formatSeconds(seconds.get(stage) ?? 0) : '–',
      steps.length === 0 ? '' : formatCount(steps.length),
      steps.length === 0 ? '' : formatCount(steps.reduce((sum, { tokens }) => sum + tokens, 0)),
      steps.length === 0 ? '' : formatMetric('loss', steps[steps.length - 1].loss),
    ];
    return rowHtml(escapeHtml(kebabCase(stage)), cells);
  });
  if (rows.length === 0) return '';
  const header = headerHtml(['stage', 'state', 'time', 'steps', 'tokens', 'last loss']);
  return section('Stages', tableHtml(header, rows));
}

/** Curves and samples of every stage that trains. */
export function trainingSections({ events }: RunFacts): string {
  return stagesOf(events)
    .map((stage) => {
      const own = events.filter((event) => event.stage === stage);
      const charts = stageCharts(own);
      const said = ofType(own, 'sample');
      const samples =
        samplesHtml(said.filter(({ before }) => before === undefined)) +
        comparedHtml(said.filter(({ before }) => before !== undefined));
      if (charts === '' && samples === '') return '';
      const layers = statisticsHtml(ofType(own, 'statistics'));
      const last = Object.assign({}, ...ofType(own, 'evaluation').map(({ metrics }) => metrics)) as Metrics;
      const chips = Object.entries(last)
        .map(([name, value]) => `<span>${escapeHtml(name)} <b>${escapeHtml(formatMetric(name, value))}</b></span>`)
        .join('');
      const curves = charts === '' ? '' : `<div class="card"><div class="chips">${chips}</div>${charts}</div>`;
      return section(`Stage: ${kebabCase(stage)}`, curves + layers + samples);
    })
    .join('');
}

function samplesHtml(samples: readonly Of<'sample'>[]): string {
  if (samples.length === 0) return '';
  const last = samples[samples.length - 1].step;
  const newest = samples.filter(({ step }) => step === last).slice(0, maxSamples);
  const earlier = samples.filter(({ step }) => step !== last).slice(-maxEarlierSamples);
  const row = ({ prompt, completion, reward }: Of<'sample'>): string =>
    `<div class="sample"><div class="prompt">${escapeHtml(prompt) || '<span>(nothing)</span>'}</div><div>${escapeHtml(completion)}${worthHtml(reward)}</div></div>`;
  const steps = [...new Set(earlier.map(({ step }) => step))].map(
    (step) =>
      `<p class="soft" style="margin-top:12px">step ${formatCount(step)}</p>${earlier
        .filter((sample) => sample.step === step)
        .map(row)
        .join('')}`,
  );
  const more = steps.length === 0 ? '' : `<details><summary>Earlier samples</summary>${steps.join('')}</details>`;
  return `<div class="card"><h3>Samples <span class="soft">(step ${formatCount(last)})</span></h3>${newest.map(row).join('')}${more}</div>`;
}

function worthHtml(reward: number | undefined): string {
  return reward === undefined ? '' : ` <small>${formatMetric('reward', reward)}</small>`;
}

/** What the policy of the last round answered, and what the candidate did. */
function comparedHtml(samples: readonly Of<'sample'>[]): string {
  const last = samples.at(-1)?.step;
  if (last === undefined) return '';
  const rows = samples
    .filter(({ step }) => step === last)
    .slice(0, 2 * maxSamples)
    .map(({ prompt, completion, before, reward }) => {
      const cells = [
        `<td class="soft">${escapeHtml(prompt)}</td>`,
        `<td>${escapeHtml(before?.completion ?? '')}${worthHtml(before?.reward)}</td>`,
        `<td>${escapeHtml(completion)}${worthHtml(reward)}</td>`,
      ];
      return `<tr>${cells.join('')}</tr>`;
    });
  const title = `<h3>Answers before and after round ${formatCount(last)} <span class="soft">(those whose reward changed most, one sample each)</span></h3>`;
  return title + tableHtml(headerHtml(['prompt', 'before', 'after']), rows, 'answers');
}

/** Which model came from which. */
export function lineageSection({ models }: RunFacts): string {
  if (models.length === 0) return '';
  const boxes = models.map(
    ({ stage, path, digest }) =>
      `<div class="card"><h3>${escapeHtml(kebabCase(stage))}</h3>` +
      `<code title="${escapeHtml(digest)}">${escapeHtml(digest.slice(0, 12))}</code>` +
      `<div class="soft"><code>${escapeHtml(path)}</code></div></div>`,
  );
  return section(
    'Lineage',
    `<p class="soft">The model that each stage handed on, and the beginning of its digest. Equal training gives equal digests; an align that found nothing better hands on the model it was given.</p><div class="lineage">${boxes.join('<div class="arrow">→</div>')}</div>`,
  );
}

export function notesSection({ events, broken }: RunFacts): string {
  const notes = ofType(events, 'note').sort((a, b) => Number(b.level === 'warning') - Number(a.level === 'warning'));
  const items = notes
    .slice(0, maxNotes)
    .map(
      ({ level, stage, text }) =>
        `<li${level === 'warning' ? ' class="warning"' : ''}><span class="tag">${escapeHtml(kebabCase(stage))}</span> ${escapeHtml(text)}</li>`,
    );
  if (notes.length > maxNotes) items.push(`<li class="soft">and ${formatCount(notes.length - maxNotes)} more</li>`);
  if (broken > 0) items.push(`<li class="soft">${formatCount(broken)} lines of metrics.jsonl could not be read</li>`);
  return items.length === 0 ? '' : section('Notes', `<div class="card"><ul class="notes">${items.join('')}</ul></div>`);
}

export function settingsSection({ settings }: RunFacts): string {
  if (settings === undefined) return '';
  return section(
    'Settings',
    `<div class="card"><details><summary>pipeline.yaml: every setting of this run</summary><pre>${escapeHtml(settings)}</pre></details></div>`,
  );
}

function stagesOf(events: readonly TimedEvent[]): string[] {
  return [...new Set(ofType(events, 'stage').map(({ stage }) => stage))];
}
