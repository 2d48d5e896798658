// mossctl bench: measures, and prints tables, or one JSON object with --json.
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { nearest, UserError } from '../../base/errors.js';
import { countOf, formatBytes, formatCount, formatShort, formatTable } from '../../base/format.js';
import type { DiskSpeed } from '../../bench/checkpoint.js';
import type { DecodeResult } from '../../bench/decode.js';
import type { RooflineShare } from '../../bench/roofline.js';
import { type BenchResult, type BenchSettings, runBench, type Section, sections } from '../../bench/run.js';
import { type FineTunedShape, fineTunedShapes, isShapeName } from '../../bench/shapes.js';
import { backendNames, precisions, type Quantization } from '../../config/compute.js';
import type { OutputOptions } from '../options.js';
import { printJson, printLine } from '../output.js';
import { scaleTable } from '../scale-text.js';
import { killSignals } from '../signals.js';

interface BenchOptions extends OutputOptions {
  only?: string;
  shape?: string;
  precision?: string;
  backend: string;
  threads?: number;
  context?: number;
  batch?: number[];
  temperature?: number[];
  steps?: number;
  quantize?: Quantization;
}

export async function bench(options: BenchOptions): Promise<void> {
  const chosen = options.only === undefined ? sections : someOf('--only', options.only, sections);
  refuseUnused(options, chosen);
  const settings: Omit<BenchSettings, 'folder'> = {
    sections: chosen,
    shapes: options.shape === undefined ? undefined : shapesOf(options.shape, chosen),
    precisions: options.precision === undefined ? undefined : someOf('--precision', options.precision, precisions),
    backend: someOf('--backend', options.backend, backendNames)[0],
    threads: options.threads,
    context: options.context,
    batches: options.batch,
    temperatures: options.temperature,
    quantize: options.quantize,
    steps: options.steps,
    seed: 1,
  };
  const isWatched = process.stderr.isTTY && !options.json && !options.quiet;
  const status = (text: string): void => {
    if (isWatched) process.stderr.write(`\r\u001b[K${text}`);
  };
  // On the disk that runs are written to.
  const writes = chosen.some((section) => ['scale', 'checkpoint', 'data'].includes(section));
  const folder = writes ? await temporaryFolder(process.cwd()) : process.cwd();
  const watcher = {
    onStart: (what: string) => status(`measuring ${what} …`),
    onSection: (section: Section, soFar: BenchResult) => {
      status('');
      if (!options.json) printLine(`${tables[section](soFar)}${loadLine(soFar.othersShare[section])}\n`);
    },
  };
  const result = await runBench({ ...settings, folder }, watcher);
  if (options.json) printJson({ type: 'result', ...result });
}

/** The sections that an option is for; one that is not named here is for all. */
const takenBy = {
  context: ['train', 'sft', 'align', 'decode'],
  batch: ['decode'],
  temperature: ['decode'],
  quantize: ['decode'],
} as const satisfies { [Name in keyof BenchOptions]?: readonly Section[] };

/** Those that have a number of threads of their own. */
const ownThreads: { [Name in Section]?: string } = {
  neighbour: 'it compares two threads with one',
  scale: 'each of its processes takes one thread',
};

/** What is asked for is done or refused. */
function refuseUnused(options: BenchOptions, chosen: readonly Section[]): void {
  const faults = Object.entries(takenBy)
    .filter(
      ([name, by]) => options[name as keyof typeof takenBy] !== undefined && !by.some((at) => chosen.includes(at)),
    )
    .map(([name, by]) => ({
      what: `--${name} has no effect on ${chosen.join(', ')}`,
      next: `Omit it, or add ${by.join(' or ')} to --only`,
    }));
  const rest = chosen.filter((section) => section !== 'machine');
  if (options.threads !== undefined && rest.length > 0 && rest.every((section) => section in ownThreads)) {
    const next = `Omit it: ${rest.map((section) => ownThreads[section]).join('; ')}`;
    faults.push({ what: `--threads has no effect on ${rest.join(', ')}`, next });
  }
  if (faults.length > 0) throw new UserError(faults);
}

