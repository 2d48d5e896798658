// The commands about a model as figures: what a training would cost, and how likely a model holds a text to be.
import type { Command } from 'commander';
import {
  example,
  numberFrom,
  quantity,
  withAction,
  withCompute,
  withConfig,
  withOutput,
  withThreads,
  withVerify,
} from './options.js';

export function addPlan(program: Command): void {
  const plan = program
    .command('plan')
    .description(
      'what a pretraining would take: parameters, operations, memory, time here and elsewhere, how to shard it',
    );
  withThreads(withConfig(plan))
    .option('--size <name>', 'size preset, as pretrain.model.size')
    .option('--params <number>', 'so many parameters, such as 350M or 20B', quantity)
    .option('--flops <number>', 'the compute-optimal model for so many operations, such as 1e22', quantity)
    .option('--tokens <number>', 'tokens to train on, such as 3B (default: 20 a parameter)', quantity)
    .option('--vocab <number>', 'ids of the tokenizer', numberFrom(260, 1_000_000, 'whole number'))
    .option('--context <number>', 'tokens in a row', numberFrom(8, 1_048_576, 'whole number'))
    .option('--hardware <list>', 'such as h100×8,a100×4, or cpu for this machine alone (default: h100×8)');
  withOutput(plan);
  withAction(plan, async () => (await import('./commands/plan.js')).plan);
  example(plan, 'mossctl plan --params 16B --tokens 700B --hardware a100×128');
}

export function addScore(program: Command): void {
  const score = program
    .command('score')
    .description('log-probability of texts by token and sentence, and bits per byte; without texts, each line of stdin')
    .argument('<checkpoint>', 'a checkpoint or a run folder')
    .argument('[texts...]', 'each a text of its own')
    .option(
      '--shuffled <number>',
      'shuffled versions of each text to score beside it',
      numberFrom(0, 100, 'whole number'),
      0,
    )
    .option('--seed <number>', 'decides on the shuffles', numberFrom(0, 4294967295, 'whole number'), 42);
  withOutput(withCompute(withVerify(score)));
  withAction(score, async () => (await import('./commands/score.js')).score);
  example(score, 'mossctl score runs/quickstart "床前明月光" --shuffled 3');
}
