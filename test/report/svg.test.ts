// The numbers behind the drawings: ticks, smoothing, thinning, and where a point really lands.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineChart, logTicks, niceTicks, type Point, smooth, smoothWindow, thin } from '../../src/report/svg.js';

const options = {
  title: 'Loss',
  xLabel: 'step',
  width: 400,
  height: 200,
  format: (value: number) => value.toFixed(2),
  tickFormat: String,
};

test('ticks are round and inside the range', () => {
  assert.deepEqual(niceTicks(0, 100, 5), [0, 20, 40, 60, 80, 100]);
  assert.deepEqual(niceTicks(0.13, 0.87, 4), [0.2, 0.4, 0.6, 0.8]);
  assert.deepEqual(niceTicks(-3, 7, 4), [-2.5, 0, 2.5, 5]);
  assert.deepEqual(niceTicks(0, 3e-4, 3), [0, 1e-4, 2e-4, 3e-4]);
  assert.deepEqual(niceTicks(5, 5, 4).length > 0, true);
});

test('ticks of a logarithmic axis: 1, 2, 5 in each decade, powers of ten where those are many, round numbers within one', () => {
  assert.deepEqual(logTicks(1e5, 2e6, 5), [1e5, 2e5, 5e5, 1e6, 2e6]);
  assert.deepEqual(logTicks(1e3, 2e9, 9), [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]);
  assert.deepEqual(logTicks(3.1, 5.2, 5), [3.5, 4, 4.5, 5]);
});

test('smoothing keeps a straight line as it is and takes noise away', () => {
  const line: Point[] = Array.from({ length: 101 }, (_, i) => [i, 3 - i / 50]);
  for (const [i, [x, y]] of smooth(line, 7).entries()) {
    assert.equal(x, i);
    assert.ok(Math.abs(y - line[i][1]) < 1e-12);
  }
  const noisy: Point[] = line.map(([x]) => [x, x % 2 === 0 ? 1 : -1]);
  assert.ok(Math.abs(smooth(noisy, 10)[50][1]) <= 1 / 21 + 1e-12);
});

test('a smoothed line ends where its window is full, with the mean of the last window as its label', () => {
  // The last point alone is a spike.
  const points = Array.from({ length: 300 }, (_, i): Point => [i, i === 299 ? 9 : 2]);
  const window = smoothWindow(points.length);
  assert.equal(window, 13);
  const last = smooth(points, (window - 1) / 2).at(-1);
  assert.deepEqual(last, [299 - 6, (12 * 2 + 9) / 13]);
  const svg = lineChart(options, [{ name: 'loss', points, smooth: true }]);
  assert.match(svg, /class="end s0"[^>]*>2\.54</);
  assert.match(svg, /aria-label="Loss: loss from 2\.00 to 2\.54"/);
  assert.equal(smoothWindow(59), 1);
});

test('a legend is wrapped, and the first line lies dashed above the others', () => {
  const names = ['all', 'classical-poems', 'modern-chinese', 'definitions-of-words', 'x'.repeat(60)];
  const series = names.map((name) => ({
    name,
    points: [
      [0, 1],
      [1, 2],
    ] as Point[],
    dashed: name === 'all',
  }));
  const svg = lineChart(options, series);
  const keys = [...svg.matchAll(/<text class="tick" x="([\d.]+)" y="(13|29|45)">([^<]*)</g)];
  assert.equal(keys.length, 5);
  assert.ok(new Set(keys.map(([, , y]) => y)).size >= 2, 'more than one row');
  for (const [, x, , name] of keys) assert.ok(Number(x) + 6.4 * name.length <= options.width + 6.4, name);
  const strokes = [...svg.matchAll(/<path class="line ([^"]+)"/g)].map(([, kind]) => kind);
  assert.deepEqual(strokes.slice(-1), ['s0 dashed']);
  assert.ok(!lineChart(options, series.slice(0, 1)).includes('dashed'), 'nothing to tell apart');
});

test('thinning keeps every spike', () => {
  const points: Point[] = Array.from({ length: 10_000 }, (_, i) => [
    i,
    i === 7777 ? 99 : i === 1234 ? -99 : Math.sin(i),
  ]);
  const kept = thin(points, 500);
  assert.ok(kept.length <= 500);
  assert.ok(kept.some(([x, y]) => x === 7777 && y === 99));
  assert.ok(kept.some(([x, y]) => x === 1234 && y === -99));
  assert.ok(kept.every(([x], i) => i === 0 || x > kept[i - 1][0]));
});

