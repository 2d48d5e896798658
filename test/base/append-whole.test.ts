// What a failed append leaves in a file that others append to as well.
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { appendWhole, takeBack } from '../../src/base/append-whole.js';

const folder = mkdtempSync(join(tmpdir(), 'mossctl-append-'));
after(() => rmSync(folder, { recursive: true }));

test('a part is taken back, unless another process has appended meanwhile', () => {
  const path = join(folder, 'records');
  appendWhole(path, 'one\n');
  appendWhole(path, Buffer.from('二\n'));
  assert.equal(readFileSync(path, 'utf8'), 'one\n二\n');
  appendWhole(path, 'par'); // of a record that the disk has no room for
  const file = openSync(path, 'a');
  takeBack(file, 8, 3);
  assert.equal(readFileSync(path, 'utf8'), 'one\n二\n');
  appendWhole(path, 'par');
  appendWhole(path, 'other\n');
  takeBack(file, 8, 3);
  closeSync(file);
  assert.equal(readFileSync(path, 'utf8'), 'one\n二\nparother\n');
});
