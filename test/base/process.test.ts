// Whether the process that a tag names still works: told from real processes.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { type ProcessIdentity, processTag, stateOf, stateOfTag, thisProcess } from '../../src/base/process.js';

const module = new URL('../../src/base/process.ts', import.meta.url).href;
const self = await thisProcess();

/** Of an identity, and of the tag of it. */
async function states(other: ProcessIdentity): Promise<string[]> {
  return [await stateOf(other, self), await stateOfTag(processTag(other), self)];
}

test('a process is alive until it ends; one with its id that started at another time is another', async () => {
  assert.deepEqual(await states(self), ['alive', 'alive']);
  const script = `import(${JSON.stringify(module)}).then(async (m) => {
    console.log(JSON.stringify(await m.thisProcess()));
    setInterval(() => {}, 1000);
  })`;
  const child = spawn(process.execPath, ['--import', 'tsx', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const other = JSON.parse(String((await once(child.stdout, 'data'))[0])) as ProcessIdentity;
  assert.equal(other.pid, child.pid);
  assert.deepEqual(await states(other), ['alive', 'alive']);
  assert.deepEqual(await states({ ...other, started: '1' }), ['dead', 'dead']);
  assert.deepEqual(await states({ ...other, started: null }), ['unknown', 'unknown']);
  child.kill('SIGKILL');
  await once(child, 'close');
  assert.deepEqual(await states(other), ['dead', 'dead']);
});

test('of another machine, container or boot, and of what is no tag, nothing is known', async () => {
  for (const elsewhere of [{ host: 'x' }, { boot: 'x' }, { pidNamespace: 'x' }]) {
    assert.deepEqual(await states({ ...self, ...elsewhere }), ['unknown', 'unknown']);
  }
  for (const tag of ['', '12', 'x.1.1', `${processTag(self)}.1`])
    assert.equal(await stateOfTag(tag, self), 'unknown', tag);
});
