// What a training costs before it is run: parameters, operations, memory and time, and how it would have to be spread
// over devices that cannot hold it. Arithmetic only; no tensor library.

import { sizeOf } from '../base/host-tensor.js';
import type { TrainConfig } from '../config/train.js';
import { architectureFlags, type ModelShape } from './config.js';
import { decoderTable, isTrained, type ParameterSpec, parameterCount, sizeOfTable } from './parameters.js';

/**
 * Floating-point operations to train on one token: 6N for the weights (2 forward, 4 backward) and 12·L·T·d for
 * attention, as if every token attended to all T (Chowdhery et al. 2022, appendix B). What is frozen takes 4N: the
 * gradient goes through it to the layers below, and none is made for it.
 */
export function trainingFlopsPerToken(config: ModelShape, columns: number, table = decoderTable(config)): number {
  const trained = sizeOfTable(table.filter(isTrained));
  const frozen = sizeOfTable(table) - trained;
  return 6 * trained + 4 * frozen + 12 * config.num_hidden_layers * columns * config.hidden_size;
}

/** About 20 tokens a parameter give the lowest loss for their operations (Hoffmann et al. 2022, table 3). */
export const tokensPerParameter = 20;

/** Parameters of the compute-optimal model for a budget, by C = 6·N·D and D = 20·N. */
export function optimalParameters(flops: number): number {
  return Math.sqrt(flops / (6 * tokensPerParameter));
}

const float = 4;
const half = 2;
const byMuon = ({ update }: ParameterSpec): boolean => update === 'muon';

/**
 * Activations of a layer, in numbers a token: 4d for the residual stream, the two norms and the feed-forward output;
 * 3 (4 with QK-norm) of each of queries and keys+values' width, less one, plus the attention's output and a logsumexp a
 * head; 3f for gate, up and their product. Nothing of T×T and no logits: attention and loss are fused.
 */
function layerNumbers(config: ModelShape): number {
  const { hidden_size: d, intermediate_size: f, num_attention_heads: heads, head_dim: head } = config;
  const queries = heads * head;
  const keys = config.num_key_value_heads * head;
  const forms = architectureFlags(config).qkNorm ? 3 : 2; // as projected, normalised, rotated
  return 4 * d + forms * (queries + keys) + keys + queries + heads + 3 * f;
}

/** Bytes while a step runs, in fp32 as mossctl trains. */
export type TrainingMemory = ReturnType<typeof trainingMemory>;

export interface TrainingKind extends Partial<Pick<TrainConfig, 'accumulation' | 'optimizer'>> {
  /** What is trained and what is frozen; default: all of it is trained. */
  table?: readonly ParameterSpec[];
  /** Frozen matrices stay in bf16, as they were published. */
  hasHalves?: boolean;
}

/**
 * Memory of a training step of micro-batches of B rows of T tokens. The peak is at one of the two ends of the backward pass: at its beginning everything
 * that the forward pass kept is there, with the gradients of hidden states and output projection; at its end every
 * gradient is, and a tied embedding's comes in two parts and their sum. What is frozen has no gradient.
 */
export function trainingMemory(
  config: ModelShape,
  { rows, columns }: { rows: number; columns: number },
  { accumulation = 1, optimizer, table = decoderTable(config), hasHalves = false }: TrainingKind = {},
) {
  const tokens = rows * columns;
  const { hidden_size: d, intermediate_size: f, num_hidden_layers: layers, vocab_size: vocabulary } = config;
  const trained = float * sizeOfTable(table.filter(isTrained));
  const frozen = table
    .filter((row) => !isTrained(row))
    .reduce((sum, { shape }) => sum + (hasHalves && shape.length === 2 ? half : float) * sizeOf(shape), 0);
  const isTokenTrained = table.some((row) => isTrained(row) && (row.part === 'embedding' || row.part === 'head'));
  const embedding = isTokenTrained ? float * vocabulary * d : 0;
  // Beside a matrix with an adapter: its inner states, before and after they are scaled.
  const inner = table.reduce((sum, { scale, shape }) => sum + (scale === undefined ? 0 : 2 * shape[1]), 0) / layers;
  const layer = float * tokens * (layerNumbers(config) + inner);
  const stream = float * tokens * d;
  const activations = layers * layer + 2 * stream;
  const recomputedActivations = (layers + 2) * stream + layer;
  const accumulated = accumulation > 1 ? trained : 0;
  // While a layer goes backward, gradients of its feed-forward states stand beside what it kept.
  const passing = float * tokens * (3 * f + 2 * d);
  const moments = 2 * trained - (optimizer === 'muon' ? float * sizeOfTable(table.filter(byMuon)) : 0);
  const fixed = trained + frozen + moments + accumulated;
  const end = trained + (config.tie_word_embeddings ? 2 * embedding : 0) + 2 * stream;
  return {
    /** All of them; `frozen`: those that are not trained. */
    weights: trained + frozen,
    frozen,
    /** One for each weight that is trained; another set while micro-batches are accumulated. */
    gradients: trained + accumulated,
    /** AdamW's two; one of what Muon steps. */
    moments,
    /** What the forward pass keeps for the backward pass. */
    activations,
    /** The same where each layer is computed again in the backward pass (`recompute: true`). */
    recomputedActivations,
    /** The most at any moment of a step, without and with it. */
    peak: fixed + Math.max(activations + embedding + stream + passing, end),
    recomputedPeak: fixed + Math.max(recomputedActivations + embedding + stream + passing, end),
    /** The copy of what is trained and of its moments that is being written while the training continues. */
    saved: trained + moments,
  };
}

