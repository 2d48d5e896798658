// mossctl as a person meets it: a child process, its exit code, its two streams.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { UserError } from '../../src/base/errors.js';
import { exists } from '../../src/base/files.js';
import { keyTable } from '../../src/cli/keys.js';
import { reportFailure } from '../../src/cli/output.js';
import { packagedPipelines } from '../../src/pipeline/load.js';
import { entry, mossctl as runMossctl } from '../e2e/cli.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-cli-'));
after(() => rm(folder, { recursive: true }));

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface Situation {
  stdin?: string;
  env?: Record<string, string>;
  node?: string[];
  /** Close our end of stdout after its first bytes. */
  leaveEarly?: boolean;
}

function mossctl(args: string[], { stdin = '', env = {}, node = [], leaveEarly }: Situation = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [...node, ...entry, ...args], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', MOSSCTL_DEBUG: '', MOSSCTL_CACHE: join(folder, 'cache'), ...env },
  });
  const outcome: Outcome = { code: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    outcome.stdout += text;
    if (leaveEarly) child.stdout.destroy();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    outcome.stderr += text;
  });
  child.stdin.on('error', () => {}).end(stdin);
  return new Promise((resolve) => child.on('close', (code) => resolve({ ...outcome, code })));
}

const commands = [
  'run',
  'data build',
  'data inspect',
  'data stats',
  'data fetch',
  'tokenizer train',
  'tokenizer extend',
  'tokenizer encode',
  'tokenizer decode',
  'tokenizer compare',
  'pretrain',
  'self-instruct',
  'sft',
  'align',
  'eval',
  'plan',
  'chat',
  'tools call',
  'generate',
  'score',
  'inspect',
  'import',
  'export',
  'doctor',
  'bench',
  'native build',
  'tensorflow build',
];

test('help names every command, each command shows one example, and none loads a tensor library', async () => {
  const log = join(folder, 'imports.log');
  const hook = join(folder, 'hook.mjs');
  await writeFile(
    hook,
    `import { appendFileSync } from 'node:fs';
     export function resolve(name, context, next) { appendFileSync(${JSON.stringify(log)}, name + '\\n'); return next(name, context); }`,
  );
  const register = `data:text/javascript,import { register } from 'node:module'; register(${JSON.stringify(pathToFileURL(hook).href)});`;
  const help = await mossctl(['--help'], { node: ['--import', register] });
  assert.equal(help.code, 0);
  for (const command of commands) assert.match(help.stdout, new RegExp(`^  ${command.split(' ')[0]}\\b`, 'm'));
  assert.ok(!/^zod$/m.test(await readFile(log, 'utf8')), 'the first help needs no schema');
  for (const command of commands) {
    const { code, stdout, stderr } = await mossctl([...command.split(' '), '--help'], { node: ['--import', register] });
    assert.equal(code, 0, stderr);
    assert.equal(stdout.match(/^Example:\n {2}mossctl /gm)?.length, 1, command);
    assert.match(stdout, new RegExp(`Example:\\n  mossctl ${command}`));
    if (command === 'run') {
      const named = /packaged pipeline: (.*?) Options:/.exec(stdout.replace(/\s+/g, ' '))?.[1];
      const names = named?.split(', ');
      assert.deepEqual(names?.sort(), (await packagedPipelines()).sort());
    }
  }
  const imported = await readFile(log, 'utf8');
  assert.match(imported, /^commander$/m, 'the hook saw the imports');
  assert.doesNotMatch(imported, /@tensorflow|apache-arrow|openai/);
});

test('the help of a stage ends with its keys', async () => {
  const { stdout } = await mossctl(['pretrain', '--help']);
  assert.match(
    stdout,
    /pretrain\.train\.batchSize=<whole number> +rows per micro-batch; default: follows from model\.size/,
  );
  assert.match(stdout, /pretrain\.model\.size=1m/);
  assert.match(keyTable('sft'), /sft\.lora\.rankPattern=\{\} /);
});

