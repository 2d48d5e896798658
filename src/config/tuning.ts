// How fine-tuning trains where nobody says otherwise: by what is tuned, all weights or an adapter, and by whose model
// it is. Small models made here take rates that would ruin a published one, and an adapter about ten times those of all weights.
import type { TrainConfig } from './train.js';

/** What is tuned. */
export interface TuningKind {
  /** The model was not made here. */
  isPublished: boolean;
  /** Which adapter is trained; absent: all weights are. */
  adapter?: 'new' | 'continued';
}

export type TunedStage = 'sft' | 'rewardModel' | 'align';

export type TunedDefaults = Pick<TrainConfig, 'learningRate' | 'epochs' | 'batchSize' | 'weightDecay'>;
type SourcedDefaults = TunedDefaults & { source: string };

const tenfold = 'ten times the rate of all weights: Schulman et al. 2025, "LoRA Without Regret"';
const half = 'half the rate of a new adapter, for it has learnt already';

/** Rows of a micro-batch, whatever is tuned. */
export const tunedBatchSize = 8;

/** Tokens that a step of fine-tuning reads, at most: rows of `columns`. */
export function tokensOfStep(
  { batchSize = tunedBatchSize, accumulation = 1 }: Partial<Pick<TrainConfig, 'batchSize' | 'accumulation'>>,
  columns: number,
): number {
  return batchSize * accumulation * columns;
}

function defaultsFor(stage: TunedStage, { isPublished, adapter }: TuningKind): SourcedDefaults {
  const what = adapter ?? 'none';
  const batchSize = tunedBatchSize;
  if (stage === 'align') {
    // Of models made here a fifth of the rate of fine-tuning.
    const source = isPublished ? "the default of TRL's DPOTrainer" : 'a fifth of the rate of fine-tuning';
    const rates: Record<typeof what, [number, string]> = {
      none: [isPublished ? 1e-6 : 1e-4, source],
      new: [isPublished ? 1e-5 : 1e-3, tenfold],
      continued: [isPublished ? 5e-6 : 5e-4, half],
    };
    const [learningRate, why] = rates[what];
    return { learningRate, epochs: isPublished ? 1 : 2, batchSize, weightDecay: 0, source: why };
  }
  if (stage === 'rewardModel') {
    const source = isPublished ? "the default of TRL's RewardTrainer" : 'a fifth of the rate of fine-tuning';
    const rates = { none: [1e-4, source], new: [1e-3, tenfold], continued: [5e-4, half] } as const;
    const [learningRate, why] = rates[what];
    return { learningRate, epochs: isPublished ? 1 : 2, batchSize, weightDecay: 0, source: why };
  }
  switch (what) {
    case 'none': {
      const source = isPublished ? "the default of TRL's SFTTrainer" : 'measured on 1 to 30 million parameters';
      const [learningRate, weightDecay] = isPublished ? [2e-5, 0] : [5e-4, 0.01];
      return { learningRate, epochs: 3, batchSize, weightDecay, source };
    }
    case 'new':
      return { learningRate: isPublished ? 2e-4 : 5e-3, epochs: 3, batchSize, weightDecay: 0, source: tenfold };
    case 'continued':
      return { learningRate: isPublished ? 1e-4 : 2.5e-3, epochs: 1, batchSize, weightDecay: 0, source: half };
    default:
      return what satisfies never;
  }
}

function kindInWords({ isPublished, adapter }: TuningKind): string {
  const model = isPublished ? 'a published model' : 'a model made here';
  if (adapter === undefined) return `all weights of ${model}`;
  return adapter === 'new' ? `LoRA on ${model}` : `LoRA continued on ${model}`;
}

/** Every number is there; `text` says which of them follow from what is tuned, and why; empty where none does. */
export function resolvedTuning<Written extends Partial<TunedDefaults>>(
  written: Written,
  kind: TuningKind,
  stage: TunedStage = 'sft',
): { train: Written & TunedDefaults; text: string } {
  const { source, ...defaults } = defaultsFor(stage, kind);
  const train: Written & Partial<TunedDefaults> = { ...written };
  const words: string[] = [];
  for (const key of Object.keys(inWords) as (keyof TunedDefaults)[]) {
    if (written[key] !== undefined) continue;
    train[key] = defaults[key];
    const why = key === 'learningRate' ? ` (${source})` : '';
    words.push(`${inWords[key]} ${defaults[key]}${why}`);
  }
  const text = words.length === 0 ? '' : `${kindInWords(kind)}: ${words.join(', ')}; ${stage}.train sets others`;
  return { train: train as Written & TunedDefaults, text };
}

const inWords = {
  learningRate: 'learning rate',
  epochs: 'epochs',
  batchSize: 'batch size',
  weightDecay: 'weight decay',
};
