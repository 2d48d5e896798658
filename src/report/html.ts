// report.html of one run: what its metrics.jsonl and pipeline.yaml say, section by section.
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { writeFileAtomic } from '../base/files.js';
import { metricsName, reportName, settingsName } from '../base/layout.js';
import { redactAll, shownUrls } from '../base/secrets.js';
import { english, type Speech } from '../language/speech.js';
import { dataSection } from './data-section.js';
import { filtersSection } from './filters-section.js';
import { gateSection } from './gate-section.js';
import { readMetrics, settleEvents, stageSeconds } from './metrics.js';
import { pageHtml } from './page.js';
import { rewardSection } from './reward-section.js';
import {
  answersSection,
  lineageSection,
  notesSection,
  type RunFacts,
  resultsSection,
  settingsSection,
  stagesSection,
  summarySection,
  trainingSections,
} from './sections.js';
import { spokenHtml } from './spoken.js';

const maxSettings = 1 << 20;

export interface ReportOptions {
  /** What to type to make this run again. */
  command: string;
  /** What each model stage handed on, oldest first; paths as they are to be shown. */
  models?: RunFacts['models'];
  /** Of its headings and sentences. */
  speech?: Speech;
}

/**
 * Writes `report.html` from the run's metrics.jsonl and pipeline.yaml; either may be missing or torn.
 * @returns the path of the report.
 */
export async function writeReport(
  runDirectory: string,
  { command, models = [], speech = english }: ReportOptions,
): Promise<string> {
  const directory = resolve(runDirectory);
  const { events, broken } = await readMetrics(join(directory, metricsName));
  const settings = await readSettings(join(directory, settingsName));
  const path = join(directory, reportName);
  const run = {
    name: settings?.name ?? basename(directory),
    command: shownUrls(command),
    models,
    seed: settings?.seed,
    settings: settings?.text,
    events: settleEvents(events),
    broken,
  };
  const html = page({ ...redactAll(run), seconds: stageSeconds(events) });
  await writeFileAtomic(path, spokenHtml(html, speech));
  return path;
}

function page(run: RunFacts): string {
  const results = [
    summarySection,
    answersSection,
    trainingSections,
    resultsSection,
    rewardSection,
    gateSection,
    stagesSection,
  ];
  const sections = [...results, dataSection, filtersSection, lineageSection, notesSection, settingsSection];
  return pageHtml(run.name, sections.map((each) => each(run)).join('\n'), 'Made by mossctl from metrics.jsonl.');
}

/** Only shown, never acted on: a file that cannot be read is skipped. */
async function readSettings(path: string): Promise<{ text: string; name?: string; seed?: string } | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined || text.length > maxSettings) return undefined;
  const document = parseDocument(text);
  const field = (key: string): string | undefined => {
    const value: unknown = document.errors.length === 0 ? document.get(key) : undefined;
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  };
  return { text, name: field('name'), seed: field('seed') };
}
