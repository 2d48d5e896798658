// Compiles src/ to dist/ with tsc, bundles the page that `mossctl serve` shows, and puts the command where `npx mossctl` finds it in a checkout (see .npmrc). Runs from
// `prepare`, which npm also calls where TypeScript is not installed (`npm ci --omit=dev`, or the packed tarball, which
// carries dist/): then there is nothing to compile.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildPage } from './build-page.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = `${root}node_modules/typescript/bin/tsc`;
if (!existsSync(tsc)) {
  console.log('mossctl: TypeScript is not installed, dist/ is left as it is');
} else {
  const compiled = existsSync(`${root}dist`) ? readdirSync(`${root}dist`).filter((name) => name !== 'page') : [];
  for (const name of compiled) rmSync(`${root}dist/${name}`, { recursive: true, force: true });
  const result = spawnSync(process.execPath, [tsc, '-p', root], { stdio: 'inherit', cwd: root });
  process.exitCode = result.status ?? 1;
}
await buildPage(root);
if (existsSync(`${root}node_modules`)) placeCommand(`${root}node_modules/.bin`);

/** As npm does for the packages that it installs; whole or not at all, for another `npx mossctl` may be starting. */
function placeCommand(folder) {
  mkdirSync(folder, { recursive: true });
  const isWindows = process.platform === 'win32';
  const path = `${folder}/${isWindows ? 'mossctl.cmd' : 'mossctl'}`;
  const temporary = `${folder}/.mossctl-${process.pid}`;
  rmSync(temporary, { force: true });
  if (isWindows) writeFileSync(temporary, '@node "%~dp0\\..\\..\\bin\\mossctl.js" %*\r\n');
  else symlinkSync('../../bin/mossctl.js', temporary);
  renameSync(temporary, path);
}
