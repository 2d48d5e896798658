// The tokens of a text or a conversation as the model gets them: what each stands for, and whether it carries loss.
// What a template makes of a conversation, and how much of that is learnt, is where fine-tunes fail in silence.
import { conversationSequences, readConversation } from '../data/conversations.js';
import type { Conversation } from '../data/types.js';
import type { ChatFormat } from '../inference/chat-format.js';
import { learntEnds, unlearntEnd } from '../tokenizer/answer-ends.js';
import type { EncodedChat } from '../tokenizer/chat-template.js';
import type { Message } from '../tokenizer/message.js';
import { visibleBytes } from './visible.js';

export interface TokenView {
  id: number;
  /** What it stands for, every invisible character made visible: safe to print. */
  text: string;
  /** Written by the template or the tokenizer, never by a person. */
  control: boolean;
  /** Whether a training learns to predict it. */
  loss: boolean;
}

export interface TokensReport {
  /** What was made into tokens, and how. */
  what: string;
  sequences: TokenView[][];
  tokens: number;
  withLoss: number;
  /** What is likely to be a mistake. */
  warnings: string[];
}

/** A text as it is asked: one user's turn with the opening of the answer; for a base model, the text as a document. */
export function textTokens(format: ChatFormat, text: string): TokensReport {
  const { tokenizer, template, isBase } = format;
  if (isBase) {
    const tokens = [tokenizer.documentStart, ...tokenizer.encode(text)];
    const loss = tokens.map((_, i) => (i === 0 ? 0 : 1));
    const what = 'plain text, as pretraining reads it: every token but the first is predicted';
    return report(format, what, [{ tokens, loss }], []);
  }
  const { tokens } = template.encode([{ role: 'user', content: text }], { addGenerationPrompt: true });
  const what = "one user's turn, and the opening of the answer that the model continues: a question carries no loss";
  return report(format, what, [{ tokens, loss: tokens.map(() => 0) }], []);
}

/** Row `line` of a conversations file, as a fine-tune of this checkpoint learns it. */
export async function rowTokens(format: ChatFormat, path: string, line: number): Promise<TokensReport> {
  const { conversation, fault } = await readConversation(path, line);
  const { template } = format;
  const { messages } = conversation;
  const turns = template.encodeTurns(messages);
  const encoded = turns.length > 0 ? turns : [template.encode(messages)];
  const warnings: string[] = [];
  if (fault !== undefined) warnings.push(`training skips this row: ${fault}`);
  else if (!encoded.some(({ loss }) => loss.includes(1)))
    warnings.push(`no token carries loss, so training skips this row: ${whyNothing(format, messages)}`);
  else
    warnings.push(
      ...lengthFaults(format, conversation),
      ...answerFaults(messages, encoded),
      ...endFaults(format, encoded),
    );
  return report(format, `${path}:${line}, ${rolesOf(messages)}`, encoded, warnings);
}

function whyNothing({ template }: ChatFormat, messages: readonly Message[]): string {
  if (!messages.some(({ role }) => role === 'assistant')) return 'there is no answer in it';
  if (template.marksAnswers) return 'the chat template marks no part of it as an answer';
  return 'the chat template has no {% generation %} … {% endgeneration %}, which show where answers begin and end';
}

function lengthFaults({ template, contextLength }: ChatFormat, conversation: Conversation): string[] {
  const fitted = conversationSequences(conversation, template, contextLength);
  if ('dropped' in fitted) return [`training skips this row: ${fitted.dropped} (${contextLength} tokens)`];
  const count = (all: readonly { tokens: ArrayLike<number> }[]) =>
    all.reduce((sum, each) => sum + each.tokens.length, 0);
  const kept = count(fitted.sequences);
  const whole = count(template.encodeTurns(conversation.messages));
  return kept < whole ? [`training keeps ${kept} of ${whole} tokens: the context holds ${contextLength}`] : [];
}

function rolesOf(messages: readonly Message[]): string {
  return `${messages.length} ${messages.length === 1 ? 'message' : 'messages'}: ${messages.map(({ role }) => role).join(', ')}`;
}

function answerFaults(messages: readonly Message[], encoded: readonly EncodedChat[]): string[] {
  const answers = messages.filter(({ role }) => role === 'assistant').length;
  const learnt = encoded.flatMap(({ loss }) => loss.filter((one, i) => one === 1 && loss[i - 1] !== 1)).length;
  return learnt < answers ? [`only ${learnt} of ${answers} answers carry loss`] : [];
}

/** Answers that never learn to end, or end otherwise than generation does. */
function endFaults({ tokenizer, eosTokenIds, isBase }: ChatFormat, encoded: readonly EncodedChat[]): string[] {
  const name = (id: number): string => visibleBytes(tokenizer.tokenBytes(id));
  const [fault] = encoded.flatMap((each) => unlearntEnd(tokenizer, each, name) ?? []);
  if (fault !== undefined) return [fault];
  const end = encoded.flatMap(learntEnds).find(({ id }) => !eosTokenIds.includes(id));
  // A base model's end of text gives way to the end of the turn when it is fine-tuned.
  if (end === undefined || isBase) return [];
  const stops = eosTokenIds.map(name).join(', ');
  return [`answers end with ${name(end.id)}, but generation stops at ${stops} (generation_config.json)`];
}

function report({ tokenizer }: ChatFormat, what: string, encoded: readonly EncodedChat[], warnings: string[]) {
  const controls = new Set(tokenizer.controlStrings.map((text) => tokenizer.controlId(text)));
  const view = (id: number, loss: boolean): TokenView => {
    return { id, text: visibleBytes(tokenizer.tokenBytes(id)), control: controls.has(id), loss };
  };
  const sequences = encoded.map(({ tokens, loss }) => tokens.map((id, i) => view(id, loss[i] === 1)));
  const all = sequences.flat();
  return { what, sequences, tokens: all.length, withLoss: all.filter(({ loss }) => loss).length, warnings };
}
