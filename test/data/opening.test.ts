// Any file is opened in one way, by its first bytes: rows and texts in every format, packing and encoding, or a refusal by name.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { WhereIs } from '../../src/base/yaml.js';
import { readSamples } from '../../src/cli/samples.js';
import { pipelineSchema } from '../../src/config/pipeline.js';
import { RowNotes } from '../../src/data/conversations/notes.js';
import { readConversations } from '../../src/data/conversations/read.js';
import { readRows, rowsDigest } from '../../src/data/rows.js';
import { readRawLines } from '../../src/data/sources/lines.js';
import { loadPipeline, resolved } from '../../src/pipeline/load.js';
import { checkFiles } from '../../src/pipeline/plan.js';
import { build, documentsOf, scratch } from './scratch.js';

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

async function rowsAt(path: string) {
  const notices: string[] = [];
  const rows: { value: unknown; name: string }[] = [];
  for await (const { value, name } of readRows(path, (text) => notices.push(text))) rows.push({ value, name });
  return { rows, values: rows.map(({ value }) => value), notices };
}

/** Lines, with the faults in their place. */
async function linesOf(content: Uint8Array, options: Parameters<typeof readRawLines>[1] = {}) {
  const path = join(await scratch({ 'a.txt': content }), 'a.txt');
  const notices: string[] = [];
  const lines: string[] = [];
  for await (const line of readRawLines(path, { notice: (text) => notices.push(text), ...options })) {
    lines.push('fault' in line ? `! ${line.fault.message.slice(path.length)}` : line.text);
  }
  return { lines, notices: notices.map((text) => text.replace(path, 'PATH')) };
}

const row = {
  messages: [
    { role: 'user', content: '上？' },
    { role: 'assistant', content: '下。' },
  ],
};
const json = JSON.stringify(row);
const swapped = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();

test('rows are read by what the bytes say, whatever the name is', async () => {
  const contents: [name: string, content: string | Uint8Array][] = [
    ['jsonl', `${json}\n\n`],
    ['with a mark.jsonl', `\ufeff${json}\n`],
    ['list.jsonl', `[${json}]`],
    ['gzip.json', gzipSync(json)],
    ['gzipped list', gzipSync(`\n [\n${json}]`)],
    ['utf-16.jsonl', Buffer.from(`\ufeff${json}\r\n`, 'utf16le')],
    ['utf-16be.jsonl', Buffer.concat([Buffer.of(0xfe, 0xff), swapped(json)])],
    ['utf-16 without a mark.jsonl', Buffer.from(`${json}\n`, 'utf16le')],
    ['table.csv', `messages,kind\n"${JSON.stringify(row.messages).replaceAll('"', '""')}",a\n`],
    ['table', `messages;kind\n"${JSON.stringify(row.messages).replaceAll('"', '""')}";a\n`],
  ];
  const folder = await scratch(Object.fromEntries(contents));
  for (const [name] of contents) {
    const { values } = await rowsAt(join(folder, name));
    const isTable = name.startsWith('table');
    assert.deepEqual(values, [isTable ? { messages: JSON.stringify(row.messages), kind: 'a' } : row], name);
  }
});

test('conversations in Parquet and Arrow: nested values, without the nulls of fields that a row does not have', async () => {
  const names = ['messages.parquet', 'messages-stream.arrow', 'messages-polars.arrow', 'messages-polars-zstd.arrow'];
  for (const name of names) {
    const { rows } = await rowsAt(fixture(name));
    assert.deepEqual(
      rows.map((each) => each.name),
      [1, 2, 3].map((line) => `${name}:${line}`),
    );
    const polars = name.includes('polars');
    assert.deepEqual(rows[1].value, {
      id: 1,
      messages: [
        { role: 'user', content: '问题1: what is the number of this row?', name: 'Li' },
        { role: 'assistant', content: '1' },
      ],
      score: 0.25,
      good: false,
      ...(!polars && { kind: 'b' }),
    });
    assert.deepEqual(Object.keys((rows[0].value as typeof row).messages[0]), ['role', 'content']);
  }
  const { values } = await rowsAt(fixture('footer-javascript.arrow'));
  assert.deepEqual(values.at(-2), { text: '两行', n: 2 });
});

