// A link that is a text file, where the system refuses symbolic ones: it is read wherever a link is, and nothing else is
// taken for one.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstat, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { readLink, realPathOrItself, throughLinkFile, writeLink } from '../../src/base/link.js';
import { openCheckpoint } from '../../src/checkpoint/directory.js';
import { linkLatest, stepDirectory } from '../../src/checkpoint/history.js';
import { pruneCheckpoints } from '../../src/checkpoint/retention.js';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import { takeBack } from '../../src/pipeline/record.js';
import { checkpointContent } from '../checkpoint/fixtures/content.js';
import { refuseLinks } from '../links-refused.js';

let folder = '';
before(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'link-')));
});
after(() => rm(folder, { recursive: true, force: true }));

for (const isRefused of [false, true]) {
  test(`a link ${isRefused ? 'as a text file' : 'of the system'}: written, replaced, read, moved`, async () => {
    const allow = isRefused ? refuseLinks() : () => {};
    try {
      const place = join(folder, `own-${isRefused}`);
      await mkdir(join(place, 'b', 'c'), { recursive: true });
      await mkdir(join(place, 'a'));
      const link = join(place, 'latest');
      assert.equal(await readLink(link), undefined);
      await writeLink(link, join(place, 'a'));
      await writeLink(link, join(place, 'b', 'c'));
      assert.equal((await lstat(link)).isSymbolicLink(), !isRefused);
      assert.equal(await readLink(link), 'b/c');
      assert.equal(await realPathOrItself(link), join(place, 'b', 'c'));
      assert.deepEqual((await readdir(place)).sort(), ['a', 'b', 'latest']);
      await rename(place, `${place}-moved`);
      assert.equal(await realPathOrItself(join(`${place}-moved`, 'latest')), join(`${place}-moved`, 'b', 'c'));
      await mkdir(join(folder, `full-${isRefused}`, 'latest', 'file'), { recursive: true });
      await assert.rejects(writeLink(join(folder, `full-${isRefused}`, 'latest'), place));
      assert.deepEqual(await readdir(join(folder, `full-${isRefused}`)), ['latest']);
    } finally {
      allow();
    }
  });
}

test('Windows, which replaces no link to a folder: always a text file, also where an earlier version left a link', async () => {
  const place = join(folder, 'windows');
  await mkdir(join(place, 'a'), { recursive: true });
  const link = join(place, 'latest');
  await writeLink(link, join(place, 'b'));
  assert.ok((await lstat(link)).isSymbolicLink());
  const platform = Object.getOwnPropertyDescriptor(process, 'platform') as PropertyDescriptor;
  Object.defineProperty(process, 'platform', { value: 'win32' });
  try {
    for (let again = 0; again < 2; again++) await writeLink(link, join(place, 'a'));
  } finally {
    Object.defineProperty(process, 'platform', platform);
  }
  assert.equal(await readFile(link, 'utf8'), 'mossctl link: a\n');
  assert.deepEqual((await readdir(place)).sort(), ['a', 'latest']);
});

test('whatever a system calls it that there are no links, the text file is written', async () => {
  for (const code of ['EISDIR', 'EROFS', 'EACCES', 'ENOTSUP']) {
    const allow = refuseLinks(code);
    await writeLink(join(folder, code), join(folder, 'a')).finally(allow);
    assert.equal(await readFile(join(folder, code), 'utf8'), 'mossctl link: a\n');
  }
});

test('a named pipe is no link, and nobody waits for its writer', { skip: process.platform === 'win32' }, async () => {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  assert.equal(await readLink(path), undefined);
});

test('only one line of ours is a link: other files, empty targets, more lines, NUL and long ones are not', async () => {
  const path = join(folder, 'file');
  for (const text of [
    '',
    'b/c\n',
    'mossctl link: \n',
    'mossctl link: a\nb\n',
    'mossctl link: a\0b\n',
    `mossctl link: ${'a'.repeat(5000)}\n`,
  ]) {
    await writeFile(path, text);
    assert.equal(await readLink(path), undefined, text);
    assert.equal(await throughLinkFile(path), path);
    assert.equal(await realPathOrItself(path), path);
  }
  await writeFile(path, 'mossctl link: b/c\r\n'); // as an editor on Windows saves it
  assert.equal(await readLink(path), 'b/c');
  await writeFile(path, '\uFEFFmossctl link: b/c\r\n');
  assert.equal(await readLink(path), 'b/c');
});

test('`latest` as a text file: opened by every name, kept by pruning, followed where a stage moves, said where it is broken', async () => {
  const allow = refuseLinks();
  try {
    const run = join(folder, 'run');
    const steps = [1, 2, 3].map((step) => stepDirectory(join(run, 'sft'), step));
    for (const [i, path] of steps.entries()) await saveCheckpoint(path, checkpointContent(i + 1));
    await linkLatest(run, steps[0]);
    assert.equal(await readFile(join(run, 'latest'), 'utf8'), 'mossctl link: sft/step-000001\n');
    for (const named of [run, join(run, 'latest')]) assert.equal((await openCheckpoint(named)).manifest.step, 1);
    await pruneCheckpoints(join(run, 'sft'), { last: 1 }, { runDirectory: run, protect: [] });
    assert.deepEqual(await readdir(join(run, 'sft')), ['step-000001', 'step-000003']);

    await rename(join(run, 'sft'), join(run, 'sft.replaced-0123abcd'));
    await assert.rejects(openCheckpoint(join(run, 'latest')), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /there no longer.*sft\.replaced-0123abcd\/step-000001/s);
      return true;
    });
    await linkLatest(run, join(run, 'sft.replaced-0123abcd', 'step-000001'));
    assert.ok(await takeBack(run, 'sft', 'sft.replaced-0123abcd'));
    assert.equal(await readLink(join(run, 'latest')), 'sft/step-000001');
  } finally {
    allow();
  }
});
