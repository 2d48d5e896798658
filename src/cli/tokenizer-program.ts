// The tokenizer commands as a person sees them.
import type { Command } from 'commander';
import { example, onlyPrints, wholeNumber, withAction, withOutput, withRun, withText } from './options.js';

export function addTokenizer(program: Command): void {
  const tokenizer = program
    .command('tokenizer')
    .description('train a tokenizer, extend one, or use one')
    .helpCommand(false);
  const train = withRun(tokenizer.command('train').description('learn a byte-level BPE vocabulary from the corpus'));
  withText(train);
  withAction(train, async () => (await import('./commands/tokenizer.js')).train);
  example(train, 'mossctl tokenizer train --text novels/ --set tokenizer.vocabSize=8192');
  const where = 'a run folder, a checkpoint, a folder with a tokenizer.json, or such a file';
  const extend = withRun(
    tokenizer
      .command('extend')
      .description('add tokens learnt from the corpus or files: old ids keep their meaning, no text takes more tokens'),
  );
  extend
    .argument(
      '<tokenizer>',
      'a run folder, a checkpoint, or a tokenizer.json or its folder: ours, GPT-2, Llama 3, Qwen',
    )
    .option(
      '--text <file...>',
      'folders, files or patterns of plain text, or of rows with a "text" (JSONL, CSV, Parquet, …), instead of the corpus; --out is then the folder to write',
    )
    .option('--add <number>', 'max tokens to add', wholeNumber(1, 1_000_000), 8192);
  withAction(extend, async () => (await import('./commands/tokenizer-extend.js')).extend);
  example(extend, 'mossctl tokenizer extend ../gpt2 --text chinese.txt --add 8000 --out gpt2-zh');
  const encode = withOutput(tokenizer.command('encode').description('text → ids; without text, each line of stdin'));
  encode.argument('<tokenizer>', where).argument('[text...]', 'text to encode');
  withAction(onlyPrints(encode), async () => (await import('./commands/tokenizer.js')).encode);
  example(encode, 'mossctl tokenizer encode runs/quickstart "床前明月光"');
  const decode = withOutput(tokenizer.command('decode').description('ids → text; without ids, each line of stdin'));
  decode.argument('<tokenizer>', where).argument('[ids...]', 'ids to decode');
  withAction(onlyPrints(decode), async () => (await import('./commands/tokenizer.js')).decode);
  example(decode, 'mossctl tokenizer decode runs/quickstart 264 1022 87');
  const compare = tokenizer
    .command('compare')
    .description('how well tokenizers compress the same text, by language and domain: held-out documents or files');
  withOutput(compare)
    .argument('<tokenizer...>', `${where}; or gpt2, cl100k, o200k`)
    .option(
      '--text <file...>',
      'plain text, or rows with a "text" (JSONL, CSV, Parquet, …), instead of held-out documents',
    )
    .option('--html <file>', 'also write charts by language and domain to this page')
    .option('-c, --config <file>', 'pipeline whose held-out documents are read')
    .option('-o, --out <dir>', 'folder of that run (default: the first run that is compared)');
  withAction(compare, async () => (await import('./commands/tokenizer-compare.js')).compare);
  example(compare, 'mossctl tokenizer compare runs/quickstart cl100k o200k --text notes.txt');
}
