// The way from raw text to tokens, as the stages walk it: building a corpus, its filters, tokenising and packing. In
// megabytes of UTF-8 per second of processor time, so that a busy neighbour does not count, and as a share of the speed
// of merely reading the text: decoding it and looking at each character once.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Random } from '../base/random.js';
import { buildData } from '../data/build.js';
import { NearDuplicates } from '../data/filters/near-duplicates.js';
import { filtersSchema, openFilters } from '../data/filters/table.js';
import { IdentityStore } from '../data/identity-set.js';
import { tokenizeDocuments } from '../data/shards.js';
import { silentReporter } from '../report/event.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { trainTokenizer } from '../tokenizer/train.js';
import { type TextKind, type TextMaker, textKinds, textMakers } from './data-text.js';
import { spreadOf } from './measure.js';

export interface DataResult {
  work: 'read' | 'tokenise and pack' | 'near-duplicates' | 'filters' | 'build';
  text: TextKind;
  /** Of UTF-8. */
  bytes: number;
  /** 10^6 bytes per second of processor time, of all threads together: per core. */
  megabytesPerSecond: number;
  quartiles: [number, number];
  /** Share of the speed of `read` in the same round; the median of the rounds. */
  ofRead: number;
  /** `build`: what a byte costs, as a multiple of what it costs in the smallest corpus of the same round. */
  costOfSmallest: number | null;
}

export interface DataOptions {
  /** Corpora are written below it, and deleted. */
  folder: string;
  rounds: number;
  seed: number;
  /** 10^6 bytes of text of each kind; corpora of one, two and four times as much are built. */
  megabytes?: number;
}

/** Documents are of 300 to 3,000 characters. */
const minCharacters = 300;
const maxCharacters = 3000;
const vocabSize = 4096;
/** Every filter that judges a text for itself, as it is by default. */
const ownFilters = { repair: {}, scrub: {}, boilerplate: {}, length: {}, symbols: {}, repetition: {}, blocklist: {} };
const nearDuplicates = { threshold: 0.8, shingle: 5, mebibytes: 64 };
const corpusFilters = { nearDuplicates: {}, paragraphs: {} };

const quiet = { reporter: silentReporter };

interface Task {
  work: DataResult['work'];
  text: TextKind;
  bytes: number;
  run: () => unknown;
  /** Processor seconds, by round. */
  seconds: number[];
}

export async function measureData({ folder, rounds, seed, megabytes = 4 }: DataOptions): Promise<DataResult[]> {
  const makers = await textMakers(seed);
  const home = join(folder, 'data');
  await mkdir(home);
  try {
    const texts = Object.fromEntries(
      textKinds.map((kind) => [kind, documentsOf(makers[kind], 1e6 * megabytes, seed)]),
    ) as Record<TextKind, string[]>;
    const tokenizer = await trainTokenizer(texts.mixed, { vocabSize });
    const tasks: Task[] = [];
    const add = (work: Task['work'], text: TextKind, documents: readonly string[], run: Task['run']): void => {
      const bytes = documents.reduce((sum, document) => sum + Buffer.byteLength(document), 0);
      tasks.push({ work, text, bytes, run, seconds: [] });
    };
    const encoded = texts.mixed.map((text) => Buffer.from(text));
    add('read', 'mixed', texts.mixed, () => readThrough(encoded));
    for (const kind of textKinds) {
      const folder = join(home, kind);
      const corpus = await build(await writeSpec(folder, texts[kind], {}), folder, seed);
      add('tokenise and pack', kind, texts[kind], () => tokenize(corpus, tokenizer, home));
    }
    for (const kind of ['zh', 'en'] as const) {
      add('near-duplicates', kind, texts[kind], () => findNearDuplicates(texts[kind]));
      add('filters', kind, texts[kind], () => filterAll(texts[kind], home));
    }
    for (const times of [1, 2, 4]) {
      const documents = documentsOf(makers.mixed, 1e6 * megabytes * times, seed + times);
      const spec = await writeSpec(join(home, `times-${times}`), documents, { ...ownFilters, ...corpusFilters });
      add('build', 'mixed', documents, () => build(spec, join(home, 'built'), seed));
    }
    // What runs first may find caches and the compiler otherwise: the order turns from round to round.
    for (let round = -1; round < rounds; round++) {
      for (let i = 0; i < tasks.length; i++) {
        const task = tasks[(i + round + 1) % tasks.length];
        const seconds = await processorSeconds(task.run);
        if (round >= 0) task.seconds.push(seconds);
      }
    }
    return tasks.map((task) => resultOf(task, tasks));
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

function resultOf(task: Task, tasks: readonly Task[]): DataResult {
  const { work, text, bytes, seconds } = task;
  const cost = ({ seconds, bytes }: Task, round: number): number => seconds[round] / bytes;
  /** What a byte costs in another task, as a multiple of what it costs in this one. */
  const against = (other: Task): number =>
    spreadOf(seconds.map((_, round) => cost(other, round) / cost(task, round))).median;
  const { median, low, high } = spreadOf(seconds);
  const speed = (time: number): number => bytes / 1e6 / time;
  const smallest = tasks.find((other) => other.work === 'build') ?? task;
  return {
    ...{ work, text, bytes, megabytesPerSecond: speed(median), quartiles: [speed(high), speed(low)] },
    ofRead: against(tasks[0]),
    costOfSmallest: work === 'build' ? 1 / against(smallest) : null,
  };
}

async function processorSeconds(run: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function documentsOf(make: TextMaker, bytes: number, seed: number): string[] {
  const random = Random.stream(seed, 'bench documents');
  const documents: string[] = [];
  for (let made = 0; made < bytes; made += Buffer.byteLength(documents[documents.length - 1])) {
    documents.push(make(random.integer(minCharacters, maxCharacters)));
  }
  return documents;
}

function readThrough(encoded: readonly Buffer[]): number {
  let sum = 0;
  for (const bytes of encoded) {
    const text = bytes.toString();
    for (let i = 0; i < text.length; i++) sum = (sum + text.charCodeAt(i)) | 0;
  }
  return sum;
}

async function tokenize(dataPath: string, tokenizer: Tokenizer, home: string): Promise<void> {
  const { path } = await tokenizeDocuments({ dataPath, tokenizer, directory: home, ...quiet });
  await rm(path, { recursive: true });
}

function findNearDuplicates(texts: readonly string[]): void {
  const index = new NearDuplicates(nearDuplicates);
  for (const text of texts) index.seen(text);
}

async function filterAll(texts: readonly string[], home: string): Promise<void> {
  const identities = new IdentityStore(join(home, 'identities'));
  const { raw, document } = await openFilters(filtersSchema.parse(ownFilters), {
    folder: home,
    identities,
    evaluationSets: [],
  });
  for (const text of texts) {
    const draft = { text, language: 'other', id: 'bench:1' } as const;
    document({ ...draft, text: raw(draft).text });
  }
  identities.close();
}

async function writeSpec(folder: string, texts: readonly string[], filters: object): Promise<string> {
  await mkdir(folder);
  await writeFile(join(folder, 'texts.jsonl'), texts.map((text) => `${JSON.stringify({ text })}\n`).join(''));
  const source = { name: 'bench', from: 'file:texts.jsonl', format: 'jsonl', licence: 'made by the benchmark' };
  const spec = join(folder, 'spec.yaml');
  await writeFile(spec, JSON.stringify({ name: 'bench', sources: [source], filters })); // JSON is YAML
  return spec;
}

async function build(specPath: string, directory: string, seed: number): Promise<string> {
  return (await buildData({ specPath, directory, seed, validation: 0.01, ...quiet })).path;
}
