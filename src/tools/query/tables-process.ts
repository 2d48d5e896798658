// The process that holds the tables: DuckDB in memory, on one thread. It loads the files that the person named, then shuts
// itself in (no files, no network, no extensions, settings locked) and answers questions. It is a process so that what does not
// let itself be interrupted, or takes too much memory, can be ended.
import { type DuckDBConnection, DuckDBInstance, StatementType } from '@duckdb/node-api';
import type { LoadedTable, QueryAnswer, QueryLimits, QueryQuestion, QueryRows, TableFile } from './question.js';

/** Beside what DuckDB counts: the program itself, and values that it makes without counting them. */
const uncountedMegabytes = 384;
const watchMilliseconds = 50;

let tables: Tables | undefined;

class Tables {
  readonly #instance: DuckDBInstance;
  readonly #limits: QueryLimits;
  #running: DuckDBConnection | undefined;

  private constructor(instance: DuckDBInstance, limits: QueryLimits) {
    this.#instance = instance;
    this.#limits = limits;
  }

  static async load(files: readonly TableFile[], limits: QueryLimits): Promise<QueryAnswer> {
    const instance = await DuckDBInstance.create(':memory:', {
      threads: '1',
      memory_limit: `${limits.megabytes}MB`,
      temp_directory: '',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    const connection = await instance.connect();
    const keywords = await connection.runAndReadAll(
      "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'",
    );
    const reserved = new Set(keywords.getRows().map(([keyword]) => String(keyword)));
    const loaded: LoadedTable[] = [];
    for (const file of files) {
      try {
        loaded.push(await loadTable(connection, file, reserved));
      } catch (error) {
        return { type: 'damaged', table: file.shown, why: reasonOf(error) };
      }
    }
    await connection.run("SET disabled_filesystems = 'LocalFileSystem'");
    await connection.run('SET enable_external_access = false');
    await connection.run('SET allow_community_extensions = false');
    await connection.run('SET lock_configuration = true');
    connection.closeSync();
    tables = new Tables(instance, limits);
    return { type: 'loaded', tables: loaded };
  }

  async query(sql: string): Promise<QueryAnswer> {
    const connection = await this.#instance.connect();
    this.#running = connection;
    try {
      const statements = await connection.extractStatements(sql);
      if (statements.count !== 1) return { type: 'failed', why: `Write one statement: these are ${statements.count}.` };
      const statement = await statements.prepare(0);
      if (statement.statementType !== StatementType.SELECT) return { type: 'failed', why: notRead };
      if (statement.parameterCount > 0)
        return { type: 'failed', why: 'The statement has parameters: write their values.' };
      const refused = await refusedFunction(connection, sql);
      if (refused !== undefined)
        return { type: 'failed', why: `Only the tables can be read: ${refused} cannot be used.` };
      const columns = Array.from({ length: statement.columnCount }, (_, i) => statement.columnName(i));
      await connection.run('BEGIN TRANSACTION READ ONLY');
      return { type: 'rows', result: { columns, ...(await this.#rows(connection, sql)) } };
    } catch (error) {
      return { type: 'failed', why: reasonOf(error) };
    } finally {
      this.#running = undefined;
      connection.closeSync();
    }
  }

  interrupt(): void {
    this.#running?.interrupt();
  }

  /** Cells are made text and cut by DuckDB, so no value is ever large here. */
  async #rows(connection: DuckDBConnection, sql: string): Promise<Omit<QueryRows, 'columns'>> {
    const { rows: most, cell } = this.#limits;
    const inner = sql.replace(/[;\s]+$/, '');
    const cells = `left(CAST(COLUMNS(*) AS VARCHAR), ${cell + 1})`;
    const reader = await connection.streamAndReadUntil(`SELECT ${cells} FROM (${inner}\n) LIMIT ${most + 1}`, most + 1);
    const rows = reader.getRows().map((row) =>
      row.map((value) => {
        const text = value === null ? null : String(value);
        return text !== null && text.length > cell ? `${text.slice(0, cell)}…` : text;
      }),
    );
    return { rows: rows.slice(0, most), more: rows.length > most };
  }
}

const notRead = 'This is not a statement that reads: write SELECT, WITH, VALUES, DESCRIBE, SHOW or SUMMARIZE.';

/** What may stand behind FROM with parentheses: others read files, run text as SQL, or change what the database writes. */
const tableFunctions = new Set(['range', 'generate_series', 'unnest', 'json_each', 'json_tree', 'repeat', 'summary']);

/** What reads or changes the database's own configuration, or does something else than say a value. */
const refusedFunctions = new Set(['current_setting', 'getvariable', 'setseed', 'sleep_ms', 'write_log']);
const refusedTables = new Set(['pg_settings']);

/** Of the statement as DuckDB parses it, wherever in it they are. */
async function refusedFunction(connection: DuckDBConnection, sql: string): Promise<string | undefined> {
  const tree = await connection.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)', [sql]);
  const text = String(tree.getRows()[0][0]);
  if (/":-?(?:Infinity|NaN)\b/.test(text)) throw new Error('A number in the statement is too large.'); // what is no JSON
  let refused: string | undefined;
  JSON.parse(text, (_, node) => {
    const name: unknown = node?.type === 'TABLE_FUNCTION' ? node.function?.function_name : undefined;
    if (node?.type === 'TABLE_FUNCTION' && !tableFunctions.has(String(name))) refused = String(name);
    const scalar = node?.class === 'FUNCTION' ? String(node.function_name).toLowerCase() : '';
    const table = node?.type === 'BASE_TABLE' ? String(node.table_name).toLowerCase() : '';
    if (refusedFunctions.has(scalar) || refusedTables.has(table)) refused = scalar || table;
    if (node?.error === true) refused = 'this statement';
    return node;
  });
  return refused;
}

const readers: Record<TableFile['format'], (path: string) => string> = {
  csv: (path) => `read_csv(${path}, header = true, sample_size = -1)`,
  json: (path) => `read_json(${path}, sample_size = -1)`,
  parquet: (path) => `read_parquet(${path})`,
};

async function loadTable(
  connection: DuckDBConnection,
  { name, path, format }: TableFile,
  reserved: ReadonlySet<string>,
): Promise<LoadedTable> {
  const table = inSql(name, reserved);
  await connection.run(`CREATE TABLE ${table} AS FROM ${readers[format](`'${path.replaceAll("'", "''")}'`)}`);
  const described = await connection.runAndReadAll(`DESCRIBE ${table}`);
  const counted = await connection.runAndReadAll(`SELECT count(*) FROM ${table}`);
  const columns = described.getRows().map(([column, type]) => ({
    name: inSql(String(column), reserved),
    type: String(type),
  }));
  return { name: table, rows: Number(counted.getRows()[0][0]), columns };
}

/** Plain, or in quotation marks where it must be. */
function inSql(name: string, reserved: ReadonlySet<string>): string {
  const isPlain = /^[\p{L}_][\p{L}\p{N}_]*$/u.test(name) && !reserved.has(name.toLowerCase());
  return isPlain ? name : `"${name.replaceAll('"', '""')}"`;
}

/** What DuckDB's binding says of a text of comments and spaces. */
const noStatement = 'Error in native callback';

/** Without the statement, which DuckDB repeats below with a mark at the place. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (message === noStatement) return 'There is no statement in it.';
  if (/^Permission Error/.test(message)) return 'Only the tables can be read: no files, no addresses, no settings.';
  const [reason] = message.replace(/^Failed to extract statements: /, '').split(/\n+LINE \d+:/);
  return reason.replace(/\s+/g, ' ').trim().slice(0, 400);
}

async function answer(question: QueryQuestion): Promise<QueryAnswer | undefined> {
  switch (question.type) {
    case 'load':
      return Tables.load(question.tables, question.limits);
    case 'query':
      return tables?.query(question.sql);
    case 'interrupt':
      tables?.interrupt();
      return undefined;
    default:
      return question satisfies never;
  }
}

process.on('message', async (question: QueryQuestion) => {
  const found = await answer(question);
  if (found !== undefined) process.send?.(found);
  if (question.type !== 'load') return;
  const most = (process.memoryUsage.rss() >> 20) + question.limits.megabytes + uncountedMegabytes;
  setInterval(() => {
    if (process.memoryUsage.rss() >> 20 > most) process.kill(process.pid, 'SIGKILL');
  }, watchMilliseconds);
});
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
