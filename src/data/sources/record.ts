// A record: a row of a file as values of named columns, whatever format the file is in.
import type { SourceSpec } from '../spec.js';
import type { LineOptions } from './lines.js';
import type { BadRow } from './raw.js';
import type { recordFormats } from './record-formats.js';

export type RecordFormat = (typeof recordFormats)[number];

export interface Rec {
  value: unknown;
  /** As in `RawDocument`: `rows.jsonl:3`, or in files without lines `rows.parquet#2`. */
  at: string;
  /** In a file without lines its place, from 1. */
  line: number;
  /** For errors: with the path. */
  where: string;
}

export interface RecordOptions extends LineOptions {
  /** The only columns that are needed, all of text. Default: all there are. */
  columns?: SourceSpec['columns'];
}

export type Records = AsyncGenerator<Rec | (BadRow & { line: number })>;
