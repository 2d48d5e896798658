// What was made from something else is set aside, with the reason: here, answers that somebody else scored.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { z } from 'zod';
import { writeSealed } from '../../../src/base/sealed.js';
import type { AlignConfig } from '../../../src/config/align.js';
import { stageReporter } from '../../../src/report/event.js';
import { readOwn, sourceSchema } from '../../../src/stages/align/provenance.js';
import type { Job } from '../../../src/stages/stage.js';

const folder = await mkdtemp(join(tmpdir(), 'align-provenance-'));
after(() => rm(folder, { recursive: true }));

const source = (scorer?: string) => ({
  ...{ round: 1, policy: 'p', seed: 1, tasks: 't', given: null, settings: {} },
  ...(scorer !== undefined && { scorer }),
});

for (const [found, own] of [
  ['judge 0a', 'judge 0b'],
  ['judge 0a', undefined],
  [undefined, 'judge 0b'],
] as const) {
  test(`answers of ${found ?? 'the rules'} are not believed under ${own ?? 'the rules'}, unless a person says so`, async () => {
    const path = join(folder, 'sampled.json');
    await writeSealed(path, { source: source(found) });
    const notes: string[] = [];
    const reporter = stageReporter(
      { emit: (event) => void (event.type === 'note' && notes.push(event.text)) },
      'align',
    );
    const read = (overrides: Job<AlignConfig>['overrides']) =>
      readOwn(path, z.object({ source: sourceSchema }), source(own), { reporter, overrides } as Job<AlignConfig>);
    assert.ok(await read([{ key: 'align.scorers', from: 'a', to: 'b' }]), 'named by --override');
    assert.deepEqual(notes, []);
    assert.equal(await read([]), undefined);
    assert.match(
      notes.join(),
      /is not of this round: its answers had another scorer\. It is kept as sampled\.json\.foreign/,
    );
    assert.ok(!(await readdir(folder)).includes('sampled.json'));
    await rm(join(folder, 'sampled.json.foreign'));
  });
}
