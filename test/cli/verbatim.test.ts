// What a corpus, a person or a model wrote stays as it is where the rest of a line is in Chinese.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import { printError, printLine, speak, verbatim } from '../../src/cli/output.js';
import { english, speechIn } from '../../src/language/speech.js';
import { ggufCheckpoint } from '../checkpoint/fixtures/gguf-checkpoint.js';
import { mossctl } from '../e2e/cli.js';

const cwd = await mkdtemp(join(tmpdir(), 'mossctl-verbatim-'));
after(() => rm(cwd, { recursive: true }));
before(async () => {
  const { model, tokenizerFiles, weights } = await ggufCheckpoint('qwen3');
  await saveCheckpoint(join(cwd, 'base'), {
    ...{ model, eosTokenIds: [0], tokenizerFiles, weights: [...weights.values()] },
    manifest: {
      ...{ stage: 'pretrain', step: 4, tokensSeen: 2048, parent: null, lineage: [], settings: {}, inputDigest: 'x' },
      ...{ metrics: {}, backend: 'native', threads: 2, precision: 'fp32' },
    },
  });
});

const inChinese = async (args: readonly string[], stdin = ''): Promise<string> => {
  const { code, stdout, stderr } = await mossctl(args, { cwd, stdin, env: { MOSSCTL_LANG: 'zh' } });
  assert.equal(code, 0, stderr);
  return stdout;
};

/** Each is a message of ours in Chinese, if it is one at all. */
const ours = 'no such file or folder';

test('what stands for a text is as wide, and is that text again when it is printed', async (t) => {
  const printed: string[] = [];
  speak(await speechIn('zh'));
  t.after(() => speak(english));
  for (const stream of [process.stdout, process.stderr]) {
    t.mock.method(stream, 'write', (text: string) => printed.push(text) > 0);
  }
  printLine(`  edited: ${verbatim(ours)}`);
  printLine(`${verbatim('猫 base')}  ${verbatim('base')}\n${'-'.repeat(7)}  ----`);
  printError(verbatim('The shop holds 5\nTom lost'));
  printLine(ours);
  t.mock.restoreAll();
  assert.deepEqual(printed, [
    `  编辑后：${ours}\n`,
    '猫 base  base\n-------  ----\n',
    'The shop holds 5\nTom lost\n',
    '没有这个文件或目录\n',
  ]);
  speak(english);
  assert.equal(verbatim(ours), ours);
});

test('lines of a corpus, and what was dropped of it', async () => {
  const lines = ['The cat reads books', 'The shop holds 5', ours];
  await writeFile(join(cwd, 't.txt'), lines.flatMap((line) => Array(6).fill(line)).join('\n'));
  const stats = await inChinese(['data', 'stats', 't.txt']);
  for (const line of lines) assert.ok(stats.includes(` × ${line}\n`), stats);
  assert.match(stats, /文档/);

  const rows = [ours, ours, 'Tom lost'].map((text) => JSON.stringify({ text }));
  await writeFile(join(cwd, 'rows.jsonl'), rows.join('\n'));
  const source = { name: 'rows', from: 'file:rows.jsonl', format: 'jsonl', licence: 'within noise' };
  await writeFile(join(cwd, 'spec.yaml'), JSON.stringify({ name: 'base', sources: [source] }));
  await inChinese(['data', 'build', 'spec.yaml', '--out', 'run', '--quiet']);
  const dropped = await inChinese(['data', 'inspect', 'run', '--dropped']);
  assert.match(dropped, /^base：|^base: /);
  assert.match(dropped, / within noise /);
  assert.ok(dropped.includes(`rows:rows.jsonl:2: "${ours}"`), dropped);
});

test('judgements: the question, the edited answer, and who judged', async () => {
  await writeFile(join(cwd, 'answers.jsonl'), JSON.stringify({ prompt: 'Tom lost', answers: ['yes it is', 'no'] }));
  await inChinese(['annotate', '--answers', 'answers.jsonl', '--annotator', 'all 5'], `e\na\n${ours}\n`);
  const listed = await inChinese(['feedback', 'list']);
  assert.match(listed, / all 5 .* Tom lost\n/);
  const [, id] = /\n(\w{6,}) /.exec(listed) ?? [];
  const whole = await inChinese(['feedback', 'list', id]);
  assert.ok(whole.includes(`编辑后：${ours}\n`), whole);
});

test('sentences that are scored, and the names of models', async () => {
  const scored = await inChinese([
    'score',
    'base',
    'Tom lost. The shop holds 5.',
    '--backend',
    'cpu',
    '--shuffled',
    '1',
  ]);
  assert.match(scored, /\nTom lost\. +\d+ +-/);
  assert.match(scored, /\nThe shop holds 5\. +\d+ +-/);
  const { stdout } = await mossctl(['serve', 'base', '--port', '0'], {
    ...{ cwd, env: { MOSSCTL_LANG: 'zh' } },
    onOutput: (text, child) => text.includes('Ctrl-C') && child.kill('SIGTERM'),
  });
  assert.match(stdout, /^base\n/);
});
