// Made-up persons: every number here is of a range that is documented for tests, or was computed for this file.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isBankCard, isChineseId, scrubText } from '../../../src/data/filters/scrub.js';
import { formulaDocuments } from '../../../src/data/sources/formulas.js';
import { dataSpecSchema } from '../../../src/data/spec.js';

const scrubbed = (text: string) => scrubText(text)?.text ?? text;

test('each kind is found in Chinese and English text', () => {
  const cases: [string, string][] = [
    ['身份证号11010519491231002X，请核对', '身份证号<ID_CN>，请核对'],
    ['ID: 440524188001010014.', 'ID: 440524188001010014.'],
    ['电话：13812345678。', '电话：<PHONE>。'],
    ['call +86 138 1234 5678 now', 'call <PHONE> now'],
    ['手机138-1234-5678或010-62345678', '手机<PHONE>或<PHONE>'],
    ['+1 (415) 555-2671', '<PHONE>'],
    ['write to li.lei+x@mail.example.com.cn!', 'write to <EMAIL>!'],
    ['邮箱lilei@example.com，', '邮箱<EMAIL>，'],
    ['卡号4111 1111 1111 1111 有效', '卡号<CARD> 有效'],
    ['5555555555554444', '<CARD>'],
    ['银联6222020200112233443', isBankCard('6222020200112233443') ? '银联<CARD>' : '银联6222020200112233443'],
    ['from 203.0.113.77 port 22', 'from <IP> port 22'],
    ['at 2001:db8::8a2e:370:7334,', 'at <IP>,'],
    [`key=sk-${'a1B2'.repeat(8)}`, 'key=<SECRET>'],
    [`token ghp_${'a1'.repeat(18)} end`, 'token <SECRET> end'],
    ['AKIAIOSFODNN7EXAMPLE', '<SECRET>'],
    ['-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nok', '<SECRET>\nok'],
  ];
  for (const [text, wanted] of cases) assert.equal(scrubbed(text), wanted);
  assert.deepEqual(scrubText('a@b.cn 与 c@d.cn，13912345678')?.counts, { EMAIL: 2, PHONE: 1 });
});

test('a wrong check digit, date or issuer is a plain number', () => {
  assert.ok(isChineseId('11010519491231002X'));
  for (let digit = 0; digit < 10; digit++) assert.ok(!isChineseId(`11010519491231002${digit}`));
  assert.ok(!isChineseId('110105194913310029'));
  assert.ok(isBankCard('4111111111111111'));
  for (let digit = 2; digit < 10; digit++) assert.ok(!isBankCard(`411111111111111${digit}`));
});

test('numbers, formulas, dates, versions, times, indices and names stay', () => {
  const plain = [
    '12×3+9=45',
    '13812345678+1=13812345679',
    '3.14159265358979',
    '2024-05-17 12:34:56',
    '1998年12月31日',
    'version 1.2.3.4',
    'Section 4.1.2.3',
    '1,380,013,800,138',
    'ISBN 9787544291170',
    '第13812首',
    'data.noun:13812345',
    '1234567890123456',
    '0.13812345678',
    '12:34:56:78',
    'std::vector<int>',
    'a::b',
    '@someone',
    'x @ y',
    'sk-learn-and-a-long-hyphen-name',
    '00001740 03 n 01 entity',
    'C4:11:22',
    '127.0.0.1',
    '1000000007',
    '12345678901',
    '10^12345678901',
  ];
  for (const text of plain) assert.equal(scrubText(text), undefined, text);
});

test('formulas of six and more digits are never touched', () => {
  const spec = dataSpecSchema.parse({
    name: 'x',
    formulas: { count: 20_000, operators: ['+', '-', '×', '÷'], maxOperand: 1_000_000, maxFactor: 1_000_000 },
  });
  assert.ok(spec.formulas);
  let seen = 0;
  for (const made of formulaDocuments(spec.formulas, { seed: 1, validation: 0 })) {
    if (made === undefined) continue;
    seen += made.text.length;
    assert.equal(scrubText(made.text), undefined, made.text);
  }
  assert.ok(seen > 300_000);
});

test('real seed tasks: what is found is what a reader would call personal', async (t) => {
  const path = fileURLToPath(new URL('../../../../shared/data/belle_zh_seed_tasks.jsonl', import.meta.url));
  if (!existsSync(path)) return t.skip('the seed tasks are not here');
  assert.equal(scrubText(await readFile(path, 'utf8'))?.counts.ID_CN, undefined);
});

test('time is linear in hostile text', () => {
  const hostile = [
    '1',
    '1 ',
    '138',
    '1.',
    'a',
    'a@',
    'a.',
    'a-',
    '@a.',
    '1:',
    'f:',
    '-----BEGIN PRIVATE KEY-----',
    'sk-',
    'eyJa.eyJ',
    '+1 ',
    '4111 ',
    '0010-',
  ];
  for (const part of hostile) {
    const time = (size: number) => {
      const text = part.repeat(Math.ceil(size / part.length));
      const start = performance.now();
      scrubText(text);
      return performance.now() - start;
    };
    time(20_000);
    const taken = time(400_000);
    assert.ok(taken < 1500, `${part}: ${taken.toFixed()} ms for 400 kB`);
  }
});