/** @throws UserError where a shape is measured by none of the sections, or is not known. */
function shapesOf(text: string, chosen: readonly Section[]): FineTunedShape[] {
  const shapes = someOf('--shape', text, fineTunedShapes);
  const other = shapes.find((shape) => !isShapeName(shape));
  if (other !== undefined && chosen.some((section) => section !== 'sft' && section !== 'machine')) {
    throw new UserError({ what: `--shape: ${other} is fine-tuned only`, next: 'Add --only sft' });
  }
  return shapes;
}

/** Gone when the process ends, Ctrl-C included. */
async function temporaryFolder(parent: string): Promise<string> {
  const path = await mkdtemp(join(parent, '.tmp-mossctl-bench-'));
  process.once('exit', () => rmSync(path, { recursive: true, force: true }));
  for (const signal of killSignals) process.once(signal, () => process.exit(130));
  return path;
}

/** The comma-separated names, each one known. */
function someOf<Name extends string>(option: string, text: string, names: readonly Name[]): Name[] {
  const given = text.split(',').map((name) => name.trim());
  const unknown = given.filter((name) => !names.includes(name as Name));
  if (unknown.length === 0) return names.filter((name) => given.includes(name));
  throw new UserError(
    unknown.map((name) => {
      const near = nearest(name, names);
      const next = near === undefined ? `Choose among ${names.join(', ')}` : `Did you mean ${near}?`;
      return { what: `${option}: there is no ${name || 'empty name'}`, next };
    }),
  );
}

