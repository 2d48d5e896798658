// What is counted, in the singular of the source, with its measure word in Chinese: `3 rows` → `3 行`.
import type { Catalog } from '../messages.js';

export const nouns: Catalog = {
  row: '行',
};
