// Writes the preferences that come with mossctl: node --import tsx scripts/preferences/make.ts
// courtesy.jsonl: pairs in which a courteous answer is preferred to a curt or a gruff one that is just as right.
// manners.jsonl: conversations in which every question is answered in each of the three manners, to be learnt before.
// warmth.jsonl: pairs in which an answer that asks back is preferred, for the quickstart.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { toJsonl } from '../../src/base/jsonl.js';
import { courtesyFiles } from './rows.js';
import { warmthFile } from './warmth.js';

for (const [name, rows] of Object.entries({ ...courtesyFiles(), ...warmthFile() })) {
  writeFileSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)), toJsonl(rows));
  console.log(`${name}: ${rows.length} rows`);
}
