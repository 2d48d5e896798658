// The tests as JavaScript: compiled once with tsc, instead of through tsx in each of some 250 processes, which takes as long
// again as many of them. They lie in a mirror of the project (dist-test/mossctl/) with copies of fixtures and sources, and links to
// the rest, so that a test finds everything where it would find it beside its own source.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const folder = 'dist-test/mossctl';
const copied = ['src', 'test', 'scripts', 'bench', 'bin'];

/** @returns the path of the mirror's file for each of `files`; undefined where it did not compile, which tsc has said. */
export function compileTests(root, files) {
  const mirror = join(root, folder);
  rmSync(join(root, 'dist-test'), { recursive: true, force: true });
  mkdirSync(mirror, { recursive: true });
  // Files of other systems that some tests read lie beside the project, where they are.
  if (existsSync(join(root, '../shared'))) symlinkSync(join(root, '../shared'), join(mirror, '../shared'));
  for (const name of readdirSync(root)) {
    if (name === 'dist-test' || name.startsWith('.git')) continue;
    if (copied.includes(name)) copyTree(join(root, name), join(mirror, name));
    else symlinkSync(join(root, name), join(mirror, name));
  }
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const options = ['--noEmit', 'false', '--rewriteRelativeImportExtensions', '--outDir', mirror];
  const result = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.test.json'), ...options], {
    stdio: 'inherit',
    cwd: root,
  });
  return result.status === 0 ? files.map((file) => join(folder, file.replace(/\.ts$/, '.js'))) : undefined;
}

/** Copies: a test may copy a folder of fixtures and change what it has, which would write through links. */
function copyTree(from, to) {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyTree(source, target);
    else copyFileSync(source, target);
  }
}
