// A person's mistakes in a YAML file, and what they are told.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { z } from 'zod';
import { UserError } from '../../src/base/errors.js';
import { loadYaml, parseYaml } from '../../src/base/yaml.js';
import { pipelineSchema } from '../../src/config/pipeline.js';
import { onFullStack } from '../full-stack.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-yaml-'));
after(() => rm(folder, { recursive: true }));
const path = join(folder, 'p.yaml');

async function faultsOf(text: string | Uint8Array, overrides: string[] = [], schema: z.ZodType = pipelineSchema) {
  await writeFile(path, text);
  try {
    await loadYaml(path, schema, overrides);
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    return error.faults.map((fault) => ({
      ...fault,
      where: fault.where?.replace(`${path}:`, '').replace(path, 'file'),
    }));
  }
  return assert.fail('the file was accepted');
}

test('three mistakes give three faults, each with its place and the nearest name', async () => {
  const faults = await faultsOf(
    'name: demo\nseeed: 3\npretrain:\n  model:\n    size: 1n\n  train:\n    steps: 10\n    batchSize: 0\n',
  );
  assert.deepEqual(faults.map((fault) => fault.where).sort(), ['2:1', '5:5', '8:5']);
  const at = (where: string) => faults.find((fault) => fault.where === where);
  assert.match(at('2:1')?.what ?? '', /unknown key seeed/);
  assert.equal(at('2:1')?.next, 'Did you mean seed?');
  assert.match(
    at('5:5')?.what ?? '',
    /pretrain\.model\.size: must be one of 100k, 1m, .*, or a number of parameters such as 30m/,
  );
  assert.match(at('8:5')?.what ?? '', /pretrain\.train\.batchSize must be a whole number from 1 to 65536 .* got 0/);
});

test('a missing key is placed at its block, and an unknown one far from any lists what is known', async () => {
  const faults = await faultsOf('seed: 1\ndata:\n  qqqqqqqqqq: 1\n');
  assert.equal(faults.length, 2);
  assert.deepEqual(faults.map((fault) => fault.where).sort(), ['2:1', '3:3']);
  assert.match(faults.map((fault) => fault.what).join('\n'), /data\.spec is missing/);
  assert.match(faults.map((fault) => fault.next).join('\n'), /Known here: spec, validation/);
});

test('an unknown name in a block with a list of names lists them, wherever it is written', async () => {
  const faultOf = async (text: string): Promise<string> => {
    const [{ what, next = '' }] = await faultsOf(`selfInstruct: {seeds: s.jsonl, methods: ${text}}\n`);
    return `${what}; ${next}`;
  };
  assert.match(await faultOf('{qqqq: 1}'), /unknown key selfInstruct\.methods\.qqqq; Known here: families, .*tools/);
  assert.match(await faultOf('{alpacca: 1}'), /Did you mean alpaca\?/);
  assert.match(await faultOf('[families, alpacca]'), /methods\.1 must be one of families, .*Did you mean alpaca\?/);
  assert.match(await faultOf('alpacca'), /methods must be one of .*Did you mean alpaca\?/);
  assert.match(await faultOf('{cot: 0}'), /methods\.cot must be a number above 0 and at most 1000, got 0/);
  assert.match(await faultOf('{}'), /name at least one method/);
  const set = async (assignment: string): Promise<string> => {
    const faults = await faultsOf('', [assignment]);
    return faults.map(({ what, next = '' }) => `${what}; ${next}`).join('\n');
  };
  assert.match(
    await set('selfInstruct.methods.qqqq=3'),
    /Known under selfInstruct\.methods: selfInstruct\.methods\.families, /,
  );
  assert.match(await set('selfInstruct.methods.qot=3'), /Did you mean selfInstruct\.methods\.cot\?/);
  assert.match(await set('expectedSeconds={zz: 3}'), /unknown key expectedSeconds\.zz; Known here: data, tokenizer/);
  assert.match(await set('selfInstruct.request={"a-b": 1}'), /request\.a-b is no name that can stand here/);
});

test('broken YAML, two documents, unknown tags, duplicate keys: each with its line', async () => {
  assert.equal((await faultsOf('name: a\nsft: {train: [}\n'))[0].where, '2:15');
  assert.match((await faultsOf('name: a\n---\nname: b\n'))[0].what, /not valid YAML/);
  assert.match((await faultsOf('name: a\nseed: !!js/function "1"\n'))[0].what, /tag/);
  const duplicate = await faultsOf('name: a\nseed: 1\nseed: 2\n');
  assert.equal(duplicate[0].where, '3:1');
});

test('what a machine could not hold is refused: many aliases, deep nesting, an anchor in itself, too many bytes', async () => {
  const aliased = (times: number): string => `known: &a [x]\nagain: [${'*a, '.repeat(times)}]\n`;
  assert.match((await faultsOf(aliased(101)))[0].why ?? '', /alias/i);
  assert.match((await faultsOf(aliased(99)))[0].what, /unknown key/);
  // Aliases of aliases count for all that they stand for.
  const doubled = 'a: &a [x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nd: [*c, *c, *c, *c, *c, *c, *c, *c]\n';
  assert.match((await faultsOf(doubled))[0].why ?? '', /alias/i);
  const nested = `${'['.repeat(30)}${']'.repeat(30)}`;
  const parse = () => parseYaml({ path, text: nested }, pipelineSchema);
  assert.throws(() => onFullStack(parse), /the YAML is nested too deeply/);
  assert.match((await faultsOf('sft: &a [*a]'))[0].why ?? '', /an anchor holds itself/);
  assert.match((await faultsOf('x'.repeat((64 << 10) + 1)))[0].what, /larger than 64 KiB/);
  assert.match((await faultsOf(Uint8Array.of(0xff, 0xfe, 0x80)))[0].what, /not UTF-8/);
  // Names that every object of the engine has are keys like any other.
  const keys = await faultsOf('name: a\ntoString: {valueOf: 1}\nhasOwnProperty: 1\n');
  assert.match(
    keys.map((f) => f.what).join(),
    /unknown key.*toString.*unknown key.*hasOwnProperty|toString.*hasOwnProperty/,
  );
  assert.equal(String({}), '[object Object]');
});

