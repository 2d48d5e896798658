// The commands as a person sees them: names, options, one example each. What they do is imported when they run.
import { Command, Option } from 'commander';
import { UserError } from '../base/errors.js';
import { kebabCase } from '../base/format.js';
import type { Flags } from '../base/overrides.js';
import { redact } from '../base/secrets.js';
import { ownVersion } from '../base/version.js';
import type { StageName } from '../config/pipeline.js';
import { english, type Speech } from '../language/speech.js';
import { namesOf, stageTable } from '../stages/catalog.js';
import type { EvalTasksOptions } from './commands/eval-tasks.js';
import type { EvalOptions } from './commands/eval-text.js';
import type { PlanCommandOptions } from './commands/plan.js';
import { addData } from './data-program.js';
import { addAnnotate, addFeedback } from './feedback-program.js';
import { helpIn, helpLines, withLanguage } from './help.js';
import { addInit } from './init-program.js';
import { addKeyHelp, type KeyTable } from './key-help.js';
import { addBench, addDoctor, addNative, addTensorflow } from './machine-program.js';
import { addModels } from './model-program.js';
import {
  anyModel,
  collect,
  example,
  maxSeed,
  onlyPrints,
  quantity,
  type RunOptions,
  refuseEmpty,
  settingOf,
  stageOption,
  wholeNumber,
  withAction,
  withCompute,
  withConfig,
  withFeedback,
  withFrom,
  withOutput,
  withoutTasks,
  withQuantize,
  withRun,
  withSampling,
  withSeeds,
  withText,
  withThreads,
  withTools,
  withVerify,
} from './options.js';
import { addServe } from './serve-program.js';
import { addTokenizer } from './tokenizer-program.js';
import { addTools } from './tools-program.js';
import { withLog, withTraining } from './training-options.js';

export function buildProgram(keys: KeyTable, speech: Speech = english): Command {
  const program = new Command('mossctl')
    .description('From raw text to an aligned chat model on the machine in front of you.')
    .version(ownVersion(), '-V, --version')
    .helpCommand(false)
    .showSuggestionAfterError()
    .exitOverride()
    .hook('preAction', (_, command) => refuseEmpty(command))
    .configureHelp(helpIn(speech))
    .configureOutput({
      writeOut: (text) => process.stdout.write(helpLines(text, speech)),
      outputError: (text, write) => write(redact(`mossctl: ${speech.lines(text)}`)),
    });
  addInit(program);
  addRun(program);
  for (const name of namesOf(stageTable)) (ownCommands[name] ?? addStage)(program, name);
  addPlan(program);
  addChat(program);
  addServe(program);
  addGenerate(program);
  addAnnotate(program);
  addFeedback(program);
  addTools(program);
  addScore(program);
  addInspect(program);
  addModels(program);
  addDoctor(program);
  addNative(program);
  addTensorflow(program);
  addBench(program);
  program.addHelpText(
    'after',
    '\nExample:\n  mossctl run quickstart\n\nEach command explains itself: mossctl COMMAND --help',
  );
  addKeyHelp(program, keys);
  return withLanguage(program);
}

/** Of stages whose commands take more than their row of the catalog says. */
const ownCommands: Partial<Record<StageName, (program: Command) => void>> = {
  data: addData,
  tokenizer: addTokenizer,
  pretrain: addPretrain,
  eval: addEval,
};

/** Rows of a preview: more than one reads through are those of a run. */
const maxPreview = 50;

type StageOptions = RunOptions & Record<string, string | string[] | true | undefined>;

function addStage(program: Command, name: StageName): void {
  const { command, help, output } = stageTable[name];
  if (help === undefined) return;
  const { description, flags = {}, preview, only = {} } = help;
  const stage = withRun(program.command(command).description(description));
  if (output === 'checkpoint') withTraining(withFrom(stage));
  for (const [flag, form] of Object.entries(flags)) stage.addOption(stageOption(flag, form));
  if (preview !== undefined)
    stage.option(
      '--preview <number>',
      `only show so many ${preview}, and what the whole would take`,
      wholeNumber(1, maxPreview),
    );
  const others = new Map(Object.keys(only).map((other) => [kebabCase(other), other as StageName]));
  if (others.size > 0) {
    const option = new Option('--only <stage>', 'run another stage of alignment in its place, with these flags');
    stage.addOption(option.choices([...others.keys()]));
  }
  stage.action(async ({ only: named, ...options }: StageOptions) => {
    const other = others.get(String(named));
    const chosen = other ?? name;
    const { keys = {}, refused = {}, next } = only[chosen] ?? {};
    const wrong = Object.keys(refused).find((flag) => options[flag] !== undefined);
    if (wrong !== undefined) {
      throw new UserError({ what: `--${kebabCase(wrong)} says nothing to --only ${named}`, why: refused[wrong] });
    }
    const given = Object.keys(flags).map((flag) => ({
      key: `${chosen}.${keys[flag] ?? flag}`,
      value: settingOf(options[flag]),
      isBlock: options[flag] === true && !flags[flag].isSwitch,
    }));
    const blocks = given.filter(({ isBlock }) => isBlock).map(({ key }) => key);
    const valued = given.filter(({ isBlock }) => !isBlock).map(({ key, value }) => [key, value && String(value)]);
    const choice = { ...options, blocks, flags: Object.fromEntries(valued) as Flags };
    const count = Number(options.preview ?? 0);
    if (count > 0) return (await import('./commands/preview.js')).preview(chosen, count, choice);
    const { runOneStage } = await import('./run-stages.js');
    await runOneStage(chosen, choice, (runDirectory, config, output) => {
      if (next === undefined || output === undefined) return help.next(runDirectory);
      const from = options.from ?? (config[chosen] as { from?: string } | undefined)?.from;
      return next({
        runDirectory,
        config,
        path: output.path,
        digest: output.digest,
        ...(from && { from: String(from) }),
      });
    });
  });
  example(stage, help.example);
}

