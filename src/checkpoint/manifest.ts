// mossctl.json: where a checkpoint comes from, and the sha256 of every other file in it.
// Its own sha256 therefore identifies the whole folder. It holds no clock time, path or duration: equal training gives
// equal bytes, so equal digests. Its `seal` is the sha256 of the rest of it: a changed byte is noticed here too.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Fault, systemErrorCode, UserError } from '../base/errors.js';
import { exists, sha256, sha256File, sortKeys } from '../base/files.js';
import { manifestName } from '../base/layout.js';

const sealName = 'seal';
const formatNumber = 1;
const maxManifestBytes = 16 << 20;
const maxJsonDepth = 100;

const digest = z.string().regex(/^[0-9a-f]{64}$/);
/** The stage that made it; `import`: a third-party model. */
const stage = z.string().regex(/^[a-z][A-Za-z]{0,63}$/);
const count = z.int().min(0);
const shortText = z.string().max(300);

const manifestSchema = z.object({
  format: z.literal(formatNumber),
  stage,
  step: count,
  tokensSeen: count,
  /** Digest of the checkpoint that this one started from; null for a model trained from nothing. */
  parent: digest.nullable(),
  /** The last checkpoint of every stage before this one, oldest first. */
  lineage: z.array(z.object({ stage, step: count, digest })).max(1000),
  /** Every random choice follows from it; absent where it is not known, as in checkpoints of earlier versions. */
  seed: z.number().optional(),
  /** The resolved settings of the stage. */
  settings: z.json(),
  /** Digest of what the stage was given: data, tokenizer, parent. */
  inputDigest: z.string().max(1000),
  metrics: z.record(z.string(), z.number()),
  /** A plain name, or one inside training/: never a way out of the folder. */
  files: z.record(z.string().regex(/^(training\/)?[A-Za-z0-9_][A-Za-z0-9._-]{0,200}$/), digest),
  versions: z.object({ mossctl: z.string(), tfjs: z.string() }),
  backend: z.string().max(100),
  /** Threads divide sums, so the bits of a checkpoint follow from them; null: not ours to choose on this backend. */
  threads: z.int().min(1).nullable().default(null),
  precision: z.string().max(100).default('fp32'),
  /** Processes that trained together, each with so many threads; absent: one. Sums are divided over them, too. */
  ranks: z.int().min(2).optional(),
  /** Saved before it was evaluated and sampled from, which is not done yet: `metrics` holds older figures. */
  unmeasured: z.literal(true).optional(),
  /** The dtype that the published model came in, which exports keep; absent: f32. */
  storedAs: z.enum(['f16', 'bf16']).optional(),
  /** Of an adapter: the checkpoint that it changes, by where it was found (a folder, or ORG/NAME of a hub) and its digest. */
  base: z.strictObject({ name: z.string().max(4096), revision: shortText.optional(), digest }).optional(),
  /** Settings that were changed when an interrupted training was resumed, in order; absent where none were. */
  overrides: z
    .array(z.strictObject({ step: count, key: shortText, from: shortText, to: shortText }))
    .max(1000)
    .optional(),
  /** Spikes that the training went back for, in order, and what it skipped for each; absent where there were none. */
  skipped: z
    .array(
      z.strictObject({
        step: count.describe('the step that spiked'),
        backTo: count.describe("the checkpoint's that was gone back to"),
        reason: shortText,
        documents: count.describe('in the batches of the steps from the checkpoint on, the one that spiked included'),
        ids: z.array(z.string().max(10_000)).max(1000).describe('of those documents: the first thousand'),
      }),
    )
    .max(1000)
    .optional(),
});
export type Manifest = z.output<typeof manifestSchema>;

/** What a stage says of a checkpoint; saving adds the rest. */
export type ManifestFields = Omit<Manifest, 'format' | 'files' | 'versions'>;

/** The text of mossctl.json. Metrics that are not finite are skipped: JSON cannot hold them. */
export async function manifestText(fields: ManifestFields, files: Record<string, string>): Promise<string> {
  return textOf({ ...fields, format: formatNumber, files, versions: await versions() });
}

/** The text of a manifest once its checkpoint has been measured. */
export function measuredManifestText({ unmeasured: _, ...manifest }: Manifest, metrics: Manifest['metrics']): string {
  return textOf({ ...manifest, metrics });
}

function textOf(manifest: Manifest): string {
  const metrics = Object.fromEntries(Object.entries(manifest.metrics).filter(([, value]) => Number.isFinite(value)));
  return sealed(manifestSchema.parse({ ...manifest, metrics }));
}

/** The JSON of a manifest with the sha256 of that JSON in it. */
function sealed(manifest: Record<string, unknown>): string {
  return canonicalJson({ ...manifest, [sealName]: sha256(canonicalJson(manifest)) });
}

/** A checkpoint that is whole, but not for us to read: never to be taken for a damaged one. */
export class NewerFormat extends UserError {
  constructor(format: number, path: string) {
    super({
      what: `this checkpoint has format ${format}, this mossctl reads format ${formatNumber}`,
      where: path,
      why: 'a newer mossctl wrote it',
      next: 'Upgrade: npm install mossctl@latest',
    });
  }
}

/**
 * Reads and validates mossctl.json of a checkpoint folder; the digest is the checkpoint's.
 * @throws UserError where it is absent, broken, or of a newer format.
 */
