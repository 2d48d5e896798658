// mossctl annotate and feedback as a person uses them: judging, taking back, resuming, a second person, deleting.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { annotate } from '../../src/cli/commands/annotate.js';
import { mossctl } from '../e2e/cli.js';

const cwd = await mkdtemp(join(tmpdir(), 'mossctl-annotate-'));
after(() => rm(cwd, { recursive: true }));

const run = async (args: readonly string[], stdin = '') => {
  const { code, stdout, stderr } = await mossctl(args, { cwd, stdin });
  assert.equal(code, 0, stderr);
  return stdout;
};

test('judged blind from a file, taken back, resumed, judged again by another, agreed on, deleted', async () => {
  const rows = [1, 2, 3].map((n) => ({ prompt: `question ${n}`, answers: [`long answer ${n}`, `short ${n}`] }));
  await writeFile(join(cwd, 'answers.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const judge = (stdin: string, who: string, from = 'answers.jsonl') =>
    run(['annotate', '--answers', from, '--annotator', who], stdin);
  // The first judgement is withdrawn and made again; the line after `e`, `a` is the edited answer.
  const first = await judge('t\nu\na\ne\na\nmy own answer\n', 'anna');
  assert.match(first, /── 1 of 3 [\s\S]*kept: tie[\s\S]*Taken back\.[\s\S]*── 1 of 3 [\s\S]*kept: A is better/);
  assert.match(first, /kept: your text, and A is better[\s\S]*2 judgements by anna in feedback\.jsonl/);
  const shown = /A › (\S+)[\s\S]*?kept: A is better/.exec(first.slice(first.indexOf('Taken back')))?.[1];
  const [kept] = (await run(['feedback', 'list', '--json'])).split('\n').map((line) => line && JSON.parse(line));
  const better = kept.answers[kept.verdict === 'first' ? 0 : 1].messages[0].content as string;
  assert.ok(better.startsWith(shown ?? '?'), 'what is kept is what was shown as A');
  assert.match(await judge('x\n', 'anna'), /── 3 of 3 [\s\S]*kept: both bad/); // resumed
  const second = await judge('x\nx\nx\n', 'bob', 'feedback');
  assert.match(second, /anna and bob: Cohen's κ 0\.00, slight, on 3 items/);

  const { conversation } = kept as { conversation: string };
  const deleted = await run(['feedback', 'delete', conversation.slice(0, 6)]);
  assert.match(
    deleted,
    /Erased the text of 3 judgements of 1 conversation in feedback\.jsonl\.\nNo checkpoint below runs/,
  );
  assert.doesNotMatch(await readFile(join(cwd, 'feedback.jsonl'), 'utf8'), /question 1|answer 1|short 1/);
  const left = await run(['feedback', 'list']);
  assert.match(left, /feedback\.jsonl: 4 judgements of 2 conversations \(.*both bad.*\); 0 withdrawn, 3 deleted/);
});

test('learning is offered when there is enough to decide on, and not before', async () => {
  const folder = await mkdtemp(join(cwd, 'enough-'));
  const rows = Array.from({ length: 32 }, (_, n) => ({ prompt: `how ${n}?`, answers: [`yes ${n}`, `no ${n}`] }));
  await writeFile(join(folder, 'answers.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const judge = async (stdin: string): Promise<string> => {
    const { code, stdout, stderr } = await mossctl(['annotate', '--answers', 'answers.jsonl'], { cwd: folder, stdin });
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const few = await judge('a\na\n');
  assert.match(few, /Too few to learn from yet: .*held out/);
  assert.doesNotMatch(few, /mossctl align/);
  assert.match(
    await judge('a\n'.repeat(30)),
    /Learn from them: npx mossctl align --from MODEL --data feedback --out runs\/judged/,
  );
});

test('annotate without anything to judge says all that is missing', async () => {
  const options = { seed: 1, maxNewTokens: 8, verify: true, temperature: '0' };
  const missing = /the models have nothing to answer[\s\S]*at temperature 0 one model answers the same twice/;
  await assert.rejects(annotate(['runs/x'], options), missing);
  await assert.rejects(annotate([], options), /nothing to judge.*--answers FILE/);
});
