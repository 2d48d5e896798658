// The time that a conversation says, somewhere; and how far away a date is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { now } from '../../src/tools/now.js';
import { placeNames } from '../../src/tools/places.js';

const at = new Date('2026-11-29T02:58:06Z');

test('the same moment in several places', () => {
  assert.equal(now({}, at), '2026-11-29 02:58 Sunday (UTC)');
  assert.equal(now({ timezone: 'Asia/Shanghai' }, at), '2026-11-29 10:58 Sunday (Asia/Shanghai, UTC+08:00)');
  assert.equal(now({ timezone: '北京时间' }, at), now({ timezone: 'Beijing' }, at));
  for (const place of ['悉尼', 'sydney', 'Canberra', 'Australia/Sydney'])
    assert.equal(now({ timezone: place }, at), '2026-11-29 13:58 Sunday (Australia/Sydney, UTC+11:00)');
  assert.throws(() => now({ timezone: 'Bostn' }, at), /Did you mean Boston\?/);
  assert.equal(now({ timezone: 'new york' }, at), '2026-11-28 21:58 Saturday (America/New_York, UTC-05:00)');
  assert.equal(now({ timezone: 'UTC+5:30' }, at), '2026-11-29 08:28 Sunday (UTC+05:30)');
  assert.match(now({}, undefined), /^\d{4}-\d\d-\d\d \d\d:\d\d \w+day \(/);
  assert.throws(
    () => now({ timezone: 'Asia/Shanghia' }, at),
    /no time zone "Asia\/Shanghia"\. Did you mean Asia\/Shanghai\?/,
  );
});

test('a date is so many days away, and has to exist', () => {
  assert.match(now({ date: '2026-12-25' }, at), /\n2026-12-25 is a Friday, 26 days from today\.$/);
  assert.match(now({ date: '2024年2月29日' }, at), /\n2024-02-29 is a Thursday, 1004 days ago\.$/);
  const written = ['2026-12-25', '2026年12月25日', 'December 25, 2026', '25 Dec 2026', 'the 25th of December 2026'];
  assert.equal(new Set(written.map((date) => now({ date }, at))).size, 1);
  assert.throws(() => now({ date: 'Juner 3, 2026' }, at), /"Juner 3, 2026" is not a date/);
  // It is already Monday there.
  assert.match(
    now({ date: '2026-11-29', timezone: 'Pacific/Kiritimati' }, new Date('2026-11-29T12:00:00Z')),
    /1 day ago/,
  );
  assert.throws(() => now({ date: '2026-02-30' }, at), /"2026-02-30" is not a date/);
});

test('every place is in a time zone that this Node knows', () => {
  assert.ok(placeNames.length > 600);
  assert.equal(new Set(placeNames.map((name) => name.toLowerCase())).size, placeNames.length);
  for (const name of placeNames) assert.match(now({ timezone: name }, at), /^2026-11-(28|29) /, name);
});
