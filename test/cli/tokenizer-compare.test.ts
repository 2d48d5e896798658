import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Document } from '../../src/data/types.js';
import { writeCorpus } from '../data/corpus-folder.js';
import { entry } from '../e2e/cli.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'mossctl-compare-'));
after(() => rm(folder, { recursive: true }));

function compare(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const words = [...entry, 'tokenizer', 'compare', ...args];
  return promisify(execFile)(process.execPath, words, { cwd: root });
}

test('compare measures every tokenizer on every language and domain of the files', async () => {
  const jsonl = join(folder, 'a.jsonl');
  const txt = join(folder, 'b.txt');
  await writeFile(
    jsonl,
    `${JSON.stringify({ text: '床前明月光，疑是地上霜。', source: 'poems' })}\n\n{"text":"the cat"}\n`,
  );
  await writeFile(txt, 'The quick brown fox jumps over the lazy dog.\nAnd again.\n');
  const { stdout } = await compare('test/golden/tokenizer', 'cl100k', '--text', jsonl, txt, '--json');
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    rows.map(({ by, group, tokenizer, documents }) => [by, group, tokenizer, documents].join(' ')),
    ['language zh', 'language en', 'domain poems', 'domain a.jsonl', 'domain b.txt'].flatMap((group) =>
      ['test/golden/tokenizer', 'cl100k'].map((name) => `${group} ${name} ${group === 'language en' ? 2 : 1}`),
    ),
  );
  assert.equal(rows[0].bytes, 36);
  assert.equal(rows[1].vocabSize, 100_264);
  const table = (await compare('test/golden/tokenizer', 'gpt2', '--text', txt)).stdout;
  assert.match(
    table,
    /^language +tokenizer +vocabulary +text +bytes\/token +tokens\/Han +bits\/Han +tokens\/word +partial$/m,
  );
  assert.match(table, /^b\.txt +gpt2 +50,257 +56 B +\d\.\d{3} +– +– +\d\.\d{3} +0\.0 %$/m);
});

test('compare reads the held-out documents of a run and draws them, for a run, a folder and a tokenizer.json by any name', async () => {
  const run = join(folder, 'run');
  const text = (source: string, script: string): Document[] =>
    Array.from({ length: 3 }, (_, i) => ({
      ...{ id: `${source}:${i}`, source, text: script.repeat(4), language: source === 'poems' ? 'zh' : 'en' },
    }));
  const validation = [...text('poems', '床前明月光，'), ...text('tales', 'Once upon a time ')];
  const train = text('tales', 'never read by compare');
  await mkdir(join(run, 'data'), { recursive: true });
  await writeCorpus(join(run, 'data', 'corpus'), { train, validation });
  await cp(join(root, 'test/golden/tokenizer'), join(run, 'tokenizer'), { recursive: true });
  const file = join(folder, 'mine.json');
  await cp(join(root, 'test/golden/tokenizer/tokenizer.json'), file);
  const page = join(folder, 'compare.html');
  const { stdout } = await compare(run, file, 'o200k', '--html', page);
  assert.match(stdout, /^text {2}the held-out documents of \S*run\/data\/corpus \(--text FILE compares on others\)$/m);
  assert.match(stdout, /^zh +\S*run +560 +216 B /m);
  assert.match(stdout, /^tales +o200k +200,006 /m);
  const bars = stdout.slice(stdout.indexOf('bytes/token (more is better)')).split('\n\n');
  assert.deepEqual(
    bars.slice(0, 3).map((chart) => chart.split('\n')[0]),
    ['bytes/token (more is better)', 'bits/Han (less is better)', 'tokens/word (less is better)'],
  );
  const lengths = bars.slice(0, 3).map((chart) => chart.split('\n').map((line) => (line.match(/█/g) ?? []).length));
  assert.deepEqual(
    lengths.map((chart) => chart.length),
    [7, 4, 4],
    'Han only where there is Chinese, words only where there is English',
  );
  for (const chart of lengths) assert.equal(Math.max(...chart), 40);
  assert.match(bars[1], /^zh +\S*run +█+\S? \d+\.\d\d$/m);
  const [run1, file1] = bars[1].split('\n').slice(1);
  assert.equal(run1.split('█').at(-1), file1.split('█').at(-1), 'one tokenizer, opened in two ways');
  const html = await readFile(page, 'utf8');
  assert.equal(html.match(/<svg/g)?.length, 6);
  assert.match(html, /bits\/Han by domain \(less is better\)/);
  assert.match(html, /poems · o200k/);
  assert.doesNotMatch(html, /<script|https?:/);
  const colours = [...html.matchAll(/<rect class="key (s\d)"/g)].map(([, colour]) => colour);
  assert.deepEqual(colours.slice(0, 6), ['s0', 's1', 's2', 's0', 's1', 's2'], 'each tokenizer has its own');
  assert.match(html, /On 420 B of text/);
});

test('what cannot be compared is refused with the reason', async () => {
  const bad = join(folder, 'bad.jsonl');
  await writeFile(bad, '{"text":"x"}\n{"words":"y"}\n');
  const failure = async (...args: string[]) =>
    compare(...args).then(
      () => assert.fail('it worked'),
      (error: { code: number; stderr: string }) => error,
    );
  const row = await failure('gpt2', '--text', bad);
  assert.equal(row.code, 2);
  assert.match(row.stderr, /bad\.jsonl:2.*this row has no "text"/);
  const empty = join(folder, 'empty.txt');
  await writeFile(empty, '');
  assert.match((await failure('gpt2', '--text', empty)).stderr, /there is no text to compare tokenizers on/);
  assert.match((await failure('gpt2', '--text', join(folder, 'gone.txt'))).stderr, /gone\.txt/);
  assert.equal((await failure(join(folder, 'nothing'), '--text', empty)).code, 2);
  assert.match(
    (await failure('gpt2')).stderr,
    /None of gpt2 is a run with a corpus of its own\. Name files with --text/,
  );
});
