// How much of a file is held in memory at once. One object, which a test may lower: a small text then meets the guards that
// keep a large one, or a small file that unpacks to one, from filling memory.
import { maxLineBytes } from '../../base/jsonl.js';

export const readLimits = {
  /** Of a line of text. */
  lineBytes: maxLineBytes,
  /** Of a JSON file, which is read whole. */
  jsonBytes: 128 << 20,
  /** Of a column in one row group or record batch. */
  columnBytes: 256 << 20,
};
