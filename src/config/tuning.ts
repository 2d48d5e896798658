// How fine-tuning trains where nobody says otherwise: by what is tuned, all weights or an adapter, and by whose model
// it is. Small models made here take rates that would ruin a published one, and an adapter about ten times those of all weights.
import type { TrainConfig, TunedTrainConfig } from './train.js';

/** What is tuned. */
export interface TuningKind {
  /** The model was not made here. */
  isPublished: boolean;
  /** Which adapter is trained; absent: all weights are. */
  adapter?: 'new' | 'continued';
}

type Defaults = Pick<TrainConfig, 'learningRate' | 'epochs' | 'batchSize' | 'weightDecay'>;

function defaultsFor({ isPublished, adapter }: TuningKind): Defaults & { what: string; source: string } {
  const model = isPublished ? 'a published model' : 'a model made here';
  const batchSize = 8;
  switch (adapter) {
    case undefined: {
      const source = isPublished ? "the default of TRL's SFTTrainer" : 'measured on 1 to 30 million parameters';
      const [learningRate, weightDecay] = isPublished ? [2e-5, 0] : [5e-4, 0.01];
      return { what: `all weights of ${model}`, learningRate, epochs: 3, batchSize, weightDecay, source };
    }
    case 'new': {
      const source = 'ten times the rate of all weights: Schulman et al. 2025, "LoRA Without Regret"';
      const learningRate = isPublished ? 2e-4 : 5e-3;
      return { what: `LoRA on ${model}`, learningRate, epochs: 3, batchSize, weightDecay: 0, source };
    }
    case 'continued': {
      const source = 'half the rate of a new adapter, for it has learnt already';
      const learningRate = isPublished ? 1e-4 : 2.5e-3;
      return { what: `LoRA continued on ${model}`, learningRate, epochs: 1, batchSize, weightDecay: 0, source };
    }
    default:
      return adapter satisfies never;
  }
}

/** Every number is there; `text` says which of them follow from what is tuned, and why; empty where none does. */
export function resolvedTuning(written: TunedTrainConfig, kind: TuningKind): { train: TrainConfig; text: string } {
  const { what, source, ...defaults } = defaultsFor(kind);
  const train = { ...written };
  const words: string[] = [];
  for (const key of Object.keys(inWords) as (keyof Defaults)[]) {
    if (written[key] !== undefined) continue;
    train[key] = defaults[key];
    const why = key === 'learningRate' ? ` (${source})` : '';
    words.push(`${inWords[key]} ${defaults[key]}${why}`);
  }
  const text = words.length === 0 ? '' : `${what}: ${words.join(', ')}; sft.train sets others`;
  return { train: train as TrainConfig, text };
}

const inWords = {
  learningRate: 'learning rate',
  epochs: 'epochs',
  batchSize: 'batch size',
  weightDecay: 'weight decay',
};
