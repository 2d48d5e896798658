// What fine-tuning a model that is there already would take, all of its weights or adapters beside them: the memory of each
// part, and the time by this machine's own rate.
import type { LoraConfig } from '../config/lora.js';
import type { TrainConfig } from '../config/train.js';
import { adapterShape, withAdapters } from './adapters.js';
import type { ModelShape } from './config.js';
import { measuredShare, programBytes, trainingFlopsPerToken, trainingMemory } from './cost.js';
import { decoderTable, isTrained, parameterCount, sizeOfTable } from './parameters.js';

export interface TuningRequest {
  model: ModelShape;
  /** Frozen matrices stay in bf16, as they are stored. */
  hasHalves: boolean;
  /** Adapters; absent: all weights are trained. */
  lora?: LoraConfig;
  train: Pick<TrainConfig, 'optimizer' | 'accumulation' | 'batchSize' | 'recompute'>;
  /** Tokens of a row. */
  columns: number;
  /** To train on; null: not known yet. */
  tokens: number | null;
  /** fp32 operations a second at most, null where not known; memory in bytes. */
  machine: { peakFlops: number | null; bytes: number; available: number };
}

export type TuningPlan = ReturnType<typeof planTuning>;

export function planTuning({ model, hasHalves, lora, train, columns, tokens, machine }: TuningRequest) {
  const whole = decoderTable(model);
  const table = lora === undefined ? whole : withAdapters(whole, adapterShape(whole, lora));
  const { optimizer, accumulation, batchSize: rows } = train;
  const memory = trainingMemory(model, { rows, columns }, { optimizer, accumulation, table, hasHalves });
  // The most at once: a step, while the checkpoint before it is still being written.
  const most = (peak: number): number => programBytes + memory.saved + peak;
  const { peak, recomputedPeak } = memory;
  const flopsPerToken = trainingFlopsPerToken(model, columns, table);
  const rate = machine.peakFlops === null ? null : machine.peakFlops * measuredShare(parameterCount(model));
  // Where each layer is computed again, one more forward pass: a third of a full step's operations, a half of frozen weights'.
  const again = lora === undefined ? 4 / 3 : 3 / 2;
  const speed = rate === null ? null : rate / flopsPerToken;
  return {
    kind: lora === undefined ? ('all weights' as const) : ('LoRA' as const),
    ...(lora && { rank: lora.rank }),
    parameters: parameterCount(model),
    trained: sizeOfTable(table.filter(isTrained)),
    batch: { rows, columns, accumulation },
    memory: { ...memory, program: programBytes, most: most(peak), recomputedMost: most(recomputedPeak) },
    fits: most(peak) <= machine.available,
    fitsRecomputed: most(recomputedPeak) <= machine.available,
    flopsPerToken,
    tokensPerSecond: speed,
    recomputedTokensPerSecond: speed === null ? null : speed / again,
    tokens,
    seconds: speed === null || tokens === null ? null : tokens / speed,
  };
}
