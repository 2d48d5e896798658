// Everything that is printed goes through here, without keys and in the language that was chosen: results to stdout,
// progress and errors to stderr. Neither a reader that goes away nor a log that cannot be written ends the work: what is
// missing then is said at the end, with exit code 1.
import { relative } from 'node:path';
import pc from 'picocolors';
import { asUserError, Interrupted, UserError, wholeMessage } from '../base/errors.js';
import { displayWidth, printable, terminalColumns, wrapped } from '../base/format.js';
import { redact, redactAll, shownUrls } from '../base/secrets.js';
import { english, type Speech } from '../language/speech.js';

/** Set once, before anything is printed. */
let speech: Speech = english;

export function speak(chosen: Speech): void {
  speech = chosen;
}

/** For what is printed by another hand: the bar, the help. */
export function chosenSpeech(): Speech {
  return speech;
}

export function printLine(text: string): void {
  printVerbatim(restored(speech.lines(text)));
}

/** Characters of private use, which no font and no template has: each stands for one text that is not ours. */
const [firstStandIn, lastStandIn] = [0xf0000, 0xffffd];
const standIns = new Map<string, string>();
let nextStandIn = firstStandIn;

/**
 * What a person, a corpus or a model wrote, to be put into a line for `printLine` or `printError`, which translate the rest of it: "Tom lost" reads
 * like a message of ours. Stands there, as wide, until the line is printed.
 */
export function verbatim(text: string): string {
  if (speech.language === 'en' || text === '') return text;
  const standIn = String.fromCodePoint(nextStandIn);
  nextStandIn = nextStandIn === lastStandIn ? firstStandIn : nextStandIn + 1;
  standIns.set(standIn, text);
  return standIn.repeat(text.includes('\n') ? 1 : displayWidth(text));
}

function restored(text: string): string {
  if (standIns.size === 0) return text;
  return text.replace(/([\u{f0000}-\u{ffffd}])\1*/gu, (run: string, standIn: string) => {
    const own = standIns.get(standIn);
    standIns.delete(standIn);
    return own ?? run;
  });
}

/** What a model or a person wrote, which is no message of ours. */
export function printVerbatim(text: string): void {
  process.stdout.write(`${redact(text)}\n`);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(redactAll(value))}\n`);
}

export function printError(text: string): void {
  process.stderr.write(`${redact(restored(speech.lines(text)))}\n`);
}

/** Of the terminal that results go to; in a file or a pipe as many as fit any terminal. */
export function stdoutColumns(): number {
  return process.stdout.columns || terminalColumns;
}

/** What a person should know of how a model is read, before what is made of it. */
export function printNotes({ notes = [] }: { notes?: readonly string[] }, { quiet }: { quiet?: boolean }): void {
  if (!quiet) for (const note of notes) noteOnStderr(note);
}

/** What a person should know of a command that has no reporter. */
export function noteOnStderr(text: string): void {
  printError(inTerminal(`mossctl: ${speech.say(printable(text))}`));
}

/** Broken at blanks where a person reads it on a terminal; a log has a line for each note. */
export function inTerminal(text: string): string {
  const { isTTY, columns } = process.stderr;
  return isTTY ? wrapped(text, columns || terminalColumns) : text;
}

export function warnOnStderr(text: string): void {
  printError(inTerminal(`mossctl: ${speech.labelled('warning:', printable(text))}`));
}

/** `runs/x/sft/step-000100`, as a person would type it. */
export function shownPath(path: string): string {
  const near = relative('.', path);
  return near === '' ? '.' : near.startsWith('..') ? path : near;
}

/** Says what went wrong and returns the exit code: 1 failed, 2 wrong usage or input, 130 interrupted. */
export function reportFailure(thrown: unknown): number {
  const error = asUserError(thrown);
  const debug = Boolean(process.env.MOSSCTL_DEBUG);
  const prefix = `mossctl: ${speech.labelled('error:', '')}`;
  const label = process.stderr.isTTY ? pc.red(prefix) : prefix;
  if (debug && thrown instanceof Error) printError(thrown.stack ?? thrown.message);
  if (error instanceof UserError) {
    for (const fault of error.faults) printError(label + shownUrls(printable(speech.fault(fault))));
    return error.exitCode;
  }
  if (error instanceof Interrupted) {
    printError(`mossctl: ${speech.labelled('interrupted:', error.message)}`);
    printError('Run the same command again to resume from there.');
    return 130;
  }
  const message = error instanceof Error ? `${error.name}: ${wholeMessage(error)}` : String(error);
  printError(label + speech.say(`something failed that should not have: ${printable(message.split('\n')[0])}`));
  if (!debug) printError('Set MOSSCTL_DEBUG=1 and run the same command again to see where.');
  return 1;
}

let isOnlyPrinting = false;

/** For a command that does nothing but print: `mossctl score … | head` ends with its reader, and with a full disk. */
export function endWithOutput(): void {
  isOnlyPrinting = true;
}

const incomplete = new Set<string>();

/** Something written beside the work, such as the report, is not whole: the command continues and ends with exit code 1. */
export function addIncomplete(where: string): void {
  incomplete.add(where);
}

/** What could not be written while the work continued; undefined where all of it could. `isDone`: the work ended well. */
export function incompleteError(isDone: boolean): UserError | undefined {
  if (incomplete.size === 0) return undefined;
  return new UserError(
    {
      where: [...incomplete].map((name) => (name.startsWith('standard ') ? name : shownPath(name))).join(', '),
      what: 'not all of it could be written',
      why: isDone ? 'the work itself was done: only what was written about it has gaps' : undefined,
      next: 'Look at the warnings above, and free space or fix permissions',
    },
    { exitCode: 1 },
  );
}

/** Without a reporter, warnings go to stderr; those about a stream may go nowhere else. */
let warn = warnOnStderr;

/** While work reports, its reporter says what happens to the streams, so that the report has it too. */
export function warnThrough(reporter: (text: string) => void): () => void {
  const before = warn;
  warn = reporter;
  return () => {
    warn = before;
  };
}

/** What is said at any time: by the reporter while one reports, which has a bar to take away first. */
export function warnThroughReporter(text: string): void {
  warn(text);
}

/** Each later line is tried again, for the disk may have room by then. */
export function surviveBrokenStreams(): void {
  for (const [name, stream] of [
    ['standard output', process.stdout],
    ['standard error', process.stderr],
  ] as const) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      const isGone = isReaderGone(error.code, stream.isTTY);
      if (isOnlyPrinting && stream === process.stdout)
        process.exit(isGone ? 0 : reportFailure(streamError(name, error)));
      if (isGone || incomplete.has(name)) return;
      addIncomplete(name);
      warn(`${name} cannot be written (${error.code ?? error.message}): the work continues, lines are missing there`);
    });
  }
}

function streamError(where: string, { code, message }: NodeJS.ErrnoException): UserError {
  const next = 'Free some space, or send it to another file';
  return new UserError({ where, what: `it cannot be written (${code ?? message})`, next }, { exitCode: 1 });
}

/** A closed pipe, or a terminal that was hung up. */
function isReaderGone(code = '', isTerminal = false): boolean {
  return ['EPIPE', 'ECONNRESET', 'EOF'].includes(code) || (isTerminal && code === 'EIO');
}

/** Once all that was printed has been written or has failed. */
export async function outputWritten(): Promise<void> {
  const streams = [process.stdout, process.stderr];
  await Promise.all(streams.map((stream) => new Promise<void>((resolve) => stream.write('', () => resolve()))));
  await new Promise((resolve) => setImmediate(resolve)); // errors are emitted after their callbacks
}