test('a missing file and a folder are named', async () => {
  await assert.rejects(loadYaml(join(folder, 'none.yaml'), pipelineSchema), /none\.yaml: no such file/);
  await assert.rejects(loadYaml(folder, pipelineSchema), (error: Error) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /folder/);
    assert.ok(error.message.includes(folder));
    return true;
  });
});

test('--set is typed by the schema, laid on top, and may remove a block', async () => {
  await writeFile(path, 'name: demo\npretrain:\n  train: {steps: 5}\nalign:\n  rounds: 3\n');
  const config = await loadYaml(path, pipelineSchema, [
    'name=123',
    'seed=7',
    'pretrain.train.steps=1e3',
    'pretrain.model.tieEmbeddings=false',
    'align=null',
    'selfInstruct.seeds=seeds.jsonl',
    'selfInstruct.kinds=identity,arithmetic',
  ]);
  assert.equal(config.name, '123');
  assert.equal(config.seed, 7);
  assert.equal(config.pretrain?.train.steps, 1000);
  assert.equal(config.pretrain?.model.tieEmbeddings, false);
  assert.equal(config.align, undefined);
  assert.deepEqual(config.selfInstruct?.kinds, ['identity', 'arithmetic']);
  const shares = await loadYaml(path, pipelineSchema, [
    'selfInstruct.kinds={chat: 3, parity: 1}',
    'selfInstruct.seeds=a',
  ]);
  assert.deepEqual(shares.selfInstruct?.kinds, { chat: 3, parity: 1 });
  assert.equal(config.selfInstruct?.seeds, resolve('seeds.jsonl'), 'paths on the command line start at the cwd');
});

test('a key that was called otherwise before is read under both names, with a warning; not twice', async () => {
  await writeFile(path, 'sft:\n  train: {checkpointing: true}\n');
  const warnings: string[] = [];
  const overrides = ['align={train: {checkpointing: true}}', 'pretrain.train.checkpointing=true'];
  const { sft, align, pretrain } = await loadYaml(path, pipelineSchema, overrides, {
    warn: (text) => warnings.push(text),
  });
  assert.deepEqual([sft?.train.recompute, align?.train.recompute, pretrain?.train.recompute], [true, true, true]);
  assert.deepEqual(warnings.sort(), [
    'align.train.checkpointing is called align.train.recompute now',
    'pretrain.train.checkpointing is called pretrain.train.recompute now',
    'sft.train.checkpointing is called sft.train.recompute now',
  ]);
  const over = await loadYaml(path, pipelineSchema, ['sft.train.recompute=false']);
  assert.equal(over.sft?.train.recompute, false, '--set lies over the file, whatever each calls it');
  const [fault] = await faultsOf('sft:\n  train: {checkpointing: true, recompute: false}\n', []);
  assert.match(fault.what, /unknown key sft\.train\.checkpointing/);
});

test('faults of --set name the flag, and come together with those of the file', async () => {
  const faults = await faultsOf('seeed: 1\n', ['seed=abc', 'learningRate=1', 'pretrain.train.stpes=4', 'nonsense']);
  assert.deepEqual(faults.map((fault) => fault.where).sort(), [
    '--set learningRate=1',
    '--set nonsense',
    '--set pretrain.train.stpes=4',
    '--set seed=abc',
    '1:1',
  ]);
  const at = (where: string) => faults.find((fault) => fault.where === where);
  assert.match(at('--set learningRate=1')?.next ?? '', /pretrain\.train\.learningRate/);
  assert.equal(at('--set pretrain.train.stpes=4')?.next, 'Did you mean pretrain.train.steps?');
  assert.match(at('--set seed=abc')?.what ?? '', /seed must be a whole number from 0 to 4294967295 .* got "abc"/);
});

test('paths are relative to the file they are written in; npm: and other schemes are left alone', async () => {
  const schema = z.strictObject({
    sources: z.array(
      z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('file'), from: z.string().meta({ path: true }) }),
        z.strictObject({ kind: z.literal('text'), from: z.string() }),
      ]),
    ),
  });
  await writeFile(
    path,
    'sources:\n- {kind: file, from: a/b.txt}\n- {kind: file, from: "file:c.txt"}\n- {kind: file, from: "npm:x@1#y"}\n- {kind: text, from: a}\n',
  );
  const { sources } = await loadYaml(path, schema);
  assert.deepEqual(
    sources.map((source) => source.from),
    [join(folder, 'a/b.txt'), `file:${join(folder, 'c.txt')}`, 'npm:x@1#y', 'a'],
  );
  const faults = await faultsOf('sources:\n- kind: file\n  from: 3\n- kind: text\n  form: x\n', [], schema);
  assert.deepEqual(faults.map((fault) => fault.where).sort(), ['3:3', '4:3', '5:3']);
});

test('an empty block takes its defaults, and an empty file is an empty pipeline', async () => {
  await writeFile(path, 'tokenizer:\n');
  assert.equal((await loadYaml(path, pipelineSchema)).tokenizer?.vocabSize, 4096);
  await writeFile(path, '# nothing\n');
  assert.equal((await loadYaml(path, pipelineSchema)).name, 'run');
});
