// mossctl plan: what a pretraining would take, before anything is trained.
import { modelShape } from '../../architecture/config.js';
import { assumedUtilization, type Device, devices, optimalParameters } from '../../architecture/cost.js';
import { type HardwareEstimate, planTraining, type TrainingPlan } from '../../architecture/training-plan.js';
import { nearest, UserError } from '../../base/errors.js';
import { formatBytes, formatCount, formatSeconds, formatShort, formatTable } from '../../base/format.js';
import { memoryRoom } from '../../base/memory.js';
import { loadPipeline } from '../../pipeline/load.js';
import type { OutputOptions } from '../options.js';
import { noteOnStderr, printJson, printLine } from '../output.js';
import { ranksText } from '../plan-ranks.js';
import { formatPower, peakOf } from '../plan-shared.js';

export interface PlanCommandOptions extends OutputOptions {
  config?: string;
  set?: string[];
  size?: string;
  params?: number;
  flops?: number;
  tokens?: number;
  vocab?: number;
  context?: number;
  threads?: number;
  hardware?: string;
  ranks?: number;
  /** Of a fine-tuning. */
  lora?: boolean;
}

export async function plan(options: PlanCommandOptions): Promise<void> {
  const { config, set, size, params, flops } = options;
  if (options.lora) {
    throw new UserError({ what: '--lora plans a fine-tuning', next: 'Say of which model: --from MODEL --lora' });
  }
  const dials = { size, params, flops, config };
  const given = Object.keys(dials).filter((name) => dials[name as keyof typeof dials] !== undefined);
  if (given.length > 1) {
    throw new UserError({
      what: `--${given.join(' and --')} each decide on the size`,
      next: 'Give one of them; --tokens says how long, --vocab and --context what the rest depends on',
    });
  }
  const wanted = params ?? (flops === undefined ? undefined : optimalParameters(flops));
  const { context = wanted && 2048, vocab = wanted && 32_768, tokens } = options;
  const pipeline = await loadPipeline({
    ...{ config, set, blocks: ['pretrain', 'tokenizer'], warn: noteOnStderr },
    size: wanted === undefined ? size : inThousands(wanted),
    flags: {
      'pretrain.model.contextLength': context?.toString(),
      'tokenizer.vocabSize': vocab?.toString(),
      ...(tokens !== undefined && { ...lengths, 'pretrain.train.tokens': tokens.toString() }),
    },
  });
  const { model, train } = required(pipeline.pretrain);
  const { vocabSize } = required(pipeline.tokenizer);
  const result = planTraining({
    ...{ config: modelShape(model, vocabSize), train },
    machine: {
      peakFlops: await peakOf(options.threads),
      bytes: memoryRoom().total,
    },
    hardware: hardwareOf(options.hardware ?? 'h100×8'),
    ranks: options.ranks,
  });
  if (options.json) printJson({ type: 'result', ...result });
  else printLine(planText(result, wanted === undefined ? model.size : undefined));
}

/** What --tokens takes the place of. */
const lengths = { 'pretrain.train.steps': 'null', 'pretrain.train.epochs': 'null' };

/** As the dial takes it: `9129000k`. */
function inThousands(parameters: number): string {
  if (parameters < 1e3 || parameters > 9e11) {
    throw new UserError({
      what: `a model of ${formatShort(parameters)} parameters cannot be planned`,
      why: 'the dial takes from 1,000 to 900 billion',
      next: 'Give --params or --flops another number',
    });
  }
  return `${(parameters / 1e3).toFixed(0)}k`;
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('loadPipeline skipped a block that was asked for');
  return value;
}

/** `h100×8,a100x4`; `cpu` is this machine, which is always there. */
function hardwareOf(text: string): { device: Device; count: number }[] {
  return text
    .toLowerCase()
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== 'cpu')
    .map((part) => {
      const device = devices.find(
        ({ name }) => part === name || (/^[x×*]\d{1,6}$/.test(part.slice(name.length)) && part.startsWith(name)),
      );
      const count = device === undefined || part === device.name ? 1 : Number(part.slice(device.name.length + 1));
      if (device !== undefined && count > 0) return { device, count };
      const names = ['cpu', ...devices.map((each) => each.name)];
      const near = nearest(part.replace(/[x×*]\d*$/, ''), names);
      throw new UserError({
        what: `--hardware: there is no ${part || 'empty name'}`,
        why: `known: ${names.join(', ')}; ×8 after a name means eight of them`,
        next: near === undefined ? 'For example: --hardware h100×8' : `Did you mean ${near}?`,
      });
    });
}

