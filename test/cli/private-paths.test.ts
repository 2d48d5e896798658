// Paths of a machine in what is shared become short; text that only looks a little like one stays as it is.
import assert from 'node:assert/strict';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { PrivatePaths } from '../../src/cli/private-paths.js';

const run = join(tmpdir(), 'mossctl-some-run');
const paths = new PrivatePaths(run);

test('of the run and the working folder what is below them, of all others the last part', () => {
  assert.equal(paths.shorten(`${run}/sft/step-000010 is whole`), 'sft/step-000010 is whole');
  assert.equal(paths.shorten(join(process.cwd(), 'texts/a.txt')), 'texts/a.txt');
  assert.equal(paths.shorten('reading /data/corpora/secret client/a.txt, then'), 'reading secret client/a.txt, then');
  assert.equal(paths.shorten(`(${homedir()}/projects/b.jsonl:12)`), '(b.jsonl:12)');
  assert.equal(paths.shorten(`${tmpdir()}/x/y`), 'y');
  assert.equal(paths.shorten('C:\\Users\\me\\c.txt'), 'c.txt');
  assert.deepEqual(paths.shorten({ list: ['/home/me/d.yaml', 3] }), { list: ['d.yaml', 3] });
});

test('addresses, dates, fractions and lists of words stay', () => {
  for (const text of [
    'https://a.org/home/x/y',
    '中文/英文/日文',
    '2024/01/02',
    '1/2/3',
    'and/or',
    'bits/byte',
    './data/x',
    '</tool_call>',
  ])
    assert.equal(paths.shorten(text), text);
});

test('a path that is left is found', () => {
  assert.equal(paths.firstIn('{"name_or_path": "/home/me/models/x"}'), '/home/me/models/x');
  assert.equal(paths.firstIn('https://a.org/home/x'), undefined);
});
