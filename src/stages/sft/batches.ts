// Which conversations, and which plain text, a step of fine-tuning learns from.
import { countOf } from '../../base/format.js';
import { Random } from '../../base/random.js';
import type { SftConfig } from '../../config/sft.js';
import { PhasedShares, SecondShare } from '../../data/apportionment.js';
import { MixedBatches } from '../../data/mixed-batches.js';
import { PackedBatches } from '../../data/packing.js';
import type { BatchShape } from '../../data/sequences.js';
import type { TokenDocuments } from '../../data/shards.js';
import type { ChatTemplate } from '../../tokenizer/chat-template.js';
import type { Job } from '../stage.js';
import { copyingRows } from './copying.js';
import type { StoredRows } from './stored-rows.js';

/** Steps before those that epochs count. */
export function stepsBefore({ copying, first }: Pick<SftConfig, 'copying' | 'first'>): number {
  return copying.steps + (first?.steps ?? 0);
}

/** Exchanges of copying that are made, at most, and what one takes. */
const maxCopies = 30_000;
const tokensPerCopy = 32;

/**
 * Batches of conversations, or of those and plain text, and how many of them are one epoch: one pass over conversations of
 * weight 1, two over those of weight 2. Where one epoch has fewer rows than a batch, the batch is that small: nothing is
 * learnt twice in one step.
 */
export async function makeBatches(
  { config, seed, reporter }: Job<SftConfig>,
  groups: StoredRows['groups'],
  text: TokenDocuments | undefined,
  template: ChatTemplate,
  { columns, padId }: Omit<BatchShape, 'rows'>,
) {
  const { batchSize, accumulation } = config.train;
  const pack = (i: number, shape: BatchShape): PackedBatches => {
    const own = i === 0 ? seed : Random.stream(seed, `sft-rows-${i}`).uint32();
    return new PackedBatches({ source: groups[i].sequences, mode: 'whole', seed: own, ...shape });
  };
  const counts: number[] = [];
  for (const [i, { weight }] of groups.entries()) {
    counts.push(weight === 0 ? 0 : weight * (await pack(i, { rows: batchSize, columns, padId }).countRows()));
  }
  const alone = groups.map(({ weight }) => (weight === 0 ? 1 : 0));
  const firstSteps = alone.includes(1) ? (config.first?.steps ?? 0) : 0;
  if (config.first !== undefined && firstSteps === 0)
    reporter.note('warning', 'none of the conversations of sft.first can be learnt: the others begin at once');
  const { copying, textShare } = config;
  const conversationRows = counts.reduce((sum, rows) => sum + rows, 0);
  const perEpoch = conversationRows / (1 - textShare) / (1 - copying.share);
  const shape = { rows: Math.min(batchSize, Math.ceil(perEpoch)), columns, padId };
  if (shape.rows < batchSize) {
    const rows = countOf(shape.rows, 'row');
    reporter.note(
      'info',
      `all conversations take ${rows} of ${columns} tokens: a batch has that many, not ${batchSize}`,
    );
  }
  const rowsPerStep = shape.rows * accumulation;
  const batchesPerEpoch = perEpoch / shape.rows;
  const supplies = new Map(groups.map((_, i) => [i === 0 ? 'main' : `main-${i}`, pack(i, shape)]));
  const [main] = supplies.values();
  const isCopying = copying.steps > 0 || copying.share > 0;
  if (text === undefined && !isCopying && supplies.size === 1) return { batches: main, batchesPerEpoch, shape };
  if (isCopying) {
    // Read again where there are more steps than that: the pieces are random, and are learnt by heart by no model.
    const rows = copying.steps * rowsPerStep + perEpoch;
    const count = Math.min(maxCopies, Math.ceil((rows * columns) / tokensPerCopy));
    const source = copyingRows(template, { count, columns, seed });
    const own = Random.stream(seed, 'sft-copying-order').uint32();
    supplies.set('copying', new PackedBatches({ source, mode: 'whole', seed: own, ...shape }));
  }
  if (text !== undefined) {
    // A stream of its own: not the order in which pretraining read.
    const own = Random.stream(seed, 'sft-text').uint32();
    supplies.set('second', new PackedBatches({ source: text, mode: 'stream', seed: own, ...shape }));
  }
  if (!isCopying && groups.length === 1)
    return {
      batches: new MixedBatches({ supplies, apportionment: new SecondShare(textShare), ...shape }),
      batchesPerEpoch,
      shape,
    };
  /** Of conversations by group (`own`: their parts of what the others leave), copying and text. */
  const shares = (own: readonly number[], copied: number, read: number): number[] => [
    ...own.map((share) => (1 - read) * (1 - copied) * share),
    ...(isCopying ? [(1 - read) * copied] : []),
    ...(text === undefined ? [] : [read]),
  ];
  const mixed = counts.map((rows) => rows / conversationRows);
  // What comes first comes alone, without text too: a fifth of the rows as text, most of the loss, and copying is not learnt in that time.
  const phases = [
    { rows: copying.steps * rowsPerStep, shares: shares(mixed, 1, 0) },
    // But for copying: 300 steps that hold none, and it is forgotten.
    { rows: firstSteps * rowsPerStep, shares: shares(alone, copying.share, 0) },
    { rows: Number.MAX_SAFE_INTEGER, shares: shares(mixed, copying.share, textShare) },
  ].filter(({ rows }) => rows > 0);
  const apportionment = new PhasedShares(
    phases,
    phases[0].shares.map(() => Number.POSITIVE_INFINITY),
  );
  return { batches: new MixedBatches({ supplies, apportionment, ...shape }), batchesPerEpoch, shape };
}
