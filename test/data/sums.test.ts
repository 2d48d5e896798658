// The sums that come with mossctl: the files are what their script writes, and what is asked computes with pairs that no formula of
// their corpus, whatever its seed, and no row of fine-tuning has.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sumsFiles } from '../../scripts/sums/rows.js';
import { toJsonl } from '../../src/base/jsonl.js';
import { formulaDocuments } from '../../src/data/sources/formulas.js';
import { loadDataSpec } from '../../src/data/spec.js';

const at = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const pairIn = (text: string): string => {
  const [, a, b] = /(\d+)\+(\d+)/.exec(text) ?? assert.fail(text);
  return [Number(a), Number(b)].sort((x, y) => x - y).join('+');
};

test('the sums that are asked are what their script writes, and unseen', async () => {
  const files = sumsFiles();
  for (const [name, rows] of Object.entries(files)) assert.equal(readFileSync(at(name), 'utf8'), toJsonl(rows), name);
  type Row = { messages: { content: string }[]; group: string; check: { answer: number } };
  const rows = (name: string) => files[`data-specs/sums/${name}.jsonl`] as Row[];
  const [learnt, kept] = [new Set(rows('ask').map(({ group }) => group)), rows('test')];
  for (const { group } of kept) assert.ok(!learnt.has(group), group);
  const asked = [...rows('ask'), ...kept];
  const pairs = new Set(asked.map(({ group }) => group));
  for (const { messages, group, check } of asked) {
    assert.equal(pairIn(messages[0].content), group);
    assert.equal(
      check.answer,
      group.split('+').reduce((sum, n) => sum + Number(n), 0),
    );
  }
  // Digit by digit, as somebody who forgets to carry: 47+85=22.
  const withoutCarry = (a: string, b: string): number =>
    Number([0, 1].map((i) => (Number(a.padStart(2, '0')[i]) + Number(b.padStart(2, '0')[i])) % 10).join(''));
  let careless = 0;
  for (const { messages } of rows('learn')) {
    const [{ content: asked }, { content: answer }] = messages;
    assert.ok(!pairs.has(pairIn(asked)), asked);
    const [, a, b, result] = /^(\d+)\+(\d+)=(\d+)$/.exec(answer) ?? assert.fail(answer);
    assert.ok(asked.includes(`${a}+${b}`), asked);
    if (Number(result) === Number(a) + Number(b)) continue;
    assert.equal(Number(result), withoutCarry(a, b), answer);
    careless++;
  }
  assert.ok(careless > 1000 && careless < 1250, `${careless} of the answers that are learnt are wrong`);
  const { formulas } = await loadDataSpec(at('data-specs/sums.yaml'));
  assert.ok(formulas);
  for (const seed of [42, 7]) {
    for (const document of formulaDocuments({ ...formulas, count: 3000 }, { seed, validation: 0.05 })) {
      if (document === undefined) continue;
      const isKept = document.text.split('\n').some((line) => pairs.has(pairIn(line)));
      if (document.split === 'train') assert.ok(!isKept, document.text);
    }
  }
});
