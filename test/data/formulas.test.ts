import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate, formulaDocuments, isHeldOutPair } from '../../src/data/sources/formulas.js';
import { dataSpecSchema } from '../../src/data/spec.js';

function formulasSpec(changes: Record<string, unknown>) {
  const { formulas } = dataSpecSchema.parse({ name: 'x', formulas: { count: 4000, ...changes } });
  assert.ok(formulas);
  return formulas;
}

function linesOf(changes: Record<string, unknown>, seed = 5, validation = 0.1) {
  const lines = { train: [] as string[], validation: [] as string[] };
  for (const made of formulaDocuments(formulasSpec(changes), { seed, validation })) {
    if (made !== undefined) lines[made.split].push(...made.text.split('\n'));
  }
  return lines;
}

test('× and ÷ bind more strongly, and every step is known', () => {
  assert.deepEqual(evaluate([12, 3, 9], ['×', '+']), {
    expression: '12×3+9',
    value: 45,
    pairs: [
      [12, 3],
      [36, 9],
    ],
  });
  assert.deepEqual(evaluate([9, 12, 3], ['+', '÷'])?.pairs, [
    [12, 3],
    [9, 4],
  ]);
  assert.equal(evaluate([20, 8, 2], ['-', '-'])?.value, 10);
  assert.equal(evaluate([3, 5], ['-']), undefined);
  assert.equal(evaluate([7, 2], ['÷']), undefined);
  assert.equal(evaluate([7, 0], ['÷']), undefined);
});

test('every formula is right by JavaScript itself', () => {
  const { train, validation } = linesOf({ operators: ['+', '-', '×', '÷'], terms: 4 });
  assert.equal(train.length, 4000);
  assert.equal(validation.length, 400);
  for (const line of [...train, ...validation]) {
    const [left, right] = line.split('=');
    assert.match(left, /^\d+([-+×÷]\d+){1,3}$/);
    const result: unknown = new Function(`return ${left.replaceAll('×', '*').replaceAll('÷', '/')}`)();
    assert.equal(result, Number(right), line);
  }
});

test('training never computes with a held-out pair, in either order, for any operator, at any step', () => {
  const heldOut = new Set<string>();
  for (let a = 0; a <= 40; a++) {
    for (let b = 0; b <= 40; b++) if (isHeldOutPair([a, b], 5, 0.1)) heldOut.add(`${a},${b}`);
  }
  for (const pair of heldOut) assert.ok(heldOut.has(pair.split(',').reverse().join(',')));
  assert.ok(heldOut.size > 100 && heldOut.size < 240, `${heldOut.size}`);
  const pairsOf = (line: string) => /^(\d+)[-+×](\d+)=/.exec(line)?.slice(1).join(',') ?? '';
  const { train, validation } = linesOf({ terms: 2 });
  assert.equal(train.filter((line) => heldOut.has(pairsOf(line))).length, 0);
  assert.equal(validation.filter((line) => heldOut.has(pairsOf(line))).length, validation.length);
});

test('the seed decides; a range without held-out pairs ends all the same', () => {
  assert.deepEqual(linesOf({ count: 50 }), linesOf({ count: 50 }));
  assert.notDeepEqual(linesOf({ count: 50 }), linesOf({ count: 50 }, 6));
  assert.deepEqual(linesOf({ count: 50, maxOperand: 1, maxFactor: 1, heldOut: 0.000001 }).validation, []);
});
