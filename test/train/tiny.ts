// A model of a few thousand parameters and token batches of a repeating pattern, for tests of training and decoding.

import { z } from 'zod';
import { modelConfig } from '../../src/architecture/config.js';
import { type ModelConfig, modelSchema } from '../../src/config/model.js';
import {
  checkPreference,
  type PreferenceConfig,
  preferenceShape,
  resolvedPreference,
} from '../../src/config/preference.js';
import { type TrainConfig, trainSchema } from '../../src/config/train.js';
import { PackedBatches } from '../../src/data/packing.js';
import type { TokenSequence } from '../../src/data/types.js';
import { initModel, type Model } from '../../src/model/model.js';
import { type Event, type StageReporter, stageReporter } from '../../src/report/event.js';
import { tokenObjective } from '../../src/train/objectives/next-token.js';
import type { PreferencePair } from '../../src/train/objectives/preference.js';

export const vocabSize = 32;
export const padId = 1;

export function tinyConfig(contextLength = 16): ModelConfig {
  const settings = modelSchema.parse({ hiddenSize: 16, layers: 2, heads: 2, keyValueHeads: 1, contextLength });
  return modelConfig(settings, { vocabSize, endOfText: 0, pad: padId });
}

export function tinyModel(seed = 7, contextLength = 16): Model {
  return initModel(tinyConfig(contextLength), seed);
}

/** Sequences that count upwards from different starts: easy to learn, wrong to guess. */
export function countingSequences(count = 24, length = 20): TokenSequence[] {
  return Array.from({ length: count }, (_, row) => ({
    id: `document-${row}`,
    tokens: Array.from({ length }, (_, i) => 2 + ((row * 5 + i) % (vocabSize - 2))),
  }));
}

/** Answers of several lengths to prompts of several lengths; the chosen one counts on from its prompt. */
export function countingPairs(count: number): PreferencePair[] {
  return countingSequences(count, 12).map(({ id, tokens }, i) => {
    const [all, prompt] = [Array.from(tokens), 4 + (i % 3)];
    const answer = (words: number[]) => ({
      id,
      tokens: [...all.slice(0, prompt), ...words],
      loss: [...all.slice(0, prompt).fill(0), ...words.map(() => 1)],
      reference: -3,
    });
    return { chosen: answer(all.slice(prompt)), rejected: answer(all.slice(2, 6)) };
  });
}

const preferenceBlock = z.strictObject(preferenceShape).superRefine(checkPreference);

/** The knobs as a block of a pipeline says them, and every number that follows. */
export function preferenceOf(written: z.input<typeof preferenceBlock> = {}): PreferenceConfig {
  return resolvedPreference(preferenceBlock.parse(written));
}

export function countingObjective(seed = 3) {
  const sequences = countingSequences();
  const source = { length: sequences.length, get: (index: number) => sequences[index] };
  return tokenObjective(new PackedBatches({ source, mode: 'stream', seed, rows: 2, columns: 16, padId }));
}

export function trainConfig(overrides: Partial<TrainConfig> = {}): TrainConfig {
  return trainSchema.parse({ learningRate: 0.01, batchSize: 2, checkpointEvery: 4, evaluateEvery: 0, ...overrides });
}

export function recordingReporter(): StageReporter & { events: Event[] } {
  const events: Event[] = [];
  return { events, ...stageReporter({ emit: (event) => events.push(event) }, 'pretrain') };
}
