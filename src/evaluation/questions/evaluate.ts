// One model and a set of questions: what it answered, what that is worth, and what a person should know of how it was asked.
import { countOf } from '../../base/format.js';
import type { LocalModel } from '../../inference/local-model.js';
import type { Measurements } from '../measurements.js';
import { type Contrast, measureContrasts } from '../safety/contrasts.js';
import { type AskOptions, askQuestions, isAskedAsChat, type Responses } from './ask.js';
import type { Question } from './question.js';
import type { QuestionSet } from './read.js';
import { type AnswerScores, scoreResponses } from './score.js';

/** A line of answers.jsonl, without the name of its checkpoint. */
export interface AnswerRecord {
  id: string;
  kind: string;
  mode: string;
  asked: 'chat' | 'text';
  prompt: string;
  /** Right answers. */
  right: readonly string[];
  /** All that the model wrote, and what counts of it. */
  text?: string;
  answer?: string;
  ended?: boolean;
  /** How likely the model holds each given answer to be: Σ log-probabilities, in nats. */
  candidates?: { text: string; logProbability: number; tokens: number }[];
  scores: AnswerScores;
}

export interface EvaluatedQuestions {
  measurements: Measurements;
  /** Of pairs of prompts that differ in one word. */
  contrasts: Contrast[];
  records: AnswerRecord[];
  /** How it was asked: `as a chat`, `as text`, `76 as a chat, 24 as text`. */
  asked: string;
  warnings: string[];
}

export async function evaluateQuestions(
  model: LocalModel,
  { questions, examplesOf }: Pick<QuestionSet, 'questions' | 'examplesOf'>,
  options: Omit<AskOptions, 'examplesOf'> = {},
): Promise<EvaluatedQuestions> {
  const responses = await askQuestions(model, questions, { ...options, examplesOf });
  const scored = scoreResponses(responses);
  const warnings = warningsOf(responses, scored.late, model.contextLength);
  const { measurements, contrasts } = measureContrasts(responses.generated, scored.generated);
  return {
    measurements: new Map([...scored.measurements, ...measurements]),
    contrasts,
    records: recordsOf(responses, scored),
    asked: askedInWords(questions, model),
    warnings,
  };
}

function recordsOf({ generated, weighed }: Responses, scored: ReturnType<typeof scoreResponses>): AnswerRecord[] {
  const about = ({ id, kind, answers, pattern }: Question, isChat: boolean) => ({
    ...{ id, kind, asked: isChat ? ('chat' as const) : ('text' as const) },
    right: pattern === undefined ? answers : [...answers, `/${pattern.source}/`],
  });
  const written = generated.map(
    ({ question, mode, isChat, prompt, text, answer, ended }, i): AnswerRecord => ({
      ...about(question, isChat),
      ...{ mode, prompt, text, answer, ended, scores: scored.generated[i] },
    }),
  );
  const read = weighed.map(
    ({ question, isChat, prompt, candidates }, i): AnswerRecord => ({
      ...about(question, isChat),
      ...{ mode: 'likelihood', prompt, candidates, scores: scored.weighed[i] },
    }),
  );
  return [...written, ...read];
}

function askedInWords(questions: readonly Question[], model: LocalModel): string {
  const chats = questions.filter((question) => isAskedAsChat(question, model)).length;
  if (chats === 0) return 'as text to continue';
  return chats === questions.length ? 'as a chat' : `${chats} as a chat, ${questions.length - chats} as text`;
}

function warningsOf({ generated, weighed }: Responses, late: readonly Question[], context: number): string[] {
  const warnings: string[] = [];
  const tooLong = generated.filter(({ isTooLong }) => isTooLong);
  if (tooLong.length > 0) {
    const { where } = tooLong[0].question;
    warnings.push(
      `${countOf(tooLong.length, 'question')} with what comes before ${tooLong.length === 1 ? 'fills' : 'fill'} the context of ${context} tokens: no answer, which counts as wrong (first: ${where})`,
    );
  }
  const cut = weighed.filter(({ isTooLong }) => isTooLong);
  if (cut.length > 0) {
    const { where } = cut[0].question;
    warnings.push(
      `${countOf(cut.length, 'question')} with an answer ${cut.length === 1 ? 'is' : 'are'} longer than the context of ${context} tokens: likelihoods do not see the beginning (first: ${where})`,
    );
  }
  if (late.length > 0) {
    warnings.push(
      `a regular expression took too long on ${countOf(late.length, 'answer')} (after 20 none is tried), which counts as no match (first: ${late[0].where})`,
    );
  }
  return warnings;
}

/** Share of multiple choices that a coin would get right: 1 over the number of choices, on average. */
export function chanceOf(questions: readonly Question[]): Map<string, number> {
  const kinds = new Map<string, number[]>();
  for (const { kind, choices } of questions) {
    if (choices !== undefined) kinds.set(kind, [...(kinds.get(kind) ?? []), 1 / choices.length]);
  }
  return new Map([...kinds].map(([kind, shares]) => [kind, shares.reduce((a, b) => a + b, 0) / shares.length]));
}
