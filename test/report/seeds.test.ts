// Several seeds as one result: means with Student's interval, gains taken within each run, one page with links to all.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { EvaluationTable } from '../../src/report/event.js';
import { type SeedRun, seedsText, summariseSeeds, writeSeedsReport } from '../../src/report/seeds.js';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seeds-'));
});
after(() => rm(folder, { recursive: true, force: true }));

function table(base: number, sft: number, align: number): EvaluationTable {
  const column = (label: string, correct: number) => ({
    label,
    checkpoint: label,
    metrics: { correct, 'correct.parity': correct / 2 },
    intervals: { correct: { low: correct - 0.1, high: correct + 0.1 } },
  });
  const gain = (from: string, to: string, mean: number) => ({
    ...{ from, to },
    differences: { correct: { mean, low: mean - 0.05, high: mean + 0.05 } },
  });
  return {
    columns: [column('base', base), column('sft', sft), column('align', align)],
    comparisons: [gain('base', 'sft', sft - base), gain('sft', 'align', align - sft)],
  };
}

const runs: SeedRun[] = [
  { seed: 1, table: table(0, 0.4, 0.43) },
  { seed: 2, table: table(0.02, 0.5, 0.5) },
  { seed: 7, table: table(0.01, 0.45, 0.54) },
];

test('means and gains over the seeds, with intervals worked out by hand', () => {
  const { columns, comparisons } = summariseSeeds(runs);
  assert.deepEqual(
    columns.map(({ label }) => label),
    ['base', 'sft', 'align'],
  );
  assert.ok(Math.abs(columns[1].metrics.correct - 0.45) < 1e-12);
  // Deviations −0.05, 0.05, 0: standard error 0.05/√3; t with 2 degrees of freedom 4.3027.
  const half = (4.302653 * 0.05) / Math.sqrt(3);
  assert.ok(Math.abs((columns[1].intervals?.correct.high ?? 0) - (0.45 + half)) < 1e-6);
  const gains = comparisons?.map(({ differences }) => differences.correct) ?? [];
  assert.ok(Math.abs(gains[0].mean - 0.44) < 1e-12 && gains[0].low > 0.34, JSON.stringify(gains[0]));
  assert.ok(Math.abs(gains[1].mean - 0.04) < 1e-12 && gains[1].low < 0, 'three such gains may be chance');
  assert.ok(comparisons?.[1].differences['correct.parity'], 'taken from the columns, not from the runs’ own gains');
});

test('runs that agree have no interval, a share gains at most 100 points, and each part stands below its whole', () => {
  const of = (zero: number, sft: number): EvaluationTable => ({
    columns: [
      { label: 'base', checkpoint: 'b', metrics: { correct: 0, reward: zero } },
      { label: 'sft', checkpoint: 's', metrics: { correct: sft, reward: 0.5, 'correct.turn2': sft } },
    ],
  });
  const alike = [
    { seed: 1, table: of(0.1, 0.45) },
    { seed: 2, table: of(0.2, 0.95) },
  ];
  const { columns, comparisons } = summariseSeeds(alike);
  assert.deepEqual(Object.keys(columns[0].intervals ?? {}), ['reward'], 'two zeros are no interval');
  const gained = comparisons?.[0].differences.correct;
  assert.ok(gained !== undefined && gained.high > 1);
  const text = seedsText(alike);
  assert.match(text, /\+70\.0 points \[−100\.0, \+100\.0\]/);
  assert.match(text, /correct\.turn2[\s\S]*?reward/, 'the part before the next whole');
});

test('a run that lacks a column leaves the mean to the others', () => {
  const short = { seed: 9, table: { columns: table(0, 0.4, 0).columns.slice(0, 2), comparisons: [] } };
  const { columns, comparisons } = summariseSeeds([...runs.slice(0, 2), short]);
  assert.ok(Math.abs(columns[2].metrics.correct - 0.465) < 1e-12);
  assert.ok(Math.abs((comparisons?.[1].differences.correct.mean ?? 0) - 0.015) < 1e-12);
});

test('the text has a row for each seed below its metric, and a sentence for each gain', () => {
  const text = seedsText(runs);
  assert.match(text, /correct +1\.0% +45\.0% +49\.0% \* .*\n +\[0\.0, 3\.5\] +\[32\.6, 57\.4\] +\[\d/);
  assert.match(text, /\n {2}seed 7 +1\.0% +45\.0% +54\.0% \*\n +\[0\.0, 11\.0\] +\[35\.0, 55\.0\] +\[44\.0, 64\.0\]/);
  assert.ok(text.split('\n').every((line) => line.length <= 80));
  assert.equal(text.match(/seed 2/g)?.length, 2, 'once in each table: parts of a metric are not taken apart');
  assert.match(text, /sft against base, over 3 seeds: better beyond noise in correct \(\+44\.0 points/);
  assert.match(text, /align against sft, over 3 seeds: within noise: correct \(\+4\.0 points/);
});

test('the page links the runs, and outside text stays text', async () => {
  const path = await writeSeedsReport(folder, { name: '<b>x</b>', command: 'npx mossctl run x --seeds 1,2,7', runs });
  assert.equal(path, join(folder, 'report.html'));
  const html = await readFile(path, 'utf8');
  assert.match(html, /<h1>&lt;b&gt;x&lt;\/b&gt;: 3 seeds<\/h1>/);
  assert.deepEqual(
    [...html.matchAll(/href="(.*?)"/g)].map(([, link]) => link),
    ['seed-1/report.html', 'seed-2/report.html', 'seed-7/report.html'],
  );
  assert.match(html, /What each stage gained/);
  assert.match(html, /<td class="name">seed 2<\/td>/);
  assert.doesNotMatch(html, /<script/);
});
