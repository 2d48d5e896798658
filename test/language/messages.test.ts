// Finished messages are found again in the catalog: what was put in stays as it is, what is a message itself is translated,
// and what the catalog does not have stays English, whole.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { displayWidth, wrapped } from '../../src/base/format.js';
import { acceptedLanguage, chosenLanguage } from '../../src/language/choice.js';
import { Messages } from '../../src/language/messages.js';
import { english, speechIn } from '../../src/language/speech.js';
import { catalogs, nouns } from '../../src/language/zh/index.js';

const small = new Messages(
  [
    {
      'no such file or folder': '没有这个文件或目录',
      'cannot write {1} ({2}): {3}': '无法写入 {1}（{2}）：{3}',
      '{1} of {2} rows were read{3}': '读了 {2} 中的 {1}{3}',
      ', the first {1} twice': '，前 {1}读了两遍',
      '{1} of {2}': '{2} 的 {1}',
      'the same of {1}': '{1} 也一样',
    },
  ],
  { row: '行' },
);

test('what is put in stays as it is, and a message that is put in is translated in turn', () => {
  const text = 'cannot write C:/a b/$1 {2}.txt (ENOENT): no such file or folder';
  assert.equal(small.message(text), '无法写入 C:/a b/$1 {2}.txt（ENOENT）：没有这个文件或目录');
});

test('of two places side by side the second has the message at the end', () => {
  assert.equal(
    small.message('3 of 1,000 rows were read, the first 2 rows twice'),
    '读了 1,000 中的 3，前 2 行读了两遍',
  );
  assert.equal(small.message('3 of 5 rows were read'), '读了 5 中的 3');
});

test('a template with few letters takes no sentence apart', () => {
  assert.equal(small.message('3 of 5'), '5 的 3');
  assert.equal(small.message('share of answers that end by themselves'), undefined);
});

test('a template with few letters is found on the borders of words, around what is no prose', async () => {
  const { say } = await speechIn('zh');
  const prose = ['The cat reads books', 'Tom lost', 'tom lost', "Tom's dog lost 3", 'The shop holds 5', 'Иван lost'];
  for (const text of [...prose, 'Paris is empty', 'She names 3', 'all dogs', 'There is no Tom.']) {
    assert.equal(say(text), text);
  }
  assert.equal(say('3 lost'), '丢失 3');
  assert.equal(say('1.5 GiB read'), '读取 1.5 GiB');
  assert.equal(say('runs/x holds 5'), 'runs/x 含有 5');
  assert.equal(say('unknown key epochs'), '未知的键 epochs');
  assert.equal(say('about 3 min to go'), '约剩 3 min');
});

test('the catalog is built once, however often it is asked for', async () => {
  assert.equal(await speechIn('zh'), await speechIn('zh'));
});

test('text that looks like nested messages without end is given up, not worked at', () => {
  const all = new Messages(catalogs, nouns);
  for (const piece of ['the same of ', 'a of b, c; d: ', '(', 'cannot write ((: ', ': ']) {
    all.sentences(piece.repeat(Math.floor(3999 / piece.length)));
    assert.ok(all.lookups <= 3100, `${piece}: ${all.lookups}`);
    all.sentences(piece.repeat(100_000));
    assert.equal(all.lookups, 0, piece);
  }
});

test('a fault is said part by part; a part without a translation stays English', async () => {
  const { fault } = await speechIn('zh');
  const known = { where: 'runs/甲', what: 'no such file or folder', next: 'Check the path' };
  assert.equal(fault(known), 'runs/甲：没有这个文件或目录。请检查路径。');
  const unknown = { where: 'a.yaml:3', what: 'the moon is full', next: 'Check the path' };
  assert.equal(fault(unknown), 'a.yaml:3：the moon is full。请检查路径。');
  assert.equal(english.fault(unknown), 'a.yaml:3: the moon is full. Check the path.');
});

test('columns of a table stay where they are, and a wrapped paragraph is one message', async () => {
  const { lines } = await speechIn('zh');
  const rule = '--------  ---------  -------';
  const table = ['source    documents   tokens', rule, 'source           12       34', 'language          1        2'];
  const shown = lines(table.join('\n')).split('\n');
  // A word in the body is the name of something.
  assert.deepEqual(shown, ['来源           文档     词元', ...table.slice(1)]);
  assert.deepEqual([...new Set(shown.map(displayWidth))], [28]);
  const paragraph = 'this checkpoint could not be\n  saved: no such file or folder';
  assert.equal(lines(`before\n\n${paragraph}`), 'before\n\n没能保存这个检查点：没有这个文件或目录');
  assert.equal(lines('a poem of\nthree words'), 'a poem of\nthree words');
});

test('Chinese is broken between characters, and no line begins with a mark that ends one', () => {
  const lines = wrapped('检查点、分词器（tokenizer）和“留出集”都在这里，请检查路径。', 12, 0).split('\n');
  assert.equal(lines.join(''), '检查点、分词器（tokenizer）和“留出集”都在这里，请检查路径。');
  assert.ok(
    lines.every((line) => displayWidth(line) <= 13 && !/^[，。、）”]/.test(line)),
    lines.join('|'),
  );
  assert.equal(wrapped('one two three', 8), 'one two\n  three');
});

test('the flag counts most, then MOSSCTL_LANG, then the locale', () => {
  assert.equal(chosenLanguage([], {}), 'en');
  assert.equal(chosenLanguage([], { LANG: 'zh_CN.UTF-8' }), 'zh');
  assert.equal(chosenLanguage([], { LANG: 'zh_CN.UTF-8', LC_ALL: 'C' }), 'en');
  assert.equal(chosenLanguage([], { LANG: 'zh_CN.UTF-8', MOSSCTL_LANG: 'en' }), 'en');
  assert.equal(chosenLanguage(['run', '--lang', 'zh'], { MOSSCTL_LANG: 'en' }), 'zh');
  assert.equal(chosenLanguage(['run', '--lang=en'], { LANG: 'zh' }), 'en');
  assert.equal(chosenLanguage(['score', 'm', '--', '--lang', 'zh'], {}), 'en');
  assert.throws(
    () => chosenLanguage([], { MOSSCTL_LANG: 'fr' }),
    (error) => error instanceof UserError && error.message.includes('Set it to zh or en'),
  );
});

test('a client is answered in the first language of its header that is spoken here', () => {
  assert.equal(acceptedLanguage(undefined), 'en');
  assert.equal(acceptedLanguage('fr, zh-TW;q=0.9, en'), 'zh');
  assert.equal(acceptedLanguage('en-GB,zh;q=0.5'), 'en');
});
