// Every kind of source × what can be wrong with it: counted, reported with its place, fatal only with --strict, and
// never silently kept. Beside each bad source stands a good one, whose documents are there in every case.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { create } from 'tar';
import { UserError } from '../../src/base/errors.js';
import { readDataManifest } from '../../src/data/manifest.js';
import { readLimits } from '../../src/data/sources/limits.js';
import { spoolStdin } from '../../src/data/sources/stdin.js';
import { silentReporter } from '../../src/report/event.js';
import { serveFile, startWebServer } from '../network/web-server.js';
import { build, documentsOf, scratch } from './scratch.js';

interface Kind {
  name: string;
  format: string;
  /** A whole file: every document of it holds one of `texts`. */
  good: Buffer;
  texts: readonly string[];
  /** Another kind of content than its format asks for. */
  other: Buffer;
  /** A small file that unpacks to more than `lowLimits` allow. */
  huge?: Buffer;
  /** Cut somewhere that shows: plain text that ends early is a shorter text. */
  cut?: (bytes: Buffer) => Buffer;
}

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const bytesOf = (name: string) => readFile(fixture(name));
const lines = (...rows: string[]) => Buffer.from(rows.map((row) => `${row}\n`).join(''));
/** In the middle of the last Chinese character. */
const cutText = (bytes: Buffer) => bytes.subarray(0, bytes.lastIndexOf('好') + 2);
const half = (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1);

/** A Zstandard frame of uncompressed blocks, or of one byte repeated. */
function zstd(content: Buffer | { byte: number; times: number }): Buffer {
  const size = Buffer.isBuffer(content) ? content.length : content.times;
  const header = Buffer.alloc(14);
  header.writeUInt32LE(0xfd2fb528);
  // Window of 1 MiB, no content size.
  header.writeUInt8(0, 4);
  header.writeUInt8(10 << 3, 5);
  const blocks: Buffer[] = [header.subarray(0, 6)];
  for (let at = 0; at < size; at += 1 << 17) {
    const length = Math.min(1 << 17, size - at);
    const isLast = at + length >= size ? 1 : 0;
    const block = Buffer.alloc(3);
    block.writeUIntLE((length << 3) | (Buffer.isBuffer(content) ? 0 : 2) | isLast, 0, 3);
    blocks.push(block, Buffer.isBuffer(content) ? content.subarray(at, at + length) : Buffer.of(content.byte));
  }
  return Buffer.concat(blocks);
}

const rows = lines('{"text":"你好 one"}', '{"text":"你好 two"}', '{"text":"你好 three"}');
const poem = (line: string) => `{"title":"${line}","author":"x","paragraphs":["${line}"]}`;
const synset = (id: number, word: string) => `0000${id} 03 n 01 ${word} 0 000 | a ${word} that says 你好 to all`;
const wrongRows = lines('{"body":"x"}', '[1]', '7');
/** 20 kB without a line end: many times as much as `lowLimits` allow. */
const longLine = gzipSync(Buffer.alloc(20_000, 'x'));
const overLimit = 'row over the limit';
const tooMuch = /a line is longer than|JSON file is larger than|is not held in memory|in one record batch/;
const usualLimits = { ...readLimits };
const lowLimits = { lineBytes: 2000, jsonBytes: 2000, columnBytes: 2000 };

