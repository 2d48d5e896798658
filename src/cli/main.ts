// The entry point: the only place that sets the exit code of the process.
import { launchedRank, unjoinedTasks } from '../base/launcher.js';
import { runCommandLine } from './command-line.js';
import { incompleteError, outputWritten, reportFailure, surviveBrokenStreams } from './output.js';
import { survivesHangup } from './signals.js';

surviveBrokenStreams();
if (survivesHangup) process.on('SIGHUP', () => undefined);
process.on('uncaughtException', (error) => process.exit(reportFailure(error)));
const typed = process.argv.slice(2);
const launched = launchedRank(process.env);
const unjoined = unjoinedTasks(process.env);
if (unjoined > 0) await (await import('./ranks.js')).warnUnjoined(unjoined, typed);
let code =
  launched === undefined ? await runCommandLine(typed) : await (await import('./ranks.js')).runRank(launched, typed);
await outputWritten();
const incomplete = incompleteError(code === 0);
if (incomplete !== undefined) code = Math.max(code, reportFailure(incomplete));
// A failed command may leave timers and sockets behind; a finished one has none and ends by itself.
if (code === 0) process.exitCode = 0;
else process.exit(code);
