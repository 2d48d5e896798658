// docs/align.md from top to bottom, on a tiny Qwen3.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { followPage } from './follow.js';

test('every command of docs/align.md does what the page says', async () => {
  const { folder, commands, said } = await followPage('docs/align.md');
  assert.ok(commands.length >= 6, commands.join('\n'));
  assert.match(
    said('inspect'),
    /chosen.*⟦.*<\|im_end\|>⟧.*rejected.*⟦.*<\|im_end\|>⟧/s,
    'answers and their ends carry loss',
  );
  assert.match(said('align'), /reference/);
  const report = await readFile(join(folder, 'runs/mine/report.html'), 'utf8');
  assert.match(report, /Answers before and after/);
  assert.ok(Number(/(\d+) of 24 preferences are held out/.exec(said('align'))?.[1]) >= 6, 'enough to promote by');
  assert.match(said('feedback list'), /2 judgements/);
  assert.match(said('align --from hf:Qwen/Qwen3-0.6B --lora --data feedback'), /feedback/);
});
