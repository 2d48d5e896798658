// The options that commands share, declared once. Values of the pipeline (seed, backend, …) are checked by its schema,
// not here, so that --help needs neither the schema nor anything behind it.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { UserError } from '../base/errors.js';
import { kebabCase } from '../base/format.js';
import type { Flags } from '../base/overrides.js';
import type { Quantization } from '../config/compute.js';
import type { LogForm } from '../report/sink.js';
import { endWithOutput } from './output.js';

/** What every command that opens a model takes. */
export const anyModel =
  'a checkpoint, a run folder, a model folder, or a model of a hub: hf:ORG/NAME@REVISION, ms:ORG/NAME';

/** Where a command listens that is given no port. */
export const anyPort = '(default: 8080, else the next that is not taken)';

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
  /** False with --no-verify. */
  verify?: boolean;
  /** Of `eval`: how the matrices are stored. */
  quantize?: Quantization;
  resume?: boolean;
  /** With --resume: keys whose settings may differ. */
  override?: string[];
  /** Which checkpoints stay on disk. */
  keep?: string;
  /** What is written beside metrics.jsonl. */
  log?: LogForm;
  /** A page shows the run while it trains, at this port. */
  ui?: boolean;
  port?: number;
  /** The keys of the trainer that are set most often. */
  epochs?: string;
  steps?: string;
  batchSize?: string;
  learningRate?: string;
  /** Of `run`: once for each. */
  seeds?: number[];
  /** The one dial of pretrain. */
  size?: string;
}

/** Gives a command its work, which is imported when it runs and takes the options as it declares them. */
export function withAction<Args extends unknown[]>(
  command: Command,
  load: () => Promise<(...args: Args) => Promise<void>>,
): Command {
  // Commander passes the command itself last.
  return command.action(async (...args: unknown[]) => (await load())(...(args.slice(0, -1) as Args)));
}

/** For a command that does nothing but print: it ends when nobody reads on. The others finish their work. */
export function onlyPrints(command: Command): Command {
  return command.hook('preAction', endWithOutput);
}

/**
 * What is empty (`--out "$RUN"` in a script that never set RUN) would mean the folder that the person is in. Only a text may
 * be: an option or argument whose help calls it <text>.
 * @throws UserError that names every other one.
 */
export function refuseEmpty(command: Command): void {
  const options = command.options
    .filter(({ flags }) => !/[<[]text[\].>]/.test(flags))
    .map((option) => [option.long ?? option.flags, command.getOptionValue(option.attributeName())] as const);
  const values = command.registeredArguments
    .map((argument, i) => [`<${argument.name()}>`, command.processedArgs[i] as unknown] as const)
    .filter(([name]) => !/^<texts?>$/.test(name));
  const empty = [...options, ...values].filter(([, value]) => [value].flat().includes(''));
  if (empty.length === 0) return;
  const why = 'it was given an empty text, as a shell gives for a variable that is not set';
  throw new UserError(empty.map(([name]) => ({ what: `${name} is empty`, why, next: 'Give it a value, or omit it' })));
}

/** Of this command and those below it: the beginning of an option is no misspelling of another one (`--temp`, `--help`). */
export function suggestBegun(command: Command): void {
  for (const below of command.commands) suggestBegun(below);
  const { outputError } = command.configureOutput();
  command.configureOutput({
    outputError: (text, write) => {
      const [, typed] = /unknown option '(--[\w-]+)'/.exec(text) ?? [];
      const begun = command.options.flatMap(({ long }) =>
        typed !== undefined && long?.startsWith(typed) ? [long] : [],
      );
      const own = `${text.split('\n')[0]}\n(Did you mean ${begun.join(' or ')}?)\n`;
      outputError?.(begun.length === 0 ? text : own, write);
    },
  });
}

/** One line at the end of a command's --help. */
export function example(command: Command, text: string): Command {
  return command.addHelpText('after', `\nExample:\n  ${text}`);
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
    .option('--threads <number>', 'threads of the native engine or of TensorFlow (default: all cores)')
    .option('--precision <name>', 'of matrix products: fp32, or bf16 on the native engine (default: fp32)');
}

/** Keys of the pipeline. */
export function computeFlags({ backend, threads, precision }: ComputeOptions): Flags {
  return { backend, threads, precision };
}

