// The stage with the offline teacher: files, balance, the wall between training and held-out tasks, determinism, kills,
// and seeds files with mistakes in them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Interrupted, UserError } from '../../../src/base/errors.js';
import { type BuiltInKind, type SelfInstructConfig, taskKinds } from '../../../src/config/pipeline.js';
import { buildData } from '../../../src/data/build.js';
import { RowNotes } from '../../../src/data/conversations/notes.js';
import { readFacts } from '../../../src/data/facts.js';
import { readDataManifest } from '../../../src/data/manifest.js';
import { isHeldOutPair } from '../../../src/data/sources/formulas.js';
import type { Conversation } from '../../../src/data/types.js';
import { answerCredit } from '../../../src/evaluation/checks.js';
import { type Event, stageReporter } from '../../../src/report/event.js';
import { expand } from '../../../src/stages/self-instruct/expand.js';
import { families } from '../../../src/stages/self-instruct/families/table.js';
import { readHarm, readWordings, type Wordings } from '../../../src/stages/self-instruct/families/wordings.js';
import { readSeeds } from '../../../src/stages/self-instruct/seed-tasks.js';
import { noteShares, noteShortfall } from '../../../src/stages/self-instruct/shares.js';
import { selfInstructStage } from '../../../src/stages/self-instruct/stage.js';
import { taskKey } from '../../../src/stages/self-instruct/task-key.js';
import { type Teacher, taskLanguages } from '../../../src/stages/self-instruct/teacher.js';
import { anyFifth } from '../../../src/stages/self-instruct/unseen-sums.js';
import type { Job } from '../../../src/stages/stage.js';

const seedsFile = 'data-specs/seeds.jsonl';

const nothing = { facts: [], isUnseenPair: anyFifth, isWorked: false };

/** A cell is a family in a language. Without facts, and with those of a corpus. */
const cellsOf = (isMade: (kind: BuiltInKind) => boolean): number =>
  taskKinds.filter(isMade).length * taskLanguages.length;
const factlessCells = cellsOf((kind) => families[kind].maker?.(nothing) !== undefined);
const cells = cellsOf((kind) => families[kind].maker !== undefined);
const perCell = 4;
const heldOutCount = perCell * factlessCells;

async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'mossctl-self-instruct-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

function jobOf(
  directory: string,
  config: Partial<SelfInstructConfig> = {},
  seed = 42,
): Job<SelfInstructConfig> & { events: Event[] } {
  const events: Event[] = [];
  const defaults = {
    seeds: seedsFile,
    teacher: 'offline',
    model: '',
    timeoutSeconds: 1,
    retries: 0,
    concurrency: 8,
    maxSimilarity: 0.7,
    turns: { share: 0.5, most: 6 },
    answers: 'short',
  } as const;
  return {
    config: { ...defaults, prompts: 40, count: 500, heldOut: heldOutCount, ...config },
    inputs: {},
    directory,
    seed,
    compute: { backend: 'auto' },
    reporter: stageReporter({ emit: (event) => events.push(event) }, 'selfInstruct'),
    events,
  };
}

