// report.html: complete, self-contained, and safe against what a model or a file may say.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Event } from '../../src/report/event.js';
import { type ReportOptions, writeReport } from '../../src/report/html.js';
import { demoEvents } from './fixtures/demo.js';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'report-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function report(
  events: Iterable<Event>,
  command = 'npx mossctl run x',
  settings?: string,
  models: ReportOptions['models'] = [],
): Promise<string> {
  const run = await mkdtemp(join(folder, 'run-'));
  const lines = [...events].map((event, i) => JSON.stringify({ ...event, time: 1000 + i }));
  await writeFile(join(run, 'metrics.jsonl'), `${lines.join('\n')}\n`);
  if (settings !== undefined) await writeFile(join(run, 'pipeline.yaml'), settings);
  const path = await writeReport(run, { command, models });
  assert.equal(path, join(run, 'report.html'));
  return readFile(path, 'utf8');
}

test('a run from before notes named their backend has a report too', async () => {
  const html = await report([
    { type: 'note', stage: 'pretrain', level: 'info', text: 'backend wasm (native: not built)' },
  ]);
  assert.doesNotMatch(html, /<dt>Backend/);
  assert.match(html, /backend wasm \(native: not built\)/);
});

test('results that were measured before a stage was trained again say so, and do not open the report', async () => {
  const demo = [...demoEvents()];
  const again: Event[] = [
    { type: 'stage', stage: 'sft', state: 'started' },
    ...demo.filter((event) => event.type === 'step' && event.stage === 'sft'),
    { type: 'stage', stage: 'sft', state: 'finished' },
  ];
  const stale = /These results were measured before sft was trained/;
  assert.doesNotMatch(await report(demo), stale);
  const html = await report([...demo, ...again]);
  assert.match(html, stale);
  assert.match(html, /<p>sft: the training loss went from/);
  const refused = [again[0], { type: 'stage', stage: 'sft', state: 'taken back' } as const];
  assert.doesNotMatch(await report([...demo, ...refused]), stale);
});

test('every section of a whole run is there', async () => {
  const html = await report(demoEvents(), 'npx mossctl run quickstart', 'name: 小模型\nseed: 42\n', [
    { stage: 'sft', path: 'sft/step-000240', digest: 'abcdef0123456789' },
    { stage: 'align', path: 'sft/step-000240', digest: 'abcdef0123456789' },
  ]);
  assert.deepEqual(
    [...html.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, title]) => title),
    [
      ...[
        'Answers to held-out prompts',
        'Stage: pretrain',
        'Stage: sft',
        'Stage: align',
        'Results on held-out data',
        'What each stage gained',
        'What was promoted',
      ],
      ...['Stages', 'Data', 'Lineage', 'Notes', 'Settings'],
    ],
  );
  assert.match(html, /<h1>小模型<\/h1>/);
  assert.match(html, /<pre>npx mossctl run quickstart<\/pre>/);
  assert.match(html, /<dt>Seed<\/dt><dd>42<\/dd>/);
  assert.match(html, /<dt>Backend<\/dt><dd>wasm<\/dd>/);
  assert.match(html, /<dt>Tokens trained on<\/dt><dd>753,664<\/dd>/); // (400 + 240 + 3 · 32) · 1024
  assert.match(html, /bitsPerByte\.zh<\/td><td class="best"><span>2\.620<\/span><\/td><td><span>2\.690/);
  assert.match(html, /<span>65\.3%<\/span> <small>\[59\.3, 70\.3\]<\/small>/);
  assert.match(
    html,
    /<td class="worse"><span>\+0\.071<\/span> <small>\[\+0\.040, \+0\.100\]<\/small> <small>worse<\/small>/,
  );
  assert.match(html, /<h3>Round 3 <span class="soft">\(promoted at 50 %\)/);
  assert.match(html, /50 %<\/td>.*?\+0\.020 <span class="soft">\[\+0\.010, \+0\.030\]<\/span>.*?<b>promoted<\/b>/s);
  assert.match(html, /is over its &lt;budget&gt; of 0\.100/);
  assert.match(html, /<p>sft against base, .* better beyond noise in correct .*; worse beyond noise in bitsPerByte/);
  assert.equal(html.match(/<p>sft against base/g)?.length, 1);
  assert.ok(html.indexOf('<p>sft against base') < html.indexOf('<h2>'), 'it opens with what was gained');
  assert.match(html, /share of held-out tasks whose likeliest answer is right/);
  assert.equal(html.match(/<svg /g)?.length, 4 + 3 + 10 + 1 + 6);
  assert.match(html, /Held-out reward[\s\S]*>round<\/text>/);
  assert.match(html, /aria-label="margin: margin from [^"]*"/);
  assert.match(html, /故人千里外，独坐听清歌。/);
  assert.match(html, /href="https:\/\/github\.com\/chinese-poetry\/chinese-poetry"/);
  const lineage = html.slice(html.indexOf('<h2>Lineage'), html.indexOf('<h2>Notes'));
  assert.equal(
    lineage.match(/<code>sft\/step-000240<\/code>/g)?.length,
    2,
    'what align refused to promote is not shown',
  );
  assert.match(lineage, />abcdef012345</);
});

