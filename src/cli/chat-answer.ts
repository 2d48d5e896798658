// An answer as a chat shows it: text as it comes, what is called, and what comes of that. In a terminal calls are dimmed; in a
// pipe they go to stderr, and stdout has the text alone; as JSON each is a line.
import pc from 'picocolors';
import { printable, printableLines, shorten } from '../base/format.js';
import type { ToolUse } from '../inference/tool-stream.js';
import type { ToolCall } from '../tokenizer/message.js';
import { printError, printJson, printLine, verbatim } from './output.js';

export interface AnswerForm {
  isTerminal: boolean;
  json: boolean;
  quiet: boolean;
}

const maxShownLines = 8;
const maxShownLine = 200;

/** Prints the pieces as they come. @throws what the answer throws; what came before is printed. */
export async function showAnswer(pieces: AsyncIterable<string | ToolUse>, form: AnswerForm): Promise<void> {
  const { isTerminal, json } = form;
  let text = '';
  let isLineOpen = false;
  const endLine = (): void => {
    if (isLineOpen) printLine('');
    isLineOpen = false;
  };
  for await (const piece of pieces) {
    if (typeof piece === 'string') {
      text += piece;
      if (json) continue;
      process.stdout.write(isTerminal ? printableLines(piece) : piece);
      isLineOpen = true;
      continue;
    }
    if (json) {
      if (text !== '') printJson({ type: 'text', content: text });
      printJson(eventOf(piece));
    } else {
      endLine();
      if (isTerminal) printLine(pc.dim(shownUse(piece)));
      else if (!form.quiet) printError(`mossctl: ${shownUse(piece)}`);
    }
    text = '';
  }
  if (json) printJson({ role: 'assistant', content: text });
  else if (isLineOpen || text === '') printLine('');
  if (isTerminal && !json && text.trim() === '') printLine(pc.dim('(no answer came; this turn is not kept)'));
}

function eventOf(use: ToolUse): object {
  if (use.type === 'thought') return { type: 'thought', content: use.text };
  if (use.type === 'call') {
    if (use.call === undefined) return { type: 'call', unreadable: use.written };
    return { type: 'call', name: use.call.name, arguments: use.call.arguments };
  }
  const { call, result } = use.ran;
  return { type: 'result', ...(call !== undefined && { name: call.name }), ...result };
}

function shownUse(use: ToolUse): string {
  if (use.type === 'thought') return `(${shownLines(use.text)})`;
  if (use.type === 'call') {
    return use.call === undefined
      ? `→ a call that cannot be read: ${verbatim(shorten(printable(use.written ?? ''), maxShownLine))}`
      : `→ ${verbatim(shownCall(use.call))}`;
  }
  const { content, fault } = use.ran.result;
  return `← ${fault === undefined ? '' : `(${faultWords[fault]}) `}${shownLines(content)}`;
}

const faultWords = {
  unreadable: 'not run',
  unknown: 'not run',
  arguments: 'not run',
  failed: 'no result',
  timeout: 'stopped',
  denied: 'not allowed',
  aborted: 'stopped',
  limit: 'not run',
} as const;

/** `Calculate(expression: "12*3")` */
export function shownCall({ name, arguments: given }: ToolCall): string {
  const values = Object.entries(given).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return shorten(printable(`${name}(${values.join(', ')})`), 5 * maxShownLine);
}

function shownLines(text: string): string {
  const lines = printableLines(text).split('\n');
  const shown = lines.slice(0, maxShownLines).map((line) => shorten(line, maxShownLine));
  const left = lines.length - shown.length;
  return [verbatim(shown.join('\n  ')), ...(left > 0 ? [`… (${left} more lines)`] : [])].join('\n  ');
}
