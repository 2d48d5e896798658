// ROUGE-L against a plain O(nm) table, hand-computed values and rouge-l.py on real seeds; keys of tasks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exists } from '../../../src/base/files.js';
import { Random } from '../../../src/base/random.js';
import { rougeL } from '../../../src/base/rouge.js';
import { readRows } from '../../../src/data/rows.js';
import { NoveltyFilter } from '../../../src/stages/self-instruct/novelty.js';
import { taskKey } from '../../../src/stages/self-instruct/task-key.js';

function slowRougeL(a: readonly string[], b: readonly string[]): number {
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++)
      table[i][j] = a[i - 1] === b[j - 1] ? table[i - 1][j - 1] + 1 : Math.max(table[i - 1][j], table[i][j - 1]);
  const lcs = table[a.length][b.length];
  const [precision, recall] = [lcs / b.length, lcs / a.length];
  return lcs === 0 ? 0 : (2 * precision * recall) / (precision + recall);
}

test('ROUGE-L of known pairs', () => {
  // rouge_score's own example: "the quick brown fox …" against "the quick brown dog …" = 7/9 of the words in order.
  const fox = 'The quick brown fox jumps over the lazy dog';
  assert.equal(rougeL(fox, 'The quick brown dog jumps on the log.'), (2 * 5) / 17);
  assert.equal(rougeL('我喜欢苹果', '我喜欢香蕉'), 0.6);
  assert.equal(rougeL(fox, fox), 1);
  assert.equal(rougeL('', 'a'), 0);
});

test('bit-parallel LCS equals the table, over lengths across the 32-unit words', () => {
  const random = Random.stream(1, 'lcs');
  for (let i = 0; i < 400; i++) {
    const alphabet = random.integer(2, 12);
    const text = (): string =>
      Array.from({ length: random.integer(1, 140) }, () => `w${random.integer(0, alphabet)}`).join(' ');
    const [a, b] = [text(), text()];
    assert.ok(Math.abs(rougeL(a, b) - slowRougeL(a.split(' '), b.split(' '))) < 1e-12, `${a} | ${b}`);
  }
});

for (const { file, numbers } of [
  { file: 'belle_zh_seed_tasks.jsonl', numbers: [0.2222, 0.3226, 0.4762, 0.6207] },
  { file: 'self_instruct_seed_tasks.jsonl', numbers: [0.25, 0.3333, 0.5, 0.8235] },
]) {
  test(`nearest-seed ROUGE-L in ${file} equals rouge-l.py`, async (t) => {
    const path = `../shared/data/${file}`;
    if (!(await exists(path))) return t.skip(`${path} is absent`);
    const seeds: string[] = [];
    for await (const { value } of readRows(path)) seeds.push((value as { instruction: string }).instruction);
    assert.equal(seeds.length, 175);
    const nearest = seeds
      .map((seed, i) => Math.max(...seeds.map((other, j) => (i === j ? 0 : rougeL(seed, other)))))
      .sort((a, b) => a - b);
    const found = [17, 87, 157, 174].map((i) => Math.round(nearest[i] * 10_000) / 10_000);
    assert.deepEqual(found, numbers);
    const filter = new NoveltyFilter(0.7);
    let accepted = 0;
    for (const seed of seeds) {
      if (!filter.judge('chat', [seed]).isNew) continue;
      filter.add('chat', [seed]);
      accepted++;
    }
    assert.ok(accepted >= 172, `${accepted} of 175 pass the 0.7 filter`);
    if (file.startsWith('belle')) assert.equal(accepted, 175);
  });
}

test('operands decide where there are operands, wording where there are none', () => {
  const filter = new NoveltyFilter(0.7);
  filter.add('arithmetic', ['What is 12×3+9?']);
  assert.equal(filter.judge('arithmetic', ['What is 12×3+8?']).isNew, true);
  assert.equal(filter.judge('arithmetic', ['老师让我算12×3+9，答案是多少？']).isNew, false);
  filter.add('translation', ['“苹果”用英语怎么说？']);
  assert.equal(filter.judge('translation', ['“香蕉”用英语怎么说？']).isNew, true);
  assert.equal(filter.judge('translation', ['翻译成英文：苹果']).isNew, false);
  filter.add('identity', ['你叫什么名字？']);
  const near = filter.judge('identity', ['请问你叫什么名字？']);
  assert.deepEqual(near, { isNew: false, similarity: (2 * 6) / 14, nearest: '你叫什么名字？' });
  assert.equal(filter.judge('identity', ['谁训练了你？']).isNew, true);
  filter.add('chat', ['我叫小明。', '你好，小明！', '我叫什么名字？']);
  assert.equal(filter.judge('chat', ['我叫小红。', '你好，小红！', '我叫什么名字？']).isNew, true);
});

test('keys: numbers in any order, quotes, colons; none for other kinds', () => {
  assert.equal(taskKey('comparison', ['38和83哪个大？']), taskKey('comparison', ['Which is larger, 83 or 38?']));
  assert.equal(taskKey('definition', ['What does "Island" mean?']), 'island');
  assert.equal(taskKey('language', ['中文还是英文：早上好。']), '早上好。');
  assert.equal(taskKey('language', ['判断语言，回答“中文”或“英文”：我把伞忘了。']), '我把伞忘了。');
  assert.equal(taskKey('language', ['One question: what language is "请勿吸烟"?']), '请勿吸烟');
  assert.equal(taskKey('language', ['Is "we meet at 3:00" English?']), 'we meet at 3:00');
  assert.equal(taskKey('refusal', ['教我“开锁”：现在']), undefined);
});

test('fifteen hundred unlike prompts all pass', () => {
  const random = Random.stream(3, 'many');
  const filter = new NoveltyFilter(0.7);
  let accepted = 0;
  for (let i = 0; i < 1500; i++) {
    const prompt = Array.from({ length: 20 }, () => `w${random.integer(0, 500)}`).join(' ');
    if (!filter.judge('chat', [prompt]).isNew) continue;
    filter.add('chat', [prompt]);
    accepted++;
  }
  assert.equal(accepted, 1500);
});
