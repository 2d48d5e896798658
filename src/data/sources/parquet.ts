// Parquet files, through hyparquet in a thread of its own (see thread.ts). Rows come in portions that are asked for one by
// one; what is held is one row group of the wanted columns.
import { UserError } from '../../base/errors.js';
import type { SourceSpec } from '../spec.js';
import { documentOf } from './columnar.js';
import type { SourceFile } from './files.js';
import type { ParquetAnswer, ParquetJob } from './parquet-worker.js';
import type { BadRow, RawDocument } from './raw.js';
import { ReaderThread } from './thread.js';

/** For a row group, and the start of the thread. */
const maxSeconds = 40;

export async function* readParquetRows(
  file: SourceFile,
  { columns }: Pick<SourceSpec, 'columns'>,
): AsyncGenerator<RawDocument | BadRow> {
  const job: ParquetJob = { path: file.path, columns };
  const thread = new ReaderThread(new URL('./parquet-worker.js', import.meta.url), job);
  let index = 0;
  try {
    for (;;) {
      const answer = await thread
        .ask<ParquetAnswer>('next', maxSeconds)
        .catch((error: Error) => ({ damage: error.message }));
      if ('fault' in answer) throw new UserError(answer.fault);
      if ('refused' in answer) throw Object.assign(new Error(answer.refused), { code: answer.code, path: file.path });
      if ('damage' in answer) {
        throw new UserError({
          what: 'this Parquet file cannot be read on',
          where: `${file.path}, row ${index + 1}`,
          why: answer.damage,
          next: 'Fetch or write it again, in smaller row groups if it is too large; the rows before have been read',
        });
      }
      if (answer.rows.length === 0) return;
      for (const row of answer.rows) {
        const at = index++;
        yield documentOf(row, columns, `${file.name}#${at}`, `${file.path}, row ${at + 1}`);
      }
    }
  } finally {
    await thread.close();
  }
}
