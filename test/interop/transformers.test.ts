// Models that Python's transformers saved, opened by us: the same token ids, chats, logits, losses, greedy answers and
// rewards as transformers itself. The directories and its figures are made by scripts/interop/models.py.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openBackend } from '../../src/tensor/backends.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { compare, computeOurs, type Results, readCases } from './compute.js';

const fixtures = fileURLToPath(new URL('fixtures/', import.meta.url));
const names = readdirSync(fixtures).sort();
const cases = readCases();
await openBackend('auto');

test('every architecture, rope type, dtype and form of directory is there', () => {
  const models = names.map((name) => JSON.parse(readFileSync(`${fixtures}${name}/config.json`, 'utf8')));
  assert.deepEqual(
    new Set(models.map((config) => config.architectures[0])),
    new Set([
      'LlamaForCausalLM',
      'Qwen2ForCausalLM',
      'Qwen3ForCausalLM',
      'LlamaForSequenceClassification',
      'Qwen3ForSequenceClassification',
    ]),
  );
  const ropes = models.map(
    ({ rope_parameters, rope_scaling }) => rope_parameters?.rope_type ?? rope_scaling?.rope_type,
  );
  assert.deepEqual(new Set(ropes), new Set(['default', undefined, 'linear', 'llama3', 'yarn']));
  assert.deepEqual(
    new Set(models.map(({ dtype, torch_dtype }) => dtype ?? torch_dtype)),
    new Set(['float32', 'float16', 'bfloat16']),
  );
  assert.equal(names.length, 8);
  assert.equal(cases.texts.length, 28);
});

for (const name of names) {
  test(`${name} is to us what it is to transformers`, async () => {
    const theirs = JSON.parse(readFileSync(`${fixtures}${name}/expected.json`, 'utf8')) as Results;
    const checks = compare(await computeOurs(`${fixtures}${name}`, cases, theirs), theirs);
    assert.deepEqual(
      checks.flatMap(({ faults }) => faults),
      [],
    );
    const reward = name.endsWith('reward');
    assert.deepEqual(
      checks.map((check) => check.name),
      reward ? ['token ids', 'chats', 'rewards'] : ['token ids', 'chats', 'logits', 'loss', 'greedy tokens'],
    );
    // Five answers of 16 tokens, one of which ends at its fifth.
    if (!reward) assert.equal(theirs.greedy?.[0].tokens.length, 4);
    if (!reward) assert.ok(checks[4].count > 40, `${checks[4].count} tokens`);
  });
}

test('a row of the embedding that no token uses has no text, as in transformers', async () => {
  const tokenizer = await Tokenizer.open(`${fixtures}qwen2.5`); // 364 tokens, 368 rows
  assert.equal(tokenizer.decode([30, 365, 31], { skipSpecial: true }), '?@');
  assert.equal(tokenizer.decode([30, 365, 31]), '?@');
  assert.throws(() => tokenizer.tokenBytes(365), /there is no token 365/);
});

test('a difference is found and named', () => {
  const theirs = JSON.parse(readFileSync(`${fixtures}qwen3/expected.json`, 'utf8')) as Results;
  const ours = structuredClone(theirs);
  ours.tokenizer.texts[3][1] += 1;
  ours.chats[0].opening.tokens.pop();
  ours.logits = [theirs.logits?.[0] ?? [], (theirs.logits?.[1] ?? []).with(5, Number.NaN)];
  ours.loss = (theirs.loss ?? 0) * 1.001;
  ours.greedy = theirs.greedy?.map((answer) => ({ ...answer, stop: 1 }));
  const found = compare(ours, theirs);
  assert.deepEqual(
    found.map(({ faults }) => faults.length),
    [1, 1, 1, 1, 5],
  );
  assert.match(found[0].faults[0], /^token ids\.0\.texts\.3\[1\]: \[/);
});
