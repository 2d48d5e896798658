// docs/preference-losses.md and docs/policy-losses.md have a line for every method and every loss, with what the code says of them.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { policyLossNames, resolvedPolicy } from '../../../src/config/policy.js';
import {
  cpoLossNames,
  dpoLossNames,
  ktoLossNames,
  type MethodName,
  methodNames,
  resolvedPreference,
} from '../../../src/config/preference.js';
import { labelledLosses } from '../../../src/train/objectives/labelled.js';
import { methods } from '../../../src/train/objectives/methods.js';
import { type PairLoss, pairLosses } from '../../../src/train/objectives/pair-losses.js';
import { policyLosses } from '../../../src/train/objectives/policy-losses.js';

const rowNames = {
  ...{ pairs: 'pairs', labels: 'single answers, good or bad', answers: 'answers' },
  samples: 'its own answers, as it learns',
};

function methodLine(name: MethodName): string {
  const { formula, paper, rows, needsReference } = methods[name];
  const { beta, sftWeight, simpoGamma, rewardAlpha } = resolvedPreference({ method: name, fDivergence: 'reverse_kl' });
  const defaults = [
    ...(beta > 0 ? [`β ${beta}`, `sftWeight ${sftWeight}`] : ['–']),
    ...(name === 'simpo' || name === 'alphapo' ? [`γ ${simpoGamma}`] : []),
    ...(name === 'alphapo' ? [`α ${rewardAlpha}`] : []),
  ];
  const reference = needsReference ? 'yes' : 'no';
  return `| \`${name}\` | ${formula} | ${paper} | ${rowNames[rows]} | ${reference} | ${defaults.join(', ')} |`;
}

function lossLine(
  name: string,
  { formula, paper, over }: PairLoss | ((typeof labelledLosses)['kto' | 'apo_zero_unpaired'] & { over?: string }),
): string {
  const { losses } = resolvedPreference({
    method: name in labelledLosses ? 'kto' : 'dpo',
    fDivergence: 'reverse_kl',
    loss: name as 'sigmoid',
  });
  const epsilon = losses[0].labelSmoothing;
  const defaults = formula.includes('ε')
    ? `ε ${epsilon}`
    : name === 'discopop'
      ? 'τ 0.05'
      : formula.includes('λ')
        ? 'λ 1'
        : '';
  return `| \`${name}\` | ${formula} | ${paper} | ${over ?? 'row'} | ${defaults} |`;
}

const lines = [
  ...methodNames.map(methodLine),
  ...dpoLossNames.map((name) => lossLine(name, pairLosses[name])),
  ...ktoLossNames.map((name) => lossLine(name, labelledLosses[name])),
];

test('the page of losses of sampled answers says what the code does', async () => {
  const page = await readFile(fileURLToPath(new URL('../../../docs/policy-losses.md', import.meta.url)), 'utf8');
  const table = page.split('\n').filter((line) => line.startsWith('| `') && !line.startsWith('| `align.'));
  const wanted = policyLossNames.map((name) => {
    const { formula, paper, over } = policyLosses[name];
    return `| \`${name}\` | ${formula} | ${paper} | ${over} |`;
  });
  assert.deepEqual(table, wanted);
  const { klWeight, clipLow, clipHigh, sapoTemperature, vespo } = resolvedPolicy({ policyLoss: 'cispo' }, 'grpo');
  for (const number of [klWeight, clipLow, clipHigh, ...Object.values(sapoTemperature), vespo.positive.power]) {
    assert.ok(page.includes(`${number}`), `${number}`);
  }
});

test('the page of preference losses says what the code does', async () => {
  const page = await readFile(fileURLToPath(new URL('../../../docs/preference-losses.md', import.meta.url)), 'utf8');
  const table = page.split('\n').filter((line) => line.startsWith('| `'));
  assert.deepEqual(table, lines);
  for (const name of cpoLossNames) assert.match(page, new RegExp(`cpo[^\n]*\`${name}\``), `cpo with ${name}`);
});
