// --backend, --threads and --precision as a person types them: on every command that computes, checked before it does.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { exists } from '../../src/base/files.js';
import { countOf } from '../../src/base/format.js';
import { buildProgram } from '../../src/cli/program.js';
import { backendNames } from '../../src/config/compute.js';
import { defaultThreads } from '../../src/tensor/native/addon.js';
import { mossctl } from '../e2e/cli.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-compute-'));
after(() => rm(folder, { recursive: true }));

test('every command that computes takes the three, and names the backends that there are', () => {
  const { commands } = buildProgram(() => '');
  for (const name of ['run', 'pretrain', 'sft', 'align', 'eval', 'chat', 'bench']) {
    const { options } = commands.find((command) => command.name() === name) ?? { options: [] };
    const help = (flag: string): string => options.find(({ long }) => long === flag)?.description ?? '';
    for (const backend of backendNames) assert.ok(help('--backend').includes(backend), `${name}: ${backend}`);
    assert.match(help('--threads'), /all cores/, name);
    assert.match(help('--precision'), /fp32.*bf16/, name);
  }
});

test('what a backend cannot do, or is not there to do, exits 2 before anything is made', async () => {
  const out = join(folder, 'run');
  const wasm = await mossctl(['run', 'smoke', '--out', out, '--backend', 'wasm', '--precision', 'bf16']);
  assert.equal(wasm.code, 2);
  assert.match(wasm.stderr, /error: the backend wasm computes in fp32 only\. Omit precision bf16, or use `--backend/);
  const env = { MOSSCTL_NATIVE: join(folder, 'nowhere.node') };
  const auto = await mossctl(['run', 'smoke', '--out', out, '--threads', '2'], { env });
  assert.equal(auto.code, 2);
  assert.match(auto.stderr, /no compute backend runs here as asked.*nowhere\.node.*wasm: it takes no thread count/);
  assert.equal(await exists(out), false);
});

test('chat says all that is wrong with what was typed', async () => {
  const words = ['chat', folder, '--backend', 'natvie', '--threads', '0', '--precision', 'fp8'];
  const { code, stdout, stderr } = await mossctl(words);
  assert.equal(code, 2);
  assert.equal(stdout, '');
  const lines = stderr.trim().split('\n');
  assert.equal(lines.length, 3, stderr);
  for (const typed of ['--backend natvie', '--threads 0', '--precision fp8']) {
    assert.ok(
      lines.some((line) => line.startsWith(`mossctl: error: ${typed}: `)),
      stderr,
    );
  }
  assert.match(stderr, /Did you mean native\?/);
});

test('--quantize is for what answers or measures, and of one kind', async () => {
  const { commands } = buildProgram(() => '');
  const taking = commands.filter(({ options }) => options.some(({ long }) => long === '--quantize'));
  const names = taking.map((command) => command.name()).sort();
  assert.deepEqual(names, ['annotate', 'bench', 'chat', 'eval', 'generate', 'score', 'serve']);
  const unknown = await mossctl(['chat', folder, '--quantize', 'q4_0']);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /--quantize.*q4_0.*Allowed choices are q8_0/);
});

test('doctor says how many threads there are and what bf16 brings', async (t) => {
  const { stdout } = await mossctl(['doctor', '--json'], { env: { PATH: folder } });
  const checks = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { name?: string; ok?: boolean; detail?: string });
  const native = checks.find(({ name }) => name === 'backend native');
  if (!native?.ok) return t.skip(native?.detail);
  const threads = countOf(defaultThreads(), 'thread');
  assert.match(native.detail ?? '', new RegExp(`^\\w+, ${threads}, bf16 (no )?faster than fp32`));
});