test('a folder and a pattern: files in order, named below it; the digest is that of all of them', async () => {
  const folder = await scratch({
    'rows/10.jsonl': '{"n":10}',
    'rows/2.jsonl.gz': gzipSync('{"n":2}\n{"n":3}'),
    'rows/below/1.json': '[{"n":1}]',
    'rows/README.md': '# What this is',
  });
  const whole = await rowsAt(join(folder, 'rows'));
  assert.deepEqual(whole.rows, [
    { value: { n: 2 }, name: '2.jsonl.gz:1' },
    { value: { n: 3 }, name: '2.jsonl.gz:2' },
    { value: { n: 10 }, name: '10.jsonl:1' },
    { value: { n: 1 }, name: 'below/1.json:1' },
  ]);
  assert.equal(whole.notices.length, 1);
  assert.match(whole.notices[0], /rows: skipped 1 file, by the name no rows \(first: README\.md\)/);
  assert.deepEqual((await rowsAt(join(folder, 'rows', '*.jsonl'))).values, [{ n: 10 }]);
  await assert.rejects(rowsAt(join(folder, 'rows', '*.csv')), /\*\.csv: no file is found here/);
  await assert.rejects(rowsAt(join(folder, 'nothing')), /nothing: no file is found here/);
  const before = await rowsDigest(join(folder, 'rows'));
  await rename(join(folder, 'rows/10.jsonl'), join(folder, 'rows/11.jsonl'));
  assert.notEqual(await rowsDigest(join(folder, 'rows')), before);
});

test('settings may name a folder or a pattern of rows; what is not there is said before anything is computed', async () => {
  const folder = await scratch({ 'rows/1.jsonl': json });
  const check = (data: string) =>
    checkFiles(['sft'], resolved(pipelineSchema.parse({ name: 'x', sft: { data: join(folder, data) } })));
  for (const data of ['rows', 'rows/*.jsonl', 'rows/1.jsonl']) await check(data);
  for (const data of ['row', 'rows/*.json', '*.jsonl']) {
    await assert.rejects(check(data), /sft\.data names a file that does not exist/);
  }
});

test('a file that is not there is named with the line of the pipeline that names it, or with what was typed', async () => {
  const yaml =
    'name: x\nsft:\n  data:\n    - a.jsonl\n    - { path: b.jsonl, weight: 2 }\nalign:\n  prompts: c.jsonl\n';
  const folder = await scratch({ 'p.yaml': yaml, 'a.jsonl': json });
  const config = join(folder, 'p.yaml');
  const faultsWith = async (set: string[] = []): Promise<string> => {
    let whereIs: WhereIs | undefined;
    const locate = (found: WhereIs): void => {
      whereIs = found;
    };
    const loaded = await loadPipeline({ config, set, locate });
    return checkFiles(['sft', 'align'], loaded, whereIs).then(
      () => '',
      (error: Error) => error.message.replaceAll(folder, 'F'),
    );
  };
  const faults = await faultsWith();
  assert.match(faults, /F\/p\.yaml:5:9: sft\.data\.1\.path names a file that does not exist: F\/b\.jsonl/);
  assert.match(faults, /F\/p\.yaml:7:3: align\.prompts names a file that does not exist: F\/c\.jsonl/);
  assert.match(await faultsWith(['sft.data=d.jsonl']), /--set sft\.data=d\.jsonl: sft\.data names a file/);
});

test('what only its name tells is left to the reader of that format', async () => {
  const folder = await scratch({ 'a.arrow': Buffer.from('ff00000000ff', 'hex'), 'b.parquet': Buffer.of(0xff, 0, 10) });
  await assert.rejects(rowsAt(join(folder, 'a.arrow')), /this Arrow file cannot be read on/);
  await assert.rejects(rowsAt(join(folder, 'b.parquet')), /this Parquet file cannot be read on/);
});

test('a packed file that is read to its first row only leaves nothing running', async () => {
  const script = `
    import { readRows } from ${JSON.stringify(new URL('../../src/data/rows.ts', import.meta.url).href)};
    for await (const row of readRows(${JSON.stringify(fixture('rows.jsonl.zst'))})) { console.log(row.name); break; }`;
  const options = { encoding: 'utf8', timeout: 60_000 } as const;
  const child = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], options);
  assert.deepEqual([child.status, child.stdout, child.stderr], [0, 'rows.jsonl.zst:1\n', '']);
});

test('each bad row is named, all of a file at once', async () => {
  const folder = await scratch({ 'a.jsonl': `${json}\n{"cut\n${json}\n7x\n`, 'a.csv': 'a,b\n1\n2,3\n' });
  await assert.rejects(rowsAt(join(folder, 'a.jsonl')), /a\.jsonl:2: this line is not valid JSON.*a\.jsonl:4: this/s);
  await assert.rejects(rowsAt(join(folder, 'a.csv')), /a\.csv:2: this row has another shape/);
});

