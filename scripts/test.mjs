// Runs every test/**/*.test.ts (or those whose path contains an argument) with Node's own runner. First the native engine is
// built where its sources are newer than it (without a compiler its tests are skipped, and say so), dist/, from which tests
// start the command line, and the tests themselves: each process starts a second faster than from the sources.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compileTests } from './compiled-tests.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const wanted = process.argv.slice(2);
const files = readdirSync(`${root}test`, { recursive: true })
  .map((file) => `test/${file}`)
  .filter((file) => file.endsWith('.test.ts'))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort();
const unmatched = wanted.filter((part) => !files.some((file) => file.includes(part)));
if (files.length === 0 || unmatched.length > 0) {
  console.error(`no test file matches ${unmatched.join(' ')}`);
  process.exit(1);
}
if (!process.env.MOSSCTL_NATIVE) {
  spawnSync(process.execPath, ['scripts/build-native.mjs', '--optional'], { stdio: 'inherit', cwd: root });
}
const built = spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit', cwd: root });
if (built.status !== 0) process.exit(1);
const isFew = files.length <= 20; // a few start sooner through tsx than all are compiled
const tests = isFew ? files : compileTests(root, files);
if (tests === undefined) process.exit(1);
const loader = isFew ? ['--import', 'tsx'] : [];
// "spec" says what failed once more at the end, where the reader of a long log looks
const runner = ['--test', '--test-concurrency=2', '--test-reporter=spec'];
const result = spawnSync(process.execPath, [...loader, ...runner, ...tests], {
  stdio: 'inherit',
  cwd: root,
  env: { ...process.env, MOSSCTL_TEST_BUILT: '1' },
});
process.exitCode = result.status ?? 1;
