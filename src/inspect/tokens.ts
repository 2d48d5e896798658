// The tokens of a text or a conversation as the model gets them: what each stands for, and whether it carries loss.
// What a template makes of a conversation, and how much of that is learnt, is where fine-tunes fail in silence.
import { countOf } from '../base/format.js';
import type { LossChoice } from '../config/sft.js';
import { type FittedConversation, fitConversation } from '../data/conversations/fit.js';
import type { RowNote } from '../data/conversations/notes.js';
import { conversationReader } from '../data/conversations/read.js';
import { type RowResult, readOneRow, type SingleRow } from '../data/conversations/row-reading.js';
import { writtenChat } from '../data/conversations/written.js';
import { type AnswerTokens, fitPreference } from '../data/preferences/fit.js';
import { isPreferenceRow } from '../data/preferences/formats.js';
import { preferenceReader } from '../data/preferences/read.js';
import type { Preference } from '../data/preferences/types.js';
import type { Conversation } from '../data/types.js';
import type { ChatFormat } from '../inference/chat-format.js';
import { learntEnds, marksOnlyAnswers, unlearntEnd } from '../tokenizer/answer-ends.js';
import type { EncodedChat } from '../tokenizer/chat-template.js';
import type { Message } from '../tokenizer/message.js';
import { visibleToken } from './visible.js';

export interface TokenView {
  id: number;
  /** What it stands for, every invisible character made visible: safe to print. */
  text: string;
  /** Written by the template or the tokenizer, never by a person. */
  control: boolean;
  /** How much it weighs in the loss of a training; 0: it is not learnt. */
  loss: number;
}

