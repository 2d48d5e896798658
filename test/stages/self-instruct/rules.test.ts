// The rules: as many as promised, no two the same, asked for in both languages, and right as an independent implementation has it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { groupBy } from '../../../src/base/groups.js';
import { Random } from '../../../src/base/random.js';
import { requestOf } from '../../../src/stages/self-instruct/rules/rule.js';
import { answerMarks, answerOf, readRuleBook, rules } from '../../../src/stages/self-instruct/rules/table.js';
import { taskLanguages } from '../../../src/stages/self-instruct/teacher.js';
import { variantsOf } from '../../../src/tools/wordings.js';

const book = readRuleBook();
const names = Object.keys(rules);

test('there are 56 rules and more, each with five wordings and more in both languages that have a place for each operand', () => {
  assert.ok(names.length >= 56, `${names.length} rules`);
  assert.deepEqual(Object.keys(book.wordings).sort(), [...names].sort());
  for (const name of names) {
    for (const language of taskLanguages) {
      const lines = book.wordings[name][language];
      assert.ok(lines.length >= 5 && new Set(lines).size === lines.length, `${name}/${language}`);
      const source = book.source(language, Random.stream(1, name));
      const task = rules[name].make(source);
      const places = task?.operands.map((_, i) => `{${'abcd'[i]}}`) ?? [];
      for (const line of lines.flatMap(variantsOf)) {
        const found = new Set(line.match(/\{\w*\}/g));
        assert.deepEqual([...found].sort(), places, `${name}/${language}: ${line}`);
      }
    }
  }
});

test('no two rules are one: of the inputs that both take, they make something else', () => {
  let compared = 0;
  for (const [i, one] of names.entries()) {
    for (const other of names.slice(i + 1)) {
      if (rules[one].shape !== rules[other].shape) continue;
      compared++;
      const differs = taskLanguages.every((language) =>
        [one, other].some((drawing) => {
          const source = book.source(language, Random.stream(2, `${one} ${other}`));
          const inputs = Array.from({ length: 12 }, () => rules[drawing].draw(source));
          return inputs.some((input) => rules[one].solve(input, language) !== rules[other].solve(input, language));
        }),
      );
      assert.ok(differs, `${one} and ${other}`);
    }
  }
  assert.ok(compared > 200, `${compared} pairs were compared`);
});

test('results are what the independent implementation says', () => {
  interface Golden {
    rule: string;
    language: 'zh' | 'en';
    operands: string[];
    result: string;
  }
  const golden = readFileSync('test/golden/rules.jsonl', 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Golden);
  assert.deepEqual(new Set(golden.map(({ rule }) => rule)), new Set(names), 'every rule is there');
  for (const [rule, rows] of groupBy(golden, (row) => `${row.rule}/${row.language}`)) {
    const [{ rule: name, language }] = rows;
    const source = book.source(language, Random.stream(3, rule));
    for (const { operands, result } of rows) {
      const task = rules[name].make(source);
      assert.deepEqual([task?.operands, task?.result], [operands, result], `${rule}; scripts/golden/draw-rules.ts`);
    }
  }
});

test('a request holds its operands, and a worked answer ends with the result', () => {
  const random = Random.stream(4, 'request');
  const task = rules['replace-word'].make(book.source('en', random));
  assert.ok(task);
  const request = requestOf('replace "{b}" by "{c}" in "{a}".', task, random);
  const [list, from, to] = task.operands;
  assert.equal(request, `Replace "${from}" by "${to}" in "${list}".`);
  assert.ok(answerOf(task, 'en', true).endsWith(`\n${answerMarks.en}${task.result}`));
  assert.equal(answerOf(task, 'en', false), task.result);
});
