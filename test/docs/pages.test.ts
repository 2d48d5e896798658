// Every block of every page: those that can be run are typed as they stand, the others are checked as far as they can be.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeAt, schemaNode } from '../../src/base/schema.js';
import { parseYaml } from '../../src/base/yaml.js';
import { pipelineSchema } from '../../src/config/pipeline.js';
import { dataSpecSchema } from '../../src/data/spec.js';
import { root } from '../e2e/cli.js';
import { followPage } from './follow.js';
import { blocksOf, commandsOf, pages, quotedIn } from './pages.js';
import { faultsOf, quotedFaults, writtenAtFirst } from './typed.js';

/** Pages with a test of their own, which says more of what comes out. */
const ownTests = ['docs/align.md', 'docs/sft.md'];

/** What a fence may say. Of other languages, the second word is a file of this repository that the block is an excerpt of. */
const infos: Readonly<Record<string, readonly (string | undefined)[]>> = {
  sh: [undefined, 'long', 'network', 'serve'],
  text: [undefined],
};
const schemas = { pipeline: pipelineSchema, 'data-spec': dataSpecSchema } as const;
const shown = ['python', 'ts', 'yaml', 'json', 'jsonl', 'csv', 'txt', 'html'];

test('the fence of every block says what it is, and an excerpt stands in its file', () => {
  const blocks = pages.flatMap((page) => blocksOf(page));
  assert.ok(blocks.length > 40, `${blocks.length} blocks`);
  for (const { at, language, info, body } of blocks) {
    if (language in infos) {
      assert.ok(infos[language].includes(info), `${at}: ${language} ${info}`);
      continue;
    }
    assert.ok(
      shown.includes(language),
      `${at}: "${language}" is none of ${[...Object.keys(infos), ...shown].join(', ')}`,
    );
    if (info === undefined) continue;
    if (info in schemas) {
      parseYaml({ path: at, text: body }, schemas[info as keyof typeof schemas] as typeof pipelineSchema);
      continue;
    }
    const lines = readFileSync(join(root, info), 'utf8').split('\n');
    const missing = body.split('\n').filter((line) => line.trim() !== '' && !lines.includes(line));
    assert.deepEqual(missing, [], `${at}: lines that ${info} does not have`);
  }
});

test('every command names what is there: commands, options, settings, files', async () => {
  let seen = 0;
  const faults: string[] = [];
  for (const page of pages) {
    const written = writtenAtFirst();
    for (const { at, language, body } of blocksOf(page)) {
      if (language !== 'sh') continue;
      for (const line of commandsOf(body)) {
        faults.push(...(await faultsOf(line, written)).map((fault) => `${at}: ${line}: ${fault}`));
        seen++;
      }
    }
  }
  assert.ok(seen > 50, `${seen} commands`);
  assert.deepEqual(faults, []);
});

test('a command that prose quotes exists, with its options', () => {
  const quoted = pages.flatMap(quotedIn).filter(({ code }) => /^(npx )?mossctl /.test(code));
  assert.ok(quoted.length > 20, `${quoted.length} commands`);
  assert.deepEqual(
    quoted.flatMap(({ at, code }) => quotedFaults(code).map((fault) => `${at}: ${fault}`)),
    [],
  );
});

test('a setting that prose quotes is a key of the pipeline', () => {
  const pipeline = schemaNode(pipelineSchema);
  const form =
    /^(?:--set )?((?:data|tokenizer|pretrain|selfInstruct|sft|toolUse|rewardModel|align|eval)(?:\.[a-zA-Z]+)+)(?:[=:].*)?$/;
  const quoted = [...pages, 'CONTRIBUTING.md'].flatMap(quotedIn).flatMap(({ at, code }) => {
    const [, key] = form.exec(code) ?? [];
    return key === undefined || /\.(yaml|jsonl?|md|ts)$/.test(key) ? [] : [{ at, key }];
  });
  assert.ok(quoted.length > 50, `${quoted.length} settings`);
  const unknown = quoted.filter(({ key }) => nodeAt(pipeline, key.split('.')) === undefined);
  assert.deepEqual(unknown, []);
});

/** Whether any block of the page is typed. */
const isTyped = (page: string): boolean =>
  blocksOf(page).some(({ language, info }) => language === 'sh' && info === undefined);

for (const page of pages.filter((each) => isTyped(each) && !ownTests.includes(each))) {
  test(`every command of ${page} can be typed as it stands`, async () => {
    await followPage(page);
  });
}
