// docs/sft.md from top to bottom, on a tiny Qwen3.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCheckpoint } from '../../src/checkpoint/directory.js';
import { followPage, publishedFolder } from './follow.js';

test('every command of docs/sft.md does what the page says', async () => {
  const { folder, commands, said } = await followPage('docs/sft.md');
  assert.ok(commands.length >= 9, `${commands.length} commands`);
  assert.match(said('inspect'), /⟦.*<tool_call>.*<\|im_end\|>⟧/s, 'calls and ends carry loss');
  assert.match(said('plan'), /LoRA, rank 16/);
  assert.match(said('sft'), /a new adapter of rank 16 on hf:Qwen\/Qwen3-0\.6B@aaaa/);
  assert.match(said('eval'), /contains/);
  const [base, merged] = [await openCheckpoint(publishedFolder), await openCheckpoint(join(folder, 'mine-merged'))];
  assert.deepEqual(
    [...merged.weights.keys()].sort(),
    [...base.weights.keys()].sort(),
    'a whole model, nothing beside it',
  );
  const alone = await readdir(join(folder, 'mine-adapter'));
  assert.ok(alone.includes('adapter_config.json') && !alone.includes('model.safetensors'), alone.join());
  for (const gguf of ['mine.gguf', 'mine-lora.gguf']) {
    assert.equal((await readFile(join(folder, gguf))).toString('latin1', 0, 4), 'GGUF');
  }
});
