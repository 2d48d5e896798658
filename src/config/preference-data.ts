// The knobs that say which preferences a person gives, how their rows are read, and which of them decide on a promotion.
import { z } from 'zod';
import { optionalRows, rowsOrFeedback, weighedSources } from './paths.js';

/** How rows of preferences may be written: recognised by their fields, unless one is named. */
export const preferenceFormats = ['trl', 'trl-unpaired', 'ranking', 'kto', 'moss-rlhf', 'hh-rlhf'] as const;
export type PreferenceFormat = (typeof preferenceFormats)[number];

const preferences = rowsOrFeedback('preferences (rows of JSONL, Parquet, …), hf:ORG/NAME, or feedback');
export const preferenceDataShape = {
  data: weighedSources(preferences, 'how much a preference of these counts in the loss')
    .optional()
    .describe(
      'preferences of people: rows with prompt, chosen and rejected, or with an answer and its label (a file, a folder, a pattern, hf:ORG/NAME), feedback (what chat and annotate collected), or a list of those or of {path, weight}',
    ),
  format: z
    .enum(preferenceFormats)
    .optional()
    .describe('how rows of `data` say a preference; default: recognised by the fields that each row has'),
  evalData: optionalRows(
    'preferences to decide on a promotion with; default: a share of `data`; methods that sample as they learn read none of it',
  ),
  validation: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.05)
    .describe(
      'share of the preferences that is held out to decide on a promotion with, where no others are given for that (1000 at most, by hash); methods that sample as they learn read none of it',
    ),
};
