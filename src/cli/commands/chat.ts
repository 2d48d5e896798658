// mossctl chat: a conversation in the terminal, or one turn a line from a pipe.
import { createInterface, type Interface } from 'node:readline';
import pc from 'picocolors';
import { UserError } from '../../base/errors.js';
import { exists, writeFileAtomic } from '../../base/files.js';
import { printableLines } from '../../base/format.js';
import { toJsonl } from '../../base/jsonl.js';
import { flagOverrides } from '../../base/overrides.js';
import { parseYaml } from '../../base/yaml.js';
import { askedSamplingSchema, type Sampling } from '../../config/sampling.js';
import { type Chat, type ChatOptions, openChat } from '../../inference/chat.js';
import { fieldMessage } from '../../tokenizer/message.js';
import { computeChoice } from '../compute.js';
import type { ComputeOptions, OutputOptions } from '../options.js';
import { printError, printJson, printLine } from '../output.js';

const help = `  /reset       forget the conversation
  /save FILE   write it as one row of conversations JSONL
  /exit        leave (so does Ctrl-C or Ctrl-D)
  Ctrl-C during an answer stops that answer`;

/** As typed, but for the numbers that commander has read. */
type ChatCommandOptions = Omit<ChatOptions, 'compute' | 'sampling'> &
  ComputeOptions &
  OutputOptions & { [Key in keyof Sampling]?: string };

export async function chat(checkpoint: string, options: ChatCommandOptions): Promise<void> {
  const { temperature, topK, topP, minP, repetitionPenalty, json = false, quiet = false } = options;
  const flags = flagOverrides({ temperature, topK, topP, minP, repetitionPenalty });
  const sampling = parseYaml({ path: 'the command line', text: '' }, askedSamplingSchema, flags);
  const session = await openChat(checkpoint, { ...options, sampling, compute: computeChoice(options) });
  const isTerminal = Boolean(process.stdin.isTTY && process.stdout.isTTY) && !json;
  const terminal = createInterface({
    input: process.stdin,
    output: isTerminal ? process.stdout : undefined,
    prompt: pc.bold('you › '),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  try {
    await readTurns({ session, terminal, isTerminal, json, quiet });
  } finally {
    terminal.close();
    await session.close();
  }
}

interface Dialogue {
  session: Chat;
  terminal: Interface;
  isTerminal: boolean;
  json: boolean;
  quiet: boolean;
}

async function readTurns(dialogue: Dialogue): Promise<void> {
  const { session, terminal, isTerminal, quiet } = dialogue;
  let answering: AbortController | undefined;
  terminal.on('SIGINT', () => {
    if (answering === undefined) terminal.close();
    else answering.abort();
  });
  const notes = quiet ? [] : session.notes.map((note) => `mossctl: ${note}`);
  for (const note of notes) printError(isTerminal ? pc.dim(note) : note);
  if (isTerminal && !quiet) printLine(pc.dim('Type a message, or /help.'));
  if (isTerminal) terminal.prompt();
  for await (const line of terminal) {
    const text = line.trim();
    // What comes through a pipe is somebody's text, whatever it begins with; only a person types commands.
    if (process.stdin.isTTY && text.startsWith('/')) {
      if (await runCommand(text, dialogue)) return;
    } else if (text !== '') {
      answering = new AbortController();
      await answer(text, dialogue, answering.signal);
      answering = undefined;
    }
    if (isTerminal) terminal.prompt();
  }
  if (isTerminal) printLine('');
}

async function answer(text: string, { session, isTerminal, json }: Dialogue, signal: AbortSignal): Promise<void> {
  let content = '';
  try {
    for await (const piece of session.send(text, signal)) {
      content += piece;
      if (!json) process.stdout.write(isTerminal ? printableLines(piece) : piece);
    }
  } catch (error) {
    // In a terminal the conversation continues: a message that is too long is no reason to lose it.
    if (!isTerminal || !(error instanceof UserError)) throw error;
    printError(`mossctl: ${error.message}`);
    return;
  }
  if (json) printJson({ role: 'assistant', content });
  else printLine('');
  if (isTerminal && session.forgotten > 0) {
    printLine(pc.dim(`(the first ${session.forgotten} messages no longer fit into the context)`));
  }
}

/** True where the command ends the chat. */
async function runCommand(text: string, { session, isTerminal }: Dialogue): Promise<boolean> {
  const [command, ...rest] = text.split(/\s+/);
  const say = isTerminal ? printLine : printError;
  if (command === '/exit' || command === '/quit') return true;
  if (command === '/reset') {
    session.reset();
    if (isTerminal) say(pc.dim('(forgotten)'));
  } else if (command === '/save') say(await save(rest.join(' '), session));
  else say(command === '/help' ? help : `There is no ${command}.\n${help}`);
  return false;
}

async function save(path: string, session: Chat): Promise<string> {
  if (path === '') return 'Name a file: /save conversation.jsonl';
  if (await exists(path)) return `${path} exists already; choose another name.`;
  const messages = session.transcript();
  try {
    await writeFileAtomic(path, toJsonl([{ messages: messages.map(fieldMessage) }]));
    return `Saved ${messages.length} messages to ${path}.`;
  } catch (error) {
    return `Not saved: ${(error as Error).message}`;
  }
}
