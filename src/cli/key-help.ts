// Which commands end their --help with the keys of a pipeline's block; the table itself needs the schema, and is loaded where
// help was asked for.
import type { Command } from 'commander';
import { namesOf, stageTable } from '../stages/catalog.js';

/** The keys of a pipeline block, as text. */
export type KeyTable = (block: string) => string;

/** Command → its block in the pipeline file. */
const blocks: Readonly<Record<string, string>> = {
  ...Object.fromEntries(namesOf(stageTable).map((name) => [stageTable[name].command, name])),
  'tokenizer extend': 'tokenizer',
};

/** Whether the help that was typed ends with such a table. */
export function showsKeys(typed: readonly string[]): boolean {
  return Object.keys(blocks).some((command) => command.split(' ').every((word) => typed.includes(word)));
}

export function addKeyHelp(program: Command, keys: KeyTable): void {
  for (const [name, block] of Object.entries(blocks)) {
    const find = (inside: Command | undefined, word: string): Command | undefined =>
      inside?.commands.find((command) => command.name() === word);
    name
      .split(' ')
      .reduce(find, program as Command | undefined)
      ?.addHelpText('after', () => keys(block));
  }
}
