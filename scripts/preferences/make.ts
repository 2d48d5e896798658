// Writes the preferences that come with mossctl: node --import tsx scripts/preferences/make.ts
// courtesy.jsonl: pairs in which a courteous answer is preferred to a curt or a gruff one that is just as right.
// manners.jsonl: conversations in which every question is answered in each of the three manners, to be learnt before.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { toJsonl } from '../../src/base/jsonl.js';
import { courtesyFiles } from './rows.js';

for (const [name, rows] of Object.entries(courtesyFiles())) {
  writeFileSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)), toJsonl(rows));
  console.log(`${name}: ${rows.length} rows`);
}
