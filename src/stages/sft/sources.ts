// Where the conversations of a training come from: files, folders, patterns or data sets of a hub, each read as often in an
// epoch as its weight says; or what self-instruct made.
import { basename, join } from 'node:path';
import { trainRowsName } from '../../base/layout.js';
import type { SftConfig } from '../../config/sft.js';
import { rowsDigest } from '../../data/rows.js';
import type { Job } from '../stage.js';

export interface RowSource {
  path: string;
  /** How often a conversation is read in one epoch; of 0.5, every second one. */
  weight: number;
  /** For reports and charts. */
  name: string;
  /** Of what it holds. */
  digest: string;
}

export async function rowSources({ config, inputs }: Job<SftConfig>): Promise<RowSource[]> {
  const given = config.data ?? join(inputs.selfInstruct ?? '', trainRowsName);
  const all = [given].flat().map((each) => (typeof each === 'string' ? { path: each, weight: 1 } : each));
  const names = all.map(({ path }) => (path.startsWith('hf:') ? path : basename(path)));
  const isAmbiguous = (name: string): boolean => names.filter((other) => other === name).length > 1;
  return Promise.all(
    all.map(async ({ path, weight }, i) => {
      return { path, weight, name: isAmbiguous(names[i]) ? path : names[i], digest: await rowsDigest(path) };
    }),
  );
}
