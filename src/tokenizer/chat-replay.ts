// Sample conversations through a tokenizer, a template and a response template, as a server will have them: the same ids and loss
// as in training, prompts that answers follow, ends that stop, and answers that are read back as what they are.
import { isDeepStrictEqual } from 'node:util';
import { printable, shorten } from '../base/format.js';
import { isRecord } from '../base/objects.js';
import type { Answer } from './answer.js';
import { type ChatSample, type ChatSamples, withoutBroken } from './chat-samples.js';
import { ChatTemplate } from './chat-template.js';
import { isPythonSpace } from './python-regex.js';
import { ResponseTemplate } from './response-template.js';
import { TemplateFault } from './template-fault.js';
import type { Tokenizer } from './tokenizer.js';

/** What a server is given. */
export interface Served {
  tokenizer: Tokenizer;
  /** Of tokenizer_config.json; null where nothing reads answers by one. */
  responseTemplate: unknown;
  /** Tokens that end an answer. */
  eosTokenIds: readonly number[];
  /** Jinja source, where it is not the tokenizer's own. */
  template?: string;
}

type Check = (sample: ChatSample, answer: ChatSample['answers'][number], ids: readonly number[]) => string | undefined;

/** The first difference, with the sample it is in; undefined where there is none. */
export function replayFault(samples: ChatSamples, served: Served): string | undefined {
  const { tokenizer, eosTokenIds } = served;
  const { affixes } = samples;
  if (affixes !== undefined && !isDeepStrictEqual(affixes, tokenizer.affixes)) {
    return `the tokenizer puts ${shownIds(tokenizer, tokenizer.affixes)} around a text, and in training ${shownIds(tokenizer, affixes)}`;
  }
  const template = new ChatTemplate(tokenizer, served.template ?? tokenizer.chatTemplate, {
    keepTokens: samples.keepTokens,
  });
  const ends: Check = (_, { end }, ids) =>
    end > 0 && !eosTokenIds.includes(ids[ids.length - 1])
      ? `${shown(tokenizer, ids[ids.length - 1])} ends the answer, and generation does not stop there (eos_token_id ${eosTokenIds.join(', ')})`
      : undefined;
  const isText = served.template !== undefined;
  const read = isText ? [] : [...(template.isOurs ? [readBack(template)] : []), ...readByOthers(samples, served)];
  const named = samples.samples.map((sample, i) => {
    return { sample, name: `sample ${i + 1} of ${samples.samples.length} (${sample.name})` };
  });
  for (const { sample, name } of named) {
    try {
      const fault = writtenFault(template, sample, !isText);
      if (fault !== undefined) return `${name}: ${fault}`;
    } catch (error) {
      if (!(error instanceof TemplateFault)) throw error;
      return `${name}: the chat template ${error.reason}`;
    }
  }
  for (const { sample, name } of named) {
    for (const answer of sample.answers) {
      const ids = sample.sequences[answer.sequence].tokens.slice(answer.start, answer.end);
      for (const check of [ends, ...read]) {
        const why = check(sample, answer, ids);
        if (why !== undefined) return `${name}: message ${answer.message + 1}: ${why}`;
      }
    }
  }
  return undefined;
}

/** Ids, loss where it is ours to say, and the prompt of each answer. */
function writtenFault(template: ChatTemplate, sample: ChatSample, hasLoss: boolean): string | undefined {
  const { messages, tools, sequences, answers } = sample;
  const { tokenizer } = template;
  const found = template.encodeTurns(messages, { tools }).sequences;
  if (found.length !== sequences.length) {
    return `it becomes ${found.length} sequences, and ${sequences.length} in training`;
  }
  for (const [i, { tokens, loss }] of sequences.entries()) {
    const differs = differenceOf(tokenizer, found[i].tokens, tokens);
    if (differs !== undefined) return differs;
    const at = hasLoss ? loss.findIndex((weight, token) => weight > 0 !== found[i].loss[token] > 0) : -1;
    if (at >= 0) {
      const [before, after] = [loss[at] > 0, loss[at] <= 0].map((isLearnt) => (isLearnt ? 'learnt' : 'not learnt'));
      return `token ${at + 1}, ${shown(tokenizer, tokens[at])}, would be ${after}, and was ${before} in training`;
    }
  }
  for (const { message, sequence, start } of answers) {
    const { tokens } = template.encode(messages.slice(0, message), { addGenerationPrompt: true, tools });
    const differs = differenceOf(tokenizer, tokens, sequences[sequence].tokens.slice(0, start));
    if (differs !== undefined) return `the prompt of message ${message + 1}: ${differs}`;
  }
  return undefined;
}

