// What of a model's text is shown as code, a table, a heading or bold, and that everything else stays as it is written.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blocksOf, spansOf } from '../../src/page/markdown.js';

test('code, tables and headings are found; what is between them stays text', () => {
  const text =
    '# Title\nBefore\n\n```python\nprint("# no heading")\n| a | b |\n```\n| a | b |\n|---|:-:|\n| 1 | **2** | 3\nafter';
  assert.deepEqual(blocksOf(text), [
    { type: 'heading', text: 'Title' },
    { type: 'text', text: 'Before' },
    { type: 'code', language: 'python', text: 'print("# no heading")\n| a | b |' },
    {
      type: 'table',
      rows: [
        ['a', 'b'],
        ['1', '**2**', '3'],
      ],
    },
    { type: 'text', text: 'after' },
  ]);
  assert.deepEqual(blocksOf('```js\nlet a;\nlet'), [{ type: 'code', language: 'js', text: 'let a;\nlet' }]);
});

test('what is not plainly Markdown stays as it is', () => {
  for (const text of [
    'a | b\nc | d',
    '#hashtag',
    '1 * 2 * 3',
    '2**3**4',
    '<b>x</b> [a](javascript:alert(1))',
    '| - |\n| - |',
    '``` not a fence, is it',
  ])
    assert.deepEqual(
      blocksOf(text).flatMap((block) => ('text' in block ? spansOf(block.text) : [])),
      [{ type: 'text', text }],
    );
});

test('bold and code within a line, beside Chinese too', () => {
  assert.deepEqual(spansOf('这是**重要**的，`a*b`。'), [
    { type: 'text', text: '这是' },
    { type: 'bold', text: '重要' },
    { type: 'text', text: '的，' },
    { type: 'code', text: 'a*b' },
    { type: 'text', text: '。' },
  ]);
});

test('no text takes long: the work grows with its length', () => {
  const hostile = ['`', '**', '** a', '| ', '|-', '```\n', '# ', ' '].map((piece) => piece.repeat(50_000));
  for (const text of hostile) for (const block of blocksOf(text)) if ('text' in block) spansOf(block.text);
  assert.ok(blocksOf(hostile[5]).length >= 25_000);
});
