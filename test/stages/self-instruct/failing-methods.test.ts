// A teacher that cannot follow one of several methods: that method ends after its round, the others go on, and the end of the run
// says which failed and why; only where nothing came is it an error.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../../src/base/errors.js';
import { runWith, type Say } from './method-server.js';

/** Lists for personas; of alpaca's form it knows nothing. */
const say: Say = ({ system, user, isChinese, word }) => {
  if (/\bInstruction:/.test(system + user)) return 'I would rather talk about the weather.';
  if (/^\d+\. .* — .* — /m.test(user))
    return Array.from({ length: 6 }, (_, i) =>
      isChinese ? `${i + 1}. 请说明${word(i)}` : `${i + 1}. Tell me of ${word(i)}`,
    ).join('\n');
  return isChinese ? `好的，${word(100)}。` : `It is ${word(100)}.`;
};

test('a method that cannot be followed ends alone, is named, and the others fill the set', async (t) => {
  const settings = { methods: ['alpaca', 'personas'] as ['alpaca', 'personas'], count: 24, heldOut: 4 };
  const made = await runWith(t, say, { ...settings, concurrency: 8 });
  assert.equal(made.rows.length, 24 - 12 + 4, 'those beside the seeds');
  assert.deepEqual([...new Set(made.rows.map(({ provenance }) => provenance?.method))], ['personas@1']);
  const [failure, ...more] = made.report.failed;
  assert.equal(more.length, 0);
  assert.equal(failure.method, 'alpaca');
  assert.ok(failure.replies >= 10 && failure.unreadable === failure.replies, JSON.stringify(failure));
  assert.equal(failure.example, 'I would rather talk about the weather.');
  const { replies } = failure;
  const words = `the method alpaca got nothing usable from the teacher in ${replies} of ${replies} replies.*rather talk.*take it out of selfInstruct.methods`;
  assert.match(made.warnings.join('\n'), new RegExp(words));
  assert.ok(!made.warnings.some((text) => /alpaca\/|^made/.test(text)), made.warnings.join('\n'));
  const again = await runWith(t, say, { ...settings, concurrency: 1 });
  assert.deepEqual(again.rows, made.rows, 'how many are asked at a time changes nothing');
  assert.deepEqual(again.report, made.report);
});

test('where every method fails, the error names each, and answers that are never readable end a method too', async (t) => {
  const error = await runWith(t, () => 'No.', { methods: ['alpaca', 'dialogue'] }).catch((e: unknown) => e);
  assert.ok(error instanceof UserError);
  const said = error.faults.map(({ what }) => what.replace(/ \d+ of \d+ /, ' ')).sort();
  assert.deepEqual(said, [
    'the method alpaca got nothing usable from the teacher in replies',
    'the method dialogue got nothing usable from the teacher in replies',
  ]);
  // Openings, and then no conversation: that the first can be read does not hide that the second cannot.
  const mute: Say = (request) =>
    request.user.includes('exactly') ? 'Hm.' : say({ ...request, user: '1. who — what — how' });
  const { report, rows } = await runWith(t, mute, { methods: ['dialogue', 'personas'] });
  assert.ok(rows.length > 0);
  assert.deepEqual(
    report.failed.map(({ method, example, unreadable, replies }) => [method, example, unreadable - replies]),
    [['dialogue', 'Hm.', 0]],
  );
});

test('a method that is exhausted before ten replies, none of which could be read, has failed too', async (t) => {
  // One definition for ever: what is asked of it is asked once a language.
  const task = ['Definition: Rewrite the note', 'Good input: a', 'Good output: b', 'Why: c'].join('\n');
  const more = ['Good input: d', 'Good output: e', 'Why: f', 'Bad input: g', 'Bad output: h', 'Why: i'].join('\n');
  const once: Say = (request) => {
    if (/Definition/.test(request.user))
      return `${task}\n${more}`.replace('Rewrite', request.isChinese ? '请改写一下' : 'Rewrite');
    return /Good|numbered|Input:/.test(request.system + request.user) ? 'Hm.' : say(request);
  };
  const { report, warnings } = await runWith(
    t,
    (request) => (/^\d+\. .* — .* — /m.test(request.user) ? say(request) : once(request)),
    {
      methods: ['natural-instructions', 'personas'],
    },
  );
  const [{ method, replies, unreadable }] = report.failed;
  assert.equal(method, 'natural-instructions');
  assert.ok(replies === unreadable && replies < 10, `${replies}`);
  assert.match(warnings.join('\n'), /natural-instructions got nothing usable from the teacher in (\d) of \1 replies/);
});

test('a method whose questions are refused, as by a context that has no room for them, is asked once, and the others go on', async (t) => {
  const small: Say = (request) =>
    /\bInstruction:/.test(request.system + request.user) ? { refused: 'maximum context length is 128' } : say(request);
  const { rows, report, requests } = await runWith(t, small, { methods: ['alpaca', 'personas'] });
  assert.equal(rows.length, 24 - 12 + 4);
  assert.equal(requests.filter(({ messages }) => /Instruction:/.test(JSON.stringify(messages))).length, 1);
  const [{ method, why }] = report.failed;
  assert.equal(method, 'alpaca');
  assert.match(why, /the method alpaca: the teacher's endpoint .*maximum context length is 128/i);
});
