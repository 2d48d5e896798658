// The commands about tools as a person sees them: which there are, and calling one by hand.
import type { Command } from 'commander';
import { example, onlyPrints, withAction, withOutput } from './options.js';

export function addTools(program: Command): void {
  const tools = program
    .command('tools')
    .description('what a model may call: list the tools, or call one yourself')
    .helpCommand(false);
  const list = tools
    .command('list', { isDefault: true })
    .description('built-in tools and your own, and what is missing for each; those named, in full')
    .argument('[tools...]', 'names, or YAML files');
  withOutput(list);
  list.addHelpText(
    'after',
    `
A tool of yours is a YAML file (docs/tools.md):
  name: Weather
  description: Tomorrow's weather in a city.
  parameters:
    { type: object, properties: { city: { type: string } }, required: [city] }
  run: { command: [python3, weather.py, --, "{city}"] }
  #    { http: { url: "https://weather.example/?q={city}" } }
  limits: { seconds: 10, characters: 500 }`,
  );
  withAction(onlyPrints(list), async () => (await import('./commands/tools.js')).list);
  example(list, 'mossctl tools list Calculate weather.yaml');
  const call = tools
    .command('call')
    .description('call one tool, and print what the model would read')
    .argument('<tool>', 'as behind --tools: Calculate, Search=notes/, a YAML file')
    .argument('[arguments...]', 'NAME=VALUE each, or one JSON object, or the value of the only one that it needs');
  withOutput(call);
  withAction(call, async () => (await import('./commands/tools.js')).call);
  example(call, "mossctl tools call Calculate '2^10'\n  mossctl tools call weather.yaml city=Shanghai days=3");
}