test('answers of the last round stand beside those of the policy before it', async () => {
  const answers = (step: number, prompt: string): Event => ({
    ...{ type: 'sample', stage: 'align', step, prompt, completion: `now <${step}>`, reward: 0.75 },
    before: { completion: `then <${step}>`, reward: 0.25 },
  });
  const html = await report([
    { type: 'stage', stage: 'align', state: 'started' },
    ...[answers(1, 'old'), answers(2, '问'), answers(2, 'ask')],
  ]);
  assert.match(html, /Answers before and after round 2/);
  assert.match(
    html,
    /<td class="soft">问<\/td><td>then &lt;2&gt; <small>0\.250<\/small><\/td><td>now &lt;2&gt; <small>0\.750<\/small><\/td>/,
  );
  assert.doesNotMatch(html, /then &lt;1&gt;|Samples/);
});

test('the data: a funnel, languages, sources with licences, what rules dropped and changed', async () => {
  const tokens: Event = {
    type: 'composition',
    stage: 'tokens',
    parts: [
      { split: 'train', source: 'cc-cedict', language: 'zh', documents: 117_000, bytes: 9_000_000, tokens: 2_345_678 },
      { split: 'validation', source: 'cc-cedict', language: 'zh', documents: 1000, bytes: 100_000, tokens: 20_000 },
    ],
  };
  const whole = await report([...demoEvents(), tokens]);
  const html = whole.slice(whole.indexOf('<h2>Data'), whole.indexOf('<h2>Notes'));
  assert.match(html, /aria-label="documents left after each rule: read 124,400; symbols 122,000 \(−2,400, 1\.9 %\);/);
  assert.match(html, /kept 118,000, 94\.9 %"/);
  assert.match(html, /3\.2 % of all that was read were duplicates/);
  assert.match(html, /zh<\/td><td>117,000<\/td><td>8\.6 MiB<\/td><td>2,345,678<\/td><td>1,000<\/td>/);
  assert.match(
    html,
    /<td>124,400<\/td><td>118,000<\/td><td>8\.7 MiB<\/td><td>2,365,678<\/td><td class="left">CC BY-SA/,
  );
  assert.match(
    html,
    /Attribution<\/h3><ul><li><b>cc-cedict<\/b>: CC-CEDICT, published by MDBG under CC BY-SA 4\.0<\/li><\/ul>/,
  );
  assert.match(html, /<b>symbols<\/b> 2,400 documents<\/summary>.*&lt;b&gt;six&lt;\/b&gt;/);
  assert.match(html, /<b>scrub\.PHONE<\/b> 3 times in 2 documents.*call &lt;PHONE&gt;/);
});

test('nothing is fetched and nothing runs', async () => {
  const html = await report(demoEvents());
  assert.ok(
    !/<script|<link|<img|<iframe|@import|url\(|\son\w+=|src=(?!x)/i.test(html.replace(/<div>&lt;img.*?<\/div>/g, '')),
  );
  assert.match(html, /default-src 'none'/);
});

test('outside text stays text, everywhere it appears', async () => {
  const evil = `<script>alert("1")</script><b onmouseover='x'>&\x00`;
  const step = (n: number): Event => ({
    ...{ type: 'step', stage: evil, step: n, steps: 2, loss: n, learningRate: n, gradientNorm: n, tokens: 1 },
    tokensPerSecond: 1,
    metrics: { [evil]: n },
  });
  const html = await report(
    [
      { type: 'stage', stage: evil, state: 'started', detail: evil },
      step(1),
      step(2),
      { type: 'evaluation', stage: evil, step: 1, metrics: { [evil]: 1, [`${evil}.b`]: 2 } },
      { type: 'evaluation', stage: evil, step: 2, metrics: { [evil]: 1, [`${evil}.b`]: 2 } },
      { type: 'sample', stage: evil, step: 2, prompt: evil, completion: evil },
      { type: 'checkpoint', stage: evil, step: 2, path: evil, digest: evil },
      { type: 'note', stage: evil, level: 'warning', text: evil },
      {
        type: 'licence',
        ...{ stage: evil, source: evil, licence: evil, attribution: evil },
        ...{ url: 'javascript:alert(1)', documents: 1, bytes: 1 },
        fate: {
          ...{ read: 3, left: 0 },
          dropped: [{ rule: evil, documents: 2, examples: [evil] }],
          edited: [{ kind: evil, documents: 1, count: 1, examples: [evil] }],
        },
      },
      {
        type: 'composition',
        stage: evil,
        parts: [{ split: 'train', source: evil, language: evil, documents: 1, bytes: 1, tokens: 1 }],
        funnel: [{ rule: evil, documents: 2 }],
      },
      {
        type: 'table',
        stage: evil,
        columns: [{ label: evil, checkpoint: evil, metrics: { [evil]: 1 } }],
        comparisons: [{ from: evil, to: evil, differences: { [evil]: { mean: 1, low: 0, high: 2 } } }],
      },
    ],
    evil,
    `name: '${evil.replaceAll("'", "''").replace('\x00', '')}'\nother: ${evil.slice(0, 30)}\n`,
    [{ stage: evil, path: evil, digest: evil }],
  );
  const allowed =
    /^\/?(!doctype|html|head|meta|title|style|body|main|h[123]|p|pre|dl|dt|dd|div|span|section|table|thead|tbody|tr|th|td|figure|figcaption|svg|line|text|path|circle|rect|code|ul|li|details|summary|footer|b|small)$/;
  for (const [, name] of html.matchAll(/<(\/?[!\w]+)/g)) assert.match(name, allowed);
  assert.ok(!/<[^>]*\son\w+=/.test(html.replace(/"[^"]*"/g, '""')), 'no event handler inside a tag');
  assert.ok(!html.includes('javascript:'));
  assert.ok(!html.includes('\x00'));
  assert.ok((html.match(/&lt;script&gt;alert\(&quot;1&quot;\)/g)?.length ?? 0) > 12);
});

test('an empty, absent or torn run still gives a page', async () => {
  const empty = await mkdtemp(join(folder, 'empty-'));
  const html = await readFile(await writeReport(empty, { command: 'c' }), 'utf8');
  assert.ok(!html.includes('<h2>'));
  assert.match(html, /<dt>Total time<\/dt><dd>–<\/dd>/);
  await writeFile(
    join(empty, 'metrics.jsonl'),
    '{"type":"note","stage":"data","level":"info","text":"ok","time":1}\n{"ty',
  );
  await writeFile(join(empty, 'pipeline.yaml'), '{{{ not yaml');
  const torn = await readFile(await writeReport(empty, { command: 'c' }), 'utf8');
  assert.match(torn, /1 lines? of metrics\.jsonl could not be read/);
  assert.match(torn, /\{\{\{ not yaml/);
});

test('a run that has measured nothing opens with how its training went', async () => {
  const step = (n: number): Event => ({
    ...{ type: 'step', stage: 'selfInstruct', step: n, steps: 3, loss: 4 / n, learningRate: 1, gradientNorm: 1 },
    ...{ tokens: 1, tokensPerSecond: 1 },
  });
  const html = await report([{ type: 'stage', stage: 'selfInstruct', state: 'started' }, step(1), step(2), step(3)]);
  assert.match(html, /<p>self-instruct: the training loss went from 4\.000 to 1\.333 in 3 steps\.<\/p>/);
});

test('the same run gives the same page', async () => {
  const run = await mkdtemp(join(folder, 'same-'));
  const lines = [...demoEvents()].map((event, i) => JSON.stringify({ ...event, time: i }));
  await writeFile(join(run, 'metrics.jsonl'), lines.join('\n'));
  const first = await readFile(await writeReport(run, { command: 'c' }), 'utf8');
  assert.equal(await readFile(await writeReport(run, { command: 'c' }), 'utf8'), first);
});
