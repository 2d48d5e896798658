// The data-spec: one YAML file that says where a corpus comes from, under which licence, and what is kept of it.
// Relative paths in it are relative to the spec file, so that a spec and its texts can be moved together.
import { dirname, isAbsolute } from 'node:path';
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { digestOf, sha256File } from '../base/files.js';
import { loadYaml, type WhereIs } from '../base/yaml.js';
import { hubCommit } from '../network/hub.js';
import { silentReporter } from '../report/event.js';
import { filtersSchema } from './filters/table.js';
import { formulasSchema, sourceName } from './formulas-spec.js';
import { encodings } from './sources/encoding.js';
import { listFiles } from './sources/files.js';
import { fromFaults, fromForms, fromPrefix, parseFrom } from './sources/from.js';
import { repoOf } from './sources/hub.js';
import { recordFormats } from './sources/record-formats.js';
import { stdinFile } from './sources/stdin.js';
import { type Fact, factSchema } from './types.js';

export const formats = ['txt', ...recordFormats, 'chinese-poetry', 'wordnet', 'cc-cedict', 'grammar'] as const;
export type Format = (typeof formats)[number];

/** What the dictionaries and poems state is fixed by their format; rows say it by their columns. */
const factsOf: Partial<Record<Format, Fact['kind']>> = {
  'chinese-poetry': 'poem-line',
  wordnet: 'definition',
  'cc-cedict': 'translation',
};

const sourceSchema = z
  .strictObject({
    name: sourceName,
    from: z.string().regex(fromPrefix, `write ${fromForms}`).describe(fromForms),
    integrity: z.string().optional().describe('npm: sha512-… of the tarball; https: sha256-… or sha512-… of the file'),
    format: z.enum(formats).describe('how the files are read'),
    encoding: z
      .enum(encodings)
      .optional()
      .describe(
        'of text; auto, the default: UTF-8, UTF-16 by its zeros or mark, GB18030 where it is that and not Big5',
      ),
    language: z.enum(['zh', 'en', 'other', 'auto']).default('auto').describe('auto: by the script of each document'),
    licence: z.string().min(1).describe('licence of the text, shown in the report'),
    attribution: z
      .string()
      .min(1)
      .max(1000)
      .optional()
      .describe('what the licence asks to be said of where the text is from; in the report and on the model card'),
    url: z.url().optional().describe('where the text and its licence can be read'),
    split: z
      .enum(['file', 'paragraphs', 'lines'])
      .default('file')
      .describe('txt: what one document is; paragraphs end at a blank line'),
    separator: z.string().min(1).optional().describe('txt: a line that ends a document, instead of `split`'),
    columns: z
      .strictObject({
        text: z.string().min(1).default('text').describe('column of the document'),
        key: z.string().min(1).optional().describe('column of the word or line that a fact is about'),
        value: z.string().min(1).optional().describe('column of what the fact states'),
      })
      .prefault({})
      .describe(
        'jsonl, json, csv, tsv, parquet, arrow: names of the columns; with key and value, a row without text reads "key：value"',
      ),
    convert: z.enum(['simplified']).optional().describe('simplified: traditional Chinese characters are simplified'),
    exclude: z.array(z.string().min(1)).default([]).describe('documents that contain one of these are dropped'),
    limit: z
      .strictObject({
        bytes: z.int().min(1).optional().describe('stop after this many bytes of kept text'),
        documents: z.int().min(1).optional().describe('stop after this many kept documents'),
      })
      .prefault({})
      .describe('how much of the source is kept'),
    weight: z
      .number()
      .min(0.0001)
      .max(100)
      .default(1)
      .describe('below 1: that share of the documents is kept; above 1: training documents are repeated'),
    facts: factSchema.shape.kind.optional().describe('also collect what the source states, for the offline teacher'),
  })
  .superRefine((source, context) => {
    const complain = (key: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [key], message, input: source });
    for (const [key, message] of fromFaults(source)) complain(key, message);
    const isGrammar = source.format === 'grammar';
    if (isGrammar && source.convert !== undefined)
      complain('convert', 'a grammar is written in simplified characters already');
    const stated = factsOf[source.format];
    if (source.facts === undefined) return;
    if (stated !== undefined && stated !== source.facts) complain('facts', `${source.format} states ${stated} facts`);
    if (isGrammar) complain('facts', 'what a grammar says is made up: it states no facts');
    if (source.format === 'txt') complain('facts', 'plain text states no facts that we could read');
    const { key, value } = source.columns;
    const hasRows = (recordFormats as readonly Format[]).includes(source.format);
    if (hasRows && (key === undefined || value === undefined)) {
      complain('facts', 'name the columns of the fact: columns: { key: …, value: … }');
    }
  });

