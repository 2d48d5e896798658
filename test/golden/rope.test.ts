// Every RoPE type against Hugging Face transformers (scripts/golden/make_rope.py): the frequencies of published
// configurations, and the logits of tiny models far beyond the context that they were trained on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ropeFrequencies, rotationOf } from '../../src/architecture/rope.js';
import { createCache, disposeCache } from '../../src/model/cache.js';
import { disposeModel } from '../../src/model/model.js';
import { onEachBackend } from '../conformance/backends.js';
import { columnLogits } from '../inference/answers.js';
import { assertClose, configOf, modelOf, readJson } from './fixtures.js';

interface Table {
  config: object;
  /** [D/2] */
  frequencies: number[];
  scale: number;
}

interface Expected {
  /** One row; the original contexts end at 32. */
  ids: number[];
  /** Those whose logits are known. */
  columns: number[];
  /** `logits`: [columns, V]. */
  models: Record<string, Table & { weights: string; logits: number[] }>;
  tables: Record<string, Table>;
}

const { ids, columns, models, tables } = await readJson<Expected>('rope/expected.json');

for (const [name, { config, frequencies, scale }] of Object.entries({ ...tables, ...models })) {
  test(`frequencies: ${name}`, () => {
    const rotation = rotationOf(configOf(config));
    assertClose([rotation.scale], [scale], 'scale', 1e-7);
    assert.equal(rotation.frequencies.length, frequencies.length);
    // Each by itself, as the slowest matter most far away; transformers computes θ^x in fp32.
    for (const [i, wanted] of frequencies.entries()) assertClose([rotation.frequencies[i]], [wanted], `[${i}]`, 3e-6);
  });
}

test('a configuration is worked out once, and numbers that lead nowhere are refused', () => {
  const config = configOf(tables.default.config);
  assert.equal(rotationOf(config), rotationOf(config));
  const yarn = { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 32, attention_factor: 1 } as const;
  const parameters = { ...yarn, rope_theta: 1, beta_fast: 0.25, beta_slow: 1, truncate: true };
  const refused = { name: 'UserError', message: /rope_parameters: .*no usable frequencies.*rope_theta":1,/ };
  assert.throws(() => ropeFrequencies(parameters, 8), refused);
  assert.throws(() => ropeFrequencies({ ...parameters, rope_theta: 1e4, attention_factor: 1e12 }, 8), {
    name: 'UserError',
  });
});

await onEachBackend('rope', async (t) => {
  for (const [name, { config, weights, logits: wanted }] of Object.entries(models)) {
    await t.test(`${name}: logits at positions ${columns}, read at once and through the cache`, async () => {
      const model = await modelOf(config, `rope/${weights}`);
      const width = model.config.vocab_size;
      const whole = columnLogits(model, [ids], [0, ids.length]);
      const cache = createCache(model.config, ids.length);
      columnLogits(model, [ids], [0, columns[1]], cache);
      const cached = columnLogits(model, [ids], [columns[1], columns[1] + 1], cache);
      columns.forEach((column, i) => {
        const row = wanted.slice(i * width, (i + 1) * width);
        assertClose(whole.slice(column * width, (column + 1) * width), row, `column ${column}`);
        if (i === 1) assertClose(cached, row, 'cached');
      });
      disposeCache(cache);
      disposeModel(model);
    });
  }
});
