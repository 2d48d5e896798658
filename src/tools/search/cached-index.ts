// The index of a large folder or run is kept in the cache, with the stamps of the files that it was made of: it is taken again as
// long as they are the same, and made anew when one is not. A small one is made each time, so that nobody's notes lie about twice.
import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { ifAbsent } from '../../base/errors.js';
import { digestOf, sha256, writeFileAtomic } from '../../base/files.js';
import { countOf, formatBytes } from '../../base/format.js';
import { jsonIn } from '../../base/objects.js';
import { cacheDirectory } from '../../network/cache.js';
import { IndexBuilder, PassageIndex } from './passage-index.js';
import { readPassages, type TextFile, type TextPlace, textPlace } from './texts.js';

export interface OpenIndex {
  index: PassageIndex;
  /** What a passage is called and says, and its file. */
  titles: string[];
  texts: string[];
  fileOf: Uint32Array;
  files: TextFile[];
}

type Contents = Omit<OpenIndex, 'files'>;

/** Part of every digest: another way to cut or index is another index. */
const version = 1;
/** Below, an index is made in a moment. */
const minKeptCharacters = 1 << 20;
/** From here on it takes seconds. */
const slowBytes = 4 << 20;

/**
 * @param keptFrom characters of text from which on the index is kept.
 * @throws UserError where there is nothing to search, or too much.
 */
export async function openIndex(
  paths: readonly string[],
  note: (text: string) => void,
  keptFrom = minKeptCharacters,
): Promise<OpenIndex> {
  const place = await textPlace(paths, note);
  const digest = digestOf({ version, ...place });
  const folder = join(cacheDirectory(), 'search');
  const kept = join(folder, `${digestOf(paths.map((path) => resolve(path))).slice(0, 16)}.index`);
  const known = await readKept(kept, digest);
  if (known !== undefined) return { ...known, files: place.files };
  if (place.bytes >= slowBytes) note(`Search: reads ${formatBytes(place.bytes)}; the index is kept for the next time`);
  const { contents, characters } = await build(place, note);
  if (characters >= keptFrom) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFileAtomic(kept, serialized(contents, digest));
  }
  return { ...contents, files: place.files };
}

async function build(
  place: TextPlace,
  note: (text: string) => void,
): Promise<{ contents: Contents; characters: number }> {
  const builder = new IndexBuilder();
  const [titles, texts, fileOf]: [string[], string[], number[]] = [[], [], []];
  let characters = 0;
  for await (const { title, text, file } of readPassages(place, note)) {
    builder.add(title, text);
    titles.push(title);
    texts.push(text);
    fileOf.push(file);
    characters += text.length;
  }
  note(`Search: ${countOf(texts.length, 'passage')}`);
  return { contents: { index: builder.finish(), titles, texts, fileOf: Uint32Array.from(fileOf) }, characters };
}

const sectionNames = ['terms', 'titles', 'texts', 'fileOf', 'starts', 'passages', 'counts', 'lengths'] as const;
type SectionName = (typeof sectionNames)[number];

const headerSchema = z.strictObject({
  digest: z.string(),
  /** Of all that follows. */
  seal: z.string(),
  bytes: z.record(z.enum(sectionNames), z.int().min(0)),
});

/** A line of JSON, then the sections one after the other. */
function serialized({ index, titles, texts, fileOf }: Contents, digest: string): Buffer {
  const { terms, ...arrays } = index.parts;
  const lines = { terms, titles, texts };
  const sections = sectionNames.map((name) =>
    name === 'terms' || name === 'titles' || name === 'texts'
      ? Buffer.from(lines[name].join('\n'))
      : asBytes(name === 'fileOf' ? fileOf : arrays[name]),
  );
  const body = Buffer.concat(sections);
  const bytes = Object.fromEntries(sectionNames.map((name, i) => [name, sections[i].length]));
  return Buffer.concat([Buffer.from(`${JSON.stringify({ digest, seal: sha256(body), bytes })}\n`), body]);
}

/** Undefined where there is none, it is of other files, or not as it was written. */
async function readKept(path: string, digest: string): Promise<Contents | undefined> {
  const file = await readFile(path).catch(ifAbsent(undefined));
  if (file === undefined) return undefined;
  const end = file.indexOf(10);
  const header = headerSchema.safeParse(jsonIn(file.toString('utf8', 0, Math.max(end, 0))));
  const body = file.subarray(end + 1);
  if (!header.success || header.data.digest !== digest || header.data.seal !== sha256(body)) return undefined;
  let at = 0;
  const sections = {} as Record<SectionName, Buffer>;
  for (const name of sectionNames) {
    const next = at + header.data.bytes[name];
    sections[name] = body.subarray(at, next);
    at = next;
  }
  const lines = (name: SectionName): string[] => sections[name].toString('utf8').split('\n');
  const words = (name: SectionName): Uint32Array => new Uint32Array(Uint8Array.from(sections[name]).buffer);
  const index = new PassageIndex({
    ...{ terms: lines('terms'), starts: words('starts'), passages: words('passages') },
    ...{ counts: Uint8Array.from(sections.counts), lengths: words('lengths') },
  });
  return { index, titles: lines('titles'), texts: lines('texts'), fileOf: words('fileOf') };
}

function asBytes({ buffer, byteOffset, byteLength }: Uint32Array | Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
