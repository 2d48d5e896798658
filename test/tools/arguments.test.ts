// Arguments are held to the schema as jsonschema holds them, and what is wrong is said so that a model can set it right.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { argumentFault, schemaFaults } from '../../src/tools/arguments.js';

interface Case {
  schema: Record<string, unknown>;
  given: Record<string, unknown>;
  fits: boolean;
}

test('what fits and what does not is as jsonschema says', () => {
  const lines = readFileSync(new URL('../golden/tool-arguments.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  const cases = lines.map((line) => JSON.parse(line) as Case);
  assert.equal(cases.filter(({ fits }) => fits).length, 120);
  const wrong = cases.filter(({ schema, given, fits }) => (argumentFault(schema, given, 'T') === undefined) !== fits);
  assert.deepEqual(wrong, []);
  assert.deepEqual(
    cases.flatMap(({ schema }) => schemaFaults(schema)),
    [],
  );
});

const weather = {
  type: 'object',
  properties: {
    city: { type: 'string', minLength: 1 },
    days: { type: 'integer', minimum: 1, maximum: 7 },
    unit: { enum: ['C', 'F'] },
    hours: { type: 'array', items: { type: 'integer' }, maxItems: 24 },
  },
  required: ['city'],
};
const takes =
  'Weather takes city: text that is not empty, days: a whole number from 1 to 7 (optional), unit: one of "C", "F" (optional), hours: a list of at most 24 items, each a whole number (optional).';

test('a fault says what is wrong and what would fit', () => {
  const said = (given: Record<string, unknown>): string =>
    (argumentFault(weather, given, 'Weather') ?? '').replace(takes, '…');
  assert.equal(said({ city: '北京', days: 3, unit: 'C', hours: [1] }), '');
  assert.equal(said({}), 'city is missing. …');
  assert.equal(said({ city: 'x', days: '3' }), 'days must be a whole number from 1 to 7, not the text "3". …');
  assert.equal(said({ city: 'x', dayz: 3 }), 'There is no argument dayz, perhaps days is meant. …');
  assert.equal(said({ city: 'x', unit: 'K' }), 'unit must be one of "C", "F", not the text "K". …');
  assert.equal(said({ city: null, days: 9 }).split('. ').length, 3);
  assert.equal(said({ city: 'x', hours: [1, 2.5] }), 'hours[1] must be a whole number, not 2.5. …');
});

test('arguments as a hostile model writes them are bounded and safe', () => {
  const deep = JSON.parse(`{"city":${'['.repeat(5000)}${']'.repeat(5000)}}`) as Record<string, unknown>;
  assert.match(argumentFault(weather, deep, 'W') ?? '', /city must be text.*, not a list/);
  const many = JSON.parse(`{"__proto__":1,"\\u001b[2J${'x'.repeat(9000)}":1,"a":1,"b":2,"constructor":1}`) as Record<
    string,
    unknown
  >;
  const said = argumentFault(weather, many, 'W') ?? '';
  assert.match(
    said,
    /^city is missing\. There is no argument __proto__\. There is no argument \\u001b\[2Jx+…\. 3 more are wrong\./,
  );
  assert.ok(said.length < 600, String(said.length));
});

test('a schema that cannot be held to is refused with the place', () => {
  const faults = schemaFaults({
    type: 'object',
    properties: {
      a: { type: 'text' },
      b: { pattern: '^(a+)+$' },
      c: { $ref: '#' },
      d: { minimum: '1' },
      e: { enum: [{}] },
    },
    required: ['z'],
  });
  assert.deepEqual(
    faults.map((fault) => fault.replace(/; known are.*/, '')),
    [
      'parameters.required: there is no argument z',
      'parameters.properties.a.type: text is no type of JSON',
      'parameters.properties.b.pattern: this keyword is not checked',
      'parameters.properties.c.$ref: this keyword is not checked',
      'parameters.properties.d.minimum: it must be a number',
      'parameters.properties.e.enum: it must hold text, numbers, true or false',
    ],
  );
  let nested: object = { type: 'string' };
  for (let i = 0; i < 5000; i++) nested = { type: 'array', items: nested };
  assert.match(schemaFaults({ type: 'object', properties: { a: nested } }).join(), /it is nested too deeply$/);
});
