// Mixtures: the proportions that settings mean, what is read of a real corpus, limits, resume, names that do not exist.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { UserError } from '../../src/base/errors.js';
import { type MixtureConfig, mixtureSchema } from '../../src/config/mixture.js';
import { type Mixture, openMixture } from '../../src/data/mixture.js';
import { type Group, planMixture, sharesOf } from '../../src/data/mixture-plan.js';
import { openTokens, type TokenDocuments, tokenizeDocuments } from '../../src/data/shards.js';
import type { Document, Language, TokenBatch } from '../../src/data/types.js';
import { silentReporter } from '../../src/report/event.js';
import { trainTokenizer } from '../../src/tokenizer/train.js';
import { writeCorpus } from './corpus-folder.js';

const group = (source: string, language: string, tokens: number): Group => ({
  source,
  language,
  tokens,
  documents: 10,
});
const groups = [
  group('poems', 'zh', 6400),
  group('prose', 'zh', 1600),
  group('novel', 'en', 900),
  group('prose', 'en', 100),
];

const rounded = (shares: readonly number[]): number[] => shares.map((share) => Number(share.toFixed(4)));

test('proportions: by size, by language, by source, by both, with a temperature', () => {
  const cases: [MixtureConfig, number[]][] = [
    [{}, [0.7111, 0.1778, 0.1, 0.0111]],
    [{ languages: { zh: 1, en: 1 } }, [0.4, 0.1, 0.45, 0.05]],
    [{ languages: { en: 3 } }, [0, 0, 0.9, 0.1]],
    // A source is its documents of every language, by their size.
    [{ sources: { prose: 3, poems: 1 } }, [0.25, 0.7059, 0, 0.0441]],
    // Chinese by its named source; English has none of the named, and is by size.
    [{ languages: { zh: 3, en: 1 }, sources: { poems: 1 } }, [0.75, 0, 0.225, 0.025]],
    // 8000 and 1000 tokens: √8 to 1.
    [{ temperature: { languages: 2 } }, [0.591, 0.1478, 0.2351, 0.0261]],
    // 6400, 1700 and 900 tokens: 80, 41.231 and 30.
    [{ temperature: { sources: 2 } }, [0.529, 0.2566, 0.1984, 0.016]],
    [{ languages: { zh: 1, en: 1 }, temperature: { sources: 2 } }, [0.3333, 0.1667, 0.375, 0.125]],
    [{ temperature: { sources: 1000 } }, [0.3337, 0.3137, 0.333, 0.0196]],
  ];
  for (const [blend, expected] of cases) {
    const shares = sharesOf(groups, blend);
    assert.ok(Math.abs(shares.reduce((a, b) => a + b, 0) - 1) < 1e-12);
    assert.deepEqual(rounded(shares), expected, JSON.stringify(blend));
  }
});

test('a plan says what will be read, and when a group is used up', () => {
  const mixture = mixtureSchema.parse({
    languages: { zh: 1, en: 1 },
    epochs: { novel: 2 },
    phases: [{ until: 0.25, languages: { zh: 1 } }],
  });
  const plan = planMixture(groups, mixture, { columns: 10, rowsUntil: (share) => share * 800 });
  assert.deepEqual(
    plan.phases.map(({ rows }) => rows),
    [200, 600],
  );
  // (900 − 10) × 2 / 10 = 178 rows of the novel, after 178 / 0.45 = 395.6 of the 600; then 0.8 : 0.2 : 0.1 of the rest.
  assert.equal(plan.limits[2], 178);
  assert.ok(Math.abs((plan.usedUp.get(2) ?? 0) - (200 + 178 / 0.45) / 800) < 1e-9);
  const rest = 600 - 178 / 0.45;
  const before = 178 / 0.45;
  const expected = [
    160 + 0.4 * before + (rest * 0.4) / 0.55,
    40 + 0.1 * before + (rest * 0.1) / 0.55,
    178,
    0.05 * before + (rest * 0.05) / 0.55,
  ];
  for (const [i, rows] of plan.rows.entries()) assert.ok(Math.abs(rows - expected[i]) < 1e-6, `${rows}`);
  assert.throws(
    () => planMixture(groups, { epochs: 1 }, { columns: 10, rowsUntil: (share) => share * 1000 }),
    /used up after 90 % of the training/,
  );
});