function differenceOf(tokenizer: Tokenizer, found: readonly number[], trained: readonly number[]): string | undefined {
  const length = Math.max(found.length, trained.length);
  for (let i = 0; i < length; i++) {
    if (found[i] === trained[i]) continue;
    return `token ${i + 1} is ${shown(tokenizer, found[i])}, and was ${shown(tokenizer, trained[i])} in training (after ${quoted(tokenizer.decode(trained.slice(Math.max(0, i - 8), i)).replace(/^\ufffd+/, ''))})`;
  }
  return undefined;
}

/** By mossctl itself. */
function readBack(template: ChatTemplate): Check {
  return (_, { read }, ids) => {
    if (read === undefined) return undefined;
    const found = withoutBroken(template.read(ids));
    return isDeepStrictEqual(plain(found), plain(read)) ? undefined : readInWords('it is read back', found, read);
  };
}

/** By transformers and vLLM, with a response template; and by servers that look for calls in the text (Hermes' form). */
function readByOthers(samples: ChatSamples, { tokenizer, responseTemplate }: Served): Check[] {
  if (!samples.responseTemplate) return [];
  if (responseTemplate === undefined || responseTemplate === null) {
    return [() => 'tokenizer_config.json has no response_template: transformers and vLLM would not find the calls'];
  }
  let reader: ResponseTemplate;
  try {
    reader = new ResponseTemplate(responseTemplate);
  } catch (error) {
    return [() => `response_template of tokenizer_config.json: ${(error as Error).message}`];
  }
  return [
    (sample, { read, sequence, start }, ids) => {
      if (read === undefined) return undefined;
      const prefix = tokenizer.decode(sample.sequences[sequence].tokens.slice(0, start));
      try {
        const found = reader.parse(tokenizer.decode(ids), prefix);
        const expected = fieldsOf(read);
        return isDeepStrictEqual(plain(found), plain(expected))
          ? undefined
          : readInWords('response_template reads', found, expected);
      } catch (error) {
        return `response_template reads nothing of it: ${(error as Error).message}`;
      }
    },
    (_, { read }, ids) => {
      const calls = read?.toolCalls ?? [];
      const found = hermesCalls(tokenizer.decode(ids, { skipSpecial: true }));
      const expected = calls.map(({ name, arguments: given }) => ({ name, arguments: given }));
      return isDeepStrictEqual(plain(found), plain(expected))
        ? undefined
        : readInWords('without special tokens a Hermes parser reads', found, expected);
    },
  ];
}

/** What transformers makes of a message: texts without the white space around them, and no field that is empty. */
function fieldsOf({ content, reasoning = '', toolCalls = [] }: Answer): Record<string, unknown> {
  const text = strip(content);
  const thinking = strip(reasoning);
  return {
    role: 'assistant',
    ...(thinking !== '' && { thinking }),
    ...(toolCalls.length > 0 && {
      tool_calls: toolCalls.map(({ name, arguments: given }) => ({
        type: 'function',
        function: { name, arguments: given },
      })),
    }),
    ...(text !== '' && { content: text }),
  };
}

function strip(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isPythonSpace(text[start])) start++;
  while (end > start && isPythonSpace(text[end - 1])) end--;
  return text.slice(start, end);
}

/** As vLLM's parser called hermes finds them in a text. */
function hermesCalls(text: string): unknown[] | string {
  try {
    return [...text.matchAll(/<tool_call>(.*?)<\/tool_call>|<tool_call>(.*)/gs)].map(
      ([, closed, cut]) => JSON.parse(closed || cut) as unknown,
    );
  } catch (error) {
    return `no JSON: ${(error as Error).message}`;
  }
}

/** Without prototypes and undefined fields, which make equal values differ. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function readInWords(how: string, found: unknown, expected: unknown): string {
  const short = (value: unknown): string => printable(shorten(JSON.stringify(value), 300));
  return `${how} ${short(found)}, and it says ${short(expected)}`;
}

function shown(tokenizer: Tokenizer, id: number | undefined): string {
  if (id === undefined) return 'nothing';
  return `${quoted(tokenizer.decode([id]))} (${id})`;
}

function quoted(text: string): string {
  return printable(JSON.stringify(shorten(text, 100)));
}

function shownIds(tokenizer: Tokenizer, { before, after }: { before: readonly number[]; after: readonly number[] }) {
  const ids = [...before, ...after];
  return ids.length === 0 ? 'nothing' : ids.map((id) => shown(tokenizer, id)).join(' ');
}

/** The response template of a tokenizer_config.json, whatever it is. */
export function responseTemplateIn(config: unknown): unknown {
  return isRecord(config) ? config.response_template : undefined;
}