const kinds: Kind[] = [
  {
    name: 'a.txt',
    format: 'txt',
    good: lines('你好 one', '', '你好 two'),
    other: Buffer.from('\0\x01PNG\n\0'),
    texts: [],
  },
  { name: 'a.jsonl', format: 'jsonl', good: rows, other: wrongRows, texts: [] },
  {
    name: 'a.json',
    format: 'json',
    good: Buffer.from('[{"text":"你好 one"},{"text":"你好 two"}]'),
    other: Buffer.from('{"text":"x"}'),
    texts: [],
  },
  {
    name: 'a.csv',
    format: 'csv',
    good: lines('text,id', '你好 one,1', '"你好 two",2'),
    other: lines('body,id', 'x,1'),
    cut: (bytes) => bytes.subarray(0, bytes.lastIndexOf('"')),
    texts: [],
  },
  {
    name: 'a.tsv',
    format: 'tsv',
    good: lines('text\tid', '你好 one\t1', '你好 two\t2'),
    other: lines('text\tid', 'x\t1\t2'),
    texts: [],
  },
  {
    name: 'a.poems',
    format: 'chinese-poetry',
    good: Buffer.from(`[${['你好你好，你好你好。', '好你好你，好你好你。'].map(poem)}]`),
    other: Buffer.from('[{"lines":"x"}]'),
    texts: [],
  },
  {
    name: 'data.noun',
    format: 'wordnet',
    good: lines(synset(1740, 'greeting'), synset(1930, 'hello')),
    other: lines('a text that is no dictionary'),
    cut: (bytes) => bytes.subarray(0, bytes.lastIndexOf('hello 0')),
    texts: ['greeting: ', 'hello: '],
  },
  {
    name: 'cedict.js',
    format: 'cc-cedict',
    good: Buffer.from('export default {"all":[["你好","你好","ni3 hao3",["hello"]],["好","好","hao3",["good"]]]}'),
    other: Buffer.from('export default {"all":[7]}'),
    texts: ['你好：hello', '好：good'],
  },
  { name: 'a.jsonl.gz', format: 'jsonl', good: gzipSync(rows), other: gzipSync(wrongRows), cut: half, texts: [] },
  {
    name: 'a.jsonl.zst',
    format: 'jsonl',
    good: zstd(rows),
    other: zstd(wrongRows),
    huge: zstd({ byte: 120, times: 20_000 }),
    cut: half,
    texts: [],
  },
  {
    name: 'a.parquet',
    format: 'parquet',
    good: await bytesOf('snappy.parquet'),
    other: await bytesOf('file.arrow'),
    huge: await bytesOf('long.parquet'),
    cut: half,
    texts: ['行 row '],
  },
  {
    name: 'a.arrow',
    format: 'arrow',
    good: await bytesOf('file.arrow'),
    other: await bytesOf('zstd.parquet'),
    huge: await bytesOf('long.arrow'),
    cut: half,
    texts: ['行 row '],
  },
];

/** What is over the limit only has to be so under low ones: no file here is large, packed or not. */
async function underLimits(damage: string, work: () => Promise<void>): Promise<void> {
  Object.assign(readLimits, damage === overLimit ? lowLimits : usualLimits);
  try {
    await work();
  } finally {
    Object.assign(readLimits, usualLimits);
  }
}

type Damage = (kind: Kind) => Buffer;

/** In a compressed file, it is the content that is mis-encoded. */
function mend(kind: Kind, change: (bytes: Buffer) => Buffer): Buffer {
  if (kind.name.endsWith('.gz')) return gzipSync(change(gunzipSync(kind.good)));
  if (kind.name.endsWith('.zst')) return zstd(change(rows));
  return change(kind.good);
}

function replaced(bytes: Buffer, by: Buffer): Buffer {
  const at = bytes.lastIndexOf('好');
  return Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(at + 3)]);
}

const damages: Record<string, Damage> = {
  truncated: (kind) => (kind.cut ?? cutText)(kind.good),
  'invalid UTF-8': (kind) => mend(kind, (bytes) => replaced(bytes, Buffer.of(0xe5, 0xff, 0xbd))),
  GBK: (kind) => mend(kind, (bytes) => replaced(bytes, Buffer.of(0xba, 0xc3))),
  'UTF-32': (kind) => mend(kind, (bytes) => Buffer.concat([Buffer.of(0xff, 0xfe, 0, 0), bytes])),
  'wrong schema': (kind) => kind.other,
  empty: () => Buffer.alloc(0),
  [overLimit]: (kind) => kind.huge ?? longLine,
};
/** Mis-encoded cells of columnar files are in columnar.test.ts. */
const isText = ({ format }: Kind) => format !== 'parquet' && format !== 'arrow';
const ofText = new Set(['invalid UTF-8', 'GBK', 'UTF-32']);

