// The wordings of questions: many, natural places for values, no question of one side is ever one of the other, and none that
// is held out needs a word that was never learnt.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { Random } from '../../src/base/random.js';
import { spokenLanguages } from '../../src/stages/tool-use/exercise.js';
import { arithmetic } from '../../src/stages/tool-use/exercises/arithmetic.js';
import { asked, variantOf, variantsOf, wordingSets } from '../../src/stages/tool-use/wordings.js';
import { partFor } from '../../src/tools/wordings.js';

const folder = fileURLToPath(new URL('../../data-specs/tools-wordings/', import.meta.url));

test('every file: at least 60 wordings in each language, and none that is held out can be said as one that is learnt', () => {
  // The small world reads its own goals.
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml') && name !== 'house.yaml');
  assert.ok(files.length >= 2);
  for (const file of files) {
    const sets = wordingSets(file.replace('.yaml', ''), Object.keys(parse(readFileSync(folder + file, 'utf8'))));
    for (const language of spokenLanguages) {
      const lines = Object.values(sets).map((set) => set[language]);
      assert.ok(lines.flat().length >= 60, `${file} has ${lines.flat().length} in ${language}`);
      const said = (isHeldOut: boolean): string[] =>
        lines.flatMap((each) => partFor(each, isHeldOut)).flatMap(variantsOf);
      const learnt = new Set(said(false));
      assert.deepEqual(
        said(true).filter((each) => learnt.has(each)),
        [],
        file,
      );
      const untidy = [...learnt, ...said(true)].filter((each) => / {2}|\w [.,]|^ | $/.test(each));
      assert.deepEqual(untidy, [], file);
    }
  }
});

test('a wording is held out, its words are not: each stands in a learnt wording of the same set', () => {
  const wordsOf = { en: /[a-z']+/gi, zh: /\p{Script=Han}/gu };
  const unknown: string[] = [];
  for (const file of readdirSync(folder)) {
    const sets = wordingSets(file.replace('.yaml', ''), Object.keys(parse(readFileSync(folder + file, 'utf8'))));
    for (const [name, set] of Object.entries(sets))
      for (const language of spokenLanguages) {
        const words = (line: string) =>
          line
            .replace(/\{\w+\}/g, ' ')
            .toLowerCase()
            .match(wordsOf[language]) ?? [];
        const learnt = new Set(partFor(set[language], false).flatMap(words));
        for (const line of partFor(set[language], true))
          for (const word of words(line))
            if (!learnt.has(word)) unknown.push(`${file} ${name}: "${word}" of "${line}"`);
      }
  }
  assert.deepEqual(unknown, []);
});

test('a choice is taken, places are filled, and what a value begins with keeps its case', () => {
  assert.deepEqual(variantsOf('<please |>say <a|b|c> {w}.'), [
    ...['a', 'b', 'c'].map((each) => `Please say ${each} {w}.`),
    ...['a', 'b', 'c'].map((each) => `Say ${each} {w}.`),
  ]);
  const random = Random.stream(1, 'test');
  assert.ok(variantsOf('<请|>算<一下|>{e}。').includes(variantOf('<请|>算<一下|>{e}。', random)));
  const draw = { random, language: 'en', isHeldOut: true } as const;
  const set = { en: ['a', 'b', 'c', 'd', '{x} is <what|which>?'], zh: [] };
  assert.match(asked(set, { x: 'y' }, draw).question, /^y is (what|which)\?$/);
  assert.equal(asked(set, { x: 'y' }, draw).wording, '{x} is <what|which>?');
});

test('a sum whose order does not matter is written in the order in which its numbers are read', () => {
  const random = Random.stream(3, 'order');
  let seen = 0;
  for (let i = 0; i < 1500; i++) {
    const language = spokenLanguages[i % 2];
    const { question, turns } = arithmetic({ random, language, isHeldOut: i % 3 === 0 });
    const [, first, second] = /^(\d+)[+*](\d+)$/.exec(String(turns[0]([])[0].arguments.expression)) ?? [];
    const read = (question.match(/\d+/g) ?? []).filter((number) => number === first || number === second);
    if (first === second || turns.length > 1 || read.length !== 2) continue;
    seen++;
    assert.deepEqual(read, [first, second], question);
  }
  assert.ok(seen > 300, `${seen} seen`);
});
