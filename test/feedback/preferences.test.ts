// What a store teaches: which pairs and labels follow from which judgement, and that nothing of a withdrawn one does.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isPair } from '../../src/data/preferences/types.js';
import { preferencesOf, readFeedbackPreferences, readFeedbackPrompts } from '../../src/feedback/preferences.js';
import { type Judgement, newId } from '../../src/feedback/record.js';
import { appendFeedback, eraseLines, indexStore } from '../../src/feedback/store.js';
import { asked, collected, judgement, said } from './judgements.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-feedback-'));
after(() => rm(folder, { recursive: true }));

/** `better > worse`, `+answer`, `-answer`. */
const taught = (record: Judgement): string[] =>
  preferencesOf(record).map(({ judgement }) => {
    if (isPair(judgement)) return `${judgement.chosen[0].content} > ${judgement.rejected[0].content}`;
    return `${judgement.isGood ? '+' : '-'}${judgement.answer[0].content}`;
  });

test('each verdict teaches what the person said, and no more', () => {
  const edited = { edited: said('mine') };
  assert.deepEqual(taught(judgement(1, 'good', ['a'])), ['+a']);
  assert.deepEqual(taught(judgement(1, 'bad', ['a'])), ['-a']);
  assert.deepEqual(taught(judgement(1, 'edit', ['a'], edited)), ['mine > a']);
  assert.deepEqual(taught(judgement(1, 'first', ['a', 'b'])), ['a > b']);
  assert.deepEqual(taught(judgement(1, 'second', ['a', 'b'])), ['b > a']);
  assert.deepEqual(taught(judgement(1, 'second', ['a', 'b'], edited)), ['b > a', 'mine > b']);
  assert.deepEqual(taught(judgement(1, 'both-bad', ['a', 'b'])), ['-a', '-b']);
  assert.deepEqual(taught(judgement(1, 'both-bad', ['a', 'b'], edited)), ['mine > a', 'mine > b']);
  assert.deepEqual(taught(judgement(1, 'tie', ['a', 'b'])), []);
  assert.deepEqual(taught(judgement(1, 'skip', ['a', 'b'])), []);
});

test('a withdrawn or deleted judgement leaves nothing behind: the rest is as if it had never been', async () => {
  const records = [1, 2, 3, 4].map((n) => judgement(n, n === 3 ? 'tie' : 'first', [`a${n}`, `b${n}`]));
  const without = join(folder, 'without.jsonl');
  await appendFeedback(without, [records[0], records[2], records[3]]);
  const undone = join(folder, 'undone.jsonl');
  const { conversation, at, annotator, id: target } = records[1];
  await appendFeedback(undone, [...records, { type: 'undo', id: newId(), conversation, at, annotator, target }]);
  const erased = join(folder, 'erased.jsonl');
  await appendFeedback(erased, records);
  await eraseLines(erased, [(await indexStore(erased)).live[1]]);
  const counts = { judgements: 0, ties: 0, skipped: 0 };
  const expected = await collected(readFeedbackPreferences(without, counts));
  assert.deepEqual(counts, { judgements: 3, ties: 1, skipped: 0 });
  assert.deepEqual(
    expected.map(({ feedback }) => feedback),
    [records[0].id, records[3].id],
  );
  for (const path of [undone, erased]) assert.deepEqual(await collected(readFeedbackPreferences(path)), expected);
});

test('prompts come once each, without what was answered; turns of one conversation are one group', async () => {
  const path = join(folder, 'prompts.jsonl');
  const later = [...asked('hello'), ...said('Hi.'), ...asked('and now?')];
  await appendFeedback(path, [
    judgement(1, 'good', ['Hi.'], { prompt: asked('hello') }),
    judgement(2, 'bad', ['Hm.'], { prompt: asked('hello') }),
    judgement(3, 'skip', ['Now.'], { prompt: later }),
    judgement(4, 'good', ['Yes.'], { prompt: asked('other') }),
  ]);
  const prompts = await collected(readFeedbackPrompts(path));
  assert.deepEqual(
    prompts.map(({ messages }) => messages),
    [asked('hello'), later, asked('other')],
  );
  assert.equal(prompts[0].group, prompts[1].group);
  assert.notEqual(prompts[0].group, prompts[2].group);
  assert.match(prompts[0].id, /^feedback:0{15}1$/);
});
