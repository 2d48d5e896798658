// Writes the sums that pipelines/grpo-arithmetic.yaml learns from: node --import tsx scripts/sums/make.ts
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { toJsonl } from '../../src/base/jsonl.js';
import { sumsFiles } from './rows.js';

for (const [name, rows] of Object.entries(sumsFiles())) {
  writeFileSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)), toJsonl(rows));
  console.log(`${name}: ${rows.length} rows`);
}
