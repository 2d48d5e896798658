// The commands that bring models in and take them out, as a person sees them: import, export, pack, push.
import { type Command, Option } from 'commander';
import { anyModel, byteSize, example, withAction, withOutput, withReplay, withVerify } from './options.js';

export function addModels(program: Command): void {
  for (const add of [addImport, addExport, addPack, addPush]) add(program);
}

function addImport(program: Command): void {
  const command = program
    .command('import')
    .description('make a checkpoint of a Llama, Qwen2 or Qwen3 model of Hugging Face')
    .argument('<model>', 'a folder with config.json, safetensors and tokenizer.json, or hf:ORG/NAME@REVISION')
    .requiredOption('-o, --out <dir>', 'folder of the checkpoint')
    .option('--base <model>', "of an adapter: where its base is, if not where the adapter's file says");
  withOutput(command);
  withAction(command, async () => (await import('./commands/import.js')).importModel);
  example(command, 'mossctl import ../Qwen3-0.6B --out runs/qwen3');
}

function addExport(program: Command): void {
  const command = program
    .command('export')
    .description('write a checkpoint for other tools: transformers and vLLM (hf), llama.cpp and Ollama (gguf)')
    .argument('<checkpoint>', anyModel)
    .addOption(new Option('--format <name>', 'what to write').choices(['hf', 'gguf']).default('hf'))
    .addOption(
      new Option(
        '--dtype <name>',
        'how numbers are stored; q8_0 and q4_K_M only as gguf (default: as the published model came, else f32)',
      ).choices(['f32', 'f16', 'bf16', 'q8_0', 'q4_K_M']),
    )
    .requiredOption('-o, --out <path>', 'folder (hf) or file (gguf) to write; must not exist yet')
    .option('--max-shard-size <size>', 'hf: max size of a file of weights, such as 500MB (default: 5GB)', byteSize)
    .option('--merge', 'of an adapter: its base with the adapter in it, as one model')
    .option('--base <model>', "of an adapter: where its base is, if not where the adapter's file says");
  withOutput(withReplay(withVerify(command)));
  withAction(command, async () => (await import('./commands/export.js')).exportModel);
  example(command, 'mossctl export runs/quickstart/latest --format gguf --dtype q8_0 --out quickstart.gguf');
}

function addPack(program: Command): void {
  const command = program
    .command('pack')
    .description(
      'a run to share: its models, report, settings and a model card; no optimizer states, rows, feedback, keys or paths',
    )
    .argument('<run>', 'a run folder')
    .requiredOption('-o, --out <path>', 'FILE.tar.gz, or a folder, to write; must not exist yet')
    .option(
      '--license <id>',
      'of the model card, such as apache-2.0 or mit; one of your own is other:NAME (default: unknown)',
    )
    .option('--with-samples', 'share the samples and examples of rows that the report shows, too', false);
  withOutput(command);
  withAction(command, async () => (await import('./commands/pack.js')).pack);
  example(command, 'mossctl pack runs/quickstart --out quickstart.tar.gz --license apache-2.0');
}

function addPush(program: Command): void {
  const command = program
    .command('push')
    .description('upload a checkpoint or an exported folder to the Hugging Face hub, with a model card')
    .argument('<checkpoint>', 'a checkpoint, a run folder, an adapter, or a folder that `mossctl export` wrote')
    .argument('<name>', 'hf:ORG/NAME; made where it is not there yet, private')
    .option('--license <id>', 'of the model card, such as apache-2.0 or mit; one of your own is other:NAME')
    .option('--public', 'make a new repository public', false)
    .option('--force', 'replace a model that mossctl did not push, and a card that was edited on the hub', false)
    .option('--dry-run', 'list the files and their sizes, and send nothing', false)
    .option('--base <name>', 'ORG/NAME of what it was made from, for the card and for adapters')
    .addOption(
      new Option('--dtype <name>', 'of a checkpoint: how numbers are stored (default: as published, else f32)').choices(
        [...['f32', 'f16', 'bf16']],
      ),
    )
    .option('--max-shard-size <size>', 'of a checkpoint: max size of a file of weights (default: 5GB)', byteSize);
  withOutput(withReplay(withVerify(command)));
  withAction(command, async () => (await import('./commands/push.js')).push);
  example(command, 'mossctl push runs/quickstart/latest hf:me/quickstart --license apache-2.0 --dry-run');
}
