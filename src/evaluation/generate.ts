// Answers to many prompts, as conversations that fine-tuning, alignment and people read back: the prompt as it was, and the whole
// turn after it, calls and results of tools included. What was answered is in a journal: the same command resumes a killed one.

import { rm } from 'node:fs/promises';
import { stopIfAborted } from '../base/errors.js';
import { digestOf, writeFileAtomic } from '../base/files.js';
import { countOf } from '../base/format.js';
import { Journal } from '../base/journal.js';
import { toJsonl } from '../base/jsonl.js';
import { Slots } from '../base/slots.js';
import type { Sampling } from '../config/sampling.js';
import type { Conversation } from '../data/types.js';
import type { OpenedModel } from '../inference/local-model.js';
import { fieldMessage, type Message } from '../tokenizer/message.js';
import type { CallFault } from '../tools/tool.js';
import type { Toolbox } from '../tools/toolbox.js';
import { referenceTurn } from './reference.js';
import { callsAtATime, taskTools } from './task-tools.js';
import { type Answer, answerTasks } from './tasks.js';

export interface GenerateOptions {
  /** Answers to each prompt. */
  samples: number;
  sampling: Sampling;
  maxNewTokens: number;
  seed: number;
  toolbox?: Toolbox;
  /** The tools as a person named them, with what they read: answers of other notes or tables are not gone on with. */
  named?: readonly string[];
  /** Write answers that did not end, too. */
  unfinished?: boolean;
  signal?: AbortSignal;
  onProgress?(done: number, total: number): void;
}

export interface GenerateResult {
  rows: number;
  /** Answers that the limit of tokens or of calls cut, or that say nothing. */
  unfinished: number;
  calls: number;
  /** Calls without a proper result, by why. */
  faults: Partial<Record<CallFault, number>>;
  /** Tasks that the journal had answered already. */
  resumed: number;
}

interface Entry {
  /** Which task. */
  task: number;
  answers: GeneratedAnswer[];
}

interface GeneratedAnswer {
  messages: object[];
  ended: boolean;
  /** Of each call: why it has no proper result. */
  faults: (CallFault | null)[];
}

/** Prompts that are asked at a time: more than an engine answers side by side, so that one that ends leaves no gap. */
const atOnce = 256;

/** Where answers are kept until all are there. */
export function journalOf(path: string): string {
  return `${path}.journal`;
}

/** Answers `tasks` into `path`, in their order. They follow from the seed, the task and what its tools do. */
export async function generateRows(
  model: OpenedModel,
  tasks: readonly Conversation[],
  path: string,
  { unfinished: keepsUnfinished = false, named, onProgress, ...options }: GenerateOptions,
): Promise<GenerateResult> {
  const { samples, sampling, maxNewTokens, seed, toolbox } = options;
  const tools = toolbox?.executors.map(({ tool, limits, reaches }) => ({ tool, limits, reaches }));
  const source = digestOf({ model: model.identity, tasks, samples, sampling, maxNewTokens, seed, tools, named });
  const { answered, resumed } = await Journal.use(journalOf(path), source, async (journal) => {
    const answered = new Map((journal.entries as Entry[]).map(({ task, answers }) => [task, answers]));
    const resumed = answered.size;
    const places = new Map(tasks.map((task, i) => [task, i]));
    const open = tasks.filter((_, i) => !answered.has(i));
    const tell = (): void => onProgress?.(answered.size, tasks.length);
    tell();
    const keep = (answers: readonly Answer[]): void => {
      const task = places.get(answers[0].task) ?? 0;
      const entry: Entry = { task, answers: answers.map((answer) => generated(answer, model)) };
      answered.set(task, entry.answers);
      journal.append(entry);
      tell();
    };
    try {
      const room = new Slots(atOnce);
      const calls = new Slots(callsAtATime);
      let isOver = false;
      const ask = async (task: Conversation): Promise<void> => {
        if (isOver) return;
        try {
          stopIfAborted(options.signal, 'stopped while answering prompts');
          await answerTasks(model, [task], { ...options, calls, onAnswers: keep });
        } catch (error) {
          isOver = true; // those that wait are not begun
          throw error;
        }
      };
      // To their ends: what is under way when one fails is kept too.
      const ends = await Promise.allSettled(open.map((task) => room.use(() => ask(task))));
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    } finally {
      await journal.settle(); // what was answered is kept, whatever stops the rest
    }
    return { answered, resumed };
  });
  const result: GenerateResult = { rows: 0, unfinished: 0, calls: 0, faults: {}, resumed };
  const rows: object[] = [];
  for (const [i, task] of tasks.entries()) {
    for (const [sample, { messages, ended, faults }] of (answered.get(i) ?? []).entries()) {
      for (const fault of faults) {
        result.calls++;
        if (fault !== null) result.faults[fault] = (result.faults[fault] ?? 0) + 1;
      }
      if (!ended) result.unfinished++;
      if (ended || keepsUnfinished) rows.push(rowOf(task, messages, { sample, samples, toolbox, model }));
    }
  }
  await writeFileAtomic(path, toJsonl(rows));
  await rm(journalOf(path));
  return { ...result, rows: rows.length };
}