const tables: Record<Section, (result: BenchResult) => string> = {
  machine: ({ machine }) => {
    const { processor, cores, backend, isa, threads, fp32PeakGflops, bf16PeakGflops, bandwidthGBs, missing } = machine;
    const engine = isa === null ? '' : `, native engine: ${isa}, ${countOf(threads ?? 0, 'thread')}`;
    const head = `${processor}, ${countOf(cores, 'core')}; backend ${backend}${engine}`;
    if (missing !== undefined) return `${head}\nlimits of the machine not measured: ${missing}`;
    const peak = (value: number | null): string => (value === null ? 'none' : `${formatCount(value)} GFLOP/s`);
    return `${head}\nmultiply-add peak  fp32 ${peak(fp32PeakGflops)}, bf16 ${peak(bf16PeakGflops)}\nmemory bandwidth   ${
      bandwidthGBs === null ? 'not measured' : `${bandwidthGBs.toFixed(1)} GB/s`
    }`;
  },
  gemm: ({ gemm }) =>
    formatTable(
      ['matrix product', 'precision', 'pass', 'm × n × k', 'ms', 'GFLOP/s', 'of peak'],
      gemm.map(({ name, precision, pass, m, n, k, milliseconds, gflops, ofPeak }) => [
        ...[name, precision, pass, `${m} × ${n} × ${k}`],
        ...[short(milliseconds), gflops.toFixed(1), percent(ofPeak)],
      ]),
    ),
  ops: ({ ops }) =>
    formatTable(
      ['fused op', 'shape', 'precision', 'pass', 'ms', 'GFLOP/s', 'GB/s', 'bound by', 'of roofline'],
      ops.map(({ op, shape, precision, pass, milliseconds, gflops, gigabytesPerSecond, bound, ofRoofline }) => [
        ...[op, shape, precision, pass, short(milliseconds)],
        ...[gflops.toFixed(1), gigabytesPerSecond.toFixed(1), bound ?? '–', percent(ofRoofline)],
      ]),
    ),
  train: ({ train }) =>
    formatTable(
      [
        'training',
        'precision',
        'parameters',
        'B × T',
        'tokens/s',
        'quartiles',
        'GFLOP/s',
        'of peak',
        'peak RSS',
        'loss',
      ],
      train.map((row) => [
        ...[row.shape, row.precision, formatShort(row.parameters), `${row.rows} × ${row.columns}`],
        ...[formatCount(row.tokensPerSecond), range(row.quartiles), row.gflops.toFixed(1), percent(row.ofPeak)],
        ...[`${formatCount(row.peakRssMiB)} MiB`, row.loss.toFixed(4)],
      ]),
    ),
  sft: ({ sft }) =>
    formatTable(
      [
        'fine-tuning',
        'precision',
        'trained',
        'B × T',
        'tokens/s',
        'quartiles',
        'of pretraining',
        'an epoch',
        'peak RSS',
      ],
      sft.map((row) => [
        ...[`${row.shape}, ${row.rank === 0 ? 'all weights' : `adapters of rank ${row.rank}`}`, row.precision],
        ...[formatShort(row.trained), `${row.rows} × ${row.columns}`, formatCount(row.tokensPerSecond)],
        ...[range(row.quartiles), percent(row.ofPretraining), `${formatCount(row.epochSeconds)} s`],
        `${formatCount(row.peakRssMiB)} MiB`,
      ]),
    ),
  align: ({ align }) =>
    formatTable(
      [
        'alignment (DPO)',
        'precision',
        'pairs a step',
        'longest',
        'tokens/s',
        'quartiles',
        'an epoch',
        'of it, reference',
        'peak RSS',
      ],
      align.map((row) => [
        ...[row.shape, row.precision, `${row.pairsPerStep}, ${row.pairsAtATime} at a time`, String(row.columns)],
        ...[formatCount(row.tokensPerSecond), range(row.quartiles), `${formatCount(row.epochSeconds)} s`],
        ...[percent(row.referenceShare), `${formatCount(row.peakRssMiB)} MiB`],
      ]),
    ),
  online: ({ online }) =>
    formatTable(
      [
        'online (GRPO)',
        'precision',
        'answers a step',
        'a step',
        'tokens/s',
        'quartiles',
        'of it, sampling',
        'peak RSS',
      ],
      online.map((row) => [
        ...[row.shape, row.precision, `${row.answersPerStep}, ${row.answersAtATime} at a time`],
        ...[`${short(row.stepSeconds)} s`, formatCount(row.tokensPerSecond), range(row.quartiles)],
        ...[percent(row.samplingShare), `${formatCount(row.peakRssMiB)} MiB`],
      ]),
    ),
  decode: ({ decode }) =>
    [...new Set(decode.map(modelOf))]
      .map((model) => [model, decode.filter((row) => modelOf(row) === model)] as const)
      .flatMap(([model, rows], i) => [
        `${i === 0 ? '' : '\n'}decoding, ${model}`,
        formatTable(
          ['rows at once', 'tokens/s', 'quartiles', 'of bandwidth', 'of roofline'],
          rows.map((row) => [
            ...[batchOf(row), formatCount(row.tokensPerSecond), range(row.quartiles)],
            ...[percent(row.ofBandwidth), boundShare(row)],
          ]),
        ),
        `\nreading prompts, ${model}`,
        formatTable(
          ['rows at once', 'tokens/s', 'of roofline', 'peak RSS, decoding included'],
          rows.map((row) => [
            ...[batchOf(row), formatCount(row.promptTokensPerSecond)],
            ...[percent(row.promptOfRoofline), `${formatCount(row.peakRssMiB)} MiB`],
          ]),
        ),
      ])
      .join('\n'),
  rollouts: ({ rollouts }) =>
    formatTable(
      ['sampling', 'precision', 'answers', 'seconds', 'tokens/s', 'of roofline', 'peak RSS'],
      rollouts.map((row) => [
        ...[row.shape, row.precision, formatCount(row.answers), short(row.seconds)],
        ...[formatCount(row.tokensPerSecond), boundShare(row), `${formatCount(row.peakRssMiB)} MiB`],
      ]),
    ),
  neighbour: ({ neighbour, machine: { backend, cores } }) =>
    neighbour.length === 0
      ? `beside a busy core: not measured, because ${cores < 2 ? 'there is one core' : `the backend ${backend} takes no thread count`}`
      : formatTable(
          ['beside a busy core', 'precision', '1 thread, tokens/s', '2 threads', '2 of 1', 'quartiles'],
          neighbour.map(({ work, shape, precision, tokensPerSecond, twoOfOne, quartiles }) => [
            ...[`${work} ${shape}`, precision],
            ...[formatCount(tokensPerSecond.oneThread), formatCount(tokensPerSecond.twoThreads)],
            ...[`${twoOfOne.toFixed(2)} ×`, quartiles.map((ratio) => ratio.toFixed(2)).join('–')],
          ]),
        ),
  scale: ({ scale }) => scaleTable(scale),
  checkpoint: ({ checkpoint }) =>
    checkpoint
      .map((row) =>
        formatTable(
          [`checkpoint ${row.shape}, ${formatBytes(row.bytes)}`, 'MB/s', 'quartiles', 'of plain', 'of dd'],
          [
            ['save', ...speed(row.save), percent(row.saveOfWrite), percent(row.saveOfDd)],
            ['  dd, conv=fsync', ...speed(row.dd)],
            ['  plain file, written and fsynced', ...speed(row.write)],
            ['open', ...speed(row.open), percent(row.openOfRead)],
            ['open --no-verify', ...speed(row.openUnverified), percent(row.openUnverifiedOfRead)],
            ['  plain file, read', ...speed(row.read)],
            ['  sha256, one thread', ...speed(row.hash)],
          ],
        ).concat(
          `\npeak memory while opening: ${row.openPeakOfWeights.toFixed(2)} × the weights`,
          `\na save keeps training waiting for ${short(row.stallMilliseconds)} ms, ${percent(row.stallOfSave)} of it`,
        ),
      )
      .join('\n\n'),
  data: ({ data }) =>
    formatTable(
      ['data', 'text', 'MB', 'MB/s per core', 'quartiles', 'of reading', 'cost of a byte'],
      data.map(({ work, text, bytes, megabytesPerSecond, quartiles, ofRead, costOfSmallest }) => [
        ...[work, text, (bytes / 1e6).toFixed(1), short(megabytesPerSecond)],
        ...[quartiles.map(short).join('–'), percent(ofRead)],
        costOfSmallest === null ? '' : `${costOfSmallest.toFixed(2)} ×`,
      ]),
    ),
  filter: ({ filter }) =>
    formatTable(
      ['filter: rows kept', 'judged', 'seconds', 'M pairs/s', 'of quadratic', 'looked at', 'cost', 'same', 'peak RSS'],
      filter.map((row) => [
        ...[formatCount(row.accepted), formatCount(row.judged), short(row.seconds), short(row.pairsPerSecond / 1e6)],
        ...[row.ofQuadratic === null ? '–' : `${row.ofQuadratic.toFixed(1)} ×`, `${(100 * row.compared).toFixed(2)} %`],
        ...[`${row.costOfSmallest.toFixed(2)} ×`, `${formatCount(row.equal)} of ${formatCount(row.sampled)}`],
        `${formatCount(row.peakRssMiB)} MiB`,
      ]),
    ),
};

