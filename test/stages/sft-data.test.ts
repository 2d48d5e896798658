// The conversations of a fine-tuning on their way to its batches: several sources with weights, what is held out, and tokens on
// disk that a resumed training reads again in place of the rows.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../src/base/errors.js';
import { formatCount } from '../../src/base/format.js';
import { toJsonl } from '../../src/base/jsonl.js';
import { weighedPaths } from '../../src/cli/options.js';
import type { SftConfig } from '../../src/config/sft.js';
import { trainSchema } from '../../src/config/train.js';
import { fitConversation } from '../../src/data/conversations/fit.js';
import type { Conversation } from '../../src/data/types.js';
import { loadPipeline } from '../../src/pipeline/load.js';
import { type Event, stageReporter } from '../../src/report/event.js';
import { makeBatches } from '../../src/stages/sft/batches.js';
import { copyingRows } from '../../src/stages/sft/copying.js';
import { rowSources } from '../../src/stages/sft/sources.js';
import { openRows } from '../../src/stages/sft/stored-rows.js';
import type { Job } from '../../src/stages/stage.js';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { publish } from '../network/hub-server.js';
import { startWebServer } from '../network/web-server.js';

const directory = await mkdtemp(join(tmpdir(), 'sft-data-'));
after(() => rm(directory, { recursive: true }));
const model = fileURLToPath(new URL('../interop/fixtures/qwen3', import.meta.url));
const template = new ChatTemplate(await Tokenizer.open(model));
const columns = 48;

const row = (question: string, more: object = {}) => ({
  messages: [
    { role: 'user', content: question },
    { role: 'assistant', content: `${question}!`, ...more },
  ],
});
const file = async (name: string, rows: readonly unknown[]): Promise<string> => {
  await writeFile(join(directory, name), toJsonl(rows));
  return join(directory, name);
};
const a = await file(
  'a.jsonl',
  Array.from({ length: 90 }, (_, i) => row(`${i}`)),
);
const b = await file(
  'b.jsonl',
  Array.from({ length: 30 }, (_, i) => row(`b${i}`, i === 0 ? { weight: 0.5 } : {})),
);

async function open(name: string, given: string[], set: string[] = [], measured?: readonly object[]) {
  const { sft } = await loadPipeline({
    set,
    flags: { 'sft.data': weighedPaths(given) },
  });
  const config: SftConfig = { ...(sft ?? assert.fail()), train: trainSchema.parse({ batchSize: 2 }) };
  const events: Event[] = [];
  const job: Job<SftConfig> = {
    config,
    inputs: {},
    directory: join(directory, name),
    seed: 1,
    compute: { backend: 'cpu', precision: 'fp32' },
    reporter: stageReporter({ emit: (event) => void events.push(event) }, 'sft'),
  };
  const fitting = { template, columns, loss: config.loss };
  const evaluated = measured?.map((each, i) => ({ id: `${i}`, ...each }) as Conversation);
  const validation = evaluated === undefined ? config.validation : 0;
  const stored = await openRows(job, {
    sources: await rowSources(config.data ?? assert.fail()),
    fitting,
    validation,
    evaluated,
  });
  const notes = events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
  return { stored, job, notes, written: (await stat(join(job.directory, 'rows/rows.json'))).mtimeMs };
}

test('sources with weights: tokens and their weights come back from disk, shares are said, weights are kept to', async () => {
  const { stored, job, notes } = await open('weighed', [a, `${b}=0.5`], ['sft.validation=0']);
  const ofA = Array.from({ length: 90 }, (_, i) => template.encode([...row(`${i}`).messages] as never));
  const tokens = ofA.reduce((sum, each) => sum + each.tokens.length, 0);
  const learnt = ofA.reduce((sum, each) => sum + each.loss.filter(Boolean).length, 0);
  const share = ((100 * learnt) / tokens).toFixed(0);
  assert.equal(notes[0], `a.jsonl: 90 conversations, ${formatCount(tokens)} tokens, of which ${share} % are learnt`);
  assert.match(notes[1], /^b\.jsonl: 30 conversations, .* are learnt, read 0\.5 times an epoch$/);
  const [first, second] = stored.groups;
  assert.deepEqual([first.weight, first.sequences.length, second.weight, second.sequences.length], [1, 90, 0.5, 30]);
  const fitted = fitConversation({ id: 'b.jsonl:1', ...row('b0', {}) } as never, template, columns);
  assert.ok('sequences' in fitted);
  const [expected] = fitted.sequences;
  const read = await second.sequences.get(0);
  assert.deepEqual([read.id, Array.from(read.tokens)], ['b.jsonl:1', Array.from(expected.tokens)]);
  assert.deepEqual(
    Array.from(read.loss ?? []),
    Array.from(expected.loss ?? [], (weight) => weight / 2),
  );
  assert.deepEqual(second.sequences.lengths?.[0], expected.tokens.length);
  const shape = { columns, padId: 0 };
  const { batches, batchesPerEpoch } = await makeBatches(job, stored.groups, undefined, template, shape);
  const seen = new Map<string, number>();
  for (let batch = 0; batch < 2 * Math.round(batchesPerEpoch); batch++) {
    for (const id of (await batches.next()).ids) seen.set(id, (seen.get(id) ?? 0) + 1);
  }
  const times = (name: string) => [...seen].filter(([id]) => id.startsWith(name)).map(([, count]) => count);
  // To within what a batch holds: two rows.
  assert.ok(times('a.jsonl').length === 90 && times('a.jsonl').filter((count) => count !== 2).length <= 6);
  assert.ok(times('b.jsonl').length >= 26 && times('b.jsonl').filter((count) => count !== 1).length <= 4);
  const saved = JSON.parse(JSON.stringify(batches.state));
  const next = (await batches.next()).ids;
  const again = (await makeBatches(job, stored.groups, undefined, template, shape)).batches;
  again.restore(saved);
  assert.deepEqual((await again.next()).ids, next);
});

