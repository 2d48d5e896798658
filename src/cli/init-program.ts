// mossctl init as a person sees it.
import { type Command, Option } from 'commander';
import { anyModel, example, withAction, withOutput } from './options.js';

/** What a person has → what is written for it. */
export const startingPoints = {
  texts: 'my texts: a tokenizer and a base model from them',
  conversations: 'my conversations: a model of mine learns to answer',
  model: 'a published model: it learns from my conversations, by LoRA',
  preferences: 'preferences: which of two answers is better',
} as const;
export type StartingPoint = keyof typeof startingPoints;

export function addInit(program: Command): void {
  const words = Object.entries(startingPoints).map(([kind, what]) => `${kind} (${what})`);
  const init = program
    .command('init')
    .description('write a pipeline to begin with, each key explained; nothing is ever overwritten')
    .argument('[kind]', `${words.join('; ')}; asked for in a terminal`)
    .argument('[dir]', 'folder to write to (default: this one)')
    .addOption(new Option('--from <model>', `the model to start from: ${anyModel}`));
  withOutput(init);
  withAction(init, async () => (await import('./commands/init.js')).init);
  example(init, 'mossctl init texts my-model');
}
