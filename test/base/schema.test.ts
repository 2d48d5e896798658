// What help tables and errors say is read off the schema itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { describeSchema, mapPaths, schemaNode } from '../../src/base/schema.js';
import { pipelineSchema } from '../../src/config/pipeline.js';

test('every knob of the pipeline is described, with its help', () => {
  const fields = describeSchema(pipelineSchema);
  assert.ok(fields.length > 60, `${fields.length} fields`);
  for (const field of fields) assert.ok(field.help, `${field.path} has no help`);
  assert.deepEqual(
    fields.find((field) => field.path === 'align.train.accumulation'),
    {
      path: 'align.train.accumulation',
      type: 'whole number',
      required: false,
      default: 1,
      help: 'micro-batches per optimizer step',
      bounds: 'from 1 to 65536',
      choices: undefined,
    },
  );
  const rate = fields.find((field) => field.path === 'pretrain.train.learningRate');
  assert.deepEqual(
    [rate?.default, rate?.help],
    [undefined, 'peak learning rate; default: follows from model.size, where a model continues a tenth'],
  );
  const backend = fields.find((field) => field.path === 'backend');
  assert.deepEqual(backend?.choices, ['auto', 'tensorflow', 'native', 'wasm', 'cpu']);
  assert.equal(fields.find((field) => field.path === 'data.spec')?.required, true);
  assert.equal(fields.find((field) => field.path === 'data.spec')?.type, 'path');
});

test('paths are found in lists, records and unions, and nothing else is touched', () => {
  const schema = z.strictObject({
    one: z.string().meta({ path: true }),
    text: z.string(),
    list: z.array(z.string().meta({ path: true })),
    named: z.record(z.string(), z.strictObject({ file: z.string().meta({ path: true }).optional() })),
  });
  const seen: string[] = [];
  const mapped = mapPaths(
    schemaNode(schema),
    { one: 'a', text: 'b', list: ['c', 'd'], named: { x: { file: 'e' } }, extra: 'f' },
    (text, at) => {
      seen.push(at.join('.'));
      return text.toUpperCase();
    },
  );
  assert.deepEqual(mapped, { one: 'A', text: 'b', list: ['C', 'D'], named: { x: { file: 'E' } }, extra: 'f' });
  assert.deepEqual(seen, ['one', 'list.0', 'list.1', 'named.x.file']);
});
