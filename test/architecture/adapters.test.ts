// Which modules get an adapter, of what rank and scale, is what PEFT says; settings that mean no module are refused by name.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adaptableModules, adapterShape, adapterSizes, withAdapters } from '../../src/architecture/adapters.js';
import { firstPatterns, modulesMatching } from '../../src/architecture/module-patterns.js';
import { decoderTable, isTrained, withHead } from '../../src/architecture/parameters.js';
import { type Fault, UserError } from '../../src/base/errors.js';
import { type LoraConfig, loraSchema } from '../../src/config/lora.js';
import { configOf, readJson } from '../golden/fixtures.js';

interface Case {
  settings: {
    r: number;
    lora_alpha: number;
    use_rslora?: boolean;
    target_modules: string | string[];
    rank_pattern?: Record<string, number>;
    alpha_pattern?: Record<string, number>;
  };
  /** Module → rank and scale. */
  modules: Record<string, [number, number]>;
}

const table = decoderTable(configOf(await readJson<object>('qwen3/config.json')));
const settingsOf = (given: Partial<LoraConfig>): LoraConfig => loraSchema.parse(given);

function faultsOf(given: Partial<LoraConfig>): readonly Fault[] {
  try {
    adapterShape(table, settingsOf(given));
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    return error.faults;
  }
  assert.fail('it was accepted');
}

test('modules, ranks and scales are those of PEFT', async () => {
  const cases = Object.entries(await readJson<Record<string, Case>>('lora.json'));
  assert.equal(cases.length, 6);
  for (const [title, { settings, modules }] of cases) {
    const { r, lora_alpha, use_rslora = false, target_modules, rank_pattern = {}, alpha_pattern = {} } = settings;
    const targets =
      typeof target_modules === 'string' && target_modules !== 'all-linear'
        ? modulesMatching(target_modules, adaptableModules(table), title)
        : (target_modules as 'all-linear' | string[]);
    const config = settingsOf({ rank: r, alpha: lora_alpha, rslora: use_rslora, targets });
    const shape = { ...adapterShape(table, config), rankPattern: rank_pattern, alphaPattern: alpha_pattern };
    const sizes = [...adapterSizes(table, shape, title)].sort(([a], [b]) => (a < b ? -1 : 1));
    const expected = Object.entries(modules).sort(([a], [b]) => (a < b ? -1 : 1));
    assert.deepEqual(
      sizes.map(([module, { rank, scale }]) => [module, [rank, Number(scale.toPrecision(7))]]),
      expected,
      title,
    );
  }
});

test('all else is frozen; A is bounded by its inputs and B zero', () => {
  const rows = withAdapters(table, adapterShape(table, settingsOf({ targets: ['down_proj'], rank: 3 })));
  assert.equal(rows.length, table.length + 4);
  const added = rows.filter(({ update }) => update !== 'frozen');
  assert.deepEqual(
    added.slice(0, 2),
    [
      { name: 'model.layers.0.mlp.down_proj.lora_A.weight', shape: [3, 20], init: { within: 1 / Math.sqrt(20) } },
      { name: 'model.layers.0.mlp.down_proj.lora_B.weight', shape: [16, 3], init: { value: 0 }, scale: 32 / 3 },
    ].map((row) => ({ ...row, layer: 0, part: 'mlp', decay: true, update: 'adamw' })),
  );
  assert.equal(withHead(rows, 'value').filter(isTrained).length, added.length + 1);
  assert.ok(rows.every(({ name, update }) => (update === 'frozen') !== name.includes('lora')));
  assert.throws(() => withAdapters(rows, adapterShape(table, settingsOf({}))), /adapters already/);
});

test('settings that mean no module are refused by name, all at once', () => {
  const faults = faultsOf({ targets: ['q_porj', 'c_attn', 'lm_head', 'embed_tokens', 'q_norm', 'v_proj'] });
  assert.deepEqual(
    faults.map(({ what }) => what),
    [
      'the model has no module q_porj',
      'the model has no module c_attn',
      'the model has no module lm_head', // tied: it has none of its own
      'embed_tokens cannot have an adapter',
      'q_norm cannot have an adapter',
    ],
  );
  assert.equal(faults[0].next, 'Did you mean q_proj?');
  assert.match(faults[1].next ?? '', /q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj \(or all-linear/);
  const [idle, ...others] = faultsOf({ rankPattern: { q_proj: 2, 'layers.0.self_attn.q_proj': 4 } });
  assert.equal(others.length, 0);
  assert.equal(idle.what, 'the pattern layers.0.self_attn.q_proj decides on no module that has an adapter');
});

test('a pattern from outside that would run for ever is refused, and so is what is no pattern', () => {
  const modules = [`model.${'a'.repeat(40)}`];
  assert.throws(() => firstPatterns(['(a+)+$x'], modules, 'its file'), /tries too many ways/);
  for (const pattern of ['(q_proj', 'q_proj\\Z', '(?P<x>q)', 'a'.repeat(1001)]) {
    assert.throws(() => firstPatterns([pattern], modules, 'its file'), /cannot be used/);
  }
  assert.deepEqual(firstPatterns(['proj', '(a|b)_proj', '.*q'], ['x.a_proj', 'b_proj', 'm.xq', 'm.q.w'], 'its file'), [
    '(a|b)_proj',
    '(a|b)_proj',
    '.*q',
    undefined,
  ]);
});
