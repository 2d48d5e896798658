// The Modelfile that Ollama makes a model from, beside a GGUF. Ollama's templates are Go's, a checkpoint's are Jinja: what the
// Jinja writes around each message is read off its renderings, and written as Go only where that gives the same texts.
import { UserError } from '../base/errors.js';
import { ChatTemplate } from '../tokenizer/chat-template.js';
import { missingTemplate } from '../tokenizer/chatml.js';
import type { Message } from '../tokenizer/message.js';
import { TemplateFault } from '../tokenizer/template-fault.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { Checkpoint } from './directory.js';

/** What stands around each message. */
interface Surroundings {
  /** Opens a conversation that has no system message. */
  start: string;
  system: [before: string, after: string];
  /** Before what the person says. */
  user: string;
  /** Before and after an answer; the first also opens the answer that is asked for. */
  assistant: [before: string, after: string];
}

/** A longer context than this is for its user to ask for: its memory is set aside at once. */
const maxContext = 32_768;

/** @param gguf as the Modelfile names it. @returns its text, and what to say where Ollama has to guess the template. */
export function modelfile(checkpoint: Checkpoint, tokenizer: Tokenizer, gguf: string): { text: string; note?: string } {
  const isPlain = tokenizer.chatTemplate === missingTemplate || checkpoint.manifest.stage === 'pretrain';
  const around = isPlain ? undefined : surroundings(tokenizer);
  const template = isPlain ? '{{ .Prompt }}' : around && goTemplate(around);
  const { max_position_embeddings: context } = checkpoint.model;
  const lines = [
    `FROM ./${gguf}`,
    ...(template === undefined ? [] : [`TEMPLATE """${template}"""`]),
    ...stopsOf(checkpoint, tokenizer).map((stop) => `PARAMETER stop ${JSON.stringify(stop)}`),
    ...(context <= maxContext ? [`PARAMETER num_ctx ${context}`] : []),
    ...samplingOf(checkpoint),
  ];
  const note =
    'its chat template is none that could be written for Ollama, which takes the one in the file where it knows it: compare an answer with `mossctl chat`';
  return { text: `${lines.join('\n')}\n`, ...(template === undefined && { note }) };
}

/** Control strings that end an answer. */
function stopsOf({ eosTokenIds }: Checkpoint, tokenizer: Tokenizer): string[] {
  const ids = [...new Set([...eosTokenIds, ...tokenizer.stopIds])];
  return [...tokenizer.controlStrings].filter((text) => ids.includes(tokenizer.controlId(text) ?? -1));
}

/** As the makers of the model would have it drawn from. */
function samplingOf({ generationConfig = {} }: Checkpoint): string[] {
  const { temperature, top_k, top_p, min_p, repetition_penalty, do_sample } = generationConfig;
  const values = {
    temperature: do_sample === false ? 0 : temperature,
    ...(do_sample !== false && { top_k, top_p, min_p }),
    repeat_penalty: repetition_penalty,
  };
  return Object.entries(values).flatMap(([name, value]) => (value == null ? [] : [`PARAMETER ${name} ${value}`]));
}

const marks = { system: 'Qs7xZ', first: 'Qu1xZ', answer: 'Qa1xZ', second: 'Qu2xZ' };
const first: Message = { role: 'user', content: marks.first };
const answer: Message = { role: 'assistant', content: marks.answer };
const second: Message = { role: 'user', content: marks.second };
const system: Message = { role: 'system', content: marks.system };

/** Undefined where the template does more than write the same text around each message. */
function surroundings(tokenizer: Tokenizer): Surroundings | undefined {
  const template = new ChatTemplate(tokenizer);
  const write = (messages: Message[]): string => template.render(messages, { addGenerationPrompt: true });
  try {
    const pieces = write([system, first, answer, second]).split(/Q(?:s7|u1|a1|u2)xZ/);
    const [opening, afterSystem, beforeAnswer, afterAnswer, ending] = pieces;
    const [start] = write([first]).split(marks.first);
    if (pieces.length !== 5 || ending !== beforeAnswer) return undefined;
    const user = sharedEnd(sharedEnd(afterSystem, afterAnswer), start);
    const without = (text: string): string => text.slice(0, text.length - user.length);
    const found: Surroundings = {
      start: without(start),
      system: [opening, without(afterSystem)],
      user,
      assistant: [beforeAnswer, without(afterAnswer)],
    };
    const tried = [[first], [system, first], [first, answer, second], [system, first, answer, second, answer, first]];
    return tried.every((messages) => written(messages, found) === write(messages))
      ? withoutBos(found, tokenizer)
      : undefined;
  } catch (error) {
    if (error instanceof TemplateFault || error instanceof UserError) return undefined;
    throw error;
  }
}

/** What the Go template comes to. */
function written(
  messages: readonly Message[],
  { start, system: [before, after], user, assistant }: Surroundings,
): string {
  const bodies = messages.map(({ role, content }) => {
    if (role === 'system') return before + content + after;
    return role === 'user' ? user + content : assistant[0] + content + assistant[1];
  });
  return (messages[0].role === 'system' ? '' : start) + bodies.join('') + assistant[0];
}

/** Where the file says that the text begins with such a token, Ollama puts it there itself. */
function withoutBos(found: Surroundings, tokenizer: Tokenizer): Surroundings {
  const [id] = tokenizer.affixes.before;
  const bos = [...tokenizer.controlStrings].find((text) => tokenizer.controlId(text) === id) ?? '';
  const cut = (text: string): string => (bos !== '' && text.startsWith(bos) ? text.slice(bos.length) : text);
  return { ...found, start: cut(found.start), system: [cut(found.system[0]), found.system[1]] };
}

function sharedEnd(a: string, b: string): string {
  let length = 0;
  while (length < Math.min(a.length, b.length) && a.at(-1 - length) === b.at(-1 - length)) length++;
  return a.slice(a.length - length);
}

/** On one line: white space of its own would be written, too. Texts are Go strings, in which JSON's escapes mean the same. */
function goTemplate({ start, system: [before, after], user, assistant }: Surroundings): string {
  const text = (literal: string): string => (literal === '' ? '' : `{{ ${JSON.stringify(literal)} }}`);
  const content = '{{ .Content }}';
  const opening = start === '' ? '' : `{{ if not .System }}${text(start)}{{ end }}`;
  const roles = [
    `{{ if eq .Role "system" }}${text(before)}${content}${text(after)}`,
    `{{ else if eq .Role "user" }}${text(user)}${content}`,
    `{{ else if eq .Role "assistant" }}${text(assistant[0])}${content}${text(assistant[1])}`,
  ];
  return `${opening}{{ range .Messages }}${roles.join('')}{{ end }}{{ end }}${text(assistant[0])}`;
}
