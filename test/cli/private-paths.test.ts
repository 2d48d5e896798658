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
  assert.equal(paths.shorten(run), '.');
  assert.equal(paths.shorten('reading /data/corpora/secret client/a.txt, then'), 'reading a.txt, then');
  assert.equal(paths.shorten(`(${homedir()}/projects/b.jsonl:12)`), '(b.jsonl:12)');
  assert.equal(paths.shorten(`${tmpdir()}/x/y`), 'y');
  assert.equal(paths.shorten('C:\\Users\\me\\c.txt'), 'c.txt');
  assert.deepEqual(paths.shorten({ list: ['/home/me/d.yaml', 3] }), { list: ['d.yaml', 3] });
});

test('whatever the folders of a machine are called, and on whatever system', () => {
  for (const [path, short] of [
    ['/project/alice/x.txt', 'x.txt'],
    ['/data1/alice/x', 'x'],
    ['/bigdisk/alice/', 'alice'],
    ['path:/bigdisk/alice/x', 'path:x'],
    ['C:/Users/alice/x.txt', 'x.txt'],
    ['d:\\work\\alice\\my novels\\x.txt', 'x.txt'],
    ['\\\\server\\alice\\x.txt', 'x.txt'],
    ['\\\\server\\share folder\\alice\\x.txt', 'x.txt'],
    ['file:///mnt/nas/alice/x.txt', 'x.txt'],
    ['smb://server/alice/x.txt', 'x.txt'],
    ['/srv/a b/my novels/secret/x.txt', 'x.txt'],
    ["/srv/O'Brien (old)/secret/x.txt", 'x.txt'],
    ['/srv/a,b/secret/x.txt', 'x.txt'],
  ]) {
    assert.equal(paths.shorten(`in ${path}`), `in ${short}`);
    assert.ok(paths.firstIn({ deep: [`in ${path}`] }), path);
  }
  assert.equal(paths.shorten('/srv/a/x.txt and 3/4 of /srv/b/y.txt'), 'x.txt and 3/4 of y.txt');
});

test('a home is the name of who lives there', () => {
  for (const path of [
    '/home/alice',
    '/home/alice/',
    '/Users/alice',
    'C:\\Users\\alice',
    'file:///home/alice',
    homedir(),
  ])
    assert.equal(paths.shorten(`in ${path}: x`), 'in ~: x', path);
});

test('addresses, dates, fractions and lists of words stay', () => {
  for (const text of [
    'https://a.org/home/x/y',
    'http://127.0.0.1:8080/v1/chat/completions',
    'see https://a.org/my files/x',
    '中文/英文/日文',
    '2024/01/02',
    '1/2/3',
    'and/or',
    'bits/byte',
    './data/x',
    '</tool_call>',
    '</b></p>',
    'a / b / c',
    `other${homedir()}/x`,
  ])
    assert.equal(paths.shorten(text), text);
});

test('a path that is left is found', () => {
  assert.equal(paths.firstIn('{"name_or_path": "/home/me/models/x"}'), '/home/me/models/x');
  assert.equal(paths.firstIn('"C:\\\\Users\\\\me\\\\x"'), 'C:\\\\Users\\\\me\\\\x');
  assert.equal(paths.firstIn(`in ${run}/sft`), `${run}/`);
  assert.equal(paths.firstIn('https://a.org/home/x'), undefined);
});