function addRun(program: Command): void {
  const command = program
    .command('run')
    .argument(
      '<pipeline>',
      'a YAML file, or the name of a packaged pipeline: smoke, quickstart, arithmetic, tools, align-demo, grpo-arithmetic',
    )
    .description(
      'run a whole pipeline: text → tokenizer → base → instruct → align → evaluate; resumes where it stopped',
    );
  withLog(withSeeds(withFrom(withRun(command))));
  withAction(command, async () => (await import('./commands/run.js')).run);
  example(command, 'mossctl run quickstart --set pretrain.train.steps=200');
}

function addPretrain(program: Command): void {
  const pretrain = program
    .command('pretrain')
    .description('train a base model, or continue one; builds corpus and tokenizer where needed');
  withText(withTraining(withRun(pretrain)))
    .option(
      '--from <checkpoint>',
      'continue from this checkpoint, model folder or hf:ORG/NAME@REVISION, instead of a fresh model',
    )
    .addOption(
      new Option(
        '--size <size>',
        'the one dial (7m, 30m, d8): shape, batch, learning rate, decay and steps follow, whatever the file says of them',
      ).conflicts(['from', 'cooldown']),
    )
    .addOption(
      new Option(
        '--cooldown <checkpoint>',
        'end the training of this checkpoint, in a run of its own: its learning rate falls to the last',
      ).conflicts('from'),
    );
  withAction(pretrain, async () => (await import('./commands/pretrain.js')).pretrain);
  example(pretrain, 'mossctl pretrain --text novels/\n  mossctl pretrain --config quickstart --size 7m');
}

function addEval(program: Command): void {
  const evaluate = program
    .command('eval')
    .description('measure checkpoints on held-out text and tasks, or on your own questions, in one table');
  withQuantize(withVerify(withRun(evaluate)))
    .argument(
      '[checkpoints...]',
      'a checkpoint or a run folder (default: the run folder of --config); several with --tasks',
    )
    .addOption(
      new Option(
        '--tasks <file>',
        'ask the questions of this file, or of safety, seed-article or memory, which come with mossctl; may be repeated',
      )
        .argParser(collect)
        .conflicts('text'),
    )
    .option('--shots <number>', 'solved examples before each question of --tasks', wholeNumber(0, 64))
    .addOption(
      new Option('--cot <when>', 'whether answers to --tasks are thought out in steps').choices(['yes', 'no', 'both']),
    )
    .addOption(
      new Option(
        '--tools <names>',
        'ask --tasks with these tools as well, side by side: Calculate, Query=sales.csv, a YAML file, …; may be repeated (default: where rows list tools)',
      ).argParser(collect),
    )
    .option('--no-tools', 'ask --tasks without tools, whatever rows list')
    .option('--max-new-tokens <number>', 'longest answer to --tasks, in tokens', wholeNumber(1, 65536))
    .option(
      '--trained-on <run>',
      'the run whose text the memory audit of --tasks safety looks for (default: the run that a checkpoint lies in)',
    )
    .option(
      '--text <file...>',
      'only bits per byte of these: plain text, or rows with a "text" (JSONL, CSV, Parquet, …); files, folders, patterns',
    )
    .action(async (checkpoints: string[], { text, tasks, ...options }: EvalTasksOptions & EvalOptions) => {
      if (tasks !== undefined) {
        return (await import('./commands/eval-tasks.js')).evaluateTasks(checkpoints, { tasks, ...options });
      }
      const target = withoutTasks(checkpoints, options);
      return text === undefined
        ? (await import('./commands/eval.js')).evaluate(target, options)
        : (await import('./commands/eval-text.js')).evaluateText(target, text, options);
    });
  example(evaluate, 'mossctl eval runs/quickstart\n  mossctl eval runs/a/latest ../Qwen3-0.6B --tasks questions.jsonl');
}

