// Commands that are printed can be typed as they stand: a real shell takes each word as it was meant.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { commandLine, mossctlCommand, shellQuoted } from '../../src/base/shell.js';

test('a shell reads back every word, whatever is in it', { skip: process.platform === 'win32' && 'no sh' }, () => {
  const words = [
    'plain/path-1.x',
    'a b',
    "it's",
    '$HOME',
    '`x`',
    'a"b',
    'a;b',
    '*',
    '~/runs',
    '',
    '#a',
    'a\nb',
    '运行/小 模型',
  ];
  const output = execFileSync('sh', ['-c', `printf '%s\\0' ${commandLine(...words)}`], { encoding: 'utf8' });
  assert.deepEqual(output.split('\0').slice(0, -1), words);
});

test('what needs no quotes has none', () => {
  for (const word of ['runs/mine/latest', '运行/latest', '--set', 'a.b=1,2', 'x@1:2+3%'])
    assert.equal(shellQuoted(word), word);
  assert.equal(mossctlCommand('chat', 'my runs/latest'), "npx mossctl chat 'my runs/latest'");
});

test('every command that names something of the person is quoted', () => {
  const src = fileURLToPath(new URL('../../src/', import.meta.url));
  const wrong = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) =>
      readFileSync(`${src}${path}`, 'utf8')
        .split('\n')
        .map((line) => `${path}: ${line.trim()}`),
    )
    .filter((line) =>
      /[`"(]((npx )?mossctl (run|data|tokenizer|pretrain|self-instruct|sft|align|eval|plan|chat|score|inspect|import|export)|iconv|npm (pack|install)|mv|python) [^`]*\$\{(?!shellQuoted|out\}|whole\})/.test(
        line,
      ),
    );
  assert.deepEqual(wrong, []);
});
