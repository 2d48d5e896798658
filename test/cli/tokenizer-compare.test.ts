import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'mossctl-compare-'));
after(() => rm(folder, { recursive: true }));

function compare(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const words = ['--import', 'tsx', 'src/cli/main.ts', 'tokenizer', 'compare', ...args];
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
    /^language +tokenizer +vocabulary +MB +bytes\/token +tokens\/Han +bits\/Han +tokens\/word +partial$/m,
  );
  assert.match(table, /^b\.txt +gpt2 +50,257 +0\.00 +\d\.\d{3} +– +– +\d\.\d{3} +0\.0 %$/m);
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
});