test('a file that is wrong in one way is told so three times, not twenty', async () => {
  const path = join(await scratch({ 'a.csv': `one,two\n${'1,2\n'.repeat(50)}` }), 'a.csv');
  const read = async () => {
    for await (const _ of readConversations(path, new RowNotes())) assert.fail('these are no conversations');
  };
  await assert.rejects(read, (error: Error) => {
    const lines = error.message.split('\n');
    assert.equal(lines.length, 4);
    assert.match(lines[2], /a\.csv:4: this row is no conversation. It has the fields one, two/);
    assert.match(lines[3], /a\.csv: the same of at least 17 more rows/);
    return true;
  });
});

test('what is not read is refused by name, with what to type', async () => {
  const refused: [content: string | Uint8Array, words: RegExp][] = [
    [Buffer.from('BZh91AY&SY'), /this is a bzip2 file.*bunzip2 -k /s],
    [Buffer.from('fd377a585a000004', 'hex'), /this is an xz file.*unxz -k /s],
    [Buffer.from('504b030414000000', 'hex'), /this is a zip archive.*unzip .*CSV/s],
    [Buffer.from('04224d186440a7', 'hex'), /this is an LZ4 file.*unlz4 -k /s],
    [Buffer.concat([Buffer.alloc(257, 'x'), Buffer.from('ustar\0')]), /this is a tar archive.*tar xf /s],
    [gzipSync(Buffer.concat([Buffer.alloc(257, 'x'), Buffer.from('ustar\0')])), /a tar archive, compressed once more/],
    [gzipSync(gzipSync(json)), /this is a gzip file, compressed once more.*gunzip -k /s],
    [Buffer.from('%PDF-1.7\n'), /this is a PDF file.*pdftotext /s],
    ['version https://git-lfs.github.com/spec/v1\noid sha256:0\n', /a pointer of Git LFS.*git lfs pull/s],
    [Buffer.concat([Buffer.of(0xff, 0xfe, 0, 0), Buffer.from(json)]), /UTF-32 text, which is not read/],
  ];
  for (const [content, words] of refused) {
    const path = join(await scratch({ 'a.jsonl': content }), 'a.jsonl');
    await assert.rejects(rowsAt(path), words);
    await assert.rejects(async () => {
      for await (const _ of readSamples(path)) assert.fail('it has no text');
    }, words);
  }
});

// By Python's codecs: '今天的天气很好，我们去苹果园。', '今天天氣很好，我們一起去。' and '你好'.
const gb18030 = Buffer.from('bdf1ccecb5c4ccecc6f8badcbac3a3accef3c3c7c8a5c6bbb9fbd4b0a1a3', 'hex');
const big5 = Buffer.from('a4b5a4d1a4d1aef0abdca66ea141a7daadcca440b05fa568a143', 'hex');
const unsure = Buffer.from('c4e3bac3', 'hex');

