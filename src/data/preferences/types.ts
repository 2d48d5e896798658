// What a person, or a rule, prefers: of two answers to one prompt the better one, or of one answer whether it is good.
// Files of any format, the feedback store and sampled answers all come to this one shape before they are tokens.
import type { Message, Tool } from '../../tokenizer/message.js';
import type { Conversation, Language } from '../types.js';

/** Both answers follow the same prompt. Each is one or more messages that end with the assistant's. */
export interface PairJudgement {
  chosen: Message[];
  rejected: Message[];
}

/** One answer, with a thumb up or down. */
export interface LabelJudgement {
  answer: Message[];
  isGood: boolean;
}

export interface Preference {
  /** The row's own, or its place: `file:line`. */
  id: string;
  /** What was said before: it ends with a person's message, or a tool's result. */
  prompt: Message[];
  /** What the assistant may call. */
  tools?: Tool[];
  judgement: PairJudgement | LabelJudgement;
  /** For reports: the file, data set or store that it was read from. */
  source: string;
  /** How much it weighs beside others in the loss. Absent: 1. */
  weight?: number;
  /** By how much the chosen answer is better: what a reward model asks for as a gap. */
  margin?: number;
  /** What a right answer has, where a program can say. */
  check?: Conversation['check'];
  /** Task family, or what the pair is about. */
  kind?: string;
  language?: Language;
  /** Rows that are one piece of evidence share it, and are held out together. Absent: those of the same prompt are. */
  group?: string;
  /** The id of its record in a feedback store. */
  feedback?: string;
}

export function isPair(judgement: Preference['judgement']): judgement is PairJudgement {
  return 'chosen' in judgement;
}
