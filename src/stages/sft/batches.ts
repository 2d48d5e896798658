// Which conversations, and which plain text, a step of fine-tuning learns from.
import { countOf } from '../../base/format.js';
import { Random } from '../../base/random.js';
import type { SftConfig } from '../../config/sft.js';
import { SecondShare } from '../../data/apportionment.js';
import { MixedBatches } from '../../data/mixed-batches.js';
import { PackedBatches } from '../../data/packing.js';
import type { BatchShape } from '../../data/sequences.js';
import type { TokenDocuments } from '../../data/shards.js';
import type { TokenSequence } from '../../data/types.js';
import type { Job } from '../stage.js';

/**
 * Batches of conversations, or of those and plain text, and how many of them are one pass over the conversations. Where
 * one pass has fewer rows than a batch, the batch is that small: nothing is learnt twice in one step.
 */
export async function makeBatches(
  { config, seed, reporter }: Job<SftConfig>,
  sequences: readonly TokenSequence[],
  text: TokenDocuments | undefined,
  { columns, padId }: Omit<BatchShape, 'rows'>,
) {
  const { batchSize } = config.train;
  const source = { length: sequences.length, get: (index: number) => sequences[index] };
  const pack = (shape: BatchShape): PackedBatches => new PackedBatches({ source, mode: 'whole', seed, ...shape });
  const perEpoch = (await pack({ rows: batchSize, columns, padId }).countRows()) / (1 - config.textShare);
  const shape = { rows: Math.min(batchSize, Math.ceil(perEpoch)), columns, padId };
  if (shape.rows < batchSize) {
    const rows = countOf(shape.rows, 'row');
    reporter.note(
      'info',
      `all conversations take ${rows} of ${columns} tokens: a batch has that many, not ${batchSize}`,
    );
  }
  const main = pack(shape);
  const batchesPerEpoch = perEpoch / shape.rows;
  if (text === undefined) return { batches: main, batchesPerEpoch, shape };
  // A stream of its own: not the order in which pretraining read.
  const own = Random.stream(seed, 'sft-text').uint32();
  const second = new PackedBatches({ source: text, mode: 'stream', seed: own, ...shape });
  const supplies = new Map(Object.entries({ main, second }));
  const batches = new MixedBatches({ supplies, apportionment: new SecondShare(config.textShare), ...shape });
  return { batches, batchesPerEpoch, shape };
}
