// mossctl chat: a conversation in the terminal, or one turn a line from a pipe.
import { createInterface, type Interface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import pc from 'picocolors';
import { asUserError, UserError } from '../../base/errors.js';
import { exists, writeFileAtomic } from '../../base/files.js';
import { toJsonl } from '../../base/jsonl.js';
import { flagOverrides } from '../../base/overrides.js';
import { parseYaml } from '../../base/yaml.js';
import { askedSamplingSchema, type Sampling } from '../../config/sampling.js';
import { type Chat, type ChatOptions, openChat } from '../../inference/chat.js';
import type { OpenLearnt } from '../../inference/learnt-toolbox.js';
import { fieldMessage } from '../../tokenizer/message.js';
import { showAnswer } from '../chat-answer.js';
import { ChatFeedback } from '../chat-feedback.js';
import { type Ask, openChatTools, openLearntChatTools, type ToolOptions } from '../chat-tools.js';
import { computeChoice } from '../compute.js';
import { editedText } from '../editing.js';
import { type FeedbackOptions, openFeedback } from '../feedback-store.js';
import type { ComputeOptions, OutputOptions } from '../options.js';
import { inTerminal, printError, printLine } from '../output.js';
import { runSources } from '../run-sources.js';

const help = `  /good        the last answer is good; it is kept for training, with the conversation up to it
  /bad         it is not
  /edit        change it to what should have been said; /edit TEXT puts TEXT in its place
  /undo        withdraw what you said of it
  /reset       forget the conversation
  /save FILE   write it as one row of conversations JSONL
  /exit        leave (so does Ctrl-C or Ctrl-D)
  Ctrl-C during an answer stops that answer, and a tool that runs
  Only what you judge is kept. \`mossctl feedback list\` shows it, \`mossctl align --data feedback\` learns from it.`;

/** As typed, but for the numbers that commander has read. */
type ChatCommandOptions = Omit<ChatOptions, 'compute' | 'sampling' | 'toolbox'> &
  ComputeOptions &
  FeedbackOptions &
  ToolOptions &
  OutputOptions & { [Key in keyof Sampling]?: string };

export async function chat(checkpoint: string, options: ChatCommandOptions): Promise<void> {
  const { temperature, topK, topP, minP, repetitionPenalty, json = false, quiet = false } = options;
  const flags = flagOverrides({ temperature, topK, topP, minP, repetitionPenalty });
  const sampling = parseYaml({ path: 'the command line', text: '' }, askedSamplingSchema, flags);
  if (options.feedback !== undefined) await openFeedback(options); // what cannot be written is said before a word is typed
  const isTerminal = Boolean(process.stdin.isTTY && process.stdout.isTTY) && !json;
  const asking: { ask?: Ask } = {};
  const ask = isTerminal ? async (question: string) => asking.ask?.(question) : undefined;
  let toolbox = await openChatTools(options, ask);
  const learnt: OpenLearnt = async (tools, room) => {
    toolbox = await openLearntChatTools(tools, { ...options, room, sources: await runSources(checkpoint) }, ask);
    return toolbox;
  };
  const opening = openChat(checkpoint, {
    ...{ ...options, sampling, compute: computeChoice(options) },
    toolbox: options.tools === undefined ? learnt : toolbox,
  });
  opening.catch(() => toolbox?.close());
  const session = await opening;
  const feedback = new ChatFeedback(() => openFeedback(options), session, {
    name: checkpoint,
    maxNewTokens: options.maxNewTokens,
  });
  const terminal = createInterface({
    input: process.stdin,
    output: isTerminal ? process.stdout : undefined,
    prompt: pc.bold('you › '),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  try {
    await readTurns({ session, feedback, terminal, isTerminal, json, quiet, asking });
  } finally {
    terminal.close();
    await session.close();
    await toolbox?.close();
  }
}

interface Dialogue {
  session: Chat;
  feedback: ChatFeedback;
  terminal: Interface;
  isTerminal: boolean;
  json: boolean;
  quiet: boolean;
  /** Where a tool's call is asked about. */
  asking: { ask?: Ask };
}

async function readTurns(dialogue: Dialogue): Promise<void> {
  const { session, terminal, isTerminal, quiet } = dialogue;
  let answering: AbortController | undefined;
  let isEditing = false;
  terminal.on('SIGINT', () => {
    if (!isEditing && answering === undefined) terminal.close();
    answering?.abort();
    if (isEditing) abandonLine(terminal);
  });
  const lines = terminal[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string | undefined> => {
    isEditing = true;
    const { done, value } = await lines.next();
    isEditing = false;
    return done ? undefined : value;
  };
  dialogue.asking.ask = async (question) => {
    await setImmediate(); // what came before the call is printed first
    process.stdout.write(pc.bold(question));
    const line = await nextLine();
    return answering?.signal.aborted ? undefined : line;
  };
  const notes = quiet ? [] : session.notes.map((note) => inTerminal(`mossctl: ${note}`));
  for (const note of notes) printError(isTerminal ? pc.dim(note) : note);
  if (isTerminal && !quiet) printLine(pc.dim('Type a message, or /help.'));
  if (isTerminal) terminal.prompt();
  for await (const line of lines) {
    const text = line.trim();
    // What comes through a pipe is somebody's text, whatever it begins with; only a person types commands.
    if (process.stdin.isTTY && text.startsWith('/')) {
      if (await runCommand(text, dialogue, nextLine)) return;
    } else if (text !== '') {
      answering = new AbortController();
      await answer(text, dialogue, answering.signal);
      answering = undefined;
    }
    if (isTerminal) terminal.prompt();
  }
  if (isTerminal) printLine('');
}

/** Ends the line that is being typed as an empty one. */
function abandonLine(terminal: Interface): void {
  for (const name of ['e', 'u']) terminal.write(null, { ctrl: true, name });
  terminal.write('\n');
}

async function answer(text: string, dialogue: Dialogue, signal: AbortSignal): Promise<void> {
  const { session, isTerminal } = dialogue;
  try {
    await showAnswer(session.send(text, signal), dialogue);
  } catch (error) {
    // In a terminal the conversation continues: a message that is too long is no reason to lose it.
    if (!isTerminal || !(error instanceof UserError)) throw error;
    printError(`mossctl: ${error.message}`);
    return;
  }
  if (isTerminal && session.forgotten > 0) {
    printLine(pc.dim(`(the first ${session.forgotten} messages no longer fit into the context)`));
  }
}

/** True where the command ends the chat. */
async function runCommand(
  text: string,
  { session, feedback, terminal, isTerminal }: Dialogue,
  nextLine: () => Promise<string | undefined>,
): Promise<boolean> {
  const [, command, rest] = /^(\S+)\s*(.*)$/s.exec(text) as RegExpExecArray;
  const say = isTerminal ? printLine : printError;
  if (command === '/exit' || command === '/quit') return true;
  if (command === '/reset') {
    session.reset();
    feedback.reset();
    if (isTerminal) say(pc.dim('(forgotten)'));
  } else if (command === '/save') say(await save(rest, session));
  else if (command === '/good' || command === '/bad' || command === '/undo' || command === '/edit') {
    say(await judged(command, rest, { session, feedback, terminal }, nextLine));
  } else say(command === '/help' ? help : `There is no ${command}.\n${help}`);
  return false;
}

/** What the person says of the last answer. Where it cannot be kept, the conversation continues. */
async function judged(
  command: '/good' | '/bad' | '/undo' | '/edit',
  text: string,
  { session, feedback, terminal }: Pick<Dialogue, 'session' | 'feedback' | 'terminal'>,
  nextLine: () => Promise<string | undefined>,
): Promise<string> {
  try {
    if (command === '/good') return await feedback.label('good');
    if (command === '/bad') return await feedback.label('bad');
    if (command === '/undo') return await feedback.undo();
    const before = session.last?.answer.content ?? '';
    const edited = text !== '' || before === '' ? text : await editedText(before, terminal, nextLine);
    return edited === undefined ? 'Nothing is changed.' : await feedback.edit(edited);
  } catch (error) {
    return `Not kept: ${(asUserError(error) as Error).message}`;
  }
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