before(async () => {
  process.env.MOSSCTL_CACHE = await scratch();
});

/** Builds from the bad source and a good one, and again with --strict. */
async function check(
  damage: string,
  source: Record<string, unknown>,
  folder: string,
  kind: Kind,
  stdin?: string,
): Promise<void> {
  const why = damage === overLimit ? tooMuch : /\S/;
  const good = { name: 'good', from: 'file:good.txt', format: 'txt', licence: 'x' };
  const bad = { name: 'bad', format: kind.format, licence: 'x', ...source };
  await writeFile(join(folder, 'good.txt'), 'a sound document\n');
  await writeFile(join(folder, 'spec.yaml'), JSON.stringify({ name: 'x', sources: [bad, good] }));
  await assert.rejects(build(folder, { validation: 0, stdin, strict: true, out: 'strict' }), UserError);
  const built = await build(folder, { validation: 0, stdin }).catch((error: unknown) => error);
  if (built instanceof Error) {
    // Nothing of it could be read: an error, so that nobody trains on the rest in the belief that it is all.
    assert.match(built.message, /source bad keeps no document\. \d+ read, .*dropped as unreadable \(first: bad:\S/s);
    assert.match(built.message, why);
    return;
  }
  const { path, events } = built as Awaited<ReturnType<typeof build>>;
  const [{ read, dropped, total, left }] = (await readDataManifest(path)).sources;
  const texts = (await documentsOf(path, 'train')).map(({ text }) => text);
  const lost = Object.values(dropped).reduce((sum, rule) => sum + (rule?.documents ?? 0), 0);
  assert.equal(read, total.train.documents + lost + left, 'every row is accounted for');
  assert.ok((dropped.unreadable?.documents ?? 0) >= 1, JSON.stringify(dropped));
  assert.match(dropped.unreadable?.examples?.[0] ?? '', /^bad:\S.*: .*\S/s, 'where and why');
  assert.match(dropped.unreadable?.examples?.[0] ?? '', why);
  assert.ok(events.some((event) => event.type === 'note' && event.level === 'warning' && /^bad: /.test(event.text)));
  assert.ok(texts.includes('a sound document'));
  const known = kind.texts.length > 0 ? kind.texts : ['你好 one', '你好 two', '你好 three', '你好你好，', '好你好你，'];
  for (const text of texts.filter((one) => one !== 'a sound document')) {
    assert.ok(known.some((part) => text.includes(part)) && !/[\0\ufffd]/.test(text), `kept: ${text.slice(0, 80)}`);
  }
}

for (const kind of kinds) {
  test(`file ${kind.name}`, async (t) => {
    for (const [damage, make] of Object.entries(damages)) {
      if (ofText.has(damage) && !isText(kind)) continue;
      await t.test(damage, async () => {
        const folder = await scratch({ [kind.name]: make(kind) });
        await underLimits(damage, () => check(damage, { from: `file:${kind.name}` }, folder, kind));
      });
    }
  });
}

const server = await startWebServer();
const jsonl = kinds.find(({ name }) => name === 'a.jsonl') as Kind;

/** How the same bytes come from elsewhere. */
const ways: Record<string, (bytes: Buffer) => Promise<{ source: Record<string, unknown>; stdin?: string }>> = {
  async stdin(bytes) {
    const quiet = { reporter: silentReporter };
    const input = (async function* () {
      yield bytes;
    })();
    return { source: { from: 'stdin' }, stdin: await spoolStdin(input, undefined, quiet) };
  },
  async https(bytes) {
    server.handlers.set('/a.jsonl', serveFile(bytes));
    const integrity = `sha256-${createHash('sha256').update(bytes).digest('hex')}`;
    return { source: { from: `${server.origin}/a.jsonl`, integrity } };
  },
  async hf(bytes) {
    process.env.HF_ENDPOINT = server.origin;
    const commit = createHash('sha1').update(bytes).digest('hex');
    const oid = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
    const list = JSON.stringify([{ type: 'file', path: 'a.jsonl', size: bytes.length, oid }]);
    server.handlers.set(`/api/datasets/o/d/tree/${commit}?recursive=1`, (_, response) => response.end(list));
    server.handlers.set(`/datasets/o/d/resolve/${commit}/a.jsonl`, serveFile(bytes));
    return { source: { from: `hf:o/d@${commit}#a.jsonl` } };
  },
  async npm(bytes) {
    const folder = await scratch({ 'package/a.jsonl': bytes });
    const tarball = join(folder, 'package.tgz');
    await create({ gzip: true, file: tarball, cwd: folder, portable: true }, ['package']);
    const packed = await readFile(tarball);
    const hash = createHash('sha512').update(packed);
    const version = `1.0.0-${createHash('sha1').update(bytes).digest('hex')}`;
    const home = join(process.env.MOSSCTL_CACHE ?? '', 'npm', `bad-${version}`);
    await mkdir(home, { recursive: true });
    await writeFile(join(home, 'package.tgz'), packed);
    return { source: { from: `npm:bad@${version}#a.jsonl`, integrity: `sha512-${hash.digest('base64')}` } };
  },
};

for (const [way, bring] of Object.entries(ways)) {
  test(`jsonl from ${way}`, async (t) => {
    for (const [damage, make] of Object.entries(damages)) {
      // Standard input that is empty is an error at once: hub.test.ts.
      if (way === 'stdin' && damage === 'empty') continue;
      await t.test(damage, async () => {
        const { source, stdin } = await bring(make(jsonl));
        await underLimits(damage, async () => check(damage, source, await scratch(), jsonl, stdin));
      });
    }
  });
}

test('what is held at once is bounded, and what comes after it is read: lines, JSON, columns of Parquet and of Arrow', async () => {
  assert.deepEqual(usualLimits, { lineBytes: 64 << 20, jsonBytes: 128 << 20, columnBytes: 256 << 20 });
  const folder = await scratch({
    'a.jsonl.gz': Buffer.concat([...Array.from({ length: 15 }, () => longLine), gzipSync('\n{"text":"after it"}\n')]),
    'json/1.json': gzipSync(JSON.stringify([{ text: 'x'.repeat(3000) }])),
    'json/2.json': '[{"text":"beside it"}]',
    'parquet/1': await bytesOf('long.parquet'),
    'parquet/2': await bytesOf('required.parquet'),
    'arrow/1': await bytesOf('long.arrow'),
    'arrow/2': await bytesOf('skipped.arrow'),
    'good.txt': 'a sound document\n',
  });
  const source = (name: string, from: string, format: string) => ({ name, from: `file:${from}`, format, licence: 'x' });
  const sources = [
    source('gz', 'a.jsonl.gz', 'jsonl'),
    source('json', 'json', 'json'),
    source('parquet', 'parquet', 'parquet'),
    source('arrow', 'arrow', 'arrow'),
    source('good', 'good.txt', 'txt'),
  ];
  await writeFile(join(folder, 'spec.yaml'), JSON.stringify({ name: 'x', sources }));
  await underLimits(overLimit, async () => {
    const { path } = await build(folder, { validation: 0 });
    // `after it`, `beside it`, the two of each sound file (which are the same: one, two; one, three), and the sound document.
    assert.equal((await documentsOf(path, 'train')).length, 6);
    const { sources: built } = await readDataManifest(path);
    const words = [/a line is longer/, /JSON file is larger/, /not held in memory/, /in one record batch/];
    for (const [i, { dropped }] of built.slice(0, words.length).entries()) {
      assert.match(dropped.unreadable?.examples?.[0] ?? '', words[i]);
    }
  });
});
