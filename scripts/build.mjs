// Compiles src/ to dist/ with tsc. Runs from `prepare`, which npm also calls where TypeScript is not installed
// (`npm ci --omit=dev`, or the packed tarball, which carries dist/): then there is nothing to do.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = `${root}node_modules/typescript/bin/tsc`;
if (!existsSync(tsc)) {
  console.log('mossctl: TypeScript is not installed, dist/ is left as it is');
} else {
  rmSync(`${root}dist`, { recursive: true, force: true });
  const result = spawnSync(process.execPath, [tsc, '-p', root], { stdio: 'inherit', cwd: root });
  process.exitCode = result.status ?? 1;
}
