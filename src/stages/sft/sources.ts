// Where the conversations or preferences of a training come from: files, folders, patterns or data sets of a hub, each with
// its weight.
import { basename } from 'node:path';
import type { SftConfig } from '../../config/sft.js';
import { rowsDigest } from '../../data/rows.js';

export interface RowSource {
  path: string;
  /** Of conversations: how often one is read in an epoch; of 0.5, every second one; 0: in the first steps alone. Of preferences: how much one counts. */
  weight: number;
  /** For reports and charts. */
  name: string;
  /** Of what it holds. */
  digest: string;
}

export type SourceChoice = NonNullable<SftConfig['data']>;

export async function rowSources(data: SourceChoice): Promise<RowSource[]> {
  const all = [data].flat().map((each) => (typeof each === 'string' ? { path: each, weight: 1 } : each));
  const names = all.map(({ path }) => (path.startsWith('hf:') ? path : basename(path)));
  const isAmbiguous = (name: string): boolean => names.filter((other) => other === name).length > 1;
  return Promise.all(
    all.map(async ({ path, weight }, i) => {
      return { path, weight, name: isAmbiguous(names[i]) ? path : names[i], digest: await rowsDigest(path) };
    }),
  );
}
