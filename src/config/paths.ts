// How a knob names files: relative to the file that names them; or rows, which a file, a folder or a pattern gives.
import { z } from 'zod';
import { feedbackName } from '../base/layout.js';

/** A file or folder, relative to the file that names it. */
export const path = (what: string) => z.string().min(1).describe(what).meta({ path: true });
export const optionalPath = (what: string) => path(what).optional().describe(what);
/** Of what `tokenizerFolder` finds. */
export const optionalTokenizer = (what: string) =>
  z.string().min(1).describe(what).meta({ path: true, tokenizer: true }).optional().describe(what);
/** Of what `readRows` reads. */
export const rows = (what: string) =>
  z.string().min(1).describe(`${what}; a file, a folder or a pattern`).meta({ path: true, rows: true });
export const optionalRows = (what: string) => rows(what).optional().describe(`${what}; a file, a folder or a pattern`);

/** One source of rows, or a list of sources, each alone or with a weight. */
export const weighedSources = <Source extends z.ZodType<string, string>>(source: Source, weight: string) => {
  const weighed = z.strictObject({ path: source, weight: z.number().gt(0).max(1000).default(1).describe(weight) });
  return z.union([
    source,
    z
      .array(z.union([source, weighed]))
      .min(1)
      .max(1000),
  ]);
};

/** Rows, or the feedback store of the working folder. */
export const rowsOrFeedback = (what: string) => z.union([z.literal(feedbackName), rows(what)]);

/** Of the stages that tune a model. */
export const startPath = (before: string) =>
  optionalPath(
    `checkpoint, run or model folder, or hf:ORG/NAME@REVISION to start from, in place of the ${before} that this run makes`,
  );