test('copying comes first, alone, and then has its share: every answer stands in its question', async () => {
  const { stored, job } = await open('copying', [a], ['sft.validation=0', 'sft.copying={"steps":3,"share":0.5}']);
  const { batches } = await makeBatches(job, stored.groups, undefined, template, { columns, padId: 0 });
  const kinds: number[] = [];
  for (let step = 0; step < 9; step++) {
    const { ids } = await batches.next();
    kinds.push(ids.filter((id) => id.startsWith('copying')).length / ids.length);
  }
  assert.deepEqual(kinds.slice(0, 3), [1, 1, 1]);
  assert.ok(
    kinds.slice(3).every((share) => share > 0 && share < 1),
    kinds.join(),
  );
  const rows = copyingRows(template, { count: 200, columns, seed: 1 });
  assert.equal(rows.length, 200);
  for (let i = 0; i < rows.length; i++) {
    const { tokens, loss = [] } = await rows.get(i);
    const ids = Array.from(tokens);
    const asked = template.tokenizer.decode(ids.filter((_, at) => loss[at] === 0));
    const answer = template.tokenizer
      .decode(ids.filter((_, at) => loss[at] > 0))
      .replace('<|im_end|>', '')
      .replace(/^<think>\s*<\/think>\s*/, '');
    const copied = answer.startsWith('{"text":') ? (JSON.parse(answer) as { text: string }).text : answer;
    assert.ok(copied !== '' && asked.includes(copied), `${asked} → ${answer}`);
  }
  const again = copyingRows(template, { count: 200, columns, seed: 1 });
  assert.deepEqual(await again.get(199), await rows.get(199));
});

test('conversations of weight 0 are read in the first steps, alone, and never again', async () => {
  const { stored, job } = await open(
    'first',
    [a, `${b}=0.5`],
    ['sft.validation=0', `sft.first={"data":"${b}","steps":2}`],
  );
  const groups = stored.groups.map(({ weight, ...group }) => ({ ...group, weight: weight === 1 ? 1 : 0 }));
  const { batches } = await makeBatches(job, groups, undefined, template, { columns, padId: 0 });
  const steps = [];
  for (let step = 0; step < 12; step++) steps.push(new Set((await batches.next()).ids.map((id) => id[0])));
  assert.deepEqual(
    steps.map((names) => [...names].join()),
    [...Array(2).fill('b'), ...Array(10).fill('a')],
  );
  // Where none of them can be read, it is said and the others begin.
  const said: string[] = [];
  const reporter = { ...job.reporter, note: (_: string, text: string) => void said.push(text) };
  const only = groups.slice(0, 1);
  const others = await makeBatches({ ...job, reporter }, only, undefined, template, { columns, padId: 0 });
  assert.match(said.join('\n'), /none of the conversations of sft\.first can be learnt/);
  assert.ok((await others.batches.next()).ids.every((id) => id.startsWith('a')));
});

