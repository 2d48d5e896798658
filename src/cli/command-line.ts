// What was typed → what is done: the command's exit code, with everything that is wrong said in words.
import { CommanderError } from 'commander';
import { chosenLanguage } from '../language/choice.js';
import { speechIn } from '../language/speech.js';
import { withFetching } from '../network/fetching.js';
import type { FetchContext } from '../network/http.js';
import { type KeyTable, showsKeys } from './key-help.js';
import { type OutputOptions, suggestBegun } from './options.js';
import { chosenSpeech, reportFailure, speak } from './output.js';
import { buildProgram } from './program.js';

/** @returns 0 done, 1 failed, 2 wrong usage or input, 130 interrupted. */
export async function runCommandLine(given: readonly string[]): Promise<number> {
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
