// One person and one item: what is shown, which keys there are, and what follows from them. Sides are drawn by chance and
// nothing says which model is which, so that a habit (the first, the longer) cannot favour one.
import pc from 'picocolors';
import { printable, printableLines, shorten } from '../base/format.js';
import { Random } from '../base/random.js';
import type { Item } from '../feedback/items.js';
import { type Judgement, type Verdict, verdictInWords } from '../feedback/record.js';
import type { Message } from '../tokenizer/message.js';
import { shownCall } from './chat-answer.js';
import { printLine, printVerbatim, verbatim } from './output.js';
import type { Typist } from './typist.js';

/** What the person did: judged it, or wants something else. */
export type Choice = { verdict: Verdict; edited?: Message[]; shownFirst?: 0 | 1 } | { action: 'undo' | 'quit' };

/** Which answer is shown as A: by chance, another for each person, the same when it is shown again. */
export function sideOf({ item }: Item, seed: number, annotator: string): 0 | 1 {
  return Random.stream(seed, `side ${annotator} ${item}`).integer(0, 2) as 0 | 1;
}

const compared = 'a/b  that one is better   t  tie   x  both bad   e  edit the better one';
const labelled = 'g  good   b  bad   e  edit it';
const others = 's  skip   u  undo   q  quit';

/** Shows the item; with `--json` as one object, sides as the person is to see them. */
export function showItem({ prompt, answers }: Item, shownFirst: 0 | 1, heading: string): void {
  printLine(`\n${pc.dim(`── ${heading} ${'─'.repeat(Math.max(4, 60 - heading.length))}`)}`);
  for (const [i, message] of prompt.entries()) {
    const { role } = message;
    const text = `${role === 'user' ? 'you' : role} › ${saidText(message)}`;
    printVerbatim(i === prompt.length - 1 ? pc.bold(text) : pc.dim(text));
  }
  const shown = shownFirst === 0 ? answers : [...answers].reverse();
  for (const [i, { messages }] of shown.entries()) {
    const name = answers.length === 1 ? 'answer' : 'AB'[i];
    printVerbatim(`\n${pc.cyan(name)} › ${messages.map(wholeText).join('\n')}`);
  }
  printLine('');
}

function shownText(content: string): string {
  return content.trim() === '' ? pc.dim('(nothing)') : printableLines(content);
}

/** What a message says, and what it calls. */
function saidText({ content, toolCalls = [] }: Message): string {
  const calls = toolCalls.map((call) => `→ ${shownCall(call)}`);
  return [...(content.trim() === '' && calls.length > 0 ? [] : [shownText(content)]), ...calls].join('\n');
}

function wholeText(message: Message): string {
  return `${message.role === 'assistant' ? '' : `${message.role} › `}${saidText(message)}`;
}

/** Asks until a key means something. */
export async function askChoice(
  item: Item,
  shownFirst: 0 | 1,
  typist: Typist,
  say: (text: string) => void,
): Promise<Choice> {
  const isPair = item.answers.length === 2;
  const keys = `${isPair ? compared : labelled}   ${others}`;
  say(pc.dim(keys));
  for (;;) {
    const key = await typist.key();
    if (key === undefined || key === 'q') return { action: 'quit' };
    if (key === 'u') return { action: 'undo' };
    if (key === 's') return { verdict: 'skip' };
    const choice = isPair ? await comparison(key, item, shownFirst, typist, say) : await label(key, item, typist);
    if (choice !== undefined) return choice;
    say(pc.dim(keys));
  }
}

async function label(key: string, { answers: [answer] }: Item, typist: Typist): Promise<Choice | undefined> {
  if (key === 'g' || key === 'b') return { verdict: key === 'g' ? 'good' : 'bad' };
  const edited = key === 'e' ? await editedAnswer(answer.messages, typist) : undefined;
  return edited && { verdict: 'edit', edited };
}

async function comparison(
  key: string,
  { answers }: Item,
  shownFirst: 0 | 1,
  typist: Typist,
  say: (text: string) => void,
): Promise<Choice | undefined> {
  const side = async (typed: string | undefined): Promise<0 | 1 | undefined> => {
    return typed === 'a' ? shownFirst : typed === 'b' ? ((1 - shownFirst) as 0 | 1) : undefined;
  };
  const verdictOf = (better: 0 | 1): Verdict => (better === 0 ? 'first' : 'second');
  if (key === 't') return { verdict: 'tie', shownFirst };
  if (key === 'x') return { verdict: 'both-bad', shownFirst };
  const better = await side(key);
  if (better !== undefined) return { verdict: verdictOf(better), shownFirst };
  if (key !== 'e') return undefined;
  say(pc.dim('Edit which, the better one? a/b'));
  const edit = await side(await typist.key());
  const edited = edit === undefined ? undefined : await editedAnswer(answers[edit].messages, typist);
  return edit === undefined || edited === undefined ? undefined : { verdict: verdictOf(edit), edited, shownFirst };
}

/** The last message with the person's text; undefined where they changed nothing. */
async function editedAnswer(messages: readonly Message[], typist: Typist): Promise<Message[] | undefined> {
  const last = messages[messages.length - 1];
  const text = await typist.edit(last.content);
  if (text === undefined || text.trim() === last.content.trim()) return undefined;
  return [...messages.slice(0, -1), { ...last, content: text }];
}

/** `tie`; `runs/a better`, where the name of the model is not ours. */
export function verdictLabel(verdict: string, maxLength = Number.POSITIVE_INFINITY): string {
  const shown = shorten(printable(verdict), maxLength);
  const [, name] = /^(.+) better$/.exec(shown) ?? [];
  if (name === 'first' || name === 'second') return shown;
  if (name !== undefined) return `${verbatim(name)} better`;
  return shown.endsWith('…') ? verbatim(shown) : shown;
}

/** What was said of the judgements of one sitting. */
export function sittingInWords(judgements: readonly Judgement[]): string[] {
  const counts = new Map<string, number>();
  for (const judgement of judgements) {
    const verdict = verdictInWords(judgement);
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  }
  const decided = judgements.filter(({ verdict }) => verdict === 'first' || verdict === 'second');
  const onFirst = decided.filter(({ verdict, shownFirst }) => (verdict === 'first') === (shownFirst === 0)).length;
  const lines = [[...counts].map(([verdict, count]) => `${count} ${verdictLabel(verdict)}`).join(', ')];
  if (decided.length > 0)
    lines.push(`side A, drawn by chance, was the better one ${onFirst} of ${decided.length} times`);
  return lines;
}
