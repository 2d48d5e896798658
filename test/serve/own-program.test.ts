// mossctl as a process of its own under a person who reads Chinese: why it failed is still found, and what it warns of is passed on.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { warnThrough } from '../../src/cli/output.js';
import { RunPage } from '../../src/cli/run-page.js';
import { ownEnvironment, ownProgram, printedErrors, printedWarning } from '../../src/serve/own-program.js';
import { Round } from '../../src/serve/round.js';
import { entry } from '../e2e/cli.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-own-program-'));
after(() => rm(folder, { recursive: true }));
const { MOSSCTL_LANG } = process.env;
process.env.MOSSCTL_LANG = 'zh';
after(() => {
  if (MOSSCTL_LANG === undefined) delete process.env.MOSSCTL_LANG;
  else process.env.MOSSCTL_LANG = MOSSCTL_LANG;
});

test('only its own lines are errors and warnings', () => {
  const printed = 'mossctl: warning: two\nmossctl: error: one\nerror: three';
  assert.equal(printedErrors(printed), 'one');
  assert.deepEqual(printed.split('\n').map(printedWarning), ['two', undefined, undefined]);
});

test('a round that fails says why, whatever language its server speaks', async () => {
  const round = new Round('feedback-1', [...entry, 'run', 'nowhere.yaml'], folder, async (end) => end);
  assert.match((await round.ended).why, /^nowhere\.yaml: there is no such pipeline/);
});

test('what the server of a page warns of goes to the reporter of the run', async (t) => {
  const program = join(folder, 'program.mjs');
  const warning = 'feedback-3, which was promoted, cannot be served';
  await writeFile(
    program,
    `process.stderr.write('mossctl: note\\nmossctl: warning: ${warning}\\n', () =>
       console.log(JSON.stringify({ type: 'listening', url: 'http://' + process.env.MOSSCTL_LANG })));
     process.on('disconnect', () => process.exit(0));`,
  );
  const said: string[] = [];
  t.after(warnThrough((text) => said.push(text)));
  const started = ownProgram as string[];
  const own = started.splice(0, started.length, program);
  t.after(() => started.splice(0, started.length, ...own));
  const printed = t.mock.method(process.stdout, 'write', () => true);
  const page = await RunPage.open([join(folder, 'a')], { root: folder, quiet: true });
  const [address] = printed.mock.calls.map(({ arguments: [text] }) => String(text));
  printed.mock.restore();
  await page?.close();
  assert.deepEqual(said, [warning]);
  assert.equal(address, 'http://en/#/watch/a\n');
});

test('a child of a rank is no rank', () => {
  const given = { OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_SIZE: '2', PMI_RANK: '0', PMI_FD: '6', PMIX_RANK: '0' };
  Object.assign(process.env, given);
  try {
    const own = ownEnvironment();
    assert.deepEqual(
      Object.keys(given).filter((name) => name in own),
      [],
    );
    assert.equal(own.PATH, process.env.PATH);
  } finally {
    for (const name of Object.keys(given)) delete process.env[name];
  }
});