/** What Node, TensorFlow.js and the engine take before there is a model: measured on two cores (docs/lab-book.md). */
export const programBytes = 180e6;

/** A kind of accelerator: its makers' dense bf16 rate and its memory. */
export interface Device {
  name: string;
  bf16Flops: number;
  bytes: number;
}

const gigabyte = 1e9;
/** Dense (not sparse) tensor-core bf16 from the makers' data sheets, sums in fp32. */
export const devices: readonly Device[] = [
  { name: 'h200', bf16Flops: 989e12, bytes: 141 * gigabyte },
  { name: 'h100', bf16Flops: 989e12, bytes: 80 * gigabyte },
  { name: 'a100', bf16Flops: 312e12, bytes: 80 * gigabyte },
  { name: 'l40s', bf16Flops: 362e12, bytes: 48 * gigabyte },
  { name: 'rtx4090', bf16Flops: 165e12, bytes: 24 * gigabyte },
  { name: 'mi300x', bf16Flops: 1307e12, bytes: 192 * gigabyte },
];

/** The share of a device's rate that training of large models reaches (38 to 43 %: Llama 3, Dubey et al. 2024, table 4). */
export const assumedUtilization = 0.4;
/** Memory that is left to the runtime, its buffers and fragmentation. */
const usableShare = 0.9;

/** More devices than anybody has. */
const maxDevices = 1 << 20;

/**
 * How `count` devices would hold a training, the least communication first: each a whole copy; ZeRO stages 1 to 3
 * (Rajbhandari et al. 2020) with bf16 weights and gradients (2+2 bytes a parameter) and fp32 weights and moments (4+8);
 * then tensor parallelism, which splits activations too. One row of T tokens a device, activations in bf16,
 * each layer computed again.
 */
export function shardingOn(
  config: ModelShape,
  { columns, optimizer }: { columns: number; optimizer?: TrainConfig['optimizer'] },
  device: Device,
  count: number,
) {
  const parameters = parameterCount(config);
  const layerParameters = parameters / config.num_hidden_layers;
  const { activations, recomputedActivations, weights, moments } = trainingMemory(
    config,
    { rows: 1, columns },
    { optimizer },
  );
  const states32 = weights + moments;
  const all = 4 * parameters + states32;
  const states = Math.min(activations, recomputedActivations) / 2;
  const room = usableShare * device.bytes;
  const plans: [how: string, bytes: (n: number) => number][] = [
    ['a whole copy on each device (data parallel)', () => all + states],
    ['optimizer states split (ZeRO-1)', (n) => 4 * parameters + states32 / n + states],
    ['optimizer states and gradients split (ZeRO-2)', (n) => 2 * parameters + (all - 2 * parameters) / n + states],
    [
      'weights, gradients and optimizer states split (ZeRO-3 / FSDP), a layer gathered at a time',
      (n) => all / n + 4 * layerParameters + states,
    ],
    [
      'the same, and each layer split over 8 devices (tensor parallel)',
      (n) => all / n + (4 * layerParameters + states) / Math.min(n, 8),
    ],
  ];
  const fitting = plans.find(([, bytes]) => bytes(count) <= room);
  const fits = fitting !== undefined;
  /** What has to be split over the devices. */
  const [how, bytes] = fitting ?? plans.slice(3).find(([, bytes]) => bytes(maxDevices) <= room) ?? plans[4];
  const devicesNeeded = smallest((n) => bytes(n) <= room, fits ? count : maxDevices);
  return { fits, how, bytesPerDevice: bytes(count), devicesNeeded };
}

/** The smallest n in 1..max for which a monotone condition holds; Infinity where it does not at `max`. */
function smallest(holds: (n: number) => boolean, max: number): number {
  if (!holds(max)) return Number.POSITIVE_INFINITY;
  let [low, high] = [1, max];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Parameters, and the share of the multiply-add peak that training them reached on two cores (docs/lab-book.md). */
const measured = { small: [1.3e6, 0.38], large: [6.9e6, 0.55] } as const;

/** That share by the logarithm of the parameters; below and above what was measured, that of the nearest. */
export function measuredShare(parameters: number): number {
  const [[n0, share0], [n1, share1]] = [measured.small, measured.large];
  const way = Math.log(parameters / n0) / Math.log(n1 / n0);
  return share0 + (share1 - share0) * Math.min(1, Math.max(0, way));
}
