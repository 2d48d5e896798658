// Writes the rows of safety that come with mossctl: node --import tsx scripts/safety/make.ts
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toJsonl } from '../../src/base/jsonl.js';
import { safetyFiles } from './rows.js';

for (const [name, rows] of Object.entries(safetyFiles())) {
  const path = fileURLToPath(new URL(`../../${name}`, import.meta.url));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, toJsonl(rows));
  console.log(`${name}: ${rows.length} rows`);
}
