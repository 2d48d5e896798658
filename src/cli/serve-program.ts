// `mossctl serve` as a person sees it.
import { type Command, InvalidArgumentError } from 'commander';
import {
  anyModel,
  anyPort,
  collect,
  example,
  wholeNumber,
  withAction,
  withCompute,
  withFeedback,
  withOutput,
  withQuantize,
  withTools,
  withVerify,
} from './options.js';

export function addServe(program: Command): void {
  const serve = program
    .command('serve')
    .description('serve models to programs that speak to OpenAI, and a page to chat with them, on this machine')
    .argument('<models...>', `${anyModel}; a run folder serves what each of its stages made`)
    .option(
      '--follow',
      'of a run that trains: serve what it saves as it saves it; it needs no model yet, and weights wait until one is asked',
    )
    .option('--port <number>', `port to listen at; 0: any that is not taken ${anyPort}`, wholeNumber(0, 65535))
    .option('--host <address>', 'address to listen at; one that others reach needs a key', '127.0.0.1')
    .option('--api-key-file <file>', 'a file with the key that requests must send (or MOSSCTL_API_KEY)')
    .option('--allow-host <name>', 'another name that this server is reached under; may be repeated', collect)
    .option(
      '--cors <origin>',
      'pages of this origin may use /v1, such as http://localhost:3000; may be repeated',
      origins,
    )
    .option(
      '--max-tokens <number>',
      'tokens of an answer where a request names no number (default: 2048)',
      wholeNumber(1, 65536),
    )
    .option(
      '--queue <number>',
      'answers that are written or wait at once; more are refused (default: 512)',
      wholeNumber(1, 100_000),
    )
    .option('--runs <dir>', 'the runs that the page shows, and where its rounds of alignment go', 'runs')
    .option('--timeout <seconds>', 'how long a request may take (default: 600)', wholeNumber(1, 86_400));
  withFeedback(withTools(serve));
  withOutput(withQuantize(withCompute(withVerify(serve))));
  withAction(serve, async () => (await import('./commands/serve.js')).serve);
  example(serve, 'mossctl serve runs/quickstart');
}

function origins(typed: string, before?: string[]): string[] {
  const isOrigin = URL.canParse(typed) && new URL(typed).origin === typed;
  if (!isOrigin) throw new InvalidArgumentError('It must be an origin, such as http://localhost:3000.');
  return collect(typed, before);
}
