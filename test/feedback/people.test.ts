// What is made of a store beside training: agreement, items for a second person, scrubbing, and who learnt from what.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { sha256 } from '../../src/base/files.js';
import { writeSealed } from '../../src/base/sealed.js';
import { manifestText } from '../../src/checkpoint/manifest.js';
import { agreements, kappaInWords } from '../../src/feedback/agreement.js';
import { readItems } from '../../src/feedback/items.js';
import type { Verdict } from '../../src/feedback/record.js';
import { scrubStore } from '../../src/feedback/scrubbed.js';
import { appendFeedback, indexStore } from '../../src/feedback/store.js';
import { touchedBy } from '../../src/feedback/touched.js';
import { asked, judgement, said } from './judgements.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-people-'));
after(() => rm(folder, { recursive: true }));

test("Cohen's κ is that of the textbooks, with an interval that 10 of 10 do not close", () => {
  /** `counts`: how often the first person said one thing and the second another. */
  const judged = (counts: [Verdict, Verdict, number][]) => {
    let n = 0;
    return counts.flatMap(([a, b, count]) =>
      Array.from({ length: count }, () => {
        n++;
        const answers = a === 'good' || a === 'bad' ? ['x'] : ['x', 'y'];
        return [judgement(n, a, answers), judgement(n, b, answers, { annotator: 'bob' })];
      }).flat(),
    );
  };
  // Two readers of 50 proposals: 20 both yes, 15 both no (the usual worked example): p 0.7, e 0.5, κ 0.4.
  const [both] = agreements(
    judged([
      ['good', 'good', 20],
      ['good', 'bad', 5],
      ['bad', 'good', 10],
      ['bad', 'bad', 15],
    ]),
  );
  assert.deepEqual([both.annotators, both.kind, both.items], [['anna', 'bob'], 'labels', 50]);
  assert.ok(Math.abs(both.kappa - 0.4) < 1e-12 && Math.abs(both.expected - 0.5) < 1e-12);
  assert.equal(both.disagreements.length, 15);
  assert.ok(both.interval.low < 0.4 && both.interval.high > 0.4);
  // Cohen 1960, by hand with four kinds: p = 8/10, e = (4·3 + 3·4 + 2·1 + 1·2)/100.
  const [four] = agreements(
    judged([
      ['first', 'first', 3],
      ['first', 'second', 1],
      ['second', 'second', 3],
      ['tie', 'tie', 1],
      ['tie', 'both-bad', 1],
      ['both-bad', 'both-bad', 1],
    ]),
  );
  assert.ok(Math.abs(four.expected - 0.28) < 1e-12 && Math.abs(four.kappa - 0.52 / 0.72) < 1e-12);
  const [same] = agreements(
    judged([
      ['first', 'first', 5],
      ['second', 'second', 5],
    ]),
  );
  assert.equal(same.kappa, 1);
  assert.ok(same.interval.low < 0.7, `${same.interval.low}`);
  const [constant] = agreements(judged([['good', 'good', 4]]));
  assert.match(kappaInWords(constant.kappa), /not defined/);
  assert.deepEqual(agreements([judgement(1, 'good', ['x']), judgement(1, 'skip', ['x'], { annotator: 'bob' })]), []);
});

test('items come from rows of answers, from preferences, from eval and from a store; equal answers are none', async () => {
  const notes: string[] = [];
  const itemsIn = async (name: string, ...rows: object[]) => {
    const path = join(folder, name);
    await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const items = await readItems(path, (text) => notes.push(text));
    return items.map(({ answers }) => answers.map(({ messages }) => messages[0].content).join('|'));
  };
  const lists = [
    { prompt: 'q', answers: ['a', { text: 'b', model: 'm' }, 'c'] },
    { prompt: asked('r'), answers: ['d', 'd'] },
  ];
  assert.deepEqual(await itemsIn('lists.jsonl', ...lists, { prompt: 's', answers: ['e'] }), ['a|b', 'a|c', 'b|c', 'e']);
  assert.match(notes.join(), /skipped 1 row: both answers are the same/);
  assert.deepEqual(await itemsIn('pairs.jsonl', { prompt: 'q', chosen: 'a', rejected: 'b' }), ['a|b']);
  const evaluated = (checkpoint: string, text: string) => ({ checkpoint, id: 'q1', mode: 'direct', prompt: 'q', text });
  assert.deepEqual(await itemsIn('answers.jsonl', evaluated('sft', 'a'), evaluated('align', 'b')), ['a|b']);
  const store = join(folder, 'again.jsonl');
  const first = judgement(1, 'first', ['a', 'b']);
  await appendFeedback(store, [first, judgement(2, 'good', ['c'])]);
  const again = await readItems(store, () => undefined);
  assert.deepEqual([again[0].item, again[0].conversation, again.length], [first.item, first.conversation, 2]);
  await assert.rejects(
    itemsIn('wrong.jsonl', lists[0], { prompt: 'q' }),
    /wrong\.jsonl:2: this row has no prompt with 1 to 6/,
  );
});

