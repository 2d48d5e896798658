// The options that commands share, declared once. Values of the pipeline (seed, backend, …) are checked by its schema,
// not here, so that --help needs neither the schema nor anything behind it.
import { type Command, InvalidArgumentError, Option } from 'commander';

/** How a command talks: for people, as JSON lines, or not at all. */
export interface OutputOptions {
  json?: boolean;
  quiet?: boolean;
}

/** As typed: the pipeline's schema checks them. */
export interface ComputeOptions {
  backend?: string;
  threads?: string;
  precision?: string;
}

export interface RunOptions extends OutputOptions, ComputeOptions {
  config?: string;
  set?: string[];
  out?: string;
  seed?: string;
  from?: string;
  resume?: boolean;
  /** Of `run`: once for each. */
  seeds?: number[];
  /** Conversations for sft. */
  data?: string;
}

export function withOutput(command: Command): Command {
  return command
    .option('--json', 'JSON lines on stdout, and nothing else there')
    .option('--quiet', 'no progress, only the result and errors');
}

/** What every command that computes takes. */
export function withCompute(command: Command): Command {
  return command
    .option('--backend <name>', 'compute backend: auto, tensorflow, native, wasm or cpu (default: auto)')
    .option('--threads <number>', 'threads of the native engine (default: all cores)')
    .option('--precision <name>', 'of matrix products: fp32, or bf16 on the native engine (default: fp32)');
}

/** Keys of the pipeline. */
export function computeFlags({ backend, threads, precision }: ComputeOptions): Record<string, string | undefined> {
  return { backend, threads, precision };
}

/** What every command that runs stages takes. */
export function withRun(command: Command): Command {
  command
    .option('-c, --config <file>', 'pipeline: a YAML file, or the name of a packaged one (smoke, quickstart)')
    .addOption(
      new Option('-s, --set <a.b=c>', 'set one key of the pipeline; may be repeated').argParser(
        (value: string, before: string[] = []) => [...before, value],
      ),
    )
    .option('-o, --out <dir>', 'folder of the run (default: runs/<name of the pipeline>)')
    .option('--seed <number>', 'every random choice follows from it');
  return withOutput(withCompute(command));
}

export function withFrom(command: Command): Command {
  return command.option('--from <checkpoint>', 'start from this checkpoint instead of the one in the run folder');
}

export function withResume(command: Command): Command {
  return command.option('--resume', 'only go on with an interrupted run; an error where there is none');
}

export function withSeeds(command: Command): Command {
  return command.addOption(
    new Option('--seeds <list>', 'once for each of these seeds (1,2,3), or of so many (3), with a report over all')
      .argParser(seedList)
      .conflicts('seed'),
  );
}

const maxSeeds = 1000;

/** "7,8,9" as it says; "3" is 1,2,3. */
function seedList(text: string): number[] {
  const parse = numberFrom(0, 4294967295, 'whole number');
  const given = text.split(',').map((part) => parse(part));
  const isCount = given.length === 1 && given[0] <= maxSeeds;
  const seeds = isCount ? Array.from({ length: given[0] }, (_, i) => i + 1) : given;
  if (seeds.length < 2 || new Set(seeds).size < seeds.length) {
    throw new InvalidArgumentError(`It must be two or more different seeds (1,2,3), or how many (2 to ${maxSeeds}).`);
  }
  return seeds;
}

/** A parser for a number option. */
export function numberFrom(low: number, high: number, kind: 'number' | 'whole number' = 'number') {
  return (text: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!(value >= low && value <= high) || (kind === 'whole number' && !Number.isInteger(value))) {
      throw new InvalidArgumentError(`It must be a ${kind} from ${low} to ${high}.`);
    }
    return value;
  };
}