test('names that the corpus does not have, and proportions of nothing, are refused', () => {
  const options = { columns: 10, rowsUntil: (share: number) => share * 10 };
  const refusal = (mixture: MixtureConfig): UserError['faults'][number] => {
    try {
      planMixture(groups, mixture, options);
    } catch (error) {
      if (error instanceof UserError) return error.faults[0];
    }
    throw new Error('not refused');
  };
  const typo = refusal({ sources: { pomes: 1 } });
  assert.match(typo.what, /no source pomes/);
  assert.equal(typo.why, 'its sources are: novel, poems, prose');
  assert.equal(typo.next, 'Did you mean poems?');
  assert.match(refusal({ phases: [{ until: 0.5, languages: { other: 1 } }] }).what, /no language other/);
  assert.match(refusal({ epochs: { constructor: 2 } }).what, /no source constructor/);
  assert.match(refusal({ languages: { zh: 0 } }).what, /proportion above 0/);
  assert.match(refusal({ languages: { zh: 1 }, sources: { poems: 0 } }).what, /proportion above 0/);
});

test('settings that contradict each other are refused', () => {
  const wrong = [
    { languages: { zh: 1 }, temperature: { languages: 2 } },
    { phases: [{ until: 0.5, sources: { a: 1 }, temperature: { sources: 2 } }] },
    { phases: [{ until: 0.5 }, { until: 0.5 }] },
    { phases: [{ until: 1.5 }] },
    { languages: { fr: 1 } },
    { epochs: 0 },
  ];
  for (const mixture of wrong) assert.ok(!mixtureSchema.safeParse(mixture).success, JSON.stringify(mixture));
  assert.deepEqual(mixtureSchema.parse({}), {});
});

let directory: string;
let documents: TokenDocuments;
const shape = { rows: 4, columns: 16, padId: 1 };
const texts: Document[] = (
  [
    ['poems', 'zh', '春眠不觉晓', 60],
    ['novel', 'en', 'call me ishmael ', 20],
    ['words', 'en', 'aardvark ', 30],
    ['words', 'zh', '土豚', 9],
  ] as const
).flatMap(([source, language, text, count]) =>
  Array.from({ length: count }, (_, i) => ({
    ...{ id: `${source}:${language}:${i}`, source, language: language as Language },
    text: text.repeat(1 + (i % 5)),
  })),
);

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mossctl-mixture-'));
  // Groups lie among each other.
  const train = texts.map((_, i) => texts[(i * 37) % texts.length]);
  await writeCorpus(join(directory, 'data'), { train, validation: [] });
  const tokenizer = await trainTokenizer(
    texts.map(({ text }) => text),
    { vocabSize: 300 },
  );
  const quiet = { reporter: silentReporter };
  const { path } = await tokenizeDocuments({ dataPath: join(directory, 'data'), tokenizer, directory, ...quiet });
  documents = await openTokens(path, 'train', tokenizer);
});
after(() => rm(directory, { recursive: true }));

const open = (mixture: MixtureConfig, rows = 1000): Promise<Mixture> =>
  openMixture(documents, { mixture, seed: 3, shape, rowsUntil: (share) => Math.round(share * rows) });

/** Group → rows, of which every position must be of that group. */
function rowsOf(batch: TokenBatch, counts: Record<string, number>): void {
  for (let row = 0; row < batch.rows; row++) {
    const owners = new Set(batch.owners.subarray(row * batch.columns, (row + 1) * batch.columns));
    const found = new Set([...owners].map((owner) => batch.ids[owner].split(':').slice(0, 2).join(':')));
    assert.equal(found.size, 1, 'a row is of one group');
    for (const name of found) counts[name] = (counts[name] ?? 0) + 1;
  }
}

test('1,000 rows in two phases have the proportions asked for, to one row', async () => {
  const { batches, plan, tokensRead } = await open({
    sources: { poems: 2, words: 1 },
    phases: [{ until: 0.4, languages: { en: 9, zh: 1 } }],
  });
  const sizes = Object.fromEntries(
    plan.groups.map(({ source, language, tokens }) => [`${source}:${language}`, tokens]),
  );
  const english = sizes['novel:en'] + sizes['words:en'];
  const words = sizes['words:en'] + sizes['words:zh'];
  const chinese = sizes['poems:zh'] + sizes['words:zh'];
  const expected: [number, Record<string, number>][] = [
    [
      400,
      {
        'novel:en': (0.9 * sizes['novel:en']) / english,
        'words:en': (0.9 * sizes['words:en']) / english,
        'poems:zh': (0.1 * sizes['poems:zh']) / chinese,
        'words:zh': (0.1 * sizes['words:zh']) / chinese,
      },
    ],
    [
      600,
      {
        'poems:zh': 2 / 3,
        'words:en': sizes['words:en'] / words / 3,
        'words:zh': sizes['words:zh'] / words / 3,
      },
    ],
  ];
  const all: Record<string, number> = {};
  for (const [rows, shares] of expected) {
    const counts: Record<string, number> = {};
    for (let row = 0; row < rows; row += shape.rows) rowsOf(await batches.next(), counts);
    assert.deepEqual(Object.keys(counts).sort(), Object.keys(shares).sort());
    for (const [name, share] of Object.entries(shares)) {
      assert.ok(Math.abs(counts[name] - share * rows) < 1, `${name}: ${counts[name]} of ${rows}, ${share} asked for`);
      all[name] = (all[name] ?? 0) + counts[name];
    }
  }
  plan.groups.forEach(({ source, language }, i) => {
    const rows = all[`${source}:${language}`];
    assert.equal(tokensRead()[i], rows * shape.columns);
    assert.ok(Math.abs(plan.rows[i] - rows) < 2, `planned ${plan.rows[i]}, read ${rows}`);
  });
});

