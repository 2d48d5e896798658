// The checksums of the pages of a Parquet column, which hyparquet does not look at. A writer may leave them out (pyarrow
// does, Spark does not), and then nothing is read twice.
import { crc32 } from 'node:zlib';
import type { AsyncBuffer, ColumnMetaData } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';

/** The header of a page is a few dozen bytes, and more where it holds the smallest and largest cell. */
const headBytes = 1 << 20;

/** @throws Error where a page is not what its checksum says, or is cut short. */
export async function checkPages(file: AsyncBuffer, column: ColumnMetaData): Promise<void> {
  const data = Number(column.data_page_offset);
  const start = Math.min(data, Number(column.dictionary_page_offset) || data);
  const end = start + Number(column.total_compressed_size);
  if (end === start) return;
  const head = new DataView(await file.slice(start, Math.min(end, start + headBytes)));
  if (parquetHeader({ view: head, offset: 0 }).crc === undefined) return;
  const bytes = await file.slice(start, end);
  const reader = { view: new DataView(bytes), offset: 0 };
  while (reader.offset < bytes.byteLength) {
    const { crc, compressed_page_size: size } = parquetHeader(reader);
    if (!(size >= 0 && reader.offset + size <= bytes.byteLength)) throw new Error('a page is cut short');
    if (crc !== undefined && crc32(new Uint8Array(bytes, reader.offset, size)) !== crc >>> 0) {
      throw new Error('the checksum of a page is not that of its content');
    }
    reader.offset += size;
  }
}
