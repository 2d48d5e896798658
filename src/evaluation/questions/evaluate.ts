// One model and a set of questions: what it answered, what that is worth, and what a person should know of how it was asked.
import { countOf, formatCount } from '../../base/format.js';
import type { LocalModel } from '../../inference/local-model.js';
import type { RanCall } from '../../tools/tool.js';
import { maxLength } from '../checks.js';
import type { Measurements } from '../measurements.js';
import { wantedCalls } from '../reference.js';
import { type Contrast, measureContrasts } from '../safety/contrasts.js';
import { measureToolUse, type ToolUseRecord } from '../tool-use.js';
import { type AskOptions, askQuestions, type Responses } from './ask.js';
import { callText, isAskedAsChat } from './chat-tokens.js';
import type { Question } from './question.js';
import type { QuestionSet } from './read.js';
import { type AnswerScores, isRightBy, scoreResponses } from './score.js';

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
  /** With tools: in order, with what came of them. */
  calls?: readonly RanCall[];
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
  const toolUse = measureToolUse(...toolUses(responses, scored.generated));
  return {
    measurements: new Map([...scored.measurements, ...measurements, ...toolUse]),
    contrasts,
    records: recordsOf(responses, scored),
    asked: askedInWords(questions, model, responses),
    warnings,
  };
}

function callsOf(row: Question['row']): string[] {
  return (row === undefined ? [] : (wantedCalls(row) ?? [])).map(({ call }) => callText(call));
}

/** Of the answers with tools, and of those to the same questions without. */
function toolUses({ generated }: Responses, scores: readonly AnswerScores[]): [ToolUseRecord[], ToolUseRecord[]] {
  const [withTools, without]: ToolUseRecord[][] = [[], []];
  const wantedOf = new Map(
    generated.flatMap(({ question, wanted }) => (wanted === undefined ? [] : [[question, wanted]])),
  );
  for (const [i, { question, mode, calls = [] }] of generated.entries()) {
    const { calls: _, ...ofText } = scores[i];
    const isRight = isRightBy(ofText);
    const { id, group, language } = question;
    const use = {
      id: group ?? id,
      language,
      wanted: wantedOf.get(question),
      ran: calls,
      ...(isRight !== undefined && { isRight }),
    };
    if (mode === 'tools') withTools.push(use);
    else if (mode === 'direct') without.push(use);
  }
  return [withTools, without];
}

function recordsOf({ generated, weighed }: Responses, scored: ReturnType<typeof scoreResponses>): AnswerRecord[] {
  const about = ({ id, kind, answers, pattern, scores, row }: Question, isChat: boolean) => ({
    ...{ id, kind, asked: isChat ? ('chat' as const) : ('text' as const) },
    right: [
      ...answers,
      ...(pattern === undefined ? [] : [`/${pattern.source}/`]),
      ...(scores.includes('calls') ? callsOf(row) : []),
    ],
  });
  const written = generated.map(
    ({ question, mode, isChat, prompt, text, answer, ended, calls }, i): AnswerRecord => ({
      ...about(question, isChat),
      ...{ mode, prompt, text, answer, ended, ...(calls && { calls }), scores: scored.generated[i] },
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

function askedInWords(questions: readonly Question[], model: LocalModel, { generated }: Responses): string {
  const chats = questions.filter((question) => isAskedAsChat(question, model)).length;
  if (chats === 0) return 'as text to continue';
  const all = chats === questions.length ? 'as a chat' : `${chats} as a chat, ${questions.length - chats} as text`;
  const withTools = generated.filter(({ mode }) => mode === 'tools').length;
  if (withTools === 0) return all;
  return `${all}, ${withTools === questions.length ? '' : `${withTools} `}with tools too`;
}

function warningsOf(
  { generated, weighed, toolFaults }: Responses,
  late: readonly Question[],
  context: number,
): string[] {
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
  for (const fault of new Set(toolFaults.values())) {
    const asked = [...toolFaults].flatMap(([question, each]) => (each === fault ? [question] : []));
    warnings.push(
      `${countOf(asked.length, 'question')} ${asked.length === 1 ? 'was' : 'were'} not asked with tools: ${fault} (first: ${asked[0].where})`,
    );
  }
  const long = [...new Set(generated.map(({ question }) => question))].filter(
    ({ scores, answers }) =>
      scores.some((score) => score === 'rougeL' || score === 'chrF') &&
      answers.some(({ length }) => length > maxLength),
  );
  if (long.length > 0) {
    warnings.push(
      `${countOf(long.length, 'question')} with an answer of more than ${formatCount(maxLength)} characters: only its beginning is compared (first: ${long[0].where})`,
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