export interface TokensReport {
  /** What was made into tokens, and how. */
  what: string;
  sequences: TokenView[][];
  /** What each sequence is, where there are several of different kinds. */
  titles?: string[];
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

/**
 * Row `line` of a file: a conversation as a fine-tune of this checkpoint learns it, a preference as its alignment does.
 * @param loss as `sft.loss`.
 */
export async function rowTokens(
  format: ChatFormat,
  path: string,
  line: number,
  loss: LossChoice = 'assistant',
): Promise<TokensReport> {
  const row = await readOneRow(path, line, (value, name): RowResult<Conversation | Preference> => {
    return (isPreferenceRow(value) ? preferenceReader(path) : conversationReader())(value, name);
  });
  const { value } = row;
  return 'judgement' in value
    ? preferenceTokens(format, `${path}:${line}`, { ...row, value })
    : conversationTokens(format, `${path}:${line}`, { ...row, value }, loss);
}

function conversationTokens(
  format: ChatFormat,
  where: string,
  { value: conversation, notes, notices, fault }: SingleRow<Conversation>,
  loss: LossChoice,
): TokensReport {
  const { template, contextLength } = format;
  const written = writtenChat(conversation, template);
  let encoded: EncodedChat[] = [];
  if (!('skipped' in written)) {
    const { messages, tools } = written;
    encoded = template.encodeTurns(messages, { tools, loss }).sequences;
    if (encoded.length === 0) encoded = [template.encode(messages, { tools })];
  }
  const fitted = fitConversation(conversation, template, contextLength, loss);
  const skipped = fault ?? ('skipped' in fitted ? fitted.skipped : undefined);
  const warnings = [...notices, ...notesInWords('notes' in fitted ? [...notes, ...fitted.notes] : notes)];
  if (skipped !== undefined) warnings.push(`training skips this row: ${skipped}`);
  else if ('untrained' in fitted) warnings.push(`training refuses this row: ${fitted.untrained}`);
  if (skipped === undefined && 'sequences' in fitted) {
    if (fitted.cutAnswers > 0) warnings.push(cutInWords(encoded, fitted, contextLength));
    if (loss === 'assistant' && marksOnlyAnswers(format.tokenizer))
      warnings.push(...answerFaults(conversation.messages, encoded));
    if (loss !== 'all') warnings.push(...endFaults(format, encoded));
  }
  return report(format, `${where}, ${rolesOf(conversation.messages)}`, encoded, warnings);
}

/** The prompt with each of its answers: what carries loss is compared, or learnt. */
function preferenceTokens(
  format: ChatFormat,
  where: string,
  { value, notes, notices }: SingleRow<Preference>,
): TokensReport {
  const { template, contextLength } = format;
  const warnings = [...notices];
  const fitted = fitPreference(value, template, Number.POSITIVE_INFINITY);
  const inContext = fitPreference(value, template, contextLength);
  warnings.push(...notesInWords('notes' in fitted ? [...notes, ...fitted.notes] : notes));
  if ('skipped' in inContext) warnings.push(`training skips this row: ${inContext.skipped}`);
  const sides: [string, AnswerTokens][] = [];
  const judged = 'judged' in fitted ? fitted.judged : undefined;
  if (judged !== undefined && 'chosen' in judged) sides.push(['chosen', judged.chosen], ['rejected', judged.rejected]);
  else if (judged !== undefined) sides.push([`an answer called ${judged.isGood ? 'good' : 'bad'}`, judged.answer]);
  const prompt = 'prompt' in fitted ? fitted.prompt : [];
  const encoded = sides.map(([, { tokens, loss = tokens.map(() => 1) }]) => {
    return { tokens: [...prompt, ...tokens], loss: [...prompt.map(() => 0), ...loss] };
  });
  const kind = 'chosen' in value.judgement ? 'a pair: the answers are compared' : 'an answer with a label';
  const what = `${where}, ${kind}, after a prompt of ${countOf(prompt.length, 'token')}`;
  return { ...report(format, what, encoded, warnings), titles: sides.map(([title]) => title) };
}

function notesInWords(notes: readonly RowNote[]): string[] {
  const unread = notes.flatMap((note) => (note.level === 'unread' ? [note.field] : []));
  const others = notes.flatMap((note) => (note.level === 'unread' ? [] : [`this row has ${note.text}`]));
  if (unread.length > 0) others.push(`fields that are not read: ${[...new Set(unread)].join(', ')}`);
  return [...new Set(others)];
}

function cutInWords(encoded: readonly EncodedChat[], fitted: FittedConversation, contextLength: number): string {
  const count = (all: readonly { tokens: ArrayLike<number> }[]) =>
    all.reduce((sum, each) => sum + each.tokens.length, 0);
  const kept = `training keeps ${count(fitted.sequences)} of ${count(encoded)} tokens`;
  return `${kept} and loses ${countOf(fitted.cutAnswers, 'answer')}: the context holds ${contextLength}`;
}

function rolesOf(messages: readonly Message[]): string {
  return `${messages.length} ${messages.length === 1 ? 'message' : 'messages'}: ${messages.map(({ role }) => role).join(', ')}`;
}

function answerFaults(messages: readonly Message[], encoded: readonly EncodedChat[]): string[] {
  const answers = messages.filter(({ role, weight }) => role === 'assistant' && weight !== 0).length;
  const learnt = encoded.flatMap(({ loss }) => loss.filter((weight, i) => weight > 0 && !(loss[i - 1] > 0))).length;
  return learnt < answers ? [`only ${learnt} of ${answers} answers carry loss`] : [];
}

/** Answers that never learn to end, or end otherwise than generation does. */
function endFaults({ tokenizer, eosTokenIds, isBase }: ChatFormat, encoded: readonly EncodedChat[]): string[] {
  const name = (id: number): string => visibleToken(tokenizer, id);
  const [fault] = encoded.flatMap((each) => unlearntEnd(tokenizer, each, name) ?? []);
  if (fault !== undefined) return [fault];
  const end = encoded.flatMap(learntEnds).find(({ id }) => !eosTokenIds.includes(id));
  // A base model's end of text gives way to the end of the turn when it is fine-tuned.
  if (end === undefined || isBase || !marksOnlyAnswers(tokenizer)) return [];
  const stops = eosTokenIds.map(name).join(', ');
  return [`answers end with ${name(end.id)}, but generation stops at ${stops} (generation_config.json)`];
}

function report(
  { tokenizer, notes = [] }: ChatFormat,
  what: string,
  encoded: readonly EncodedChat[],
  warnings: readonly string[],
): TokensReport {
  const controls = new Set(tokenizer.controlStrings.map((text) => tokenizer.controlId(text)));
  const view = (id: number, loss: number): TokenView => {
    return { id, text: visibleToken(tokenizer, id), control: controls.has(id), loss };
  };
  const sequences = encoded.map(({ tokens, loss }) => tokens.map((id, i) => view(id, loss[i])));
  const all = sequences.flat();
  return {
    what,
    sequences,
    tokens: all.length,
    withLoss: all.filter(({ loss }) => loss > 0).length,
    warnings: [...notes, ...warnings],
  };
}
