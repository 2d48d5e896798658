// docs/sft.md from top to bottom, as a reader who types what it says: its files written, its commands run in their order, on
// a tiny Qwen3 that a hub of our own gives out under the name that the page uses.
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCheckpoint } from '../../src/checkpoint/directory.js';
import { scratch } from '../data/scratch.js';
import { publish } from '../network/hub-server.js';
import { startWebServer } from '../network/web-server.js';
import { mossctl, root } from './cli.js';

const page = await readFile(join(root, 'docs/sft.md'), 'utf8');
const blocks = [...page.matchAll(/^```(\w+)(?: (\S+))?\n(.*?)^```$/gms)].map(([, language, name, text]) => {
  return { language, name, text };
});
const files = blocks.filter(({ language }) => language === 'jsonl');
const commands = blocks
  .filter(({ language }) => language === 'sh')
  .flatMap(({ text }) => text.trim().split('\n'))
  .map((line) => line.replace(/^npx mossctl /, ''));

test('every command of docs/sft.md does what the page says', async () => {
  const folder = await scratch();
  const [server, cdn] = [await startWebServer(), await startWebServer()];
  const fixture = join(root, 'test/interop/fixtures/qwen3');
  const names = (await readdir(fixture)).filter((name) => name !== 'expected.json');
  const published = await Promise.all(names.map(async (name) => [name, await readFile(join(fixture, name))] as const));
  publish(
    { server, cdn },
    { kind: 'model', name: 'Qwen/Qwen3-0.6B', commit: 'a'.repeat(40), files: Object.fromEntries(published) },
  );
  const cache = join(folder, 'cache');
  const env = { HF_ENDPOINT: server.origin, HF_HOME: cache, MOSSCTL_CACHE: cache, HF_TOKEN: '', MOSSCTL_OFFLINE: '' };
  for (const { name, text } of files) await writeFile(join(folder, name), text);

  assert.ok(files.length === 2 && commands.length >= 9, `${files.length} files, ${commands.length} commands`);
  const printed = new Map<string, string>();
  for (const command of commands) {
    const { code, stdout, stderr } = await mossctl(command.split(' '), { cwd: folder, env, stdin: 'hi\n' });
    assert.equal(code, 0, `mossctl ${command}\n${stdout}\n${stderr}`);
    printed.set(command, stdout + stderr);
  }

  const said = (word: string): string => [...printed].find(([command]) => command.startsWith(word))?.[1] ?? '';
  assert.match(said('inspect'), /⟦.*<tool_call>.*<\|im_end\|>⟧/s, 'calls and ends carry loss');
  assert.match(said('plan'), /LoRA, rank 16/);
  assert.match(said('sft'), /a new adapter of rank 16 on hf:Qwen\/Qwen3-0\.6B@aaaa/);
  assert.match(said('eval'), /contains/);
  const [base, merged] = [await openCheckpoint(fixture), await openCheckpoint(join(folder, 'mine-merged'))];
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
