// The shapes that are measured, by name: a model of the size dial, a vocabulary, and a batch of B rows of T tokens.
// bench/peers/shapes.py holds the same numbers for PyTorch; a test compares the two.
import { modelConfig } from '../architecture/config.js';
import { parameterCount } from '../architecture/parameters.js';
import type { Precision } from '../config/compute.js';
import { type ModelConfig, modelSchema, type Size } from '../config/model.js';
import type { MachineLimits } from '../tensor/native/probe.js';

const table = {
  /** Too small to say anything about speed: it tries the command out. */
  '100k': { size: '100k', vocabulary: 512, columns: 32, rows: 4 },
  '1m': { size: '1m', vocabulary: 4096, columns: 128, rows: 16 },
  '7m': { size: '7m', vocabulary: 8192, columns: 256, rows: 16 },
  '34m': { size: '34m', vocabulary: 16384, columns: 512, rows: 4 },
  /** Mostly vocabulary, as the quickstart's model once was. */
  quickstart: { size: '1m', vocabulary: 16384, columns: 128, rows: 16 },
} satisfies Record<string, { size: Size; vocabulary: number; columns: number; rows: number }>;

export type ShapeName = keyof typeof table;
export const shapeNames = Object.keys(table) as readonly ShapeName[];
/** What is trained where no shape is named. */
export const namedShapes: readonly ShapeName[] = ['1m', '7m', '34m'];

/** Of fine-tuning alone: the widths and the vocabulary of Qwen3-0.6B in 22 layers instead of 28, stored as bf16, row by row. */
const published = {
  ...{ hidden_size: 1024, intermediate_size: 3072, num_hidden_layers: 22, num_attention_heads: 16 },
  ...{ num_key_value_heads: 8, head_dim: 128, vocab_size: 151_936 },
};
export const fineTunedShapes = [...shapeNames, 'qwen3-0.5b'] as const;
export type FineTunedShape = ShapeName | 'qwen3-0.5b';

export const isShapeName = (name: FineTunedShape): name is ShapeName => name in table;

export interface Shape {
  name: ShapeName;
  config: ModelConfig;
  /** B and T of a training batch. */
  rows: number;
  columns: number;
  /** All of them, a tied embedding once. */
  parameters: number;
}

/** With other `columns`, a batch has about as many tokens in rows of that length. */
export function shapeOf(name: ShapeName, columns: number = table[name].columns): Shape {
  const { size, vocabulary, ...usual } = table[name];
  const rows = Math.max(1, Math.round((usual.rows * usual.columns) / columns));
  const settings = modelSchema.parse({ size, contextLength: columns });
  const config = modelConfig(settings, { vocabSize: vocabulary, endOfText: 0, pad: 1 });
  return { name, config, rows, columns, parameters: parameterCount(config) };
}

/** `isStoredAsHalves`: as bf16, as published models are. */
export function fineTunedShapeOf(
  name: FineTunedShape,
  columns?: number,
): Omit<Shape, 'name'> & { isStoredAsHalves: boolean } {
  if (name !== 'qwen3-0.5b') return { ...shapeOf(name, columns), isStoredAsHalves: false };
  const length = columns ?? 512;
  const config = { ...shapeOf('7m', length).config, ...published };
  const rows = Math.max(1, Math.round(512 / length));
  return { config, rows, columns: length, parameters: parameterCount(config), isStoredAsHalves: true };
}

/** Tokens of a conversation's prompt and of its answer: together an eighth of a row up to a whole one. */
export function conversationLengths(index: number, columns: number): { prompt: number; answer: number } {
  const shortest = columns >> 3;
  const length = shortest + ((index * 7919) % (columns - shortest + 1));
  return { prompt: length >> 1, answer: length - (length >> 1) };
}

/** Tokens of a prompt and of its two answers: a conversation's, and another answer up to a quarter shorter or longer. */
export function pairLengths(index: number, columns: number): { prompt: number; chosen: number; rejected: number } {
  const { prompt, answer: chosen } = conversationLengths(index, columns);
  const rejected = Math.max(1, Math.floor((chosen * (768 + ((index * 7907) % 513))) / 1024));
  return { prompt, chosen, rejected: Math.min(rejected, columns - prompt) };
}

/** An engine that holds bf16 operands may multiply them either way: its limit is the higher of the two. */
export type Peaks = Pick<MachineLimits, 'fp32PeakGflops' | 'bf16PeakGflops'>;

export function peakFor(precision: Precision, { fp32PeakGflops, bf16PeakGflops }: Peaks): number | null {
  if (precision === 'fp32' || bf16PeakGflops === null) return fp32PeakGflops;
  return fp32PeakGflops === null ? bf16PeakGflops : Math.max(fp32PeakGflops, bf16PeakGflops);
}

/** `value` as a share of `limit`; null where the limit is not known. */
export function shareOf(value: number, limit: number | null): number | null {
  return limit === null || limit === 0 ? null : value / limit;
}