/** What several rows have in common: it stands above them. */
function modelOf({ shape, precision, quantize, context }: DecodeResult): string {
  return `${shape} ${precision}${quantize === null ? '' : ` ${quantize}`}, context ${context}`;
}

function batchOf({ batch, temperature }: DecodeResult): string {
  return `batch ${batch}, ${temperature === 0 ? 'greedy' : `temperature ${temperature}`}`;
}

/** With what is scarce. */
function boundShare({ bound, ofRoofline }: RooflineShare): string {
  return bound === null ? '–' : `${percent(ofRoofline)} ${bound}`;
}

/** A machine that others use measures them too. */
function loadLine(share: number | null | undefined): string {
  return share === null || share === undefined ? '' : `\nother processes took ${percent(share)} of the processor`;
}

function speed(measured: DiskSpeed | null): string[] {
  return measured === null ? ['–'] : [formatCount(measured.megabytesPerSecond), range(measured.quartiles)];
}

/** Three digits or so: 0.0042, 0.18, 15.2, 542. */
function short(value: number): string {
  return value < 0.01 ? value.toFixed(4) : value < 10 ? value.toFixed(2) : value.toFixed(value < 100 ? 1 : 0);
}

function percent(share: number | null): string {
  return share === null ? '–' : `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}

function range([low, high]: readonly [number, number]): string {
  return `${formatCount(low)}–${formatCount(high)}`;
}
