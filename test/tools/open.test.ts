// What a person may write behind --tools, and what is said of the rest.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { schemaFaults } from '../../src/tools/arguments.js';
import { openTools } from '../../src/tools/open.js';
import { builtInNames, readBuiltIn } from '../../src/tools/specs.js';

const folder = mkdtempSync(join(tmpdir(), 'mossctl-tools-'));
after(() => rmSync(folder, { recursive: true }));

const fault = (...wanted: string[]): Promise<string> =>
  openTools(wanted, { ownFolder: folder }).then(
    () => 'opened',
    (error: Error) => error.message,
  );

test('each built-in has its spec, named as the model writes it', async () => {
  const specs = await Promise.all(builtInNames.map(readBuiltIn));
  assert.deepEqual(
    specs.map(({ name }) => name),
    ['Calculate', 'Solve', 'Define', 'Search', 'Query', 'Now', 'World'],
  );
  for (const [i, spec] of specs.entries()) {
    assert.equal(spec.run.builtin, builtInNames[i]);
    assert.ok((spec.description ?? '') !== '', spec.name);
    assert.deepEqual(schemaFaults(spec.parameters), [], spec.name);
  }
});

test('what is no tool is named, with what would be one', async () => {
  assert.match(
    await fault('Calculat'),
    /no tool is called Calculat\. Known are Calculate, .* Did you mean Calculate\?/,
  );
  for (const [typo, meant] of [
    ['Sovle', 'Solve'],
    ['Serach', 'Search'],
    ['Calculator', 'Calculate'],
  ]) {
    assert.match(await fault(typo), new RegExp(`Did you mean ${meant}\\?$`), typo);
  }
  for (const other of ['Move', 'Fine', 'X', 'Sum']) assert.doesNotMatch(await fault(other), /Did you mean/, other);
  assert.match(await fault('Search'), /Search needs a folder of texts, or a run.* --tools Search=notes\//);
  assert.match(await fault('Now=x'), /Now reads no files/);
  assert.match(await fault('Query=gone.csv,away.csv'), /gone\.csv: no such file.*\n.*away\.csv: no such file/);
  const file = join(folder, 'twice.yaml');
  writeFileSync(file, 'name: Now\nrun: { builtin: now }\n');
  assert.match(await fault('Now'), /two tools are called Now\. One is built in, one is .*twice\.yaml/);
  writeFileSync(file, 'name: N ow\nrun: { builtin: now, command: [date] }\n');
  const faults = await fault(file);
  assert.match(faults, /twice\.yaml:1:1: name: write letters/);
  assert.match(faults, /twice\.yaml:2:1: run: name one way/);
});
