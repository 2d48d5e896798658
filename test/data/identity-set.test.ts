import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Random } from '../../src/base/random.js';
import { IdentityStore } from '../../src/data/identity-set.js';
import { fingerprint } from '../../src/data/split.js';
import { scratch } from './scratch.js';

const identityOf = (number: number) => fingerprint(7, String(number)).identity;

test('a set answers as a plain Set does, in memory and with 40 runs on disk', async () => {
  const folder = await scratch();
  for (const slots of [1 << 10, 1 << 22]) {
    const store = new IdentityStore(join(folder, 'seen'), slots);
    const set = store.open();
    const plain = new Set<number>();
    const random = Random.stream(1, 'identities');
    for (let i = 0; i < 60_000; i++) {
      const number = random.integer(0, 50_000);
      const identity = identityOf(number);
      if (i % 3 === 0) assert.equal(set.has(identity), plain.has(number));
      assert.equal(set.add(identity), !plain.has(number));
      plain.add(number);
    }
    assert.equal(set.size, plain.size);
    for (let number = 0; number < 60_000; number++) assert.equal(set.has(identityOf(number)), plain.has(number));
    const runs = existsSync(join(folder, 'seen')) ? readdirSync(join(folder, 'seen', '0')).length : 0;
    assert.equal(runs, slots === 1 << 10 ? Math.floor(plain.size / 769) : 0);
    store.close();
    assert.ok(!existsSync(join(folder, 'seen')));
  }
});

test('identities with equal beginnings, all zeros and all ones are told apart', async () => {
  const store = new IdentityStore(join(await scratch(), 'seen'), 1 << 10);
  const set = store.open();
  const close = Array.from({ length: 4000 }, (_, i) => {
    const identity = Buffer.alloc(16);
    // Beginnings at both ends of the range, so that entries run over the end of the table.
    identity.writeUInt32BE(i % 2 === 0 ? 0xffffffff : 0);
    identity.writeUInt32BE(Math.imul(i >> 1, 0x9e3779b1) >>> 0, 4);
    identity.writeUInt32BE(i, 12);
    return identity;
  });
  for (const identity of close) assert.equal(set.add(identity), true);
  for (const identity of close) assert.equal(set.add(identity), false);
  assert.equal(set.has(Buffer.alloc(16, 0xff)), false);
  assert.equal(set.size, 4000);
  store.close();
});

test('the sets of a store do not see each other', async () => {
  const store = new IdentityStore(join(await scratch(), 'seen'), 1 << 10);
  const [first, second] = [store.open(), store.open()];
  for (let i = 0; i < 3000; i++) first.add(identityOf(i));
  for (let i = 0; i < 3000; i++) assert.equal(second.has(identityOf(i)), false);
  for (let i = 0; i < 3000; i++) assert.equal(second.add(identityOf(i)), true);
  store.close();
});
