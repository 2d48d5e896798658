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

test('brackets come first, neither around one term nor around all', () => {
  assert.deepEqual(evaluate([3, 4, 5], ['+', '×'], [0, 1]), {
    expression: '(3+4)×5',
    value: 35,
    pairs: [
      [3, 4],
      [7, 5],
    ],
  });
  assert.equal(evaluate([2, 9, 4, 1], ['×', '-', '+'], [1, 2])?.expression, '2×(9-4)+1');
  assert.equal(evaluate([2, 9, 4, 1], ['×', '-', '+'], [1, 2])?.value, 11);
  assert.equal(evaluate([2, 4, 9], ['×', '-'], [1, 2]), undefined);
  const { train } = linesOf({ operators: ['+', '-', '×', '÷'], terms: 4, brackets: 0.5, count: 3000 });
  let bracketed = 0;
  for (const line of train) {
    const [left, right] = line.split('=');
    assert.match(left, /^(\d+|\(\d+([-+×÷]\d+)+\))([-+×÷](\d+|\(\d+([-+×÷]\d+)+\)))+$/);
    const result: unknown = new Function(`return ${left.replaceAll('×', '*').replaceAll('÷', '/')}`)();
    assert.equal(result, Number(right), line);
    if (left.includes('(')) bracketed++;
  }
  assert.ok(bracketed > 600 && bracketed < 1200, `${bracketed}`);
});

test('2-digit × 1-digit: one factor stays short; even lengths draw short numbers as often as long ones', () => {
  const { train } = linesOf({ operators: ['×'], terms: 2, maxFactor: 999, maxMultiplier: 9, evenLengths: true });
  const lengths = new Map<string, number>();
  for (const line of train) {
    const [, a, b] = /^(\d+)×(\d+)=/.exec(line) ?? [];
    assert.ok(Math.min(Number(a), Number(b)) <= 9, line);
    const key = [a.length, b.length].sort().join('×');
    lengths.set(key, (lengths.get(key) ?? 0) + 1);
  }
  // Of the nine pairs of lengths the four with no short factor lose one of the two.
  assert.deepEqual([...lengths.keys()].sort(), ['1×1', '1×2', '1×3']);
  assert.ok((lengths.get('1×2') ?? 0) > 0.3 * train.length, JSON.stringify([...lengths]));
});