test('conversations are held out by what they say, and stored rows are not read again until something changes', async () => {
  const grown = await file('grown.jsonl', [...Array.from({ length: 90 }, (_, i) => row(`${i}`)), row('more')]);
  const { stored, notes, written } = await open('held', [grown], ['sft.validation=0.2']);
  const held = stored.heldOut.map(({ conversation }) => conversation.messages[0].content).sort();
  assert.ok(held.length > 5 && held.length < 30, String(held.length));
  assert.ok(
    notes.includes(`${held.length} are held out of 91 conversations to measure with (sft.validation: 0.2)`),
    notes.join('\n'),
  );
  assert.equal(stored.groups[0].sequences.length, 91 - held.length);
  assert.equal(stored.heldOut[0].source, 'grown.jsonl');
  const fewer = await open('fewer', [a], ['sft.validation=0.2']);
  const heldBefore = fewer.stored.heldOut.map(({ conversation }) => conversation.messages[0].content).sort();
  assert.deepEqual(
    held.filter((content) => content !== 'more'),
    heldBefore,
    'the row that was added moved none',
  );
  const resumed = await open('held', [grown], ['sft.validation=0.2']);
  assert.deepEqual([resumed.written, resumed.notes], [written, notes]);
  assert.deepEqual(resumed.stored.heldOut, stored.heldOut);
  const changed = await open('held', [grown], ['sft.validation=0.2', 'sft.loss=all']);
  assert.notEqual(changed.written, written);
  assert.match(changed.notes[0], /of which 9\d % are learnt/);
  const shard = join(directory, 'held/rows/0/train-00000.arrow');
  const whole = await readFile(shard);
  await writeFile(shard, whole.subarray(0, 900));
  await open('held', [grown], ['sft.validation=0.2', 'sft.loss=all']);
  assert.deepEqual(await readFile(shard), whole, 'what is damaged is made again');
});

test('rows of one group are held out together, or learnt together, where groups are numbers too', async () => {
  const rows = Array.from({ length: 60 }, (_, i) => ({ ...row(`g${i}`), group: i % 12 }));
  const { stored, notes } = await open('grouped', [await file('grouped.jsonl', rows)], ['sft.validation=0.2']);
  const groups = stored.heldOut.map(({ conversation }) => conversation.group);
  const held = new Set(groups);
  assert.ok(held.size > 0 && held.size < 12, String(groups));
  for (const group of held) assert.equal(groups.filter((each) => each === group).length, 5);
  assert.doesNotMatch(notes.join('\n'), /not read/);
});

test('conversations to measure with that are learnt too are said, however much of them is learnt', async () => {
  const half = await open('some', [a, b], [], [row('89'), row('b0'), row('b0', { weight: 2 }), row('other')]);
  const text = /^2 of 3 of the conversations to measure with \(sft\.evalData\) are learnt too: figures of those/;
  assert.match(half.notes[0], text);
  const again = await open('some', [a, b], [], [row('89'), row('b0'), row('b0', { weight: 2 }), row('other')]);
  assert.deepEqual([again.written, again.notes], [half.written, half.notes], 'stored rows say it again');
  assert.match(
    (await open('some', [a, b], [], [row('1')])).notes[0],
    /^the only one of the conversations .* is learnt/,
  );
  assert.doesNotMatch((await open('some', [a, b], [], [row('other')])).notes.join(), /learnt too/);
});

test('a data set of a hub: the split called train, pinned to its commit; one that is ambiguous is asked about', async () => {
  const [server, cdn] = [await startWebServer(), await startWebServer()];
  Object.assign(process.env, { HF_ENDPOINT: server.origin, MOSSCTL_CACHE: join(directory, 'cache') });
  const rows = Buffer.from(toJsonl([row('hub')]));
  const commit = 'c'.repeat(40);
  const release = (name: string, files: Record<string, Buffer>): void =>
    publish({ server, cdn }, { kind: 'dataset', name, commit, files });
  release('org/chat', {
    'data/train-00000-of-00001.jsonl': rows,
    'data/test.jsonl': rows,
    'README.md': Buffer.from('x'),
  });
  const { stored, notes } = await open('hub', ['hf:org/chat']);
  assert.equal(stored.groups[0].sequences.length, 1);
  assert.equal((await stored.groups[0].sequences.get(0)).id, 'org/chat/data/train-00000-of-00001.jsonl:1');
  assert.match(notes[0], /^hf:org\/chat: 1 conversation, \d+ tokens/);
  assert.equal((await open('hub-path', ['hf:org/chat@main:data/*.jsonl=2'])).stored.groups[0].sequences.length, 2);
  release('org/two', { 'main/train.jsonl': rows, 'socratic/train.jsonl': rows });
  const faults = (error: unknown) =>
    error instanceof UserError &&
    /hf:org\/two.*main\/train\.jsonl, socratic\/train\.jsonl.*hf:org\/two:PATH/s.test(error.message);
  await assert.rejects(open('two', ['hf:org/two']), faults);
  await assert.rejects(open('none', ['hf:nothing']), /names no data set of the hub.*hf:ORG\/NAME/s);
});
