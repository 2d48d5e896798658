// manifest.json of a built corpus: what is in it, from where, under which licence, and what was dropped and why.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { exists, readJsonIfExists, sha256File } from '../base/files.js';
import { corpusFolder, corpusManifestName } from '../base/layout.js';
import { dropRules } from './clean.js';
import { filterNames } from './filters/table.js';

const count = z.int().min(0);
const tally = z.strictObject({ documents: count, bytes: count });
const halves = z.strictObject({ train: tally, validation: tally });
const affected = {
  documents: count,
  /** Where the first of them is. */
  example: z.string(),
  /** The first few: where, and the measure and how the text begins, or the place before → after. */
  examples: z.array(z.string()).optional(),
};

const manifestSchema = z.strictObject({
  format: z.literal(1),
  name: z.string(),
  seed: z.int(),
  /** The share held out. */
  validation: z.number(),
  total: halves,
  languages: z.strictObject({ zh: halves, en: halves, other: halves }),
  sources: z.array(
    z.strictObject({
      name: z.string(),
      from: z.string(),
      licence: z.string(),
      /** What the licence asks to be said wherever the text, or what is made of it, is shown. */
      attribution: z.string().optional(),
      url: z.string().optional(),
      /** The commit of the hub that an hf source was read at. */
      commit: z.string().optional(),
      /** Documents read, before anything was dropped. */
      read: count,
      total: halves,
      /** Rule → how many, and the first of them. */
      dropped: z.partialRecord(z.enum([...dropRules, ...filterNames]), z.strictObject(affected)),
      /** What filters changed, `scrub.PHONE` → in how many documents, how often, and where first. */
      edited: z.record(z.string(), z.strictObject({ ...affected, count })).optional(),
      /** Documents that a weight below 1 or a limit skipped. */
      left: count,
      controlCharacters: count,
    }),
  ),
  /** What the arithmetic of the corpus was made from: `isHeldOutPair` says which pairs are held out. */
  formulas: z.strictObject({ seed: z.int(), heldOut: z.number(), operators: z.array(z.string()) }).optional(),
  facts: z.record(z.string(), count),
  files: z.record(z.string(), z.strictObject({ bytes: count, sha256: z.string() })),
  /** Of the whole manifest but itself: equal corpora, equal digests. */
  digest: z.string(),
});

export type DataManifest = z.output<typeof manifestSchema>;
export type SourceReport = DataManifest['sources'][number];
export type DropRule = keyof SourceReport['dropped'];
export type Halves = DataManifest['total'];

export const manifestFormat = 1;

export function emptyHalves(): Halves {
  return { train: { documents: 0, bytes: 0 }, validation: { documents: 0, bytes: 0 } };
}

/** Of a run folder, its data folder, or the corpus itself; undefined where none of them holds one. */
export async function corpusIn(folder: string): Promise<string | undefined> {
  const places = [folder, join(folder, corpusFolder), join(folder, 'data'), join(folder, 'data', corpusFolder)];
  for (const place of places) if (await exists(join(place, corpusManifestName))) return place;
  return undefined;
}

/** @throws UserError where the folder is no built corpus, or a file of it is missing or cut short. */
export async function readDataManifest(path: string): Promise<DataManifest> {
  const notOurs = (why: string): UserError =>
    new UserError({
      what: 'this is not a built corpus',
      where: path,
      why,
      next: 'Build one with `mossctl data build SPEC`',
    });
  const value = await readJsonIfExists(join(path, corpusManifestName)).catch(() => null);
  if (value === undefined) throw notOurs('there is no manifest.json in it');
  const manifest = manifestSchema.safeParse(value);
  if (!manifest.success) throw notOurs('its manifest.json is broken or from another version');
  for (const [name, { bytes }] of Object.entries(manifest.data.files)) {
    const found = await stat(join(path, name)).catch(() => undefined);
    if (found?.size !== bytes) throw notOurs(`${name} is ${found === undefined ? 'missing' : 'cut short'}`);
  }
  return manifest.data;
}

/** The path of a corpus's file, read once to see that it is as it was written. @throws UserError where it is not. */
export async function checkedFile(path: string, name: string): Promise<string> {
  const { files } = await readDataManifest(path);
  const file = join(path, name);
  if (files[name] !== undefined && (await sha256File(file)) === files[name].sha256) return file;
  throw new UserError({
    what: 'this file of the corpus has changed since it was built',
    where: file,
    why: 'its sha256 is not the one in manifest.json',
    next: 'Build the corpus again with `mossctl data build SPEC`',
  });
}
