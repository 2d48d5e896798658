// The card that a pushed model carries: what licences ask to be said stands on it, and markup of others stays text.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataText } from '../../src/inspect/model-card.js';

test('what a licence asks to be said of a source is said', () => {
  const source = {
    type: 'licence',
    stage: 'data',
    source: 'dict',
    licence: 'CC-BY-SA-4.0',
    documents: 3,
    bytes: 9,
  } as const;
  assert.equal(
    dataText([{ ...source, attribution: 'Dict,\nby <b>us</b>' }]).at(-1),
    '## Attribution\n\n- dict: Dict, by &lt;b>us&lt;/b>',
  );
  assert.equal(dataText([source]).length, 1);
  assert.deepEqual(dataText([]), []);
});
