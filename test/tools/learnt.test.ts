// A checkpoint says which tools it learnt; what runs is built in or the person's own, and takes the same arguments.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Tool } from '../../src/tokenizer/message.js';
import { isCompatible, openLearntTools } from '../../src/tools/learnt.js';
import { listTools } from '../../src/tools/list.js';
import { readBuiltIn } from '../../src/tools/specs.js';

const folder = mkdtempSync(join(tmpdir(), 'mossctl-learnt-'));
after(() => rmSync(folder, { recursive: true }));
const schema = (properties: Record<string, object>, required = Object.keys(properties)): Record<string, unknown> => ({
  type: 'object',
  properties,
  required,
});
const text = { type: 'string' };

test('what was learnt and is here with the same arguments is opened, the rest is named', async () => {
  const file = (name: string, spec: object): void => writeFileSync(join(folder, name), JSON.stringify(spec));
  const command = ['echo', '{city}'];
  file('weather.yaml', { name: 'weather', description: 'W.', parameters: schema({ city: text }), run: { command } });
  file('other.yaml', { name: 'other', description: 'O.', parameters: schema({ city: text }), run: { command } });
  file('search.yaml', { name: 'Search', run: { builtin: 'search', from: 'gone' } });
  file('broken.yaml', { name: 'broken' });
  const notes: string[] = [];
  const { toolbox, missing } = await openLearntTools(
    [
      {
        name: 'Calculate',
        description: 'as learnt',
        parameters: schema({ expression: { ...text, description: 'any' } }),
      },
      { name: 'weather', parameters: schema({ city: text }) },
      { name: 'other', parameters: schema({ town: text }) },
      { name: 'calculate', parameters: schema({ expression: text }) },
      { name: 'Search', parameters: schema({ query: text }) },
      { name: 'Solve', parameters: schema({ equation: text }) },
      { name: 'Query', parameters: schema({ sql: text }) },
      { name: 'Define', description: 'as learnt', parameters: schema({ word: text }) },
      { name: 'rm', parameters: schema({}) },
    ],
    { ownFolder: folder, note: (note) => notes.push(note) },
  );
  assert.deepEqual(
    toolbox.executors.map(({ tool, reaches }) => [tool.name, reaches]),
    [
      ['Calculate', undefined],
      ['weather', "runs echo '{city}'"],
      ['Solve', undefined],
      ['Define', 'fetches its dictionaries once'],
    ],
  );
  assert.deepEqual(await toolbox.session().call({ name: 'weather', arguments: { city: '北京' } }), { content: '北京' });
  assert.deepEqual(await toolbox.session().call({ name: 'Solve', arguments: { equation: '2x=6' } }), {
    content: 'x = 3',
  });
  assert.deepEqual(
    missing.map(({ name, why }) => `${name}: ${why.replaceAll(folder, '')}`),
    [
      'other: it takes other arguments than the checkpoint learnt',
      'calculate: no tool of this name is here',
      'Search: /gone: no such file or folder. Search was to read it.',
      'Query: it reads CSV, Parquet, Arrow or JSONL files',
      'rm: no tool of this name is here',
    ],
  );
  assert.match(notes.join('\n'), /broken\.yaml:1:1: run is missing/);
});

test('arguments are the same where calls as they were learnt fit', () => {
  const here = schema({ a: text, b: { type: 'integer' } }, ['a']);
  assert.ok(isCompatible(here, schema({ a: text })));
  assert.ok(isCompatible(here, schema({ a: text, b: { type: 'integer', minimum: 1 } })));
  assert.ok(!isCompatible(here, schema({ b: { type: 'integer' } })));
  assert.ok(!isCompatible(here, schema({ a: text, b: text })));
  assert.ok(!isCompatible(here, schema({ a: text, constructor: text })));
  assert.ok(!isCompatible(here, undefined));
});

test('the list says of each tool whether it can run here', async () => {
  const entries = await listTools(folder);
  const states = entries.map(({ tool, missing }) => `${tool.name.replace(folder, '')}: ${missing[0] ?? 'ready'}`);
  assert.deepEqual(states.slice(0, 5), [
    'Calculate: ready',
    'Solve: ready',
    'Define: ready',
    'Search: name what it reads: Search=notes/',
    'Query: name what it reads: Query=sales.csv',
  ]);
  assert.match(
    states.slice(7).join('\n'),
    /^\/broken\.yaml: line 1:1: run is missing\. .*\nother: ready\nSearch: .*gone: no such file.*\nweather: ready$/,
  );
});

test('of two tools with one name neither is listed as ready; one of a built-in stays, by its file', async () => {
  const own = mkdtempSync(join(tmpdir(), 'mossctl-twins-'));
  const command = ['echo', 'x'];
  for (const [file, name] of [
    ['a', 'Now'],
    ['b', 'mine'],
    ['c', 'mine'],
  ]) {
    writeFileSync(
      join(own, `${file}.yaml`),
      JSON.stringify({ name, description: 'X.', parameters: schema({}), run: { command } }),
    );
  }
  const entries = (await listTools(own)).filter(({ tool }) => ['Now', 'mine'].includes(tool.name));
  assert.deepEqual(
    entries.map(
      ({ tool, file, missing }) => `${tool.name} ${file === undefined}: ${missing.join('; ').replaceAll(own, '')}`,
    ),
    [
      'Now true: /a.yaml has the same name: rename one',
      'Now false: ',
      'mine false: /c.yaml has the same name: rename one',
      'mine false: /b.yaml has the same name: rename one',
    ],
  );
  rmSync(own, { recursive: true });
});

test('what the run has is read; what has no room in the list beside the others is named as it is typed', async () => {
  const notes = join(folder, 'notes.jsonl');
  writeFileSync(notes, '{"text": "The brass key is in the red box."}\n{"text": "The lamp is new."}\n');
  const learnt = [
    { name: 'World', parameters: (await readBuiltIn('world')).parameters },
    { name: 'Search', parameters: schema({ query: text }) },
    { name: 'Calculate', parameters: schema({ expression: text }) },
  ];
  const options = { ownFolder: join(folder, 'none'), sources: { search: [notes] } };
  const tokensOf = (tools: readonly Tool[]): number => JSON.stringify(tools).length;
  const all = await openLearntTools(learnt, options);
  assert.deepEqual(all.reading, [{ name: 'Search', from: [notes] }]);
  assert.deepEqual(all.crowdedOut, []);
  const { content } = await all.toolbox.session().call({ name: 'Search', arguments: { query: 'brass key' } });
  assert.match(content, /^1\. notes\.jsonl:1: The brass key is in the red box\./);
  const [, search, calculate] = all.toolbox.tools;
  const room = { tokens: tokensOf([search, calculate]), tokensOf };
  const some = await openLearntTools(learnt, { ...options, room });
  assert.deepEqual(some.toolbox.tools, [search, calculate]);
  assert.deepEqual(some.crowdedOut, [{ name: 'World', typed: 'World' }]);
  const least = await openLearntTools(learnt, { ...options, room: { tokens: 1, tokensOf } });
  assert.deepEqual(
    least.crowdedOut.map(({ typed }) => typed),
    ['World', `Search=${notes}`, 'Calculate'],
  );
  for (const { toolbox } of [all, some, least]) await toolbox.close();
});