function addPlan(program: Command): void {
  const plan = program
    .command('plan')
    .description('what a pretraining would take, or with --from a fine-tuning: memory and time, here and elsewhere');
  withThreads(withConfig(plan))
    .option('--from <checkpoint>', 'plan a fine-tuning of this checkpoint, model folder or hf:ORG/NAME@REVISION')
    .option('--lora', 'with --from: of adapters alone')
    .option('--size <name>', 'size preset, as pretrain.model.size')
    .option('--params <number>', 'number of parameters, such as 350M or 20B', quantity)
    .option('--flops <number>', 'the compute-optimal model for this many operations, such as 1e22', quantity)
    .option('--tokens <number>', 'tokens to train on, such as 3B (default: 20 a parameter)', quantity)
    .option('--vocab <number>', 'ids of the tokenizer', wholeNumber(266, 1_000_000))
    .option('--context <number>', 'tokens in a row', wholeNumber(8, 1_048_576))
    .option(
      '--ranks <number>',
      'processes that train together (mpirun -n): what each of them takes',
      wholeNumber(2, 65_536),
    )
    .option('--hardware <list>', 'such as h100×8,a100×4, or cpu for this machine alone (default: h100×8)');
  withOutput(plan);
  withAction(onlyPrints(plan), async () => async (options: PlanCommandOptions & { from?: string; lora?: boolean }) => {
    const { from, ...rest } = options;
    if (from === undefined) return (await import('./commands/plan.js')).plan(rest);
    return (await import('./commands/plan-tuning.js')).planFineTuning({ ...rest, from });
  });
  example(plan, 'mossctl plan --params 16B --tokens 700B --hardware a100×128');
}

function addChat(program: Command): void {
  const chat = program
    .command('chat')
    .description('talk to a checkpoint; each line of piped input that is not blank is one turn')
    .argument('<checkpoint>', anyModel)
    .option('--seed <number>', 'every random choice follows from it', wholeNumber(0, maxSeed), 42)
    .option('--max-new-tokens <number>', 'max length of an answer, in tokens', wholeNumber(1, 65536), 128)
    .option('--system <text>', 'system message that opens the conversation');
  withTools(withFeedback(withSampling(chat)));
  withOutput(withQuantize(withCompute(withVerify(chat))));
  withAction(onlyPrints(chat), async () => (await import('./commands/chat.js')).chat);
  example(chat, 'mossctl chat runs/quickstart/latest --temperature 0');
}

function addGenerate(program: Command): void {
  const generate = program
    .command('generate')
    .description(
      'answer the rows of a file, with the tools that the model learnt: rows that sft and annotate read; resumes',
    )
    .argument('<checkpoint>', anyModel)
    .requiredOption(
      '--data <rows>',
      'conversations, prompts, or the requests of a batch file; each is asked its last question',
    )
    .requiredOption('-o, --out <file>', 'JSONL to write; must not exist yet')
    .option('--samples <number>', 'answers to each row', wholeNumber(1, 1024), 1)
    .option('--seed <number>', 'every random choice follows from it', wholeNumber(0, maxSeed), 42)
    .option('--max-new-tokens <number>', 'max length of an answer, in tokens', wholeNumber(1, 65536), 128)
    .option('--unfinished', 'write answers that did not end, too', false);
  withTools(withSampling(generate));
  withOutput(withQuantize(withCompute(withVerify(generate))));
  withAction(generate, async () => (await import('./commands/generate.js')).generate);
  example(generate, 'mossctl generate runs/quickstart/latest --data questions.jsonl --out answers.jsonl');
}

function addScore(program: Command): void {
  const score = program
    .command('score')
    .description('log-probability of texts by token and sentence, and bits per byte; without texts, each line of stdin')
    .argument('<checkpoint>', anyModel)
    .argument('[texts...]', 'each a text of its own')
    .option('--shuffled <number>', 'shuffled versions of each text to score beside it', wholeNumber(0, 100), 0)
    .option('--seed <number>', 'seed of the shuffles', wholeNumber(0, maxSeed), 42);
  withOutput(withQuantize(withCompute(withVerify(score))));
  withAction(onlyPrints(score), async () => (await import('./commands/score.js')).score);
  example(score, 'mossctl score runs/quickstart "床前明月光" --shuffled 3');
}

function addInspect(program: Command): void {
  const inspect = program
    .command('inspect')
    .description('what a checkpoint is and descends from; with --text or --row, its tokens and which carry loss')
    .argument('<checkpoint>', anyModel)
    .addOption(new Option('--text <text>', 'the tokens of this text, asked as a user').conflicts('row'))
    .option(
      '--row <file:line>',
      'the tokens of that row of conversations, as fine-tuning learns it, or of preferences, as alignment does',
    )
    .addOption(
      new Option('--loss <what>', 'with --row: what is learnt, as sft.loss')
        .choices(['assistant', 'all', 'last'])
        .conflicts('text'),
    );
  withOutput(withVerify(inspect));
  withAction(onlyPrints(inspect), async () => (await import('./commands/inspect.js')).inspect);
  example(inspect, 'mossctl inspect runs/quickstart/latest');
}