test('points land on the axes: equal steps are equal distances, larger values are higher', () => {
  const svg = lineChart(options, [
    {
      name: 'a',
      points: [
        [0, 0],
        [50, 5],
        [100, 10],
      ],
    },
  ]);
  const [, d] = /<path class="line s0" d="([^"]+)"/.exec(svg) ?? [];
  const [[x0, y0], [x1, y1], [x2, y2]] = [...d.matchAll(/[ML]([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [+x, +y]);
  assert.ok(Math.abs(x1 - x0 - (x2 - x1)) <= 0.11 && Math.abs(y0 - y1 - (y1 - y2)) <= 0.11);
  assert.ok(y0 > y1 && y1 > y2 && x2 <= 400 - 52 && y0 <= 200 - 34);
  const grid = [...svg.matchAll(/<line class="grid"[^>]*y1="([\d.]+)"/g)].map(([, y]) => +y);
  assert.ok(grid.includes(y0) && grid.includes(y1) && grid.includes(y2), 'ticks at 0, 5 and 10 meet the points');
  assert.match(svg, />10\.00<\/text>/); // the last value beside its end
});

test('on logarithmic axes a power law is a straight line, and marks lie where they were measured', () => {
  const law = [1e11, 1e12, 1e13].map((x): Point => [x, 40 * x ** -0.1]);
  const svg = lineChart({ ...options, logX: true, logY: true, xTickFormat: (x) => x.toExponential() }, [
    { name: 'law', points: law, marks: [law[1]], unlabelled: true },
  ]);
  const [, d] = /<path class="line s0" d="([^"]+)"/.exec(svg) ?? [];
  const [[x0, y0], [x1, y1], [x2, y2]] = [...d.matchAll(/[ML]([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [+x, +y]);
  assert.ok(Math.abs(x0 + x2 - 2 * x1) <= 0.2 && Math.abs(y0 + y2 - 2 * y1) <= 0.2);
  assert.ok(x0 < 50 && y0 < y2, 'the axis begins at the first value, not at 0');
  assert.deepEqual(
    [...svg.matchAll(/<circle[^>]*cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [+x, +y]),
    [[x1, y1]],
  );
  assert.match(svg, />1e\+12<\/text>/);
  assert.ok(!svg.includes('class="end'));
});

test('a value that is not finite breaks the line and moves nothing else', () => {
  const points: Point[] = [
    [1, 1],
    [2, Number.NaN],
    [3, Number.POSITIVE_INFINITY],
    [4, 2],
    [5, 3],
  ];
  const svg = lineChart(options, [{ name: 'a', points }]);
  assert.ok(!/NaN|Infinity/.test(svg));
  const [, d] = /<path class="line s0" d="([^"]+)"/.exec(svg) ?? [];
  assert.deepEqual(d.replace(/[\d. ]+/g, ''), 'MML');
});

test('empty, single and constant series draw without nonsense', () => {
  const cases: Point[][] = [
    [],
    [[3, 2]],
    [[0, 0]],
    [
      [1, 5],
      [2, 5],
    ],
    [[1, Number.NaN]],
  ];
  for (const points of cases) assert.ok(!/NaN|Infinity|undefined/.test(lineChart(options, [{ name: 'a', points }])));
});

test('labels at the ends of close lines do not overlap, and a legend names the series', () => {
  const series = ['a', 'b', 'c', 'd'].map((name, i) => ({
    name,
    points: [
      [0, 0],
      [9, 5 + i / 1000],
    ] as Point[],
  }));
  const svg = lineChart(options, series);
  const heights = [...svg.matchAll(/<text class="end[^>]*y="([\d.]+)"/g)].map(([, y]) => +y).sort((a, b) => a - b);
  assert.equal(heights.length, 4);
  for (let i = 1; i < heights.length; i++) assert.ok(heights[i] - heights[i - 1] >= 12.9);
  assert.equal(svg.match(/class="key/g)?.length, 4);
});

test('a long series with smoothing: raw faint below, mean on top, small file', () => {
  const points: Point[] = Array.from({ length: 50_000 }, (_, i) => [i, 2 + Math.sin(i)]);
  const svg = lineChart(options, [{ name: 'loss', points, smooth: true }]);
  assert.ok(svg.indexOf('faint') < svg.lastIndexOf('class="line s0"'));
  assert.ok(svg.length < 25_000, `${svg.length} characters`);
});