async function rowsOf(directory: string, file: string): Promise<Conversation[]> {
  return (await readFile(join(directory, file), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Conversation);
}

const userTurns = (row: Conversation): string[] => row.messages.slice(0, -1).map(({ content }) => content);

const questions = (row: Conversation): string[] =>
  row.messages.filter(({ role }) => role === 'user').map(({ content }) => content);

test('shipped seeds: 175 or more, half Chinese, every kind in both languages, checks that their outputs pass', async () => {
  const seeds = await readSeeds(seedsFile);
  assert.ok(seeds.length >= 175, `${seeds.length} seeds`);
  assert.equal(seeds.filter(({ language }) => language === 'zh').length * 2, seeds.length);
  for (const kind of taskKinds)
    for (const language of ['zh', 'en']) {
      const count = seeds.filter((seed) => seed.kind === kind && seed.language === language).length;
      assert.ok(count >= 3, `${kind}/${language}: ${count}`);
    }
  const prompts = new Set(seeds.map(({ instruction }) => instruction));
  assert.equal(prompts.size, seeds.length);
});

test('files: as many as asked, balanced, disjoint by prompt and by operands, every check passed', async (t) => {
  const directory = await temporaryDirectory(t);
  const job = jobOf(directory);
  const output = await selfInstructStage.run(job);
  const [train, heldOut] = [await rowsOf(directory, 'train.jsonl'), await rowsOf(directory, 'heldout.jsonl')];
  assert.equal(train.length, 500);
  assert.equal(heldOut.length, heldOutCount);
  assert.deepEqual(
    { train: output.metrics.train, heldOut: output.metrics.heldOut },
    { train: 500, heldOut: heldOutCount },
  );
  const prompts = await rowsOf(directory, 'prompts.jsonl');
  assert.equal(prompts.length, 40);
  const apart = new Set(prompts.map(({ id }) => id));
  assert.ok(
    [...train, ...heldOut].every(({ id }) => !apart.has(id)),
    'alignment prompts are rows of their own',
  );
  const asked = new Set(train.flatMap(({ group }) => group ?? []));
  assert.ok(prompts.some(({ group }) => group !== undefined));
  assert.ok(
    prompts.every(({ group }) => group === undefined || !asked.has(group)),
    'alignment prompts ask what training does not, in any words',
  );

  const keysOf = (row: Conversation): string[] => {
    const key = taskKey(row.kind ?? '', userTurns(row));
    return [userTurns(row).join('\n'), ...(key === undefined ? [] : [`${row.kind} ${key}`])];
  };
  const trained = new Set([...train.flatMap(keysOf), ...train.flatMap(questions)]);
  const trainedIds = new Set(train.map(({ id }) => id));
  const earlier = [...train, ...prompts].flatMap(({ provenance }) => provenance?.earlier ?? []);
  assert.ok(earlier.length > 250 && earlier.every((id) => trainedIds.has(id)), 'earlier exchanges are of trained rows');
  assert.ok(prompts.some(({ messages }) => messages.length > 4));
  for (const row of heldOut) for (const key of keysOf(row)) assert.ok(!trained.has(key), key);
  assert.equal(new Set([...train, ...heldOut].map(({ id }) => id)).size, 500 + heldOutCount);

  for (const task of [...train, ...heldOut])
    assert.notEqual(answerCredit({ task, text: task.messages[task.messages.length - 1].content }), 0);

  // Each family that can be made without facts has its share, in both languages.
  const counts = new Map<string, number>();
  for (const { kind, language } of heldOut)
    counts.set(`${kind}/${language}`, (counts.get(`${kind}/${language}`) ?? 0) + 1);
  assert.deepEqual([...new Set(counts.values())], [perCell]);
  assert.equal(counts.size, factlessCells);
  assert.ok(job.events.some((event) => event.type === 'note' && /no facts to make translation, /.test(event.text)));
  assert.ok(job.events.some((event) => event.type === 'sample'));
  const report = JSON.parse(await readFile(join(directory, 'report.json'), 'utf8'));
  assert.equal(report.train.total, 500);

  // What was dropped is there, row by row, as the counts say, and each filter stands beside chance.
  const rejected = (await readFile(join(directory, 'rejected.jsonl'), 'utf8')).trim().split('\n');
  const reasons = rejected.map((line) => (JSON.parse(line) as { rule: string }).rule);
  assert.equal(reasons.length, output.metrics.dropped);
  const counted = Object.entries(report.dropped as Record<string, { count: number }>);
  for (const [rule, { count }] of counted) assert.equal(reasons.filter((each) => each === rule).length, count, rule);
  const compared = job.events.find((event) => event.type === 'filters')?.rules ?? [];
  assert.deepEqual(new Set(compared.map(({ rule }) => rule)), new Set(reasons));
  for (const { rule, examples, selections } of compared) {
    assert.ok(examples.length > 0, rule);
    assert.deepEqual(Object.keys(selections), ['kept', 'random', 'length-matched']);
  }
});

test('with a corpus every family is made, from what it states', async (t) => {
  const directory = await temporaryDirectory(t);
  const job = jobOf(directory, { count: 600, heldOut: perCell * cells });
  const { reporter, seed } = job;
  const corpus = await buildData({
    specPath: 'data-specs/smoke.yaml',
    validation: 0.02,
    directory,
    seed,
    reporter,
  });
  await selfInstructStage.run({ ...job, inputs: { data: corpus.path } });
  const { formulas } = await readDataManifest(corpus.path);
  assert.ok(formulas !== undefined);
  const stated = new Map(
    (await readFacts(corpus.path)).map(({ kind, key, value }) => [`${kind} ${key.toLowerCase()}`, value]),
  );
  const counts = new Map<string, number>();
  for (const row of await rowsOf(directory, 'heldout.jsonl')) {
    counts.set(`${row.kind}/${row.language}`, (counts.get(`${row.kind}/${row.language}`) ?? 0) + 1);
    if (row.kind === 'arithmetic') {
      const pairs = [...row.messages[1].content.matchAll(/(\d+)[×+-](\d+)=/g)].map(([, a, b]) => [+a, +b] as const);
      assert.ok(
        pairs.some((pair) => isHeldOutPair(pair, formulas.seed, formulas.heldOut)),
        row.messages[1].content,
      );
    }
    if (!/translation|definition|poem-line/.test(row.kind ?? '')) continue;
    const value = stated.get(`${row.kind} ${taskKey(row.kind ?? '', userTurns(row))}`);
    assert.ok(value?.startsWith(row.messages[1].content), JSON.stringify(row));
  }
  assert.equal(counts.size, cells);
  assert.deepEqual([...new Set(counts.values())], [perCell]);
});

test('kinds with shares: so much of each is made to learn from, and all alike are held out', async (t) => {
  const directory = await temporaryDirectory(t);
  const kinds = { chat: 3, 'last-word': 1.5, parity: 0.5 };
  await selfInstructStage.run(
    jobOf(directory, { kinds, count: 1000, prompts: 0, heldOut: 60, turns: { share: 0, most: 6 } }),
  );
  const countsOf = async (file: string): Promise<number[]> => {
    const rows = await rowsOf(directory, file);
    return Object.keys(kinds).map((kind) => rows.filter((row) => row.kind === kind).length);
  };
  const train = await countsOf('train.jsonl');
  for (const [i, wanted] of [600, 300, 100].entries())
    assert.ok(Math.abs(train[i] - wanted) <= 0.05 * wanted + 8, `${train}`); // the seeds are alike of each
  assert.deepEqual(await countsOf('heldout.jsonl'), [20, 20, 20]);
});

test('held out are wordings and operands that neither training nor alignment has, in any language', async (t) => {
  const directory = await temporaryDirectory(t);
  const output = await selfInstructStage.run(
    jobOf(directory, {
      kinds: ['identity', 'chat', 'refusal', 'over-refusal', 'unanswerable', 'parity', 'comparison', 'small-sums'],
      count: 1200,
      prompts: 300,
      heldOut: 320,
      turns: { share: 0, most: 6 },
    }),
  );
  assert.equal(output.metrics.heldOut, 320);
  const heldOut = await rowsOf(directory, 'heldout.jsonl');
  const others = [...(await rowsOf(directory, 'train.jsonl')), ...(await rowsOf(directory, 'prompts.jsonl'))];

  // The question without its frame, or the act: no other row has it.
  const groups = new Set(others.map(({ kind, group }) => group && `${kind} ${group}`));
  const grouped = heldOut.filter(({ group }) => group !== undefined);
  assert.ok(grouped.length >= 240, `${grouped.length}`);
  for (const { kind, group } of grouped) assert.ok(!groups.has(`${kind} ${group}`), group);

  // Every fifth line of a file of wordings, and no other, is how held-out tasks are asked.
  const isFifth = (wordings: Wordings | undefined, language: string, text: string): boolean[] =>
    (wordings?.[language as 'zh' | 'en'] ?? []).flatMap((line, i) => (patternOf(line).test(text) ? [i % 5 === 4] : []));
  const wordings: Record<string, Wordings[]> = {
    parity: [readWordings('parity').asks],
    comparison: Object.values(readWordings('comparison')),
    refusal: Object.values(readWordings('requests')),
    'over-refusal': Object.values(readWordings('requests')),
    'small-sums': [readWordings('arithmetic').asks],
  };
  let compared = 0;
  for (const [rows, expected] of [
    [heldOut, true],
    [others, false],
  ] as const)
    for (const { kind = '', language = '', messages, provenance } of rows) {
      if (wordings[kind] === undefined || provenance?.teacher === 'seed') continue;
      const found = wordings[kind].flatMap((list) => isFifth(list, language, messages[0].content));
      assert.ok(found.includes(expected), `${kind}: ${messages[0].content}`);
      compared++;
    }
  assert.ok(compared >= 1000, `${compared}`);

  // Whole kinds of harm.
  for (const language of ['zh', 'en'] as const) {
    const reserved = readHarm()
      [language].filter((_, i) => i % 5 === 4)
      .flatMap(({ acts }) => acts);
    const groupsOf = (rows: Conversation[]): string[] =>
      rows.filter((row) => row.kind === 'refusal' && row.language === language).flatMap(({ group }) => group ?? []);
    assert.ok(groupsOf(heldOut).every((act) => reserved.includes(act)));
    assert.ok(groupsOf(others).every((act) => !reserved.includes(act)));
  }
  const numbers = (rows: Conversation[]): string[] =>
    rows.flatMap((row) => (row.kind === 'parity' ? (row.messages[0].content.match(/\d+/g) ?? []) : []));
  assert.ok(numbers(heldOut).length >= 40);
  for (const n of numbers(heldOut)) assert.ok(!numbers(others).includes(n), n);
});

/** "<please |>is {} odd?" as what it can become. */
function patternOf(line: string): RegExp {
  const escaped = line.replace(/[.?+^$*()[\]\\/]/g, '\\$&').replace(/\{\}/g, '.+');
  return new RegExp(`^${escaped.replace(/<([^>]*)>/g, '(?:$1)')}$`, 'i');
}

test('some tasks are of several turns by themselves', async (t) => {
  const directory = await temporaryDirectory(t);
  const turns = { share: 0, most: 6 };
  await selfInstructStage.run(jobOf(directory, { kinds: ['chat'], count: 100, heldOut: 10, turns }));
  const longer = (await rowsOf(directory, 'train.jsonl')).filter(({ messages }) => messages.length === 4);
  assert.ok(longer.length >= 10, `${longer.length}`);
  for (const { messages } of longer)
    assert.deepEqual(
      messages.map(({ role }) => role),
      ['user', 'assistant', 'user', 'assistant'],
    );
});

test('the seed decides everything: same digest again, another for another seed', async (t) => {
  const digests = [];
  for (const seed of [1, 1, 2])
    digests.push((await selfInstructStage.run(jobOf(await temporaryDirectory(t), {}, seed))).digest);
  assert.equal(digests[0], digests[1]);
  assert.notEqual(digests[0], digests[2]);
});

test('killed at any moment and run again: the same files, and no others', async (t) => {
  const config = { count: 2000, heldOut: 100 };
  const expected = await selfInstructStage.run(jobOf(await temporaryDirectory(t), config));
  const directory = await temporaryDirectory(t);
  const script = `
    import { stageReporter } from './src/report/event.ts';
    import { selfInstructStage } from './src/stages/self-instruct/stage.ts';
    const job = ${JSON.stringify({ ...jobOf(directory, config), events: undefined })};
    const emit = (event) => event.type === 'progress' && console.log(event.done);
    job.reporter = stageReporter({ emit }, 'selfInstruct');
    await selfInstructStage.run(job);`;
  for (const moment of [1, 1000, 1900]) {
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout.on('data', (chunk: Buffer) => {
      if (Number(chunk.toString().trim().split('\n').at(-1)) >= moment) child.kill('SIGKILL');
    });
    const signal = await new Promise((resolve) => child.on('exit', (_, by) => resolve(by)));
    assert.equal(signal, 'SIGKILL', `killed once ${moment} tasks are made`);
  }
  const resumed = await selfInstructStage.run(jobOf(directory, config));
  assert.equal(resumed.digest, expected.digest);
  const files = (await readdir(directory)).filter((name) => !name.startsWith('.tmp-'));
  assert.deepEqual(files.sort(), ['heldout.jsonl', 'prompts.jsonl', 'rejected.jsonl', 'report.json', 'train.jsonl']);
});

test('a stop that is asked for is obeyed', async (t) => {
  const job = { ...jobOf(await temporaryDirectory(t)), signal: AbortSignal.abort() };
  await assert.rejects(selfInstructStage.run(job), Interrupted);
});

test('more than a family can give: the others make up for it, and each shortfall is named', async () => {
  // Three tasks of one family, any number of the other.
  const make = (kind: string, index: number, i: number): string =>
    kind === 'few' ? `Few ${(index + i) % 3}?` : `Many ${8 * index + i}?`;
  const teacher: Teacher = {
    name: 'counting',
    patience: 4,
    requestsAtOnce: 1,
    holdsOut: true,
    notes: () => [],
    can: () => true,
    checks: () => true,
    propose: ({ kind, language, index, wanted, isHeldOut }) =>
      Promise.resolve({
        tasks: Array.from({ length: wanted }, (_, i) => {
          const ask = `${isHeldOut ? 'Out' : 'In'} ${make(kind, index, i)}`;
          return { kind, language, turns: [ask], core: ask, solution: { answer: 'A word.' } };
        }),
        dropped: [],
      }),
    answer: ({ solution }) => Promise.resolve(solution ?? { rule: 'none', example: '' }),
  };
  const buckets = ['few', 'many'].map((kind) => ({
    method: 'families' as const,
    kind,
    language: 'en' as const,
    ...{ share: 0.5, shareHeldOut: 0.5 },
  }));
  const made = await expand({ seeds: [], teacher, buckets, target: 100, heldOut: 20, maxSimilarity: 0.7, seed: 1 });
  const count = (kind: string, isHeldOut: boolean): number =>
    made.tasks.filter((task) => task.kind === kind && task.isHeldOut === isHeldOut).length;
  assert.deepEqual(
    [count('few', true), count('many', true), count('few', false), count('many', false)],
    [3, 17, 3, 97],
  );
  assert.deepEqual(made.exhausted, ['few/en']);

  const events: Event[] = [];
  const reporter = stageReporter({ emit: (event) => events.push(event) }, 'selfInstruct');
  const rows = (kind: string, n: number): Conversation[] =>
    Array.from({ length: n }, (_, i) => ({ id: `${i}`, messages: [], kind, language: 'en' }));
  const config = { ...jobOf('').config, count: 90, prompts: 10, heldOut: 20 };
  noteShares({ config, reporter }, buckets, {
    train: [...rows('few', 3), ...rows('many', 87)],
    prompts: rows('many', 10),
    heldOut: [...rows('few', 10), ...rows('many', 10)],
  });
  noteShortfall(reporter, made, { target: 120, kinds: ['few', 'many'], teacher });
  noteShortfall(reporter, made, { target: 130, kinds: ['few', 'many'], teacher });
  const said = events.map((event) => (event.type === 'note' ? `${event.level} ${event.text}` : ''));
  assert.deepEqual(said, [
    'warning train: few/en: 3 of 45 wanted',
    'warning prompts: few/en: 0 of 5 wanted',
    'info no new tasks found in few/en; the other families made up for it',
    'warning made 120 of 130 tasks: no new ones found in few/en. Add seeds or facts',
  ]);
});

test('what cannot work is known before anything runs: unreadable seeds, a missing kind, a missing key', async (t) => {
  const check = (config: Partial<SelfInstructConfig>) =>
    selfInstructStage.check?.({ config: jobOf('', config).config });
  await check({});
  await assert.rejects(async () => check({ seeds: join(await temporaryDirectory(t), 'none.jsonl') }), UserError);
  const { OPENAI_API_KEY, OPENAI_BASE_URL } = process.env;
  t.after(() =>
    Object.assign(process.env, OPENAI_API_KEY && { OPENAI_API_KEY }, OPENAI_BASE_URL && { OPENAI_BASE_URL }),
  );
  delete process.env.OPENAI_API_KEY;
  delete process.env.OPENAI_BASE_URL;
  await assert.rejects(async () => check({ teacher: 'openai' }), /OPENAI_API_KEY is not set/);
  await check({ teacher: 'openai', baseUrl: 'http://127.0.0.1:8080/v1' });
});

test('the offline teacher says that seeds stay as they are, and refuses kinds that are not built in', async (t) => {
  const directory = await temporaryDirectory(t);
  const seeds = join(directory, 'seeds.jsonl');
  const own = { id: 'a', kind: 'parity', language: 'en', instruction: 'Is 4 odd or even?', output: 'Even.' };
  const write = (...rows: object[]): Promise<void> =>
    writeFile(seeds, rows.map((row) => JSON.stringify(row)).join('\n'));
  await mkdir(directory, { recursive: true });
  await write(own);
  const job = jobOf(join(directory, 'out'), { seeds, count: 8, prompts: 0, heldOut: 2 });
  await selfInstructStage.run(job);
  const [first] = job.events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
  assert.match(
    first,
    /^offline teacher: built-in families only.*; your 1 seed is kept as written; teacher: openai or checkpoint expands your own$/,
  );
  assert.match(first, /looks up \(parity\)/, 'of what is chosen alone');
  assert.ok(!job.events.some((event) => event.type === 'note' && /facts/.test(event.text)), 'nobody asked for facts');
  await write(
    own,
    { ...own, id: 'b', kind: 'faq' },
    { ...own, id: 'c', kind: 'faq' },
    { ...own, id: 'd', kind: 'chta' },
  );
  const refused = async (config: Partial<SelfInstructConfig>) =>
    selfInstructStage.check?.({ config: jobOf(directory, { seeds, ...config }).config });
  await assert.rejects(refused({}), (error) => {
    assert.ok(error instanceof UserError);
    assert.deepEqual(
      error.faults.map(({ where, what }) => [where, what]),
      [
        [`${seeds}:2`, 'the offline teacher makes no tasks of kind faq'],
        [`${seeds}:4`, 'the offline teacher makes no tasks of kind chta'],
      ],
    );
    assert.match(error.message, /It serves identity, chat, .*formatting.*teacher: openai .* or checkpoint/s);
    assert.match(error.faults[1].next ?? '', /Did you mean chat\?/);
    return true;
  });
  await refused({ kinds: ['parity'] });
  await refused({ teacher: 'openai', baseUrl: 'http://127.0.0.1:9/v1' });
});

test('mistakes in a seeds file are told all at once, with their lines', async (t) => {
  const path = join(await temporaryDirectory(t), 'seeds.jsonl');
  const good = { id: 'a', kind: 'parity', language: 'en', instruction: 'Is 4 odd or even?', output: 'Even.' };
  const rows = [
    good,
    { ...good },
    { ...good, id: 'b', kind: 'po/etry' },
    { ...good, id: 'c', check: { type: 'equals', answer: 'Odd' } },
    { ...good, id: 'd', outptu: '' },
  ];
  await writeFile(path, rows.map((row) => JSON.stringify(row)).join('\n'));
  const error = await readSeeds(path).catch((e: unknown) => e);
  assert.ok(error instanceof UserError);
  assert.deepEqual(
    error.faults.map(({ where }) => where?.split(':').at(-1)),
    ['2', '3', '4', '5'],
  );
  await writeFile(path, '\n\n');
  await assert.rejects(readSeeds(path), /no seed tasks/);
  await assert.rejects(readSeeds(`${path}.absent`), UserError);
});

test('seeds may be conversations of one question and its answer; what a seed has no place for is refused by name', async (t) => {
  const path = join(await temporaryDirectory(t), 'seeds.jsonl');
  const write = (rows: object[]) => writeFile(path, rows.map((row) => JSON.stringify(row)).join('\n'));
  const seed = { id: 'a', kind: 'chat', language: 'en', instruction: 'Hello!', output: 'Hello.' };
  const own = { kind: 'chat', language: 'en' };
  const turns = [
    { from: 'human', value: 'Hello!' },
    { from: 'gpt', value: 'Hello.' },
  ];
  const rows = [
    seed,
    { ...own, id: 'b', conversations: turns },
    { ...own, id: 'c', prompt: 'Hello!', completion: 'Hello.', source: 'x' },
    { ...own, id: 'd', instruction: 'Hello!', instances: [{ input: '', output: 'Hello.' }] },
  ];
  await write(rows);
  const notes = new RowNotes('seed');
  const seeds = await readSeeds(path, undefined, notes);
  assert.deepEqual(
    seeds,
    ['a', 'b', 'c', 'd'].map((id) => ({ ...seed, id })),
  );
  assert.deepEqual(notes.lines(), [{ level: 'info', text: 'fields that are not read: source' }]);
  await write([
    { ...own, id: 'b', conversations: [...turns, ...turns] },
    { ...own, id: 'c', system: 'Be brief.', conversations: turns },
    { ...own, id: 'd', conversations: [turns[0], { ...turns[1], reasoning: 'Hm.' }], images: ['x'] },
    { ...own, id: 'e', conversations: [{ from: 'narrator', value: 'Once' }] },
    { ...own, id: 'f', text: 'Once' },
  ]);
  const error = await readSeeds(path).catch((e: unknown) => e);
  assert.ok(error instanceof UserError);
  const expected = [
    /one question and its answer were expected, these are user, assistant, user, assistant/,
    /these are system, user, assistant/,
    /no place for the field images, which is not read, reasoning/,
    /has the role "narrator"/,
    /this row is no conversation/,
  ];
  assert.deepEqual(
    error.faults.map(({ where }) => where?.split(':').at(-1)),
    ['1', '2', '3', '4', '5'],
  );
  for (const [i, { what }] of error.faults.entries()) assert.match(what, expected[i]);
});

test('a kind without seeds, and kinds that no fact feeds, are refused', async (t) => {
  const path = join(await temporaryDirectory(t), 'seeds.jsonl');
  await writeFile(
    path,
    JSON.stringify({ id: 'a', kind: 'chat', language: 'en', instruction: 'Hello!', output: 'Hello.' }),
  );
  const lacking = jobOf(await temporaryDirectory(t), { seeds: path, kinds: ['chat', 'parity'] });
  await assert.rejects(selfInstructStage.run(lacking), /no seed task of kind parity/);
  const factless = jobOf(await temporaryDirectory(t), { kinds: ['translation'] });
  await assert.rejects(selfInstructStage.run(factless), /can make none of: translation/);
});