export const dataSpecSchema = z
  .strictObject({
    name: z.string().min(1).max(64).describe('name of the corpus'),
    minCharacters: z.int().min(1).default(2).describe('shorter documents are dropped'),
    maxCharacters: z
      .int()
      .min(1)
      .max(1 << 26)
      .default(1 << 20)
      .describe('longer documents are dropped; a longer text file becomes several documents'),
    sources: z.array(sourceSchema).default([]).describe('where the text comes from'),
    filters: filtersSchema
      .optional()
      .describe('what else is repaired, scrubbed or dropped; each is off until it is named'),
    formulas: formulasSchema.optional().describe('generated arithmetic: 12×3+9=45'),
  })
  .superRefine((spec, context) => {
    const complain = (path: (string | number)[], message: string): void =>
      context.addIssue({ code: 'custom', path, message, input: spec });
    if (spec.sources.length === 0 && spec.formulas === undefined) {
      complain(['sources'], 'name at least one source, or a formulas block');
    }
    const names = new Set(spec.formulas === undefined ? [] : [spec.formulas.name]);
    for (const [index, source] of spec.sources.entries()) {
      if (names.has(source.name)) complain(['sources', index, 'name'], `two sources are called ${source.name}`);
      names.add(source.name);
    }
  });

export type DataSpec = z.output<typeof dataSpecSchema>;
export type SourceSpec = z.output<typeof sourceSchema>;

/** @throws UserError with every fault of the file, each with its line and column. */
export function loadDataSpec(path: string): Promise<DataSpec> {
  return loadYaml(path, dataSpecSchema);
}

/** Of a source that nothing is found of: with the line that names it. */
export async function noSuchFile({ name, from }: SourceSpec, specPath: string): Promise<UserError> {
  let whereIs: WhereIs = () => specPath;
  const locate = (found: WhereIs): void => {
    whereIs = found;
  };
  const { sources } = await loadYaml(specPath, dataSpecSchema, [], { locate });
  const index = sources.findIndex((source) => source.name === name);
  return new UserError({
    what: `source ${name}: nothing is found at ${from}`,
    where: whereIs(`sources.${index}.from`),
    next: 'Check the path; a relative one starts from the folder of the data-spec',
  });
}

/**
 * Changes when anything that a corpus is built from changes: the spec, a local file, a pinned package, the commit that
 * a branch of the hub stands for (asked for once, then known from the cache).
 * @param stdin sha256 of what standard input gave. @param evaluationSets files that the corpus is kept clear of.
 */
export async function dataInputDigest(
  specPath: string,
  stdin?: string,
  evaluationSets: readonly string[] = [],
): Promise<string> {
  const spec = await loadDataSpec(specPath);
  const files: string[] = [];
  const commits: string[] = [];
  for (const source of spec.sources) {
    const from = parseFrom(source.from);
    if (from.kind === 'stdin') files.push((await stdinFile(stdin)).name, stdin ?? '');
    if (from.kind === 'hf') commits.push(await hubCommit(repoOf(from), { reporter: silentReporter }));
    if (from.kind !== 'file') continue;
    const found = await listFiles(dirname(specPath), from.path);
    if (found.length === 0) throw await noSuchFile(source, specPath);
    for (const file of found) files.push(file.name, await sha256File(file.path));
  }
  const lists = await Promise.all(filterFiles(spec, specPath, evaluationSets));
  return digestOf({ spec, files, ...(commits.length > 0 && { commits }), ...(lists.length > 0 && { lists }) });
}

/** sha256 of what filters read besides: lists of words, tasks of evaluations. */
function filterFiles({ filters }: DataSpec, specPath: string, evaluationSets: readonly string[]): Promise<string[]>[] {
  const { blocklist, decontaminate } = filters ?? {};
  const paths = [
    ...(blocklist?.file === undefined ? [] : [blocklist.file]),
    ...(decontaminate?.against ?? []),
    ...(decontaminate !== undefined && decontaminate.auto !== false ? evaluationSets : []),
  ];
  return paths.map(async (path) => {
    const files = await listFiles(isAbsolute(path) ? dirname(path) : dirname(specPath), path);
    return Promise.all(files.map((file) => sha256File(file.path)));
  });
}
