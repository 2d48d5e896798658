// Query: what the tables say, and every way out of them that SQL knows, each refused in words and leaving the tables as they are.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openTools } from '../../src/tools/open.js';
import { openQuery } from '../../src/tools/query/query.js';
import { readBuiltIn } from '../../src/tools/specs.js';
import { type Executor, ToolFailure } from '../../src/tools/tool.js';

let folder: string;
let query: Executor;
const context = () => ({ signal: new AbortController().signal, start: {}, state: new Map() });
const answer = async (sql: string): Promise<string> => query.run({ sql }, context());

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'query-'));
  await writeFile(
    join(folder, 'Sales 2024.csv'),
    'city,n,when,note\nParis,3,2020-01-02,a|b\n北京,5,2021-02-03,"two\nlines"\nRome,,2021-02-04,\n',
  );
  await writeFile(join(folder, 'people.jsonl'), '{"name":"Ann","tags":["a","b"]}\n{"name":"李","tags":[]}\n');
  const text = `名称,价格,说明\n${Array.from({ length: 40 }, (_, i) => `苹果${i},${i},这是一种常见的水果\n`).join('')}`;
  await writeFile(join(folder, 'prices.csv'), gb18030(text));
  const { name, parameters } = await readBuiltIn('query');
  const from = [join(folder, '*.{csv,jsonl}'), new URL('../data/fixtures/dictionary.arrow', import.meta.url).pathname];
  const limits = { seconds: 0.5, characters: 300 };
  query = await openQuery({ tool: { name, parameters, description: 'SQL.' }, limits, from, note: () => {} });
});
after(async () => {
  await query.close?.();
  await rm(folder, { recursive: true, force: true });
});

/** By the table of the decoder: Node encodes nothing but UTF-8 and UTF-16. */
function gb18030(text: string): Buffer {
  const decoder = new TextDecoder('gb18030');
  const codes = new Map<string, number[]>();
  for (let lead = 0x81; lead <= 0xfe; lead++) {
    for (let trail = 0x40; trail <= 0xfe; trail++) {
      if (trail !== 0x7f) codes.set(decoder.decode(Uint8Array.of(lead, trail)), [lead, trail]);
    }
  }
  return Buffer.from([...text].flatMap((character) => codes.get(character) ?? [character.charCodeAt(0)]));
}

test('the model is told the tables, and reads their rows', async () => {
  assert.match(
    String(query.tool.description),
    /^SQL\. Tables: sales_2024\(city VARCHAR, n BIGINT, "when" DATE, note VARCHAR; 3 rows\), people\(name VARCHAR, tags VARCHAR\[\]; 2 rows\), prices\(名称 VARCHAR, 价格 BIGINT, 说明 VARCHAR; 40 rows\), dictionary\(.*; 30 rows\)\.$/,
  );
  assert.equal(
    await answer('select * from sales_2024 order by n desc nulls last;'),
    'city | n | when | note\n北京 | 5 | 2021-02-03 | two lines\nParis | 3 | 2020-01-02 | a\\|b\nRome | NULL | 2021-02-04 | NULL',
  );
  assert.equal(await answer('with a as (select 1 as x, 0.1 + 0.2 as y) select * from a -- end'), 'x | y\n1 | 0.3');
  assert.equal(await answer('from prices limit 1'), '名称 | 价格 | 说明\n苹果0 | 0 | 这是一种常见的水果');
  assert.equal(await answer('select city from sales_2024 where n > 9'), 'city\n(no rows)');
  assert.match(await answer('describe people'), /\nname \| VARCHAR \|/);
  const quoted = await answer(`select '"type":"TABLE_FUNCTION"' as a from generate_series(1, 1)`);
  assert.equal(quoted, 'a\n"type":"TABLE_FUNCTION"');
  assert.match(
    await answer('select * from range(1000)'),
    /^range\n0\n1\n.*\n\(the first \d+ rows of more than 200\)$/s,
  );
  assert.ok((await answer(`select repeat('长', 100000) as a, chr(27) as b`)).length < 300);
});

test('what writes, opens or reaches out is refused, and changes nothing', async () => {
  const out = join(folder, 'out.csv');
  const refused: [string, RegExp][] = [
    ['insert into people values (1, [])', /not a statement that reads/],
    ['drop table people', /not a statement that reads/],
    ['create table x as select 1', /not a statement that reads/],
    ['explain analyze delete from people', /not a statement that reads/],
    ['set threads = 4', /Invalid|not a statement/],
    [`copy people to '${out}'`, /Only the tables|not a statement/],
    [`attach '${out}'`, /Only the tables|not a statement/],
    ["select * from read_csv('/etc/passwd')", /Only the tables can be read/],
    ["select * from read_text('/etc/hostname')", /Only the tables can be read/],
    ["select * from glob('/etc/*')", /Only the tables can be read/],
    ["select [Current_Setting('threads')]", /Only the tables can be read: current_setting cannot be used/],
    ['select * from pg_catalog.pg_settings', /Only the tables can be read: pg_settings/],
    ["select * from '/etc/passwd'", /does not exist/],
    ["select * from read_csv('https://example.org/a.csv')", /Only the tables|does not exist|disabled/],
    ["with a as (select * from read_csv('/etc/passwd')) from a", /Only the tables can be read/],
    ["select * from query('select 1')", /query cannot be used/],
    ['from enable_profiling()', /enable_profiling cannot be used/],
    ['install httpfs', /Only the tables|not a statement/],
    ['select 1e400', /A number in the statement is too large/],
    ['select 1; drop table people', /Write one statement: these are 2/],
    ['select 1) union all (select 2', /syntax error/],
    ['select $1', /parameters/],
    ['', /no statement/],
    [' -- nothing', /no statement/],
    [`select ${'(('.repeat(10_000)}`, /shorter/],
    ['select nosuch from people', /"nosuch" not found.*Candidate bindings: "name"/],
  ];
  for (const [sql, why] of refused) {
    const error = await answer(sql).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof ToolFailure, `${sql}: ${error}`);
    assert.match(error.message, why, sql);
  }
  assert.equal(existsSync(out), false);
  assert.equal(await answer('select count(*) as n from people'), 'n\n2');
});

test('what is too slow is stopped, what is too large refused, and the next query is answered', async () => {
  await assert.rejects(
    answer('select sum(a.range * b.range) from range(1000000) a, range(2000000) b'),
    /stopped: it takes longer than 0.5 s/,
  );
  await assert.rejects(
    answer("select string_agg(repeat('x', 100000)) from range(10000)"),
    /more memory than 256 MB|longer/,
  );
  assert.equal(await answer('select count(*) as n from people'), 'n\n2');
});

test('a table that is none is refused with its place', async () => {
  await assert.rejects(openTools([`Query=${join(folder, 'none.csv')}`]), /none\.csv: no such file/);
  await writeFile(join(folder, 'broken.parquet'), 'PAR1 nothing');
  await assert.rejects(
    openTools([`Query=${join(folder, 'broken.parquet')}`]),
    /broken\.parquet: this table cannot be loaded/,
  );
});