test('GB18030 is read where all of it decodes and not as Big5, and that is said; else both are named', async () => {
  const rest = Buffer.from('\nplain\n');
  const read = await linesOf(Buffer.concat([Buffer.from('first\n'), gb18030, rest]));
  assert.deepEqual(read.lines, ['first', new TextDecoder('gb18030').decode(gb18030), 'plain']);
  assert.equal(read.notices.length, 1);
  assert.match(read.notices[0], /^PATH is read as GB18030 \(GBK\), since it is not UTF-8: "今天/);

  const traditional = await linesOf(Buffer.concat([big5, rest]));
  assert.match(traditional.lines[0], /not UTF-8 text.*in Big5 it reads "今天天氣.*encoding: big5.*iconv -f BIG5/is);
  assert.doesNotMatch(traditional.lines[0], /GB18030/);
  assert.deepEqual([traditional.lines[1], traditional.notices.length], ['plain', 0]);

  const short = await linesOf(Buffer.concat([unsure, rest]));
  assert.match(
    short.lines[0],
    /in GB18030 \(GBK\) it reads "你好"; in Big5 it reads "斕疑".*encoding: gb18030 or encoding: big5/is,
  );

  const accents = await linesOf(Buffer.from('na\xefve caf\xe9s and na\xefvet\xe9\n', 'latin1'));
  assert.match(accents.lines[0], /not UTF-8 text/);
  assert.equal(accents.notices.length, 0);

  const damaged = await linesOf(Buffer.concat([Buffer.from('你好，世界\n你好\n'), gb18030, rest]));
  assert.deepEqual([damaged.lines[0], damaged.lines[3], damaged.notices.length], ['你好，世界', 'plain', 0]);
  assert.match(damaged.lines[2], /^! :3: this is not UTF-8 text/);
});

test('lines that are no JSON are told three times and counted; of plain text it is said once that rows were expected', async () => {
  const text = '不是 JSON\n'.repeat(50);
  const folder = await scratch({ 'a.jsonl': text, 'novel.txt': text });
  await assert.rejects(rowsAt(join(folder, 'a.jsonl')), (error: Error) => {
    const lines = error.message.split('\n');
    assert.equal(lines.length, 4);
    assert.match(lines[2], /a\.jsonl:3: this line is not valid JSON/);
    assert.match(lines[3], /the same of at least 17 more rows/);
    return true;
  });
  await assert.rejects(rowsAt(join(folder, 'novel.txt')), (error: Error) => {
    assert.match(
      error.message,
      /^[^\n]*novel\.txt:1: this line is not valid JSON[^\n]*Plain text is for pretraining[^\n]*$/,
    );
    return true;
  });
});

test('of a folder in one encoding three files are told and the rest counted; a quote begins at the first such character', async () => {
  const quoted = Buffer.concat([Buffer.from('{"text": "'), gb18030, Buffer.from('", "n": 1}\n')]);
  const names = ['1', '2', '3', '4', '5'].map((name) => `rows/${name}.jsonl`);
  const folder = await scratch(Object.fromEntries(names.map((name) => [name, quoted])));
  const notes = new RowNotes();
  for await (const _ of readRows(join(folder, 'rows'), notes.notice));
  const texts = notes.lines().map(({ text }) => text);
  assert.equal(texts.length, 4);
  assert.match(texts[0], /1\.jsonl is read as GB18030 \(GBK\), since it is not UTF-8: "今天[^"\\]*"$/);
  assert.equal(texts[3], 'the same of 2 more files');
});

test('an encoding that is named is the one; a byte that it does not have is a fault of its line', async () => {
  assert.deepEqual((await linesOf(unsure, { encoding: 'gb18030' })).lines, ['你好']);
  assert.deepEqual((await linesOf(big5, { encoding: 'big5' })).lines, ['今天天氣很好，我們一起去。']);
  const bad = await linesOf(Buffer.concat([big5, Buffer.from('\n\xff\nok\n', 'latin1')]), { encoding: 'big5' });
  assert.match(bad.lines[1], /^! :2: this is not Big5 text/);
  assert.equal(bad.lines[2], 'ok');
  assert.deepEqual((await linesOf(Buffer.from('好\n天', 'utf16le'), { encoding: 'utf-16' })).lines, ['好', '天']);
  const half = await linesOf(Buffer.from('ab\n\ud800c\nd\n', 'utf16le'), { encoding: 'utf-16' });
  assert.deepEqual([half.lines[0], half.lines[2]], ['ab', 'd']);
  assert.match(half.lines[1], /^! :2: this is not UTF-16/);
  assert.match((await linesOf(unsure, { encoding: 'utf-8' })).lines[0], /not UTF-8/);
});

test('a character on the border of two blocks of a packed file is whole in every encoding', async () => {
  const lines = Array.from({ length: 60_000 }, (_, i) => `${i % 7} 今天苹果园`);
  const text = `${lines.join('\n')}\n`;
  const gb = new Map<string, Buffer>(
    Array.from('今天苹果园', (c, i) => [c, Buffer.from(['bdf1', 'ccec', 'c6bb', 'b9fb', 'd4b0'][i], 'hex')]),
  );
  const bytes = Buffer.concat(Array.from(text, (character) => gb.get(character) ?? Buffer.from(character)));
  for (const content of [gzipSync(bytes), gzipSync(Buffer.from(text, 'utf16le')), gzipSync(text)]) {
    assert.deepEqual((await linesOf(content)).lines, lines);
  }
});

test('a source says its encoding; one that keeps nothing is an error with the reason', async () => {
  const source = { name: 'a', from: 'file:a.txt', format: 'txt', licence: 'x' };
  const texts = async (content: Uint8Array, more: Record<string, unknown>, spec: Record<string, unknown> = {}) => {
    const written = JSON.stringify({ name: 'x', sources: [{ ...source, ...more }], ...spec });
    const folder = await scratch({ 'a.txt': content, 'spec.yaml': written });
    const { path, events } = await build(folder, { validation: 0 });
    const notes = events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
    return { texts: (await documentsOf(path, 'train')).map(({ text }) => text), notes };
  };
  assert.deepEqual((await texts(unsure, { encoding: 'gb18030' })).texts, ['你好']);
  const found = await texts(gb18030, {});
  assert.match(found.texts[0], /^今天/);
  assert.ok(found.notes.some((text) => /^a: .*is read as GB18030/.test(text)));
  await assert.rejects(
    texts(unsure, {}),
    /source a keeps no document. 1 read, 1 dropped as unreadable \(first: a:a\.txt:1/,
  );
  const filters = { filters: { length: { min: 1000 } } };
  await assert.rejects(texts(Buffer.from('short'), {}, filters), /keeps no document. 1 read, 1 dropped as length/);
});

test('texts to measure: rows in any format and plain text, of a file or a folder', async () => {
  const folder = await scratch({
    'a/1.txt': '[not a list]\n今天\n',
    'a/2': gzipSync('{"text":"one","source":"s"}\n{"text":"two"}\n'),
    'b.csv': 'text,source\nthree,t\n',
  });
  const samples = async (path: string) => {
    const found: string[] = [];
    for await (const { text, domain } of readSamples(path)) found.push(`${domain}: ${text}`);
    return found;
  };
  assert.deepEqual(await samples(join(folder, 'a')), ['1.txt: [not a list]\n今天\n', 's: one', '2: two']);
  assert.deepEqual(await samples(join(folder, 'b.csv')), ['t: three']);
  assert.deepEqual((await samples(fixture('footer-javascript.arrow'))).at(-1), 'footer-javascript.arrow: three');
  await assert.rejects(samples(fixture('messages.parquet')), /messages\.parquet: this row has no "text"/);
  assert.equal((await samples(fixture('snappy.parquet'))).length, 29, 'thirty rows, one of them null');
  await assert.rejects(samples(join(folder, 'c')), /c: no file is found here/);
});

test('text in Shift-JIS, EUC-JP or EUC-KR is not taken for GB18030, and the advice shows what it would be as each', async () => {
  // 空は青いです / 하늘은 파랗습니다, after ASCII that reads alike in every encoding.
  const cases = [
    ['8bf382cd90c282a282c582b7', /in Shift-JIS it reads "空は青いです".*iconv -f SHIFT_JIS/],
    ['b6f5a4cfc0c4a4a4a4c7a4b9', /in EUC-JP it reads "空は青いです".*iconv -f EUC-JP/],
    ['c7cfb4c3c0ba20c6c4b6febdc0b4cfb4d9', /in EUC-KR it reads "하늘은 파랗습니다".*iconv -f EUC-KR/],
  ] as const;
  for (const [hex, advice] of cases) {
    const line = Buffer.concat([
      Buffer.from('a long beginning in plain ASCII, which tells nothing: '),
      Buffer.from(hex, 'hex'),
    ]);
    const { lines, notices } = await linesOf(Buffer.concat([line, Buffer.from('\n'), line]));
    assert.match(lines[0], advice);
    assert.deepEqual(notices, []);
  }
});

test('JSON over several lines and lines that end in CR alone are named, with the command that makes rows of them', async () => {
  const folder = await scratch({
    'one.json': JSON.stringify(row, null, 2),
    'wrapped.json': JSON.stringify({ version: 1, data: [row, row] }, null, 2),
    'many.jsonl': `${JSON.stringify(row, null, 2)}\n${JSON.stringify(row, null, 2)}`,
    'mac.jsonl': `${JSON.stringify(row)}\r${JSON.stringify(row)}\r`,
  });
  const expected = {
    'one.json': /one object over several lines, with the fields messages.*jq -c \. /,
    'wrapped.json': /with the fields version, data.*jq -c '\.\["data"\]\[\]' /,
    'many.jsonl': /not valid JSON.*objects one after another become lines with jq -c \. /,
    'mac.jsonl': /lines end in a carriage return alone: tr '\\r' '\\n' < /,
  };
  for (const [name, message] of Object.entries(expected)) await assert.rejects(rowsAt(join(folder, name)), message);
});

test('a pipe is refused at once and by name: it would be read more than once', async () => {
  const folder = await scratch({ 'a.txt': 'text' });
  const pipe = join(folder, 'pipe');
  if (spawnSync('mkfifo', [pipe]).status !== 0) return; // no such thing here
  const isRefused = /pipe: this is a pipe or a device, not a file/;
  await assert.rejects(rowsAt(pipe), isRefused);
  await assert.rejects(rowsDigest(pipe), isRefused);
  await assert.rejects(readSamples(pipe).next(), isRefused);
});