export async function readManifest(directory: string): Promise<{ manifest: Manifest; digest: string }> {
  const path = join(directory, manifestName);
  const bytes = await readSmallFile(path, maxManifestBytes);
  const value = parseJson(bytes.toString('utf8'), path);
  const format = z.object({ format: z.int() }).safeParse(value);
  if (format.success && format.data.format > formatNumber) {
    checkSeal(value as Record<string, unknown>, bytes, path); // else a flipped digit would pass for a newer format
    throw new NewerFormat(format.data.format, path);
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) throw damagedFile(path, firstIssue(parsed.error));
  checkSeal(value as Record<string, unknown>, bytes, path);
  return { manifest: parsed.data, digest: sha256(bytes) };
}

/** Before there were seals there were none of today's other additions either: then every key must be known. */
function checkSeal(value: Record<string, unknown>, bytes: Buffer, path: string): void {
  const { [sealName]: seal, ...manifest } = value;
  const isWhole =
    seal === undefined
      ? Object.keys(manifest).every((key) => Object.hasOwn(manifestSchema.shape, key))
      : bytes.equals(Buffer.from(sealed(manifest)));
  if (!isWhole) throw damagedFile(path, 'it is not, byte for byte, what was saved (its own sha256 differs)');
}

/**
 * Compares the files of a checkpoint that `isWanted` names with the sha256 that its manifest states.
 * @throws UserError naming each file that is missing or differs.
 */
export async function verifyFiles(
  directory: string,
  manifest: Manifest,
  isWanted: (name: string) => boolean = () => true,
): Promise<void> {
  const faults: Fault[] = [];
  for (const [name, expected] of Object.entries(manifest.files)) {
    if (!isWanted(name)) continue;
    const path = join(directory, name);
    if (!(await exists(path))) faults.push(fileFault(path, 'the file is missing'));
    else if ((await sha256File(path)) !== expected) {
      faults.push(fileFault(path, `its ${(await stat(path)).size} bytes are ${otherThanSaved}`));
    }
  }
  if (faults.length > 0) throw new UserError(faults);
}

/** @throws UserError where a file that has just been read is not the one that was saved. */
export function checkDigest(directory: string, manifest: Manifest, name: string, sha256: string): void {
  if (sha256 !== manifest.files[name]) throw damagedFile(join(directory, name), `its bytes are ${otherThanSaved}`);
}

const otherThanSaved = 'not the ones that were saved (sha256 differs)';

export function damagedFile(where: string, why: string): UserError {
  return new UserError(fileFault(where, why));
}

function fileFault(where: string, why: string): Fault {
  return { what: 'this checkpoint is damaged', where, why, next: 'Use an earlier step, or make or fetch it again' };
}

/** JSON with sorted keys at every depth, and a refusal of what JSON would silently change. */
export function canonicalJson(value: unknown): string {
  const text = JSON.stringify(
    value,
    (key, v: unknown) => {
      if (typeof v === 'number' && !Number.isFinite(v)) throw new Error(`JSON cannot hold ${key} = ${v}`);
      if (ArrayBuffer.isView(v)) throw new Error(`JSON cannot hold the typed array ${key}`);
      return sortKeys(v);
    },
    2,
  );
  return `${text}\n`;
}

/** The text of a file of bounded size. Throws as `readSmallFile`. */
export async function readSmallText(path: string, maxBytes: number): Promise<string> {
  return (await readSmallFile(path, maxBytes)).toString('utf8');
}

/** A file of bounded size; a missing or oversized one is a damaged checkpoint. */
async function readSmallFile(path: string, maxBytes: number): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size > maxBytes) throw damagedFile(path, `it has ${size} bytes; ${maxBytes} is the limit`);
    return await readFile(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') throw damagedFile(path, 'the file is missing');
    if (systemErrorCode(error) === 'EISDIR') throw damagedFile(path, 'there is a folder in its place');
    throw error;
  }
}

/** Parsed JSON that is safe to walk: what nests too deeply would exhaust the stack of whoever looks into it. */
export function parseJson(text: string, path: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (text.startsWith('\uFEFF'))
      throw damagedFile(path, 'it begins with a byte-order mark, which JSON does not allow');
    throw damagedFile(path, `it is not valid JSON: ${(error as Error).message}`);
  }
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxJsonDepth) throw damagedFile(path, `it is nested more than ${maxJsonDepth} levels deep`);
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  }
  return value;
}

/** Parsed JSON that fits a schema. @throws UserError, made by `fault`, with the first thing that does not fit. */
export function parseJsonAs<T extends z.ZodType>(
  schema: T,
  text: string,
  path: string,
  fault = damagedFile,
): z.output<T> {
  const parsed = schema.safeParse(parseJson(text, path));
  if (parsed.success) return parsed.data;
  throw fault(path, firstIssue(parsed.error));
}

export function firstIssue(error: z.ZodError): string {
  const { path, message } = error.issues[0];
  return path.length === 0 ? message : `${path.join('.')}: ${message}`;
}

const packageSchema = z.object({ version: z.string(), dependencies: z.record(z.string(), z.string()) });

/** From our own package.json, where TensorFlow.js is pinned exactly: no tensor library is loaded to learn it. */
async function versions(): Promise<Manifest['versions']> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  const { version, dependencies } = packageSchema.parse(JSON.parse(text));
  return { mossctl: version, tfjs: dependencies['@tensorflow/tfjs-core'] };
}
