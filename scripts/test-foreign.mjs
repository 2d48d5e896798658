// npm run test:arm64, npm run test:musl: a prebuilt engine that this machine would not load is run here all the same, by a
// Node of its own kind (foreign-node.mjs): every op of the conformance suite that is asked for, then the packed project
// installed in an empty folder, where doctor must find the prebuilt engine and the smoke pipeline must end. For arm64 the
// products are also looked for in the machine code. It needs `npm run prebuild` before it.
//
//   node --import tsx scripts/test-foreign.mjs arm64 [part-of-a-test's-path …]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileTests } from './compiled-tests.mjs';
import { foreignNode } from './foreign-node.mjs';
import { densestProducts } from './neon-products.ts';
import { checkPrebuilt } from './prebuilt.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const engines = { arm64: 'mossctl-linux-arm64.node', musl: 'mossctl-linux-x64-musl.node' };
const [kind, ...parts] = process.argv.slice(2);
const scratch = mkdtempSync(join(tmpdir(), 'mossctl-foreign-'));
try {
  await main();
} catch (error) {
  console.error(`mossctl: ${error.message}. ${error.next ?? ''}`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function main() {
  if (engines[kind] === undefined) throw new Error(`name one of ${Object.keys(engines).join(', ')}`);
  const engine = join(root, 'native/prebuilt', engines[kind]);
  if (!existsSync(engine)) throw new Error(`${engine} is not there: npm run prebuild`);
  await checkPrebuilt(); // of other sources, it would be no test
  const node = await foreignNode(kind);
  if (kind === 'arm64') checkProducts(engine);
  checkInstalled(node);
  checkConformance(node, engine);
}

/** The inner loop of the matrix product: 24 fused products of four floats (kernels/gemm.h: 12 rows, 2 vectors) and what loads them. */
function checkProducts(engine) {
  const { total, densest } = densestProducts(readFileSync(engine));
  console.log(`${total} fmla of four floats, ${densest} in the densest 32 instructions`);
  if (densest < 24) throw new Error('the products are not vectorized');
}

function checkInstalled(node) {
  const user = join(scratch, 'user');
  mkdirSync(user);
  run(['npm', 'pack', root, '--pack-destination', scratch, '--ignore-scripts'], scratch);
  const tarball = join(scratch, readdirSync(scratch).find((name) => name.endsWith('.tgz')) ?? '');
  run(['npm', 'init', '-y'], user);
  run(['npm', 'i', tarball, '--omit=dev', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund'], user);
  const mossctl = [...node, join(user, 'node_modules/mossctl/bin/mossctl.js')];
  const found = run([...mossctl, 'doctor', '--json'], user);
  const { ok, detail } = JSON.parse(found.split('\n').find((line) => line.includes('"backend native"')) ?? '{}');
  console.log(`backend native: ${detail}`);
  if (!ok || !detail.includes('prebuilt by')) throw new Error('doctor does not find the prebuilt engine');
  const started = performance.now();
  run([...mossctl, 'run', 'smoke', '--backend', 'native'], user, 'inherit');
  if (!existsSync(join(user, 'runs/smoke/report.html'))) throw new Error('the smoke pipeline left no report');
  console.log(`smoke ended in ${((performance.now() - started) / 1000).toFixed(0)} s`);
}

/** Each test file in a process of its own, started here: a foreign Node cannot start another by itself. */
function checkConformance(node, engine) {
  const folder = join(root, 'test/conformance');
  const wanted = parts.length > 0 ? parts : [''];
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.test.ts') && wanted.some((part) => name.includes(part)))
    .map((name) => `test/conformance/${name}`);
  const compiled = compileTests(root, files);
  if (compiled === undefined) throw new Error('the tests do not compile');
  const env = { ...process.env, TEST_BACKEND: 'native', MOSSCTL_NATIVE: engine };
  let passed = 0;
  for (const [i, file] of compiled.entries()) {
    const { status, stdout, stderr } = spawnSync(node[0], [...node.slice(1), file], {
      cwd: root,
      env,
      encoding: 'utf8',
    });
    const count = (name) => Number(new RegExp(`^(?:#|ℹ) ${name} (\\d+)`, 'm').exec(stdout)?.[1] ?? Number.NaN);
    const [pass, skipped] = [count('pass'), count('skipped')];
    console.log(`${files[i]}: ${pass} passed, ${skipped} skipped`);
    if (status !== 0 || !(pass > 0))
      throw new Error(`${files[i]} fails:\n${stdout.slice(-4000)}${stderr.slice(-2000)}`);
    passed += pass;
  }
  console.log(`${passed} conformance tests passed on ${kind}`);
}

function run([program, ...args], cwd, output = 'pipe') {
  const { status, signal, error, stdout, stderr } = spawnSync(program, args, {
    cwd,
    stdio: ['ignore', output, output],
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (status === 0) return stdout ?? '';
  throw new Error(`\`${[program, ...args].join(' ')}\` ended with ${status ?? signal ?? error}\n${stderr ?? ''}`);
}
