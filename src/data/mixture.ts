// The text of pretraining in chosen proportions. A group is what one source has of one language; each group is read in
// its own shuffled order by a supply of its own, and every row of a batch is read from one group.
import { UserError } from '../base/errors.js';
import { Random } from '../base/random.js';
import type { MixtureConfig } from '../config/mixture.js';
import { PhasedShares } from './apportionment.js';
import { MixedBatches } from './mixed-batches.js';
import { type MixturePlan, planMixture } from './mixture-plan.js';
import { PackedBatches } from './packing.js';
import type { BatchShape } from './sequences.js';
import type { TokenCounts } from './shard-writer.js';
import type { TokenDocuments } from './shards.js';

export interface MixtureOptions {
  mixture: MixtureConfig;
  seed: number;
  shape: BatchShape;
  /** Rows that training reads up to `share` of its steps; all of them at 1. */
  rowsUntil(share: number): number;
}

export interface Mixture {
  batches: MixedBatches;
  plan: MixturePlan;
  /** Tokens read of each group of the plan so far. */
  tokensRead(): number[];
}

/** Looks once at every document. Throws a UserError where the mixture and the text do not go together. */
export async function openMixture(
  documents: Pick<TokenDocuments, 'manifest' | 'length' | 'get'>,
  { mixture, seed, shape, rowsUntil }: MixtureOptions,
): Promise<Mixture> {
  const counts = documents.manifest.counts.filter(({ split, tokens }) => split === 'train' && tokens > 0);
  const plan = planMixture(counts, mixture, { columns: shape.columns, rowsUntil });
  const indices = await indicesOf(documents, counts);
  const supplies = counts.map((group, i): [string, PackedBatches] => {
    const name = nameOf(group);
    const get = (index: number) => documents.get(indices[i][index]);
    const source = { length: group.documents, tokenCount: group.tokens, get };
    const order = Random.stream(seed, `mixture ${name}`).uint32();
    return [name, new PackedBatches({ source, mode: 'stream', seed: order, ...shape })];
  });
  const apportionment = new PhasedShares(plan.phases, plan.limits);
  return {
    batches: new MixedBatches({ supplies: new Map(supplies), apportionment, ...shape }),
    plan,
    tokensRead: () => apportionment.rows.map((rows) => rows * shape.columns),
  };
}

/** The documents of each group, in their order: 4 bytes a document in all. */
async function indicesOf(
  documents: Pick<TokenDocuments, 'length' | 'get'>,
  counts: readonly TokenCounts[],
): Promise<Uint32Array[]> {
  const groups = new Map(counts.map((group, i) => [nameOf(group), i]));
  const counted = counts.reduce((sum, group) => sum + group.documents, 0);
  if (groups.size !== counts.length || counted !== documents.length) throw miscounted();
  const indices = counts.map((group) => new Uint32Array(group.documents));
  const found = counts.map(() => 0);
  for (let index = 0; index < documents.length; index++) {
    const group = groups.get(nameOf(await documents.get(index)));
    if (group === undefined || found[group] === indices[group].length) throw miscounted();
    indices[group][found[group]++] = index;
  }
  return indices;
}

function miscounted(): UserError {
  return new UserError({
    what: 'the tokenised text is damaged',
    why: 'its manifest.json counts other documents by source and language than there are',
    next: 'Delete the folder and run the tokens stage again',
  });
}

function nameOf({ source, language }: Pick<TokenCounts, 'source' | 'language'>): string {
  return `${language}/${source}`;
}
