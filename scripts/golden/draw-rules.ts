// Operands for the rules of self-instruct, as the test draws them, for the independent implementation to solve:
//   node --import tsx scripts/golden/draw-rules.ts | python3 scripts/golden/make_rules.py > test/golden/rules.jsonl
import { Random } from '../../src/base/random.js';
import { readRuleBook, rules } from '../../src/stages/self-instruct/rules/table.js';
import { taskLanguages } from '../../src/stages/self-instruct/teacher.js';

const perRule = 4;

const book = readRuleBook();
const rows = Object.keys(rules).flatMap((rule) =>
  taskLanguages.flatMap((language) => {
    const source = book.source(language, Random.stream(3, `${rule}/${language}`));
    return Array.from({ length: perRule }, () => ({ rule, language, operands: rules[rule].make(source)?.operands }));
  }),
);
console.log(JSON.stringify(rows));
