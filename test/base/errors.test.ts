// What the system refuses is said in words that name the place, the reason and what to type: real errors of a real system.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { diskAt } from '../../src/base/disk.js';
import { asUserError, isResourceError, UserError, wholeMessage } from '../../src/base/errors.js';
import { writeDirectoryAtomic, writeFileAtomic } from '../../src/base/files.js';
import { cacheDirectory } from '../../src/network/cache.js';
import { smallDisk } from '../small-disk.js';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mossctl-errors-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function translated(work: Promise<unknown>): Promise<UserError> {
  const error = await work.then(
    () => assert.fail('it succeeded'),
    (thrown: unknown) => asUserError(thrown),
  );
  assert.ok(error instanceof UserError, String(error));
  return error;
}

test('bad paths are bad input, and the path is named', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  await symlink('loop', join(folder, 'loop'));
  for (const [work, pattern] of [
    [
      () => writeFileAtomic(join(folder, 'x'.repeat(300)), ''),
      /x{300}.*: this name is too long for the file system\. Choose/,
    ],
    [
      () => mkdir(join(file, 'below')),
      /file.below: this path leads through a file, where a folder was expected\. Check/,
    ],
    [() => mkdir(file), /file: there is something else under this name\. Choose another name/],
    [() => readFile(folder), /this is a folder, a file was expected/],
    [() => readFile(join(folder, 'loop')), /loop: this link leads back to itself/],
    [() => readFile(join(folder, 'nothing')), /nothing: no such file or folder/],
  ] as const) {
    const error = await translated(work());
    assert.match(error.message, pattern);
    assert.equal(error.exitCode, 2);
  }
});

test('a full disk is named with the file, the mount and what is left there', async (t) => {
  const disk = await smallDisk(t, '1m');
  if (disk === undefined) return;
  assert.deepEqual(diskAt(join(disk, 'not', 'there'))?.mount, disk);
  const write = (temporary: string) => writeFile(join(temporary, 'large'), Buffer.alloc(2 << 20));
  for (const work of [
    () => writeFileAtomic(join(disk, 'file'), Buffer.alloc(2 << 20)),
    () => writeDirectoryAtomic(join(disk, 'file'), write),
  ]) {
    // One after the other: of two at once the second may fail before anybody waits for it.
    const thrown = await work().then(undefined, (error: unknown) => error);
    const error = asUserError(thrown) as UserError;
    const pattern = new RegExp(
      `^${join(disk, 'file')}: the disk is full\\. ${disk} has .* of 1\\.0 MiB left; what was`,
    );
    assert.match(error.message, pattern);
    assert.equal(error.exitCode, 1);
    assert.ok(isResourceError(thrown));
  }
});

test('limits of the shell: too large a file, too many open ones', () => {
  const child = (limit: string, code: string): string => {
    const script = `
      import { asUserError } from ${JSON.stringify(new URL('../../src/base/errors.ts', import.meta.url).href)};
      import { writeFileAtomic } from ${JSON.stringify(new URL('../../src/base/files.ts', import.meta.url).href)};
      import { openSync } from 'node:fs';
      try { ${code} } catch (error) { console.log(asUserError(error).message); }`;
    const command = `ulimit ${limit}; exec "$0" --import tsx --input-type=module -e "$1"`;
    return execFileSync('bash', ['-c', command, process.execPath, script], { encoding: 'utf8' });
  };
  const large = join(folder, 'large');
  const tooLarge = child('-f 64', `await writeFileAtomic(${JSON.stringify(large)}, Buffer.alloc(1 << 20))`);
  assert.match(
    tooLarge,
    /large: the file would be larger than may be\. The file system or a limit.*\(ulimit -f unlimited\)/,
  );
  const tooMany = child('-n 100', `for (;;) openSync(${JSON.stringify(fileURLToPath(import.meta.url))})`);
  assert.match(tooMany, /errors\.test\.[jt]s: too many files are open\. Raise the limit \(ulimit -n 4096\)/);
});

test('memory that cannot be had is a failure that a person can act on; any other RangeError is not', async () => {
  const error = await translated(Promise.resolve().then(() => new ArrayBuffer(2 ** 52)));
  assert.match(error.message, /^there is not enough memory\. Array buffer allocation failed\. Close other programs/);
  assert.equal(error.exitCode, 1);
  assert.ok(asUserError(new Error('cross-entropy: out of memory')) instanceof UserError);
  const ofTensorflow = (status: number, words: string): Error =>
    new Error(`Invalid TF_Status: ${status}\nMessage: ${words}`);
  const full = asUserError(ofTensorflow(8, 'OOM when allocating tensor with shape[9,9]'));
  assert.ok(full instanceof UserError);
  assert.match(full.message, /^there is not enough memory\. OOM when allocating tensor with shape\[9,9\]\. Close/);
  const unknown = ofTensorflow(12, 'Broadcast between [2] and [3] is not supported yet.');
  assert.equal(asUserError(unknown), unknown);
  assert.equal(wholeMessage(unknown), 'Broadcast between [2] and [3] is not supported yet.');
  const bug = new RangeError('Invalid array length');
  assert.equal(asUserError(bug), bug);
});

test('without a home folder the cache says how to name another', (t) => {
  const names = ['HOME', 'MOSSCTL_CACHE', 'XDG_CACHE_HOME'];
  const saved = names.map((name) => process.env[name]);
  t.after(() => {
    for (const [i, name] of names.entries()) {
      if (saved[i] === undefined) delete process.env[name];
      else process.env[name] = saved[i];
    }
  });
  for (const name of names) delete process.env[name];
  process.env.HOME = '';
  assert.throws(cacheDirectory, /there is no home folder to keep downloads in\. HOME is not set.*MOSSCTL_CACHE=/);
  process.env.MOSSCTL_CACHE = '/some/folder';
  assert.equal(cacheDirectory(), '/some/folder');
});
