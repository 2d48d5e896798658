// The entry point: the only place that catches errors and sets the exit code.
import { CommanderError } from 'commander';
import { chosenLanguage } from '../language/choice.js';
import { speechIn } from '../language/speech.js';
import { withFetching } from '../network/fetching.js';
import type { FetchContext } from '../network/http.js';
import { type KeyTable, showsKeys } from './key-help.js';
import { type OutputOptions, suggestBegun } from './options.js';
import { chosenSpeech, incompleteError, outputWritten, reportFailure, speak, surviveBrokenStreams } from './output.js';
import { buildProgram } from './program.js';
import { survivesHangup } from './signals.js';

async function main(given: readonly string[]): Promise<number> {
  const typed = asOptions(given);
  try {
    speak(await speechIn(chosenLanguage(typed, process.env)));
    const program = buildProgram(await keyTableFor(typed), chosenSpeech());
    suggestBegun(program);
    if (typed.length === 0) {
      program.outputHelp();
      return 0;
    }
    let options: OutputOptions = {};
    program.hook('preAction', (_, command) => {
      options = command.opts();
    });
    const fetching = async <T>(work: (context: FetchContext) => Promise<T>): Promise<T> => {
      const { reporting } = await import('./reporting.js');
      return reporting('fetch', options, work);
    };
    await withFetching(fetching, () => program.parseAsync(typed, { from: 'user' }));
    return Number(process.exitCode ?? 0); // a command that did its work may still have bad news
  } catch (error) {
    // Commander has already printed help, the version, or what is wrong with the command line.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return reportFailure(error);
  }
}

/** What other programs have as commands: `version`, `help chat`. */
function asOptions(typed: readonly string[]): readonly string[] {
  const [first, ...rest] = typed;
  if (first === 'help') return [...rest, '--help'];
  return first === 'version' || first === '-v' ? ['--version', ...rest] : typed;
}

/** Only the help of a stage command needs the schema of the pipeline. */
async function keyTableFor(typed: readonly string[]): Promise<KeyTable> {
  const wantsHelp = typed.includes('--help') || typed.includes('-h');
  if (!wantsHelp || !showsKeys(typed)) return () => '';
  return (await import('./keys.js')).keyTable;
}

surviveBrokenStreams();
if (survivesHangup) process.on('SIGHUP', () => undefined);
process.on('uncaughtException', (error) => process.exit(reportFailure(error)));
let code = await main(process.argv.slice(2));
await outputWritten();
const incomplete = incompleteError(code === 0);
if (incomplete !== undefined) code = Math.max(code, reportFailure(incomplete));
// A failed command may leave timers and sockets behind; a finished one has none and ends by itself.
if (code === 0) process.exitCode = 0;
else process.exit(code);