test('wrong usage exits 2 with a suggestion, the version 0, no command at all with the help', async () => {
  const wrong: [string[], RegExp][] = [
    [['pretran'], /unknown command 'pretran'\n\(Did you mean pretrain\?\)/],
    [['pretrain', '--bakend', 'cpu'], /unknown option '--bakend'\n\(Did you mean --backend\?\)/],
    [['chat', 'x', '--temp', '1'], /unknown option '--temp'\n\(Did you mean --temperature\?\)\n$/],
    [['run'], /missing required argument 'pipeline'/],
    [['chat', 'x', '--top-k', '1.5'], /--top-k 1.5: topK must be a whole number/],
    [['data'], /Commands:/],
    // Of shell variables that were never set.
    [['run', 'smoke', '--out', ''], /error: --out is empty\. .*a variable that is not set/],
    [['sft', '--from', '', '--data', '', '--out', 'r'], /error: --from is empty.*\n.*error: --data is empty/],
    [['chat', '', '--system', ''], /error: <checkpoint> is empty.*\n$/],
    [['data', 'stats', 'a', ''], /error: <path> is empty/],
    [['run', 'smoke', '--set', 'data.spec='], /--set data\.spec=: data\.spec must be a path that is not empty/],
  ];
  for (const [args, message] of wrong) {
    const { code, stdout, stderr } = await mossctl(args);
    assert.equal(code, 2, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, message);
  }
  assert.match((await mossctl(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
  for (const args of [['-v'], ['version']]) assert.match((await mossctl(args)).stdout, /^\d+\.\d+\.\d+\n$/);
  const helped = await mossctl(['help', 'chat']);
  assert.deepEqual([helped.code, helped.stdout], [0, (await mossctl(['chat', '--help'])).stdout]);
  const bare = await mossctl([]);
  assert.equal(bare.code, 0);
  assert.match(bare.stdout, /Usage: mossctl/);
});

test('a YAML file with three mistakes: three lines that start with mossctl: error:, exit 2, no stack', async () => {
  await writeFile(join(folder, 'bad.yaml'), 'seeed: 1\npretrain:\n  train:\n    steps: many\n    schedule: cosin\n');
  const { code, stdout, stderr } = await mossctl(['run', 'bad.yaml']);
  assert.equal(code, 2);
  assert.equal(stdout, '');
  const lines = stderr.trim().split('\n');
  assert.equal(lines.length, 3, stderr);
  for (const line of lines) assert.match(line, /^mossctl: error: .*bad\.yaml:\d+:\d+: /);
  assert.match(stderr, /Did you mean seed\?/);
  assert.match(stderr, /Did you mean cosine\?/);
  assert.equal(await exists(join(folder, 'runs')), false, 'nothing was made');
});

test('a missing pipeline, a missing parent and a folder that is no checkpoint are told what to type', async () => {
  const missing = await mossctl(['run', 'nothing.yaml']);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /quickstart, smoke/);
  const parent = await mossctl(['sft', '--out', 'r1']);
  assert.equal(parent.code, 2);
  assert.match(parent.stderr, /Run "mossctl pretrain --out r1" first/);
  const from = await mossctl(['sft', '--from', folder, '--out', 'r1', '--data', 'bad.yaml']);
  assert.equal(from.code, 2);
  assert.match(from.stderr, /not a mossctl checkpoint/);
});

test('data build → inspect → tokenizer train → encode → decode; built once, then unchanged', async () => {
  const lines = Array.from(
    { length: 200 },
    (_, i) => `The cat number ${i} sat on mat ${i * 7}. 床前明月光，疑是地上霜 ${i}。`,
  );
  await writeFile(join(folder, 'text.txt'), lines.join('\n'));
  await writeFile(
    join(folder, 'spec.yaml'),
    'name: mine\nsources:\n- {name: cats, from: "file:text.txt", format: txt, split: lines, licence: CC0-1.0}\n',
  );
  const built = await mossctl(['data', 'build', 'spec.yaml', '--out', 'r2', '--json']);
  assert.equal(built.code, 0, built.stderr);
  const events = built.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; report?: string; outputs?: { data?: { metrics: object } } });
  assert.equal(events.at(-1)?.type, 'result');
  assert.ok(events.at(-1)?.outputs?.data?.metrics);
  assert.ok(await exists(join(folder, 'r2', 'report.html')));
  const seen = await mossctl(['data', 'inspect', 'r2', '--samples', '2']);
  assert.equal(seen.code, 0, seen.stderr);
  assert.match(seen.stdout, /cats +CC0-1\.0/);
  assert.match(seen.stdout, /The cat number/);
  const trained = await mossctl(['tokenizer', 'train', '--out', 'r2', '--set', 'tokenizer.vocabSize=400']);
  assert.equal(trained.code, 0, trained.stderr);
  assert.match(trained.stderr, /data .*skipped/);
  assert.match(trained.stdout, /wrote +r2\/tokenizer/);
  const text = '床前明月光 The cat 😀';
  const encoded = await mossctl(['tokenizer', 'encode', 'r2'], { stdin: `${text}\nsecond\n` });
  assert.equal(encoded.stdout.trim().split('\n').length, 2);
  const ids = encoded.stdout.split('\n')[0].split(' ');
  assert.equal((await mossctl(['tokenizer', 'decode', 'r2', ...ids])).stdout, `${text}\n`);
  const wrong = await mossctl(['tokenizer', 'decode', 'r2', '999999']);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /999999 is not a token id/);
  const many = 'word '.repeat(50);
  const left = await mossctl(['tokenizer', 'encode', 'r2'], { stdin: `${many}\n`.repeat(20_000), leaveEarly: true });
  assert.equal(left.code, 0, 'a reader that goes away is no failure');
  assert.equal(left.stderr, '');
});

