// The build of the native engine, on small sources of the same layout: what it makes, and that every way it can fail
// says so, fails no install and keeps what worked before.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../src/base/errors.js';
import { exists } from '../../src/base/files.js';
import { countOf } from '../../src/base/format.js';
import { defaultThreads, describeAddon, loadAddon } from '../../src/tensor/native/addon.js';
import { until } from '../until.js';

const script = fileURLToPath(new URL('../../scripts/build-native.mjs', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'mossctl-native-'));
after(() => rm(folder, { recursive: true }));

const hasCompiler = ['g++', 'clang++', 'c++'].some((name) => spawnSync(name, ['--version']).status === 0);
const isMade = ['linux', 'darwin'].includes(process.platform) && ['x64', 'arm64'].includes(process.arch);
const skip = hasCompiler && isMade ? false : 'no C++ compiler here, or a platform that the engine is not compiled on';
const binaryName = `mossctl-${process.platform}-${process.arch}.node`;
const sets = process.arch === 'arm64' ? ['neon'] : ['avx2', 'avx512'];

/** Answers from every instruction set that was compiled in. */
const addonSource = `
#include <initializer_list>
#include <node_api.h>
${sets.map((name) => `namespace mossctl::${name} { const char* name(); }`).join('\n')}
static napi_value two(napi_env env, napi_callback_info) { napi_value v; napi_create_int32(env, 2, &v); return v; }
static napi_value no(napi_env env, napi_callback_info) { napi_value v; napi_get_boolean(env, false, &v); return v; }
static napi_value isa(napi_env env, napi_callback_info) {
  napi_value v; napi_create_string_utf8(env, mossctl::${sets[0]}::name(), NAPI_AUTO_LENGTH, &v); return v;
}
NAPI_MODULE_INIT() {
  napi_value names, f;
  napi_create_array(env, &names);
  ${sets.map((name, i) => `napi_create_string_utf8(env, mossctl::${name}::name(), NAPI_AUTO_LENGTH, &f); napi_set_element(env, names, ${i}, f);`).join('\n  ')}
  napi_set_named_property(env, exports, "kernels", names);
  for (const char* name : {"call", "replay", "replayTwo", "packedFloats", "addSlab", "removeSlab", "setThreads", "setPrecision", "probeFma", "probeBandwidth", "threads", "scratchBytes"}) {
    napi_create_function(env, name, NAPI_AUTO_LENGTH, two, nullptr, &f);
    napi_set_named_property(env, exports, name, f);
  }
  napi_create_function(env, "isa", NAPI_AUTO_LENGTH, isa, nullptr, &f);
  napi_set_named_property(env, exports, "isa", f);
  napi_create_function(env, "hasBf16", NAPI_AUTO_LENGTH, no, nullptr, &f);
  napi_set_named_property(env, exports, "hasBf16", f);
  napi_set_named_property(env, exports, "bf16IsFast", f);
  return exports;
}
`;
const isaSource = `
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
namespace mossctl::MOSSCTL_ISA { const char* name(); const char* name() { return TEXT(MOSSCTL_ISA); } }
`;

async function sourcesAt(name: string): Promise<{ source: string; out: string }> {
  const source = join(folder, name);
  await mkdir(source);
  await writeFile(join(source, 'addon.cc'), addonSource);
  await writeFile(join(source, 'isa.cc'), isaSource);
  return { source, out: join(source, 'build') };
}

interface Outcome {
  code: number | null;
  text: string;
}

/** Runs the build script; `before` is JavaScript that runs ahead of it. */
function build(
  { source, out }: { source: string; out: string },
  flags: string[] = [],
  { env = {}, before }: { env?: Record<string, string | undefined>; before?: string } = {},
): Promise<Outcome> {
  const preload = before === undefined ? [] : ['--import', `data:text/javascript,${encodeURIComponent(before)}`];
  const child = spawn(process.execPath, [...preload, script, '--source', source, '--out', out, ...flags], {
    env: { ...process.env, CXX: '', ...env },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
  }
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, text })));
}

function reasonOf(path: string): string {
  try {
    loadAddon(path);
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    return error.message;
  }
  throw new Error('it loaded');
}

test('one binary holds every instruction set, loads, and is not built twice', { skip }, async () => {
  const place = await sourcesAt('whole');
  const first = await build(place);
  assert.equal(first.code, 0, first.text);
  assert.match(first.text, new RegExp(`built .*${binaryName} in [\\d.]+ s with .* \\(${sets.join(', ')}`));
  const binary = join(place.out, binaryName);
  const addon = loadAddon(binary);
  assert.deepEqual(addon.kernels, sets);
  assert.equal(describeAddon(addon), `${sets[0]}, ${countOf(defaultThreads(), 'thread')}, bf16 no faster than fp32`);
  assert.deepEqual((await readdir(place.out)).sort(), ['digest.txt', binaryName]);

  const { ino } = await stat(binary);
  assert.match((await build(place)).text, /is up to date/);
  assert.equal((await stat(binary)).ino, ino);

  await writeFile(join(place.source, 'README.md'), 'not a source');
  assert.match((await build(place)).text, /is up to date/);
  await writeFile(join(place.source, 'isa.cc'), `${isaSource}\n// changed`);
  assert.match((await build(place)).text, /: built /);
  assert.match((await build(place, ['--force'])).text, /: built /);
  await rm(binary);
  assert.match((await build(place)).text, /: built /);

  const whole = await readFile(binary);
  for (const damaged of [whole.subarray(0, whole.length >> 1), Buffer.alloc(0), Buffer.concat([whole, Buffer.of(0)])]) {
    await writeFile(binary, damaged);
    assert.match((await build(place)).text, /: built /);
    assert.deepEqual(loadAddon(binary).kernels, sets);
  }
  assert.match((await build(place)).text, /is up to date/);
});

