// npm run test:install: packs the project, installs the tarball in an empty folder where no compiler can be found, and
// there asks doctor, runs the smoke pipeline on the native engine and chats with its model: what a person's first minutes
// are. It needs `npm run prebuild` before it. --with-compiler: without a prebuilt engine, on a PATH as it is.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPrebuilt } from './prebuilt.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const withCompiler = process.argv.includes('--with-compiler');
/** What npm needs of a machine. None of it compiles. */
const programs = ['node', 'npm', 'npx', 'sh', 'env', 'sed', 'dirname', 'uname'];
/** What the engines of all platforms may add to the package. */
const maxEngines = 20e6;

const scratch = mkdtempSync(join(tmpdir(), 'mossctl-install-'));
try {
  main(await checkPrebuilt());
} catch (error) {
  console.error(`mossctl: the install test failed: ${error.message}. ${error.next ?? ''}`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** @param engines bytes of all that are packed */
function main(engines) {
  run(scratch, process.env, 'npm', ['pack', root, '--pack-destination', scratch, '--ignore-scripts']);
  const tarball = join(scratch, readdirSync(scratch).find((name) => name.endsWith('.tgz')) ?? '');
  const { size } = statSync(tarball);
  console.log(
    `the tarball has ${(size / 1e6).toFixed(1)} MB; the engines in it, unpacked, ${(engines / 1e6).toFixed(1)} MB`,
  );
  if (engines > maxEngines) throw new Error(`the engines are larger than ${maxEngines / 1e6} MB`);

  const user = join(scratch, 'user');
  mkdirSync(user);
  const env = withCompiler ? process.env : { ...process.env, PATH: bareBin(), CXX: '' };
  run(user, env, 'npm', ['init', '-y'], 'quiet');
  run(user, env, 'npm', ['i', tarball, '--omit=dev', '--no-audit', '--no-fund']);
  const engine = checkNamed(run(user, env, 'npx', ['mossctl', 'doctor', '--json'], 'quiet'), 'backend native');
  console.log(`backend native: ${engine.detail}`);
  if (!engine.ok) throw new Error('the native engine does not work');
  if (!withCompiler) {
    const compiled = existsSync(join(user, 'node_modules/mossctl/native/build'));
    if (compiled || !engine.detail.includes('prebuilt by')) throw new Error('this is not the prebuilt engine');
  }
  run(user, env, 'npx', ['mossctl', 'run', 'smoke', '--backend', 'native']);
  if (!existsSync(join(user, 'runs/smoke/report.html'))) throw new Error('there is no report');
  run(user, env, 'npx', ['mossctl', 'chat', 'runs/smoke/latest', '--backend', 'native'], 'quiet', '12×3+9=?\n');
  console.log(`installed, trained and chatted ${withCompiler ? '' : 'without a compiler, '}on the native engine`);
}

/** A folder of links to the few programs: the only PATH. */
function bareBin() {
  const bin = join(scratch, 'bin');
  mkdirSync(bin);
  for (const name of programs) {
    const found = process.env.PATH?.split(delimiter)
      .map((folder) => join(folder, name))
      .find(existsSync);
    if (found !== undefined) symlinkSync(found, join(bin, name));
  }
  return bin;
}

/** Runs a program to its end and @returns its output; throws where it ends badly. */
function run(cwd, env, program, args, mode = 'shown', input = '') {
  const output = mode === 'shown' ? 'inherit' : 'pipe';
  const done = spawnSync(program, args, { cwd, env, input, stdio: ['pipe', output, 'pipe'], encoding: 'utf8' });
  if (done.status === 0) return done.stdout ?? '';
  throw new Error(
    `\`${[program, ...args].join(' ')}\` ended with ${done.status ?? done.signal ?? done.error}:\n${done.stderr}`,
  );
}

function checkNamed(lines, name) {
  const found = lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .find((each) => each.name === name);
  if (found === undefined) throw new Error(`doctor says nothing of ${name}`);
  return found;
}
