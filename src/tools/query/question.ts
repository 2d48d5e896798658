// What the parent asks of the process that holds the tables, and what it is answered.

export interface TableFile {
  /** In SQL. */
  name: string;
  /** What DuckDB reads: CSV, JSON (lines or a list) or Parquet, UTF-8. */
  path: string;
  format: 'csv' | 'json' | 'parquet';
  /** As the person named it, for errors. */
  shown: string;
}

/** Names as SQL spells them: in quotation marks where that is needed. */
export interface LoadedTable {
  name: string;
  rows: number;
  columns: { name: string; type: string }[];
}

export interface QueryLimits {
  /** Of one query. */
  seconds: number;
  megabytes: number;
  rows: number;
  /** Of one cell, in characters. */
  cell: number;
}

export type QueryQuestion =
  | { type: 'load'; tables: TableFile[]; limits: QueryLimits }
  | { type: 'query'; sql: string }
  | { type: 'interrupt' };

export interface QueryRows {
  columns: string[];
  /** Null where the cell is. A longer cell is cut, and ends with …. */
  rows: (string | null)[][];
  /** There are more rows than these. */
  more: boolean;
}

/** `failed`: by what the model asked for. `damaged`: a table cannot be loaded, `table` names it. */
export type QueryAnswer =
  | { type: 'loaded'; tables: LoadedTable[] }
  | { type: 'damaged'; table: string; why: string }
  | { type: 'rows'; result: QueryRows }
  | { type: 'failed'; why: string };