test('what a killed build left is removed by the next one, and what a living one writes is not', { skip }, async () => {
  const place = await sourcesAt('killed');
  // A compiler that answers at once, until it is to compile.
  const slow = join(place.source, 'slow.sh');
  await writeFile(slow, '#!/bin/sh\ncase "$*" in *" -c "*) exec sleep 20;; esac\necho slow\n', { mode: 0o755 });
  const child = spawn(process.execPath, [script, '--source', place.source, '--out', place.out], {
    env: { ...process.env, CXX: slow },
    detached: true,
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  const unfinished = async () => (await readdir(place.out).catch(() => [])).filter((name) => name.startsWith('.tmp-'));
  await until(async () => (await unfinished()).length > 0, 'the compiler has begun');
  const left = await unfinished();
  assert.deepEqual([left.length, left[0].split('-')[1]], [1, String(child.pid)]);
  assert.match((await build(place)).text, /: built /);
  assert.deepEqual(await unfinished(), left);
  process.kill(-(child.pid as number), 'SIGKILL');
  await ended;
  assert.match((await build(place, ['--force'])).text, /: built /);
  assert.deepEqual((await readdir(place.out)).sort(), ['digest.txt', binaryName]);
});

test('a failed compile says where, keeps the old binary, and the old sources are then up to date', {
  skip,
}, async () => {
  const place = await sourcesAt('broken');
  assert.equal((await build(place)).code, 0);
  const binary = join(place.out, binaryName);
  const before = await readFile(binary);
  await writeFile(join(place.source, 'isa.cc'), `${isaSource}\nint f() { return undeclared; }\n`);
  const { code, text } = await build(place);
  assert.equal(code, 1);
  assert.match(text, /was not built: it does not compile: .*isa\.cc:6:.*undeclared/);
  assert.deepEqual(await readFile(binary), before);
  assert.deepEqual((await readdir(place.out)).sort(), ['digest.txt', 'failed.txt', binaryName]);
  const optional = await build(place, ['--optional']);
  assert.equal(optional.code, 0);
  assert.equal(optional.text.trim().split('\n').length, 1, optional.text);
  await writeFile(join(place.source, 'isa.cc'), isaSource);
  assert.match((await build(place)).text, /is up to date/);
  assert.deepEqual((await readdir(place.out)).sort(), ['digest.txt', binaryName]);
});

test('without a compiler an install succeeds, and the loader repeats why and what to type', {
  skip: !isMade,
}, async () => {
  const place = await sourcesAt('bare');
  const env = { PATH: folder };
  const optional = await build(place, ['--optional'], { env });
  assert.equal(optional.code, 0);
  assert.match(optional.text, /not built: no C\+\+ compiler was found\. Install .*`mossctl native build`.*wasm/);
  assert.equal(optional.text.trim().split('\n').length, 1);
  assert.equal((await build(place, [], { env })).code, 1);
  const reason = reasonOf(join(place.out, binaryName));
  assert.match(reason, /^The native engine is not built: no C\+\+ compiler was found\. Install/i);

  const wrong = await build(place, [], { env: { CXX: 'no-such-compiler' } });
  assert.equal(wrong.code, 1);
  assert.match(wrong.text, /CXX names a compiler that does not run: no-such-compiler/);
});

test('once there is a compiler, the reason is gone', { skip }, async () => {
  const place = await sourcesAt('later');
  await build(place, ['--optional'], { env: { PATH: folder } });
  assert.ok(await exists(join(place.out, 'failed.txt')));
  const { code, text } = await build(place);
  assert.equal(code, 0, text);
  assert.deepEqual((await readdir(place.out)).sort(), ['digest.txt', binaryName]);
});

test('a folder that cannot be written is named', { skip }, async () => {
  const { source } = await sourcesAt('locked');
  const file = join(source, 'file');
  await writeFile(file, '');
  const out = join(file, 'build');
  const { code, text } = await build({ source, out });
  assert.equal(code, 1);
  assert.match(text, /it cannot be written to .*file\/build: ENOTDIR .*Make the folder writable/);
  assert.equal((await build({ source, out }, ['--optional'])).code, 0);
});

test('a platform that it is not compiled on says so', async () => {
  const place = await sourcesAt('elsewhere');
  const before = "Object.defineProperty(process, 'platform', { value: 'win32' })";
  const { code, text } = await build(place, ['--optional'], { before });
  assert.equal(code, 0);
  assert.match(text, /it is not compiled on win32 .*Linux and macOS.*`--backend wasm`.*prebuilt/);
});

test('missing sources are named', async () => {
  const { code, text } = await build({ source: join(folder, 'nowhere'), out: join(folder, 'nowhere-built') });
  assert.equal(code, 1);
  assert.match(text, /its sources are not in .*nowhere/);
});

test('the loader names an absent, a foreign and an outdated binary, and what to type', { skip: !isMade }, async () => {
  assert.match(reasonOf(join(folder, 'absent.node')), /not built\. Type `mossctl native build`/);
  const foreign = join(folder, 'foreign.node');
  await writeFile(foreign, 'not an ELF file');
  assert.match(reasonOf(foreign), /does not load here\. .*Type `mossctl native build --force`/);
  const outdated = join(folder, 'outdated.cjs');
  await writeFile(outdated, 'exports.kernels = []; exports.call = () => {};');
  assert.match(reasonOf(outdated), /outdated\.cjs: the native engine was built from other sources\. Type/);
  const refusing = join(folder, 'refusing.cjs');
  await writeFile(refusing, "throw new Error('this processor lacks AVX2 and FMA');");
  assert.match(reasonOf(refusing), /^this processor lacks AVX2 and FMA\. Use `--backend wasm`/);
});
