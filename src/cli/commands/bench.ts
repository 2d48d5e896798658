// mossctl bench: measures, and prints tables, or one JSON object with --json.
import { nearest, UserError } from '../../base/errors.js';
import { formatCount, formatShort, formatTable, formatThreads } from '../../base/format.js';
import { type BenchResult, type BenchSettings, runBench, type Section, sections } from '../../bench/run.js';
import { shapeNames } from '../../bench/shapes.js';
import { backendNames, precisions } from '../../config/pipeline.js';
import type { OutputOptions } from '../options.js';
import { printJson, printLine } from '../output.js';

export interface BenchOptions extends OutputOptions {
  only?: string;
  shape?: string;
  precision?: string;
  backend: string;
  threads?: number;
  steps?: number;
}

export async function bench(options: BenchOptions): Promise<void> {
  const settings: BenchSettings = {
    sections: options.only === undefined ? sections : someOf('--only', options.only, sections),
    shapes: options.shape === undefined ? undefined : someOf('--shape', options.shape, shapeNames),
    precisions: options.precision === undefined ? undefined : someOf('--precision', options.precision, precisions),
    backend: someOf('--backend', options.backend, backendNames)[0],
    threads: options.threads,
    steps: options.steps,
    seed: 1,
  };
  const isWatched = process.stderr.isTTY && !options.json && !options.quiet;
  const status = (text: string): void => {
    if (isWatched) process.stderr.write(`\r\u001b[K${text}`);
  };
  const result = await runBench(settings, {
    onStart: (what) => status(`measuring ${what} …`),
    onSection: (section, soFar) => {
      status('');
      if (!options.json) printLine(`${tables[section](soFar)}\n`);
    },
  });
  if (options.json) printJson({ type: 'result', ...result });
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
    const engine = isa === null ? '' : `, native engine: ${isa}, ${formatThreads(threads ?? 0)}`;
    const head = `${processor}, ${cores} ${cores === 1 ? 'core' : 'cores'}; backend ${backend}${engine}`;
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
      ['training', 'precision', 'parameters', 'tokens/s', 'quartiles', 'GFLOP/s', 'of peak', 'peak RSS', 'loss'],
      train.map(({ shape, precision, parameters, tokensPerSecond, quartiles, gflops, ofPeak, peakRssMiB, loss }) => [
        ...[shape, precision, formatShort(parameters), formatCount(tokensPerSecond), range(quartiles)],
        ...[gflops.toFixed(1), percent(ofPeak), `${formatCount(peakRssMiB)} MiB`, loss.toFixed(4)],
      ]),
    ),
  decode: ({ decode }) =>
    formatTable(
      ['decoding', 'precision', 'batch', 'tokens/s', 'quartiles', 'of bandwidth'],
      decode.map(({ shape, precision, batch, tokensPerSecond, quartiles, ofBandwidth }) => [
        ...[shape, precision, String(batch), formatCount(tokensPerSecond), range(quartiles), percent(ofBandwidth)],
      ]),
    ),
};

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
