// Our records are those of TensorBoard's own writer, byte for byte: framing, checksums and messages (scripts/golden/make_event_file.py).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { eventRecord, readEvent, recordOf, recordsIn } from '../../src/report/event-file.js';

const golden = readFileSync(new URL('fixtures/events.out.tfevents.1700000000.golden', import.meta.url));

test('the same events are the same bytes', () => {
  const ours = [
    eventRecord(1700000000.25, { version: true }),
    eventRecord(1700000001.5, {
      step: 300,
      values: [
        { tag: 'training/loss', scalar: 3.140625 },
        { tag: 'training/gradientNorm', scalar: Number.POSITIVE_INFINITY },
      ],
    }),
    eventRecord(1700000002, { step: 5_000_000_000, values: [{ tag: 'samples/x', text: '你好\n    x' }] }),
    eventRecord(1700000003, { start: 128 }),
  ];
  assert.equal(Buffer.concat(ours).toString('hex'), golden.toString('hex'));
});

test('what is read back is what TensorBoard wrote, up to a record that is torn or damaged', () => {
  const read = (file: Buffer) => [...recordsIn(file)].map(readEvent);
  const all = read(golden);
  assert.deepEqual(all, [
    { step: 0, isStart: false, tags: [] },
    { step: 300, isStart: false, tags: ['training/loss', 'training/gradientNorm'] },
    { step: 5_000_000_000, isStart: false, tags: ['samples/x'] },
    { step: 128, isStart: true, tags: [] },
  ]);
  for (let length = 0; length < golden.length; length++) {
    const some = read(golden.subarray(0, length));
    assert.deepEqual(some, all.slice(0, some.length));
    assert.ok(some.length < all.length);
  }
  for (let at = 0; at < golden.length; at++) {
    const damaged = Buffer.from(golden);
    damaged[at] ^= 0x10;
    assert.ok(read(damaged).length < all.length, `byte ${at}`);
  }
  assert.deepEqual([...recordsIn(recordOf(Buffer.alloc(0)))], [Buffer.alloc(0)]);
});
