// MOSS's own SFT format: numbered turns, each with what the person said, inner thoughts, a command, its result and the answer.
import { isRecord } from '../../base/objects.js';
import type { Message } from '../../tokenizer/message.js';
import { expectText, Fields, parsed, wrongShape } from './fields.js';
import type { RowContext } from './message.js';
import { RowRefusal, shownName } from './notes.js';

const maxTurns = 2000;

/**
 * Inner thoughts become reasoning; commands and their results become messages where there are any.
 * @throws RowRefusal where a turn lacks its half, or turns are missing.
 */
export function readMossTurns(row: Fields, context: RowContext): Message[] {
  const chat = parsed(row.take('chat')?.value, 'chat');
  if (!isRecord(chat)) throw wrongShape('chat', 'an object of turns was expected: turn_1, turn_2, …');
  const names = Object.keys(chat);
  const strange = names.find((name) => !/^turn_[1-9]\d{0,3}$/.test(name));
  if (strange !== undefined) throw wrongShape(`chat.${shownName(strange)}`, 'expected turn_1, turn_2, …');
  if (names.length > maxTurns) throw wrongShape('chat', `more than ${maxTurns} turns are refused`);
  const gap = names.findIndex((_, i) => !Object.hasOwn(chat, `turn_${i + 1}`));
  if (gap >= 0) throw new RowRefusal(`a turn is missing before the last one`, `turn_${gap + 1}`);
  const said = row.take('num_turns')?.value;
  if (said !== undefined && Number(said) !== names.length) {
    throw new RowRefusal('num_turns is not the number of turns that are there');
  }
  return names.flatMap((_, i) => readTurn(new Fields(chat[`turn_${i + 1}`], `chat.turn_${i + 1}`), context));
}

function readTurn(turn: Fields, context: RowContext): Message[] {
  const at = turn.at.replace('chat.', '');
  const question = withoutMarkers(turn.text('Human') ?? '');
  const answer = withoutMarkers(turn.text('MOSS') ?? '');
  if (question === '') throw new RowRefusal('a turn has no text of the person (Human)', at);
  if (answer === '') throw new RowRefusal('a turn has no answer (MOSS)', at);
  const thoughts = unlessNone(turn.text('Inner Thoughts'));
  const command = unlessNone(turn.text('Commands'));
  const result = unlessNone(turn.text('Tool Responses'));
  for (const name of turn.rest) {
    context.note({ level: 'warning', text: `chat.turn[].${shownName(name)}, which is not read` });
  }
  const thought = thoughts === undefined ? {} : { reasoning: thoughts };
  const asked: Message = { role: 'user', content: question };
  if (command === undefined && result === undefined) {
    return [asked, { role: 'assistant', content: expectText(answer, turn.at), ...thought }];
  }
  if (result === undefined)
    throw new RowRefusal('a turn has a command (Commands) without a result (Tool Responses)', at);
  if (command === undefined)
    throw new RowRefusal('a turn has a result (Tool Responses) without a command (Commands)', at);
  return [
    asked,
    { role: 'assistant', ...callsIn(expectText(command, turn.at)), ...thought },
    { role: 'tool', content: result },
    { role: 'assistant', content: answer },
  ];
}

/** MOSS's tools, and what their one argument is called. */
const mossTools: Readonly<Record<string, string>> = {
  Search: 'query',
  Calculate: 'expression',
  Solve: 'equation',
  Text2Image: 'description',
};
const call = String.raw`(?:${Object.keys(mossTools).join('|')})\("[^"\\]*"\)`;
const onlyCalls = new RegExp(`^${call}(?:, ${call})*$`);

/** `Search("…"), Calculate("8*4+3")` as calls; a command that is written otherwise stays text. */
function callsIn(command: string): Pick<Message, 'content' | 'toolCalls' | 'callText'> {
  if (!onlyCalls.test(command)) return { content: command };
  const toolCalls = [...command.matchAll(/(\w+)\("([^"]*)"\)/g)].map(([, name, given]) => {
    return { name, arguments: { [mossTools[name]]: given } };
  });
  return { content: '', toolCalls, callText: command };
}

/** `<|Human|>: 你好<eoh>\n` → `你好`. */
function withoutMarkers(field: string): string {
  return field
    .replace(/^\s*<\|(?:Human|Inner Thoughts|Commands|Results|MOSS)\|>:?/, '')
    .replace(/<eo[htcrm]>\s*$/, '')
    .trim();
}

/** Some rows say why there is none: `None (This question needs no call.)`. */
function unlessNone(field: string | undefined): string | undefined {
  const content = withoutMarkers(field ?? '');
  return /^(none\b.{0,200})?$/i.test(content) ? undefined : content;
}
