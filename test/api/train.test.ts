// What a program is told of a run whose report cannot be written: its work is done, and the gap has a name.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type TrainEvent, train } from '../../src/index.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-train-'));
after(() => rm(folder, { recursive: true }));

test('a report that cannot be written is a gap of the result and a warning, and no end of the work', async () => {
  const out = join(folder, 'run');
  await mkdir(join(out, 'report.html'), { recursive: true });
  const events: TrainEvent[] = [];
  const result = await train('smoke', { out, only: 'data', onEvent: (event) => events.push(event) });
  assert.ok(result.outputs.data);
  assert.deepEqual([result.report, result.incomplete], [null, [join(out, 'report.html')]]);
  assert.ok(
    events.some((event) => event.type === 'note' && event.level === 'warning' && event.incomplete !== undefined),
  );
  const heard = new Error('the program itself fails');
  const failing = train('smoke', {
    out: join(folder, 'other'),
    only: 'data',
    onEvent: () => {
      throw heard;
    },
  });
  await assert.rejects(failing, heard);
});
