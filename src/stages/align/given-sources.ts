// Where given preferences are read from: rows of a file, a folder, a pattern or a data set of a hub; or a feedback store,
// which chat and annotate write.
import { exists, sha256File } from '../../base/files.js';
import { feedbackName } from '../../base/layout.js';
import type { RowNotes } from '../../data/conversations/notes.js';
import type { RowChoice } from '../../data/preferences/formats.js';
import { readPreferences } from '../../data/preferences/read.js';
import type { Preference } from '../../data/preferences/types.js';
import { type FeedbackCounts, readFeedbackPreferences } from '../../feedback/preferences.js';
import { defaultStore, isFeedbackStore } from '../../feedback/store.js';
import { type RowSource, rowSources, type SourceChoice } from '../sft/sources.js';

export interface PreferenceSource extends RowSource {
  isFeedback: boolean;
}

export async function preferenceSources(data: SourceChoice): Promise<PreferenceSource[]> {
  const place = (path: string): string => (path === feedbackName ? defaultStore : path);
  const placed = [data].flat().map((each) => {
    return typeof each === 'string' ? place(each) : { ...each, path: place(each.path) };
  });
  const sources = await rowSources(placed);
  return Promise.all(sources.map(async (source) => ({ ...source, isFeedback: await isFeedbackStore(source.path) })));
}

/** Of the feedback store, where one of these names it: settings hold no more of it than its name. */
export async function feedbackDigest(...named: (SourceChoice | undefined)[]): Promise<string | undefined> {
  const isNamed = named.flat().some((each) => (typeof each === 'object' ? each.path : each) === feedbackName);
  return isNamed && (await exists(defaultStore)) ? sha256File(defaultStore) : undefined;
}

/** The preferences of a source, each with its place; `notes` hears of what is no preference. */
export async function* preferencesFrom(
  { path, name, isFeedback }: PreferenceSource,
  notes: RowNotes,
  choice: RowChoice = {},
): AsyncGenerator<{ preference: Preference; where: string }> {
  if (!isFeedback) {
    yield* readPreferences(path, notes, { ...choice, source: name });
    return;
  }
  const counts: FeedbackCounts = { judgements: 0, ties: 0, skipped: 0 };
  for await (const preference of readFeedbackPreferences(path, counts)) {
    notes.read();
    yield { preference, where: `${path}, ${preference.id}` };
  }
  const { ties, skipped } = counts;
  for (let i = 0; i < ties; i++) notes.skip('neither answer was called better', path);
  for (let i = 0; i < skipped; i++) notes.skip('its annotator skipped it', path);
}
