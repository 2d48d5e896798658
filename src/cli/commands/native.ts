// mossctl native build: compiles the native engine again, for those whose install did not (npm 12 blocks install
// scripts of packages) or who have a compiler only now.
import { UserError } from '../../base/errors.js';
import { describeAddon, loadAddon } from '../../tensor/native/addon.js';
import { buildScript } from '../native-build.js';
import type { OutputOptions } from '../options.js';
import { printError, printJson, printLine } from '../output.js';

export async function build(options: OutputOptions & { force?: boolean }): Promise<void> {
  const { buildNative, describeBuild, BuildFailure } = await buildScript();
  try {
    const result = await buildNative({ force: options.force });
    const engine = describeAddon(loadAddon(result.path));
    const { built, path, seconds, instructionSets, warnings } = result;
    if (options.json) printJson({ type: 'result', built, path, seconds, instructionSets, engine });
    else if (!options.quiet) printLine(`${describeBuild(result)}\nthis machine uses ${engine}`);
    if (warnings !== '' && !options.quiet) printError(warnings);
  } catch (error) {
    if (!(error instanceof BuildFailure)) throw error;
    if (error.log !== '') printError(error.log);
    throw new UserError(
      { what: 'the native engine was not built', why: error.message, next: error.next },
      { exitCode: 1 },
    );
  }
}