/** @param size The dial as it was given, where it says what the shape is. */
function planText(result: TrainingPlan, size: string | undefined): string {
  const { memory, machine, training, batch } = result;
  const perParameter = (result.tokens / result.parameters).toPrecision(2);
  const optimizer = { adamw: 'AdamW', muon: 'Muon and AdamW' }[training.optimizer];
  const grows = batch.warmup > 0 && batch.accumulation > 1;
  const growth = grows ? `, growing from 1 micro-batch over ${formatCount(100 * batch.warmup)} % of the steps` : '';
  const facts = formatTable(
    ['model', ''],
    [
      ...(size === undefined ? [] : [['size', size]]),
      ['layers × width, heads', `${result.layers} × ${result.hiddenSize}, ${result.heads}`],
      ['parameters', formatCount(result.parameters)],
      ['of these in the embedding of the vocabulary', formatCount(result.embedding)],
      ['vocabulary, context', `${formatCount(result.vocabulary)}, ${formatCount(result.contextLength)}`],
      ['operations per token (6N + 12LTd)', formatPower(result.flopsPerToken)],
      ['tokens', `${formatShort(result.tokens)} (${perParameter} a parameter)`],
      ['compute-optimal tokens (20 a parameter)', formatShort(result.optimalTokens)],
      [`steps of ${formatCount(batch.tokens)} tokens${grows ? ' on average' : ''}`, formatCount(result.steps)],
      ['operations in all', formatPower(result.flops)],
      ['rows × micro-batches of a step', `${formatCount(batch.rows)} × ${formatCount(batch.accumulation)}${growth}`],
      ['optimizer, schedule', `${optimizer}, ${training.schedule}`],
      ['peak learning rate, weight decay', `${training.learningRate}, ${training.weightDecay}`],
    ],
  );
  const bytes = (plain: number, recomputed: number): string[] => [formatBytes(plain), formatBytes(recomputed)];
  const both = (value: number): string[] => bytes(value, value);
  const rowsAtOnce = `${formatCount(batch.rows)} × ${formatCount(result.contextLength)} tokens at a time`;
  const memories = formatTable(
    [`memory of a step, ${rowsAtOnce}, fp32`, 'plain', 'recompute'],
    [
      ['weights', ...both(memory.weights)],
      [batch.accumulation > 1 ? 'gradients, and their sums' : 'gradients', ...both(memory.gradients)],
      [`moments of ${optimizer}`, ...both(memory.moments)],
      ['activations', ...bytes(memory.activations, memory.recomputedActivations)],
      ['peak', ...bytes(memory.peak, memory.recomputedPeak)],
    ],
  );
  const fit = machine.fits
    ? 'fits'
    : machine.fitsRecomputed
      ? 'fits with pretrain.train.recompute=true'
      : 'does not fit: a process of mossctl holds all weights';
  const tooLong = tooLongText(machine);
  const speeds = formatTable(
    ['where', 'operations/s', 'of peak', 'tokens/s', 'time'],
    [
      speedRow(machine, machine.fits || machine.fitsRecomputed),
      ...result.hardware.map((each) => speedRow(each, each.sharding.fits)),
    ],
  );
  const notes = [
    `this machine: ${formatBytes(machine.bytes)} of memory: ${fit}`,
    ...(tooLong === undefined ? [] : [tooLong]),
    ...(machine.flopsPerSecond === null ? ['this machine: no native engine, so its peak was not measured'] : []),
    ...result.hardware.map(({ name, sharding: { fits, how, devicesNeeded, bytesPerDevice } }) => {
      if (fits) return `${name}: ${how}; ${formatBytes(bytesPerDevice)} a device`;
      const needed = Number.isFinite(devicesNeeded) ? `${formatCount(devicesNeeded)} of them` : 'larger devices';
      return `${name}: does not fit; it takes ${needed}: ${how}`;
    }),
  ];
  if (result.hardware.length > 0) {
    const rate = `${100 * assumedUtilization} % of its makers' dense bf16 rate`;
    notes.push(`other hardware is estimated at ${rate}, with a trainer made for it`);
  }
  const ranks =
    result.ranks && ranksText(result.ranks, { optimizer, columns: result.contextLength, bytes: machine.bytes });
  return [facts, memories, ...(ranks === undefined ? [] : [ranks]), speeds, notes.join('\n')].join('\n\n');
}

/** Nobody waits longer for a machine of their own. */
const patienceSeconds = 7 * 86_400;

/** That memory suffices is no reason to begin; and what this machine can do in a day. */
function tooLongText({ seconds, flopsPerSecond }: TrainingPlan['machine']): string | undefined {
  if (seconds === null || flopsPerSecond === null || seconds <= patienceSeconds) return undefined;
  const daily = optimalParameters(flopsPerSecond * 86_400);
  return `this machine: too slow for it: ${formatSeconds(seconds)} is more than a week. In a day it trains a model of about ${formatShort(daily)} parameters on 20 tokens for each (--params ${formatShort(daily)})`;
}

/** The time that the operations take, also where memory does not suffice. */
function speedRow(estimate: HardwareEstimate, fits: boolean): string[] {
  const { flopsPerSecond, share, tokensPerSecond, seconds } = estimate;
  const name = fits ? estimate.name : `${estimate.name} (too small)`;
  if (flopsPerSecond === null || tokensPerSecond === null || seconds === null) return [name, '–', '–', '–', '–'];
  return [
    ...[name, formatPower(flopsPerSecond), `${(100 * share).toFixed(0)} %`],
    ...[tokensPerSecond < 10 ? tokensPerSecond.toPrecision(2) : formatCount(tokensPerSecond), formatSeconds(seconds)],
  ];
}
