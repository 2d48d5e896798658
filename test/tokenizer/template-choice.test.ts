import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../src/base/errors.js';
import { formerChatmlTemplate } from '../../src/tokenizer/chatml.js';
import { templateNamed, templateNameOf } from '../../src/tokenizer/own-templates.js';
import { templated } from '../../src/tokenizer/template-choice.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { templateTokenizer } from '../golden/template-tokenizer.js';

const where = 'model';
const nameOf = ({ chatTemplate }: Tokenizer) => templateNameOf(chatTemplate);

test('a base model gets the template that its rows have room for; a chat model keeps its own', async () => {
  const base = await templateTokenizer('chatml');
  const of = (tokenizer: Tokenizer, columns: number, isBase: boolean) =>
    nameOf(templated(tokenizer, { columns, isBase, where }));
  assert.deepEqual([of(base, 1024, true), of(base, 1025, true)], ['chatml', 'chatml-schema']);
  const schema = base.withTemplate('chatml-schema', where);
  assert.deepEqual([of(base, 4096, false), of(schema, 128, false)], ['chatml', 'chatml-schema']);
  assert.equal(of(await templateTokenizer('moss'), 4096, true), 'moss');
  const asked = templated(schema, { template: 'chatml', columns: 4096, isBase: false, where });
  assert.deepEqual([nameOf(asked), asked.turnEnd], ['chatml', '<|im_end|>']);
  assert.deepEqual(asked.json, base.json);
  assert.ok('response_template' in (JSON.parse(asked.files()['tokenizer_config.json']) as object));
});

test('a checkpoint from before gets the present ChatML; a third-party folder keeps its files but for the template', async () => {
  const earlier = await Tokenizer.open(fileURLToPath(new URL('../golden/tokenizer', import.meta.url)));
  assert.equal(earlier.chatTemplate, formerChatmlTemplate);
  const now = templated(earlier, { columns: 128, isBase: false, where });
  assert.equal(now.chatTemplate, templateNamed('chatml').source);
  const foreign = await Tokenizer.open(fileURLToPath(new URL('../interop/fixtures/qwen3', import.meta.url)));
  assert.equal(templated(foreign, { columns: 4096, isBase: false, where }), foreign);
  const changed = templated(foreign, { template: 'chatml', columns: 4096, isBase: false, where });
  const { 'chat_template.jinja': source, ...files } = changed.files();
  assert.equal(source, templateNamed('chatml').source);
  const { 'chat_template.jinja': _, ...others } = foreign.files();
  assert.deepEqual(files, others);
});

test('a template whose tokens are missing is refused, and says which', async () => {
  const tokenizer = await templateTokenizer('chatml');
  const choice = { template: 'moss', columns: 128, isBase: true, where } as const;
  assert.throws(
    () => templated(tokenizer, choice),
    (error) => error instanceof UserError && /moss needs the tokens <eoh> <eot> <eoc> <eor> <eom>/.test(error.message),
  );
});
