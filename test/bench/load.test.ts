// How busy others keep the machine: read from what Linux counts, our own time and that of ended children taken off.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { othersShare, parseTicks, readTicks } from '../../src/bench/load.js';

test('the ticks of the machine and of this process are told apart', () => {
  const machine = 'cpu  100 20 30 1000 50 3 4 13 7 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n';
  const self = '42 (a (b) 9 c) S 1 42 42 0 -1 4194560 100 200 0 5 11 22 33 44 20 0 7 0 8\n';
  const ticks = parseTicks(machine, self);
  assert.deepEqual(ticks, { total: 1220, busy: 170, own: 110 });
  const later = { total: 1420, busy: 300, own: 210 };
  assert.equal(othersShare(ticks, later), 30 / 200);
  assert.equal(othersShare(ticks, ticks), null, 'no time has passed');
  assert.equal(othersShare(null, later), null);
  assert.equal(othersShare(ticks, { ...later, own: 400 }), 0, 'ticks are coarse: never below nothing');
});

test('this machine shows them, where it is Linux', (context) => {
  if (!existsSync('/proc/self/stat')) return context.skip('there is no /proc');
  const before = readTicks();
  const used = process.cpuUsage();
  while (process.cpuUsage(used).user < 60_000); // μs of our own, however long others keep us waiting
  const after = readTicks();
  assert.ok(before !== null && after !== null && after.own > before.own && after.total > before.total);
});
