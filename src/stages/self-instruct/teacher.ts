// A teacher proposes tasks like the examples it is given, and answers them. Two exist: one that computes and looks up,
// one that asks a model behind an OpenAI-compatible endpoint.
import type { MethodName } from '../../config/methods.js';
import type { TaskKind } from '../../config/pipeline.js';
import type { SessionStart, TextCheck } from '../../data/types.js';
import type { Message, Tool } from '../../tokenizer/message.js';
import type { MethodFailure } from './asked-model.js';

export type TaskLanguage = 'zh' | 'en';
export const taskLanguages: readonly TaskLanguage[] = ['zh', 'en'];

/** An instruction with its answer: a seed, or a task that was accepted. */
export interface Example {
  instruction: string;
  output: string;
}

export interface TaskRequest {
  /** 0-based; the same index asks the same of an offline teacher, whatever happened before. */
  index: number;
  method: MethodName;
  kind: TaskKind;
  language: TaskLanguage;
  /** How many tasks would be welcome. */
  wanted: number;
  examples: readonly Example[];
  /** Of wordings and operands that no other task has; only a teacher that `holdsOut` is asked for such. */
  isHeldOut: boolean;
}

/** The right answer, and how to recognise it in other words. */
export interface Solution {
  answer: string;
  check?: TextCheck;
  /** What of the answer rules and the check look at, where it ends worked steps; absent: all of it. */
  final?: string;
  /** What the row asks, where that is more than what was judged to be new: an instruction with its input. */
  turns?: string[];
  /** The row's messages, where they are more than turns and answer: calls and their results. */
  messages?: Message[];
  tools?: Tool[];
  /** What those tools begin from. */
  start?: SessionStart;
}

export interface ProposedTask {
  kind: TaskKind;
  language: TaskLanguage;
  /** User, assistant, user, …; the last is the question. Mostly one turn. */
  turns: string[];
  /**
   * What is asked, without the opening or frame around it: tasks that share it are one question in other clothes,
   * and all go to training or all are kept apart. Absent: a question of its own.
   */
  core?: string;
  /** Present where the teacher made question and answer together. */
  solution?: Solution;
}

/** A rejected proposal or answer. */
export interface Drop {
  rule: string;
  example: string;
}

export interface Proposal {
  tasks: ProposedTask[];
  dropped: Drop[];
}

/** What buckets of a method show of seeds and of accepted tasks, and how many tasks they ask for. */
export interface RequestShape {
  wanted: number;
  seeds: number;
  made: number;
}

/** What the loop knows of a method. */
export interface MethodTraits {
  /** Kept in the provenance: `alpaca@1`. */
  label: string;
  shape: RequestShape;
  /** Whether a rule checks its rows. */
  hasChecks: boolean;
  /** The kinds of its rows. */
  kinds(chosen: readonly TaskKind[]): readonly TaskKind[];
}

export type Answers = Solution | Drop | readonly (Solution | Drop)[];

export interface Teacher {
  /** Kept in the provenance of every row: `offline`, `openai:gpt-4o-mini`. */
  readonly name: string;
  /** What to say before it begins. `seeds`: "your 3 seeds are"; `kinds`: what is to be made. */
  notes(seeds: string, kinds: readonly TaskKind[]): string[];
  /** Requests of a round, planned together and asked at once: what a round brings shapes the next. */
  readonly requestsAtOnce: number;
  /** How many requests in a row may bring nothing new before a family counts as exhausted. */
  readonly patience: number;
  /** Whether it makes tasks to be held out of wordings and operands of their own. */
  readonly holdsOut: boolean;
  can(kind: TaskKind, language: TaskLanguage): boolean;
  /** Whether a rule checks what it makes of this kind by `families`: alignment samples such tasks alone. */
  checks(kind: TaskKind): boolean;
  /** What a method asks; absent: this teacher has no methods but `families`. */
  methods?: ReadonlyMap<MethodName, MethodTraits>;
  /**
   * Methods that came to their end since it was asked last, for the loop to ask between rounds; absent: none can.
   * @param exhausted methods that made nothing and are asked no more.
   */
  failures?(exhausted?: readonly MethodName[]): Promise<MethodFailure[]>;
  /** Throws `UserError` where it cannot continue (no key, endpoint down). */
  propose(request: TaskRequest): Promise<Proposal>;
  /** A drop where there is no usable answer; several where the task is one instruction with several inputs. */
  answer(task: ProposedTask, request: TaskRequest): Promise<Answers>;
}
