// A checkpoint says which tools it learnt; what runs is built in or the person's own, and takes the same arguments.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isCompatible, openLearntTools } from '../../src/tools/learnt.js';
import { listTools } from '../../src/tools/list.js';

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
      'Query: name what it reads: --tools Query=sales.csv',
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
