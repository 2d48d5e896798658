// What a round is set against: as many operations of fine-tuning, and the verdict in words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Unit } from '../../../src/base/statistics.js';
import type { Measurements } from '../../../src/evaluation/measurements.js';
import { comparedTokens, ledgerOf, operationsOf } from '../../../src/stages/align/ledger.js';
import { tinyConfig } from '../../train/tiny.js';

const units = (value: (i: number) => number): Unit[] =>
  Array.from({ length: 40 }, (_, i) => ({ id: `${i}`, value: value(i), weight: 1 }));
const measured = (reward: number, bits: number): Measurements =>
  new Map([
    ['reward', units((i) => reward + (i % 5) / 50)],
    ['bitsPerByte', units((i) => bits + (i % 3) / 10)],
  ]);
const budget = { operations: 1e9, steps: 12, metric: 'reward' };

test('sampled and scored tokens cost a third of trained ones', () => {
  const model = tinyConfig();
  const none = { sampled: 0, referenced: 0, trained: 0, length: 10 };
  const trained = operationsOf(model, { ...none, trained: 100 });
  assert.ok(Math.abs(operationsOf(model, { ...none, sampled: 200, referenced: 100 }) / trained - 1) < 1e-9);
});

test('answers are read again by what they are compared with, a teacher each time; a critic is trained, too', () => {
  const model = tinyConfig();
  const answers = { read: 100, length: 10, bySampler: false, byReference: false, iterations: 3 };
  assert.equal(comparedTokens(model, answers), 0);
  assert.equal(comparedTokens(model, { ...answers, bySampler: true, byReference: true }), 200);
  assert.equal(comparedTokens(model, { ...answers, teacher: model }), 300);
  const larger = comparedTokens(model, { ...answers, teacher: { ...model, num_hidden_layers: 8 } });
  assert.ok(larger > 600, String(larger));
  assert.equal(
    comparedTokens(model, { ...answers, critic: model }),
    100 * (1 + 3 * 3),
    'asked once, trained three times',
  );
  assert.equal(
    comparedTokens(model, { ...answers, bySampler: true, alone: 10 }),
    70,
    'the policy trains on none of 10',
  );
});

test('the verdict is that of the interval, and says what was forgotten', () => {
  const better = ledgerOf(budget, measured(0.5, 2.5), measured(0.6, 2.7));
  assert.equal(better.verdict, 'worth it');
  assert.match(
    better.text,
    /^reward 0\.640, against 0\.540 after 12 steps of fine-tuning that took as many operations \(\+0\.100 \[/,
  );
  assert.match(
    better.text,
    /: the round was worth it; bits per byte \+0\.200 \[\+0\.200, \+0\.200\] against fine-tuning$/,
  );
  const worse = ledgerOf(budget, measured(0.6, 2.5), measured(0.5, 2.5));
  assert.equal(worse.verdict, 'not worth it');
  assert.match(worse.text, /the round was not worth it/);
  assert.equal(ledgerOf(budget, measured(0.6, 2.5), measured(0.6, 2.5)).verdict, 'within noise');
  // Tasks that the two do not share say nothing.
  const apart = ledgerOf(budget, new Map(), measured(0.6, 2.5));
  assert.equal(apart.verdict, 'within noise');
});