test('tools are listed, and called by hand with what a model would read', async () => {
  await writeFile(join(folder, 'broken.yaml'), 'name: broken\n');
  const env = { MOSSCTL_TOOLS: folder };
  const listed = (await mossctl(['tools'], { env })).stdout.split('\n');
  assert.ok(listed.every((line) => line.length <= 80));
  assert.match(listed[0], /^✓ {2}Calculate\(expression\) +ready$/);
  assert.match(listed.join('\n'), /✗ {2}broken\.yaml +line 1:1: run is missing/);
  await writeFile(join(folder, 'notes.txt'), 'The bridge was built in 1933.\n');
  const opened = await mossctl(['tools', 'list', `Search=${folder}`, '--quiet'], { env });
  assert.match(opened.stdout, /^Search\n[\s\S]* ready +--tools Search=/);
  const failed = await mossctl(['tools', 'call', 'Calculate', '2+*3', '--json'], { env });
  assert.deepEqual([failed.code, (JSON.parse(failed.stdout) as { fault: string }).fault], [1, 'failed']);
  const called = await mossctl(['tools', 'call', 'Calculate', 'expression=2^10', '--json'], { env });
  const result = { type: 'result', name: 'Calculate', arguments: { expression: '2^10' }, content: '1024' };
  assert.deepEqual([called.code, JSON.parse(called.stdout), called.stderr], [0, result, '']);
});

test('doctor is a list of checks, also as JSON', async () => {
  const { code, stdout } = await mossctl(['doctor', '--json'], { env: { PATH: folder } });
  const checks = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; name?: string; ok?: boolean; ready?: boolean });
  assert.equal(code, 0);
  assert.equal(checks.at(-1)?.ready, true);
  const ok = (name: string) => checks.find((check) => check.name === name)?.ok;
  assert.equal(ok('Node.js'), true);
  assert.equal(ok('backend cpu'), true);
  assert.equal(ok('npm registry'), false, 'there is no npm on this PATH');
  const text = (await mossctl(['doctor'], { env: { PATH: folder } })).stdout;
  assert.match(text, /^✗ npm registry/m);
  if (ok('backend tensorflow') === false)
    assert.match(text, /^– backend tensorflow +not installed(: `mossctl tensorflow build` gets it)?$/m);
});

test('a failure of the work itself exits 1, wrong input 2', () => {
  const fault = { what: 'the loss is NaN: training cannot go on' };
  assert.equal(reportFailure(new UserError(fault, { exitCode: 1 })), 1);
  assert.equal(reportFailure(new UserError(fault)), 2);
});

test('what should not fail says one line and how to see more', async () => {
  // A file where a folder of ours must be: the system error is turned into advice.
  await writeFile(join(folder, 'r3'), 'a file');
  const { code, stderr } = await mossctl(['data', 'build', 'spec.yaml', '--out', 'r3']);
  assert.equal(code, 2, stderr);
  assert.doesNotMatch(stderr, /\n {4}at /);
});

test('a disk that is full under what a command prints is an error with exit code 1, whether it only prints or not', {
  skip: !(await exists('/dev/full')) && 'no /dev/full here',
}, async () => {
  const full = openSync('/dev/full', 'w');
  const { code, stderr } = await runMossctl(['plan', '--params', '1M', '--tokens', '1M'], { stdout: full });
  assert.equal(code, 1, stderr);
  assert.match(stderr, /^mossctl: error: standard output: it cannot be written \(ENOSPC\)\. Free some space/m);
  const help = await runMossctl(['--help'], { stdout: full });
  assert.equal(help.code, 1);
  assert.match(help.stderr, /^mossctl: error: standard output: not all of it could be written/m);
  closeSync(full);
});