/** What every command that reads a pipeline takes. */
export function withConfig(command: Command): Command {
  return command
    .option(
      '-c, --config <file>',
      'pipeline: a YAML file, or the name of a packaged one (smoke, quickstart, arithmetic, tools, align-demo, grpo-arithmetic)',
    )
    .addOption(new Option('-s, --set <a.b=c>', 'set one key of the pipeline; may be repeated').argParser(collect));
}

/** What every command that runs stages takes. */
export function withRun(command: Command): Command {
  withConfig(command)
    .option('-o, --out <dir>', 'folder of the run (default: runs/<name of the pipeline>)')
    .option('--seed <number>', 'every random choice follows from it');
  return withOutput(withCompute(command));
}

/** The same, as they are typed. */
export function computeWords(options: ComputeOptions): string[] {
  return Object.entries(computeFlags(options)).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
}

/** For a command that reads no pipeline, whose schema would check it. */
export function withThreads(command: Command): Command {
  return command.option(
    '--threads <number>',
    'threads of the native engine or of TensorFlow (default: all cores)',
    wholeNumber(1, 256),
  );
}

export function withFrom(command: Command): Command {
  command.option(
    '--from <checkpoint>',
    'start from this checkpoint, model folder or hf:ORG/NAME@REVISION instead of the one in the run folder',
  );
  return withVerify(command);
}

/** What every command that opens a checkpoint takes. */
export function withVerify(command: Command): Command {
  return command.option(
    '--no-verify',
    'open checkpoints without comparing their files with the sha256 they were saved with',
  );
}

/** What every command that lets a model out of the house takes. */
export function withReplay(command: Command): Command {
  return command.option(
    '--no-replay',
    'do not compare how sample conversations are written and read back with what the training stored of them',
  );
}

/** What holds where a flag of sampling is not given: the model's makers know best. `test/cli` compares with the schema. */
const elseDefault = (value: number): string => `(default: the checkpoint's generation_config.json, else ${value})`;

/** What every command takes that draws answers for people. */
export function withSampling(command: Command): Command {
  return command
    .option('--temperature <number>', `0 always takes the likeliest token ${elseDefault(0.7)}`)
    .option('--top-k <number>', `draw from the k likeliest tokens; 0 = all ${elseDefault(50)}`)
    .option('--top-p <number>', `draw from the likeliest tokens that make up this share ${elseDefault(0.95)}`)
    .option('--min-p <number>', `draw from tokens at least this share as likely as the likeliest ${elseDefault(0)}`)
    .option('--repetition-penalty <number>', `above 1 discourages repeats ${elseDefault(1)}`);
}

/** What every command takes that answers or measures and does not train. */
export function withQuantize(command: Command): Command {
  return command.addOption(
    new Option(
      '--quantize <dtype>',
      "round matrices to GGUF's q8_0: faster answers, on the native engine only",
    ).choices(['q8_0']),
  );
}

/** What every command takes that keeps what people say of answers, or reads it. */
export function withStore(command: Command): Command {
  return command.option('--feedback <file>', 'the feedback store (default: feedback.jsonl in this folder)');
}

export function withFeedback(command: Command): Command {
  return withStore(command).option('--annotator <name>', 'whose judgements they are (default: your login name)');
}

/** What every command takes that answers with tools. */
export function withTools(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--tools <names>',
        'what the model may call: Calculate, Search=notes/, a YAML file, a folder of them, all (the built-in ones that need no setting; see `mossctl tools`); several with commas, or repeated (default: what the model learnt to call)',
      ).argParser(collect),
    )
    .option('--no-tools', 'nothing is called')
    .option('--confirm', 'ask before each call');
}

/** What every command takes that begins with texts. */
export function withText(command: Command): Command {
  return command.option(
    '--text <path...>',
    'learn from these, without a data-spec: folders, files and patterns of .txt, .md, .jsonl, .csv, .parquet, …',
  );
}

/** For an option that may be repeated. */
export function collect(value: string, before: string[] | false = []): string[] {
  return [...(before || []), value];
}