test('personal data is replaced for good, also in withdrawn judgements and calls; the rest keeps its place', async () => {
  const path = join(folder, 'scrub.jsonl');
  const mail = 'write to anna.muster@example.org';
  const call = { name: 'mail', arguments: { to: ['anna.muster@example.org'] } };
  const records = [
    judgement(1, 'edit', ['ok'], { prompt: asked(mail), edited: said(`I ${mail}`) }),
    judgement(2, 'good', ['no data']),
    judgement(3, 'bad', ['x'], {
      prompt: [...asked('13812345678'), { role: 'assistant', content: '', toolCalls: [call] }, ...asked('?')],
    }),
  ];
  const { conversation, at, annotator, id: target } = records[2];
  await appendFeedback(path, [...records, { type: 'undo', id: 'f'.repeat(16), conversation, at, annotator, target }]);
  const before = await readFile(path, 'utf8');
  const planned = await scrubStore(path, { onlyCount: true });
  assert.equal(await readFile(path, 'utf8'), before);
  const { changed } = await scrubStore(path);
  assert.deepEqual(changed, planned.changed);
  assert.deepEqual(
    changed.map(({ counts }) => counts),
    [{ EMAIL: 2 }, { PHONE: 1, EMAIL: 1 }],
  );
  const text = await readFile(path, 'utf8');
  assert.ok(
    !/anna\.muster|13812345678/.test(text) && text.includes('write to <EMAIL>') && text.includes('["<EMAIL>"]'),
  );
  assert.deepEqual(
    (await indexStore(path)).live.map(({ id }) => id),
    [records[0].id, records[1].id],
  );
  assert.deepEqual((await scrubStore(path)).changed, []);
});

test('checkpoints that learnt from a record are found, with those that descend from them, and where training began', async () => {
  const runs = join(folder, 'runs');
  const save = async (path: string, stage: string, step: number, parent: string | null, lineage: string[] = []) => {
    const origin = lineage.map((digest) => ({ stage: 'sft', step: 1, digest }));
    const fields = {
      stage,
      step,
      tokensSeen: 1,
      parent,
      lineage: origin,
      settings: {},
      inputDigest: path.slice(folder.length),
    };
    const text = await manifestText({ ...fields, metrics: {}, backend: 'cpu', threads: 1, precision: 'fp32' }, {});
    await mkdir(join(runs, path), { recursive: true });
    await writeFile(join(runs, path, 'mossctl.json'), text);
    return sha256(text);
  };
  const round = (path: string, learntFrom: string[]) => writeSealed(join(runs, path, 'sampled.json'), { learntFrom });
  const sft = await save('a/sft/step-000010', 'sft', 10, null);
  const one = await save('a/align/round-01/step-000005', 'align', 5, sft);
  const two = await save('a/align/round-02/step-000005', 'align', 6, one);
  await save('a/align/round-02-alpha-0.5/step-000005', 'align', 8, one);
  await save('b/align/round-01/step-000005', 'align', 7, sft);
  await save('c/sft/step-000001', 'sft', 1, 'e'.repeat(64), [two]);
  await writeFile(join(runs, 'a/pipeline.yaml'), 'name: a\n');
  await round('a/align/round-01', ['00000000000000aa']);
  await round('a/align/round-02', ['feedback:00000000000000bb']);
  await round('b/align/round-01', ['00000000000000cc']);
  const paths = async (id: string) =>
    (await touchedBy(new Set([id]), runs)).checkpoints.map(({ path }) => path.slice(runs.length + 1));
  assert.deepEqual(await paths('00000000000000bb'), [
    'a/align/round-02-alpha-0.5/step-000005',
    'a/align/round-02/step-000005',
    'c/sft/step-000001',
  ]);
  assert.deepEqual(await paths('00000000000000dd'), []);
  const touched = await touchedBy(new Set(['00000000000000aa']), runs);
  assert.deepEqual(
    touched.checkpoints.map(({ isDirect }) => isDirect),
    [true, false, false, false],
  );
  const within = (path: string) => join(runs, path);
  const rounds = [within('a/align/round-01')];
  assert.deepEqual(touched.runs, [
    { run: within('a'), rounds, start: { digest: sft, path: within('a/sft/step-000010') } },
  ]);
  const reward = await save('d/reward-model/step-000004', 'rewardModel', 4, sft);
  await writeSealed(join(runs, 'd/reward-model/learnt-from.json'), { learntFrom: ['00000000000000ee'] });
  const rewarded = await touchedBy(new Set(['00000000000000ee']), runs);
  assert.deepEqual(
    rewarded.checkpoints.map(({ digest }) => digest),
    [reward],
  );
  assert.deepEqual(
    rewarded.runs.map(({ isRewardModel, start }) => [isRewardModel, start?.digest]),
    [[true, sft]],
  );
  await writeFile(join(runs, 'b/align/round-01/step-000005/mossctl.json'), '{}');
  const { unreadable } = await touchedBy(new Set(['00000000000000cc']), runs);
  assert.deepEqual(unreadable, [within('b/align/round-01/step-000005')]);
});
