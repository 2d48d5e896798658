// The options of commands that train: what of the trainer is set most often, which checkpoints stay, and where curves are
// shown.
import { type Command, Option } from 'commander';
import { UserError } from '../base/errors.js';
import type { Flags } from '../base/overrides.js';
import type { LogForm } from '../report/sink.js';
import { anyPort, collect, type RunOptions, wholeNumber } from './options.js';

/** What every command takes whose curves are worth watching. */
export function withLog(command: Command): Command {
  return command
    .addOption(
      new Option('--log <form>', 'write the curves for another tool, too: tensorboard (RUN/tensorboard)').choices([
        'tensorboard' satisfies LogForm,
      ]),
    )
    .option(
      '--ui',
      'a page of the run while it trains: curves, samples, a chat with what it has saved; its address is printed',
    )
    .addOption(
      new Option('--port <number>', `of that page; 0: any that is not taken ${anyPort}`)
        .argParser(wholeNumber(0, 65535))
        .implies({ ui: true }),
    );
}

/** What every command that trains takes. */
export function withTraining(command: Command): Command {
  return withLog(command)
    .addOption(new Option('--epochs <number>', 'passes over the data, whatever the file says').conflicts('steps'))
    .option('--steps <number>', 'optimizer steps, whatever the file says')
    .option('--batch-size <number>', 'rows per micro-batch')
    .option('--lr, --learning-rate <number>', 'peak learning rate')
    .option('--keep <rule>', 'checkpoints that stay on disk, such as last=3,every=1000,best=bits_per_byte')
    .option('--resume', 'only resume an interrupted run; an error where there is none')
    .addOption(
      new Option('--override <key>', 'with --resume: accept that this setting (or "data") differs; may be repeated')
        .argParser(collect)
        .implies({ resume: true }),
    );
}

/**
 * Keys of a stage that trains. A flag of its length takes the place of the other lengths that the file has.
 * @throws UserError where --set gives another length beside it.
 */
export function trainingFlags(
  stage: string,
  { keep, epochs, steps, batchSize, learningRate, set = [] }: RunOptions,
): { flags: Flags; set: string[] } {
  const named = { keep, epochs, steps, batchSize, learningRate };
  const flags = Object.fromEntries(Object.entries(named).map(([key, value]) => [`${stage}.train.${key}`, value]));
  const length = epochs !== undefined ? 'epochs' : steps !== undefined ? 'steps' : undefined;
  if (length === undefined) return { flags, set: [...set] };
  const lengths = stage === 'pretrain' ? ['steps', 'epochs', 'tokens'] : ['steps', 'epochs'];
  const others = lengths.filter((key) => key !== length).map((key) => `${stage}.train.${key}`);
  const second = set.find((text) => others.some((key) => text.startsWith(`${key}=`) && text !== `${key}=null`));
  if (second !== undefined) {
    const what = `--${length} and --set ${second} each say how long the training is`;
    throw new UserError({ what, next: 'Give one of the two' });
  }
  return { flags, set: [...others.map((key) => `${key}=null`), ...set] };
}
