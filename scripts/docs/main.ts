// Writes the tables of keys into docs/, as the schemas have them now: `npm run docs`.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tablesIn, withTables } from './tables.js';

const folder = new URL('../../docs/', import.meta.url);

for (const name of readdirSync(folder).filter((each) => each.endsWith('.md'))) {
  const page = new URL(name, folder);
  const text = readFileSync(page, 'utf8');
  const written = withTables(text);
  if (written === text) continue;
  writeFileSync(page, written);
  console.log(`docs/${name}: ${tablesIn(written).join(', ')}`);
}