/** Of `eval` without --tasks: one checkpoint at most. @throws UserError where there are more, or flags that are about --tasks. */
export function withoutTasks(
  checkpoints: readonly string[],
  options: { shots?: number; cot?: string; maxNewTokens?: number; trainedOn?: string; tools?: string[] | false },
): string | undefined {
  const flags = {
    '--shots': options.shots,
    '--cot': options.cot,
    [options.tools === false ? '--no-tools' : '--tools']: options.tools,
    '--max-new-tokens': options.maxNewTokens,
    '--trained-on': options.trainedOn,
  };
  const faults = Object.entries(flags)
    .filter(([, value]) => value !== undefined)
    .map(([flag]) => ({ what: `${flag} is about --tasks`, next: 'Give a file of questions: --tasks FILE' }));
  if (checkpoints.length > 1) {
    faults.push({
      what: `${checkpoints.length} checkpoints are compared on questions`,
      next: 'Give a file of them (--tasks FILE), or a set that comes with mossctl (--tasks seed-article)',
    });
  }
  if (faults.length > 0) throw new UserError(faults);
  return checkpoints[0];
}

/** @param weighed it may be repeated, each value with a weight behind it. */
export function stageOption(
  flag: string,
  { value, description, weighed }: { value?: string; description: string; weighed?: true },
): Option {
  const option = new Option(`--${kebabCase(flag)}${value === undefined ? '' : ` ${value}`}`, description);
  return weighed ? option.argParser(collect) : option;
}

/** What such an option sets. */
export function settingOf(value: string | string[] | true | undefined): string | true | undefined {
  return Array.isArray(value) ? weighedPaths(value) : value;
}

/** `a.jsonl` and `b.jsonl=0.5` as a setting: the one path, or a list with weights. */
export function weighedPaths(given: readonly string[]): string {
  const sources = given.map((text) => {
    const [, path = text, weight] = /^(.+)=(\d+(?:\.\d+)?|\.\d+)$/s.exec(text) ?? [];
    return { path, ...(weight !== undefined && { weight: Number(weight) }) };
  });
  const [first] = sources;
  return sources.length === 1 && first.weight === undefined ? first.path : JSON.stringify(sources);
}

export function withSeeds(command: Command): Command {
  return command.addOption(
    new Option('--seeds <list>', 'once for each of these seeds (1,2,3), or of so many (3), with a report over all')
      .argParser(seedList)
      .conflicts('seed'),
  );
}

export const maxSeed = 0xffffffff;
const maxSeeds = 1000;

/** "7,8,9" as it says; "3" is 1,2,3. */
function seedList(text: string): number[] {
  const listed = text.split(',').map(wholeNumber(0, maxSeed));
  const isCount = listed.length === 1 && listed[0] <= maxSeeds;
  const seeds = isCount ? Array.from({ length: listed[0] }, (_, i) => i + 1) : listed;
  if (seeds.length < 2 || new Set(seeds).size < seeds.length) {
    throw new InvalidArgumentError(`It must be two or more different seeds (1,2,3), or how many (2 to ${maxSeeds}).`);
  }
  return seeds;
}

/** A parser for an option that takes a whole number. */
export function wholeNumber(min: number, max: number) {
  return (text: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** The same for several, with commas between them. */
export function wholeNumbers(min: number, max: number) {
  return (text: string): number[] => text.split(',').map(wholeNumber(min, max));
}

/** A parser for an option that takes a positive number, rounded down, with or without one of the units. */
function amountIn(units: Readonly<Record<string, number>>, expected: string) {
  return (text: string): number => {
    const [, digits, unit = ''] = /^(\d+(?:\.\d+)?(?:e\+?\d{1,2})?)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
    const value = Math.floor(Number(digits) * (unit === '' ? 1 : units[unit.toUpperCase()]));
    if (value >= 1) return value;
    throw new InvalidArgumentError(`It must be ${expected}.`);
  };
}

export const byteSize = amountIn(
  { KB: 1e3, MB: 1e6, GB: 1e9, KIB: 2 ** 10, MIB: 2 ** 20, GIB: 2 ** 30 },
  'a size such as 5GB, 500MB or 512MiB',
);
export const quantity = amountIn({ K: 1e3, M: 1e6, B: 1e9, T: 1e12 }, 'a number such as 350M, 20B or 1e22');
