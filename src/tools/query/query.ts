// Query: SQL that only reads, over the person's own tables. The model is told their columns, so that it can ask.
import { UserError } from '../../base/errors.js';
import { countOf } from '../../base/format.js';
import type { BuiltInRequest } from '../built-ins.js';
import { type Executor, ToolFailure } from '../tool.js';
import { tableFilesAt } from './files.js';
import type { LoadedTable, QueryRows } from './question.js';
import { TableProcess } from './tables.js';

/** In characters. */
const maxStatement = 10_000;
const maxMegabytes = 256;
const maxRows = 200;
const maxCell = 200;
const maxColumns = 40;
/** What is said of the tables, so that the prompt stays small. */
const maxDescription = 1500;
/** The process that holds the tables has the limit of the spec, and says more than a time limit here could. */
const spareSeconds = 2;

/** @throws UserError where DuckDB is not installed, or a table cannot be loaded. */
export async function openQuery({ tool, limits, from, note }: BuiltInRequest): Promise<Executor> {
  await requireDuckDb();
  const { seconds, characters } = limits;
  const process = new TableProcess(await tableFilesAt(from), {
    ...{ seconds, megabytes: maxMegabytes, rows: maxRows, cell: maxCell },
  });
  const tables = await process.load(note);
  return {
    tool: { ...tool, description: `${tool.description} ${describe(tables)}` },
    limits: { seconds: seconds + spareSeconds, characters },
    async run({ sql }, { signal }) {
      const text = String(sql);
      if (text.length > maxStatement)
        throw new ToolFailure(`Write a shorter statement: at most ${maxStatement} characters.`);
      return shownRows(await process.query(text, signal), characters);
    },
    close: () => process.close(),
  };
}

/** @throws UserError with what to type where it is not installed. */
export async function requireDuckDb(): Promise<void> {
  try {
    import.meta.resolve('@duckdb/node-api');
  } catch {
    throw new UserError({
      what: 'Query needs DuckDB, which is not installed',
      why: 'it is optional, since it takes 70 MB',
      next: 'Run `npm install @duckdb/node-api@1.5.5-r.5` beside mossctl (with -g where mossctl is installed so)',
    });
  }
}

/** `Tables: sales(city VARCHAR, "unit price" DOUBLE; 1,234 rows).` */
function describe(tables: readonly LoadedTable[]): string {
  const all = tables.map(({ name, columns, rows }) => {
    const shown = columns.slice(0, maxColumns).map((column) => `${column.name} ${column.type}`);
    const more = columns.length - shown.length;
    return `${name}(${shown.join(', ')}${more > 0 ? `, ${more} more` : ''}; ${countOf(rows, 'row')})`;
  });
  const text = `Tables: ${all.join(', ')}.`;
  return text.length <= maxDescription ? text : `${text.slice(0, maxDescription)}… DESCRIBE a table for the rest.`;
}

/** A line of names, a line a row; what did not fit is said. */
export function shownRows({ columns, rows, more }: QueryRows, maxCharacters: number): string {
  const line = (cells: readonly (string | null)[]): string => cells.map(shownCell).join(' | ');
  const lines = [line(columns)];
  let length = lines[0].length;
  for (const row of rows) {
    const next = line(row);
    // Room for the last line, which says what is missing.
    if (length + next.length + 1 > maxCharacters - 60) break;
    lines.push(next);
    length += next.length + 1;
  }
  const shown = lines.length - 1;
  if (rows.length === 0) lines.push('(no rows)');
  else if (shown < rows.length || more) {
    lines.push(`(the first ${countOf(shown, 'row')} of ${more ? 'more than ' : ''}${rows.length})`);
  }
  return lines.join('\n');
}

function shownCell(cell: string | null): string {
  return cell === null ? 'NULL' : cell.replace(/\s+/g, ' ').replaceAll('|', '\\|');
}
