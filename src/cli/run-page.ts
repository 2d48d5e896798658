// The page of a run while it trains (--ui): `mossctl serve --follow` as a process of its own, so that neither a page that is looked
// at nor a crash of the server holds a step up (docs/decisions/046). It ends with the run; on a terminal it stays, once a run has
// ended well, until Ctrl-C.
import { type ChildProcess, spawn } from 'node:child_process';
import { relative, resolve, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { jsonIn } from '../base/objects.js';
import { mossctlCommand } from '../base/shell.js';
import { ownEnvironment, ownProgram, printedErrors, printedWarning, stopMessage } from '../serve/own-program.js';
import { computeWords, type RunOptions } from './options.js';
import { noteOnStderr, printJson, printLine, warnThroughReporter } from './output.js';
import { killSignals } from './signals.js';

const listeningSchema = z.object({ type: z.literal('listening'), url: z.url() });
const maxErrors = 4096;
/** A run is not held up longer by a page that does not come, on a machine that is busy. */
const startSeconds = 60;
/** What saving a round of alignment takes at the most, until the server is killed. */
const patienceMilliseconds = 15_000;
/** After it a person is told what the page waits for. */
const noticeMilliseconds = 1000;

type PageOptions = Pick<RunOptions, 'port' | 'json' | 'quiet' | 'backend' | 'threads' | 'precision'> & {
  /** The folder whose runs the page lists. */
  root: string;
};

export class RunPage {
  readonly #child: ChildProcess;
  readonly #again: string;
  #errors = '';
  #isEnding = false;
  /** How the server ended: undefined, where it was asked to. */
  readonly #ended: Promise<string | undefined>;
  #address = '';

  private constructor(runs: readonly string[], options: PageOptions) {
    const port = options.port === undefined ? [] : ['--port', String(options.port)];
    const words = ['serve', ...runs, '--follow', '--runs', options.root, ...port, ...computeWords(options)];
    this.#again = mossctlCommand('serve', ...runs, '--follow');
    // The channel closes with it, however it ends: then the server ends, too.
    this.#child = spawn(process.execPath, [...ownProgram, ...words, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: ownEnvironment(),
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-maxErrors);
    });
    // Nobody reads what it prints but this process.
    if (this.#child.stderr) {
      createInterface({ input: this.#child.stderr }).on('line', (line) => {
        const warning = printedWarning(line);
        if (warning !== undefined) warnThroughReporter(warning);
      });
    }
    this.#ended = this.#closed();
  }

  /**
   * Once it can be opened. @param runs folders below `root`; the first is shown.
   * @throws UserError where a port was named that cannot be had; else a page that cannot be opened is a warning: undefined.
   */
  static async open(runs: readonly string[], options: PageOptions): Promise<RunPage | undefined> {
    const page = new RunPage(runs, options);
    const url = await page.#listening();
    if (url === undefined) {
      const why = (await page.#ended) ?? `it did not start within ${startSeconds} s`;
      if (options.port !== undefined) {
        const next = 'Choose another --port, or omit it for one that is not taken';
        throw new UserError({ what: 'the page cannot be shown there', where: `--port ${options.port}`, why, next });
      }
      warnThroughReporter(`the page cannot be shown (${why}); the run continues without it`);
      return undefined;
    }
    page.#address = `${url}/#/watch/${encodeURIComponent(nameIn(options.root, runs[0]))}`;
    if (options.json) printJson({ type: 'page', url: page.#address });
    else printLine(options.quiet ? page.#address : `page    ${page.#address}`);
    page.#ended.then((failure) => {
      if (failure === undefined) return;
      warnThroughReporter(`the page has ended (${failure}); the run continues. To see it again: ${page.#again}`);
    });
    page.#release();
    return page;
  }

  /** Until Ctrl-C, on a terminal; elsewhere nobody looks at it any more. */
  async stay({ json, quiet }: Pick<PageOptions, 'json' | 'quiet'>): Promise<void> {
    if (json || process.stdout.isTTY !== true || this.#child.exitCode !== null) return;
    if (!quiet) printLine(`page    ${this.#address}  stays until Ctrl-C`);
    this.#child.ref();
    let notice: NodeJS.Timeout | undefined;
    const stop = (): void => {
      if (this.#isEnding) this.#child.kill('SIGKILL');
      // No signal: a terminal's Ctrl-C reaches the server as well, and ours would be the second one, which cuts answers off.
      else if (this.#child.connected) this.#child.send(stopMessage, () => undefined);
      this.#isEnding = true;
      notice ??= setTimeout(() => {
        if (!quiet) noteOnStderr('the page stops once its answers have ended; press Ctrl-C again to stop at once');
      }, noticeMilliseconds);
    };
    for (const name of killSignals) process.on(name, stop);
    await this.#ended;
    clearTimeout(notice);
    for (const name of killSignals) process.off(name, stop);
  }

  async close(): Promise<void> {
    this.#isEnding = true;
    if (this.#child.connected) this.#child.disconnect();
    const late = setTimeout(() => this.#child.kill('SIGKILL'), patienceMilliseconds);
    this.#child.ref();
    await this.#ended;
    clearTimeout(late);
  }

  /** Undefined: it ended before, or would hold the run up. */
  #listening(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        this.#isEnding = true;
        this.#child.kill('SIGKILL');
      }, startSeconds * 1000);
      this.#ended.then(() => resolve(undefined)).finally(() => clearTimeout(late));
      if (this.#child.stdout === null) return;
      createInterface({ input: this.#child.stdout }).on('line', (line) => {
        const said = listeningSchema.safeParse(jsonIn(line)).data;
        if (said === undefined) return;
        clearTimeout(late);
        resolve(said.url);
      });
    });
  }

  #closed(): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#child.on('error', (error) => resolve(error.message));
      // After `disconnect` Node emits no `close`, which waits for all that a failure printed.
      this.#child.on('exit', () => this.#isEnding && resolve(undefined));
      this.#child.on('close', (code, signal) => {
        // A terminal's Ctrl-C reaches it as well.
        const isAsked = this.#isEnding || code === 0 || code === 130;
        resolve(isAsked ? undefined : (printedErrors(this.#errors) ?? `it ended with ${signal ?? `code ${code}`}`));
      });
    });
  }

  /** The run ends when its own work has. */
  #release(): void {
    const { stdout, stderr, channel } = this.#child;
    this.#child.unref();
    channel?.unref();
    for (const stream of [stdout, stderr]) (stream as { unref?(): void } | null)?.unref?.();
  }
}

/** `quickstart`, `quickstart/seed-7`: as the page calls it. */
function nameIn(root: string, run: string): string {
  return relative(resolve(root), resolve(run)).replaceAll(sep, '/');
}
