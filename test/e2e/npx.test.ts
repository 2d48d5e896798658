// `npx mossctl` in a checkout starts what the build put there: npm installs nothing behind the scenes, so a start that is
// killed can leave nothing broken behind.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from './cli.js';

test('the first start killed five times, then one that runs; npm has installed nothing', {
  skip: process.platform === 'win32' && 'a process group cannot be killed there',
}, async (t) => {
  const checkout = await mkdtemp(join(tmpdir(), 'mossctl-npx-'));
  t.after(() => rm(checkout, { recursive: true, force: true }));
  for (const name of ['package.json', '.npmrc', 'bin', 'scripts/build.mjs', 'scripts/build-page.mjs']) {
    await cp(join(root, name), join(checkout, name), { recursive: true });
  }
  await mkdir(join(checkout, 'dist', 'cli'), { recursive: true });
  await mkdir(join(checkout, 'node_modules'));
  await writeFile(join(checkout, 'dist', 'cli', 'main.js'), 'console.log("started with", ...process.argv.slice(2));');
  for (let build = 0; build < 2; build++) {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/build.mjs'], { cwd: checkout, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  }
  const cache = join(checkout, 'npm-cache');
  const others = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
  const env = { ...Object.fromEntries(others), npm_config_cache: cache, npm_config_update_notifier: 'false' };
  const cwd = join(checkout, 'scripts'); // anywhere in the checkout
  for (let i = 0; i < 5; i++) {
    const child = spawn('npx', ['mossctl', '--version'], { cwd, env, stdio: 'ignore', detached: true });
    await sleep(100 + 100 * i);
    if (child.exitCode === null) process.kill(-(child.pid ?? Number.NaN), 'SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  const { status, stdout, stderr } = spawnSync('npx', ['mossctl', 'inspect', 'a b'], { cwd, env, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.equal(stdout, 'started with inspect a b\n');
  assert.ok(!(await readdir(cache)).includes('_npx'), 'nothing was installed');
  assert.deepEqual(await readdir(join(checkout, 'node_modules', '.bin')), ['mossctl']);
});
