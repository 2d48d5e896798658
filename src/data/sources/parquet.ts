// Rows of Parquet files, through hyparquet in a thread of its own (see thread.ts). They come in portions that are asked for
// one by one; what is held is one row group of the wanted columns.
import { UserError } from '../../base/errors.js';
import type { SourceSpec } from '../spec.js';
import type { ColumnarRow } from './columns.js';
import { readLimits } from './limits.js';
import type { ParquetAnswer, ParquetJob } from './parquet-worker.js';
import { ReaderThread } from './thread.js';

/** For a row group, and the start of the thread. */
const maxSeconds = 40;

/** @param columns default: all. */
export async function* readParquetRows(
  path: string,
  columns: SourceSpec['columns'] | undefined,
): AsyncGenerator<ColumnarRow> {
  const job: ParquetJob = { path, limits: readLimits, ...(columns && { columns }) };
  const thread = new ReaderThread(new URL('./parquet-worker.js', import.meta.url), job);
  let rows = 0;
  try {
    for (;;) {
      const answer = await thread
        .ask<ParquetAnswer>('next', maxSeconds)
        .catch((error: Error) => ({ damage: error.message }));
      if ('fault' in answer) throw new UserError(answer.fault);
      if ('refused' in answer) throw Object.assign(new Error(answer.refused), { code: answer.code, path });
      if ('damage' in answer) {
        throw new UserError({
          what: 'this Parquet file cannot be read on',
          where: `${path}, row ${rows + 1}`,
          why: answer.damage,
          next: 'Fetch or write it again, in smaller row groups if it is too large; the rows before have been read',
        });
      }
      if (answer.rows.length === 0) return;
      rows += answer.rows.length;
      yield* answer.rows;
    }
  } finally {
    await thread.close();
  }
}