function generated({ tokens, messages, calls = [], ended }: Answer, model: OpenedModel): GeneratedAnswer {
  const said = messages ?? [readMessage(model, tokens)];
  const last = said.at(-1);
  const isAnswer = last?.role === 'assistant' && (last.content.trim() !== '' || last.toolCalls !== undefined);
  const faults = calls.map(({ result }) => result.fault ?? null);
  return { messages: weighed(said, faults), ended: ended && isAnswer, faults };
}

function readMessage({ template }: OpenedModel, tokens: readonly number[]): Message {
  const { content, reasoning, toolCalls } = template.read(tokens);
  return { role: 'assistant', content, ...(reasoning && { reasoning }), ...(toolCalls && { toolCalls }) };
}

/** Faults that are the model's: such a call is not to be learnt, only what follows from its result. */
const badCalls: readonly (CallFault | null)[] = ['unreadable', 'unknown', 'arguments', 'limit'];

/** Messages as files spell them; each that has a bad call carries no loss. */
function weighed(messages: readonly Message[], faults: readonly (CallFault | null)[]): object[] {
  let at = 0;
  return messages.map((message, i) => {
    if (message.role !== 'assistant') return fieldMessage(message);
    const next = messages.findIndex((each, j) => j > i && each.role === 'assistant');
    const results = (next < 0 ? messages.length : next) - i - 1;
    const own = faults.slice(at, at + results);
    at += results;
    return { ...fieldMessage(message), ...(own.some((fault) => badCalls.includes(fault)) && { weight: 0 }) };
  });
}

interface RowPlace {
  sample: number;
  samples: number;
  toolbox?: Toolbox;
  model: OpenedModel;
}

function rowOf(task: Conversation, answer: readonly object[], { sample, samples, toolbox, model }: RowPlace): object {
  const { id, messages, tools, kind, language, check, group, start } = task;
  const prompt = toolbox === undefined ? withoutAnswer(messages) : referenceTurn(messages).prompt;
  const offered = toolbox === undefined ? tools : taskTools(task, toolbox).tools;
  return {
    id: samples === 1 ? id : `${id}#${sample + 1}`,
    messages: [...prompt.map(fieldMessage), ...answer],
    ...(offered !== undefined && offered.length > 0 && { tools: offered }),
    ...{ kind, language, check, start },
    // Answers to one prompt are one piece of evidence.
    ...((samples > 1 || group !== undefined) && { group: group ?? id }),
    provenance: { teacher: model.identity, seeds: [id] },
  };
}

function withoutAnswer(messages: readonly Message[]): readonly Message[] {
  return messages.at(-1)?.role === 'assistant' ? messages.slice(0, -1) : messages;
}

/** In words, for people. */
export function generatedInWords({ rows, unfinished, calls, faults, resumed }: GenerateResult): string[] {
  const bad = Object.entries(faults).map(([fault, count]) => `${count} ${fault}`);
  return [
    countOf(rows, 'answer'),
    ...(resumed > 0 ? [`${countOf(resumed, 'prompt')} had been answered before`] : []),
    ...(unfinished > 0 ? [`${countOf(unfinished, 'answer')} did not end`] : []),
    ...(calls > 0 ? [`${countOf(calls, 'call')}${bad.length > 0 ? `, without a result: ${bad.join(', ')}` : ''}`] : []),
  ];
}