test('a group is not read more often than its limit', async () => {
  const { batches, plan, tokensRead } = await open(
    { epochs: { novel: 2, words: 3 }, languages: { en: 4, zh: 1 } },
    400,
  );
  for (let row = 0; row < 400; row += shape.rows) await batches.next();
  plan.groups.forEach(({ source, tokens, documents: count }, i) => {
    const passes = tokensRead()[i] / (tokens - count);
    if (source === 'novel') assert.ok(passes <= 2 && passes > 1.9, `${passes}`);
    if (source === 'words') assert.ok(passes <= 3, `${passes}`);
  });
  assert.ok(plan.usedUp.size >= 1);
  await assert.rejects(open({ epochs: 1 }, 4000), /used up after/);
});

test('stopped anywhere, in a phase or at its edge, the same batches follow', async () => {
  const mixture: MixtureConfig = {
    temperature: { sources: 3 },
    epochs: { words: 4 },
    phases: [{ until: 0.3, languages: { zh: 1 } }],
  };
  for (const stop of [1, 13, 30, 31, 70]) {
    const straight = await open(mixture, 400);
    for (let i = 0; i < stop; i++) await straight.batches.next();
    const state = JSON.parse(JSON.stringify(straight.batches.state)) as unknown;
    const resumed = await open(mixture, 400);
    resumed.batches.restore(state);
    assert.deepEqual(resumed.batches.state, state);
    for (let i = 0; i < 25; i++)
      assert.deepEqual(await resumed.batches.next(), await straight.batches.next(), `${stop} + ${i}`);
    assert.deepEqual(resumed.tokensRead(), straight.tokensRead());
  }
});

test('a position in other data, or none, is refused', async () => {
  const { batches } = await open({});
  const { state } = batches;
  for (const bad of [undefined, 7, {}, { ...state, rows: [1] }, { ...state, 'zh/poems': undefined }]) {
    assert.throws(() => batches.restore(bad), UserError);
  }
});

test('a manifest that counts other documents than there are is told', async () => {
  const [first, ...rest] = documents.manifest.counts;
  const counts = [{ ...first, documents: first.documents - 1 }, ...rest];
  for (const wrong of [counts, rest, [{ ...first, source: 'others' }, ...rest], [first, ...rest, first]]) {
    const split = {
      length: documents.length,
      get: (index: number) => documents.get(index),
      manifest: { ...documents.manifest, counts: wrong },
    };
    await assert.rejects(
      openMixture(split, { mixture: {}, seed: 1, shape, rowsUntil: (share) => share * 10 }),
      /damaged/,
    );
  }
});

test('4,000 batches take no more memory than the first ones', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const { batches } = await open({ languages: { zh: 1, en: 1 } });
  const heapAfter = async (count: number): Promise<number> => {
    for (let i = 0; i < count; i++) await batches.next();
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  await heapAfter(1000);
  const before = await heapAfter(1000);
  const grown = (await heapAfter(4000)) - before;
  assert.ok(grown < 1 << 20, `the heap grew by ${grown} bytes`);
  assert.ok(JSON.stringify(batches.state).length < 1000);
});

test('other proportions take over from where the training stands (--override)', async () => {
  const first = await open({ languages: { zh: 1 } }, 400);
  for (let i = 0; i < 50; i++) await first.batches.next();
  const changed = await open({ languages: { zh: 1, en: 3 } }, 400);
  changed.batches.restore(first.batches.state);
  const english = (mixture: Mixture): number =>
    mixture.tokensRead().reduce((sum, tokens, i) => sum + (mixture.plan.groups[i].language === 'en' ? tokens : 0), 0);
  assert.equal(english(changed), 0);
  for (let i = 0; i < 50; i++) await changed.batches.next();
  const rows = english(changed) / shape.columns;
  assert.ok(Math.abs(rows - 150) < 2, `${rows} of 200 rows`);
});
