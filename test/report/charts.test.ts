// Which charts held-out figures make: one for a family, languages apart from sources.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stageCharts } from '../../src/report/charts.js';
import type { TimedEvent } from '../../src/report/metrics.js';

test('languages share one chart and sources another', () => {
  const metrics = {
    ...{ bitsPerByte: 3, 'bitsPerByte.zh': 3.2, 'bitsPerByte.en': 2.8 },
    ...{ formula: 0.5, 'formula.2+1': 0.5, 'formula.3 terms': 0.2 },
    ...{ 'bitsPerByte.source.tang-poems': 3.4, 'bitsPerByte.source.novel': 2.7 },
  };
  const evaluations = [1, 2, 3].map(
    (step): TimedEvent => ({ type: 'evaluation', stage: 'pretrain', step, metrics, time: step }),
  );
  const figures = stageCharts(evaluations).split('</figure>').slice(0, -1);
  const captions = figures.map((figure) => /<figcaption>(.*?)<\/figcaption>/.exec(figure)?.[1]);
  assert.deepEqual(captions, [
    'Held-out bitsPerByte · lower is better',
    'Held-out formula · higher is better',
    'Held-out bitsPerByte by source · lower is better',
  ]);
  const legends = figures.map((figure) =>
    ['zh', 'en', 'tang-poems', 'novel', '2+1'].filter((name) => figure.includes(`>${name}<`)),
  );
  assert.deepEqual(legends, [['zh', 'en'], ['2+1'], ['tang-poems', 'novel']]);
});

test('of more figures than there is room for, those to watch have a chart, and the others are counted', () => {
  const many = Array.from({ length: 30 }, (_, i) => [`figure ${i}`, i]);
  const metrics = Object.fromEntries([...many, ['kl', 0.1], ['reward', 0.5]]) as Record<string, number>;
  const step = {
    ...{ loss: 1, learningRate: 1, gradientNorm: 1, tokensPerSecond: 1, tokens: 1 },
    stage: 'align',
    steps: 2,
  };
  const page = stageCharts([1, 2].map((n) => ({ ...step, type: 'step', step: n, time: n, metrics }) as TimedEvent));
  const captions = [...page.matchAll(/<figcaption>(.*?)( ·|<)/g)].map(([, title]) => title);
  assert.deepEqual(captions.slice(3, 6), ['reward', 'kl', 'figure 0']);
  assert.equal(captions.length, 3 + 24);
  assert.match(page, /8 more figures of the steps in metrics\.jsonl/);
});
