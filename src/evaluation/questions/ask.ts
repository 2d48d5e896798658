// Asks one model all questions: answers are generated greedily, so that they follow from the model alone; what is judged by
// likelihood is read in one pass for each candidate, and nothing is generated.
import { stopIfAborted } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import { Slots } from '../../base/slots.js';
import { greedy } from '../../config/sampling.js';
import { stopIdsOf } from '../../inference/chat-format.js';
import type { LocalModel } from '../../inference/local-model.js';
import { tokenLogProbabilities } from '../../inference/score.js';
import type { RanCall } from '../../tools/tool.js';
import { Toolbox } from '../../tools/toolbox.js';
import type { ReferenceCall } from '../reference.js';
import { callsAtATime } from '../task-tools.js';
import { generateWithTools, toolFault } from './ask-tools.js';
import { chatTokens, isAskedAsChat, shownChat } from './chat-tokens.js';
import { finalAnswer } from './final-answer.js';
import { chatOf, splitSpace, textOf } from './prompt.js';
import { type Example, gapMark, type Mode, type Question } from './question.js';

export interface GeneratedAnswer {
  question: Question;
  mode: Mode;
  isChat: boolean;
  prompt: string;
  /** All that the model wrote. */
  text: string;
  /** What counts of it. */
  answer: string;
  ended: boolean;
  /** The prompt takes the whole context: nothing could be asked. */
  isTooLong: boolean;
  /** In the mode `tools`: in order, with what came of them. */
  calls?: readonly RanCall[];
  /** In the mode `tools`, where it is known: the calls that are right. */
  wanted?: readonly ReferenceCall[];
}

/** A given answer, and how likely the model holds it to be. */
export interface Candidate {
  text: string;
  /** Σ over its tokens, in nats. */
  logProbability: number;
  tokens: number;
}

export interface WeighedAnswers {
  question: Question;
  isChat: boolean;
  prompt: string;
  candidates: Candidate[];
  /** The context does not hold it all: its beginning is not read. */
  isTooLong: boolean;
}

export interface Responses {
  generated: GeneratedAnswer[];
  weighed: WeighedAnswers[];
  /** Questions that could not be asked with tools, and why. */
  toolFaults: ReadonlyMap<Question, string>;
}

export interface AskOptions {
  /** The examples that are shown before a question. */
  examplesOf(question: Question, mode: Mode): readonly Example[];
  /** What runs in the mode `tools`, beside the results that rows have. */
  toolbox?: Toolbox;
  signal?: AbortSignal;
  onProgress?(done: number, total: number): void;
}

export async function askQuestions(
  model: LocalModel,
  questions: readonly Question[],
  { examplesOf, toolbox = new Toolbox([]), signal, onProgress }: AskOptions,
): Promise<Responses> {
  const toolFaults = new Map<Question, string>();
  const asked = questions.flatMap((question) => {
    const isGenerated = question.scores.some((score) => score !== 'choice' && score !== 'likelihood');
    if (!isGenerated) return [];
    const fault = question.modes.includes('tools') ? toolFault(model, question, toolbox) : undefined;
    if (fault !== undefined) toolFaults.set(question, fault);
    const modes = question.modes.filter((mode) => mode !== 'tools' || fault === undefined);
    return modes.map((mode) => ({ question, mode }));
  });
  const weighing = questions.filter(({ scores }) => scores.includes('choice') || scores.includes('likelihood'));
  const total = asked.length + weighing.length;
  let done = 0;
  const step = (count: number): void => {
    done += count;
    onProgress?.(done, total);
  };
  const lineEnds = lineEndIds(model);
  const slots = new Slots(callsAtATime);
  const generated = await Promise.all(
    asked.map(async ({ question, mode }) => {
      const options = { examples: examplesOf(question, mode), signal };
      const answer =
        mode === 'tools'
          ? await generateWithTools(model, question, { ...options, toolbox, slots })
          : await generate(model, question, mode, { ...options, lineEnds });
      step(1);
      return answer;
    }),
  );
  stopIfAborted(signal, 'stopped while asking questions');
  const weighed: WeighedAnswers[] = [];
  for (let at = 0; at < weighing.length; at += questionsAtATime) {
    const some = weighing.slice(at, at + questionsAtATime);
    weighed.push(...(await weigh(model, some, examplesOf, signal)));
    step(some.length);
  }
  return { generated, weighed, toolFaults };
}

const questionsAtATime = 64;

interface Prompt {
  tokens: number[];
  isChat: boolean;
  text: string;
  /** Before an answer that continues it. */
  space: string;
}

function promptOf(model: LocalModel, question: Question, mode: Mode, examples: readonly Example[]): Prompt {
  if (isAskedAsChat(question, model)) {
    const messages = chatOf(question, mode, examples);
    return { tokens: chatTokens(model, messages, question), isChat: true, text: shownChat(messages), space: '' };
  }
  const { prompt, space } = splitSpace(textOf(question, mode, examples));
  const tokens = [model.tokenizer.documentStart, ...model.tokenizer.encode(prompt)];
  return { tokens, isChat: false, text: prompt, space };
}

async function generate(
  model: LocalModel,
  question: Question,
  mode: Mode,
  { examples, lineEnds, signal }: { examples: readonly Example[]; lineEnds: ReadonlySet<number>; signal?: AbortSignal },
): Promise<GeneratedAnswer> {
  const { tokens, isChat, text: prompt } = promptOf(model, question, mode, examples);
  const about = { question, mode, isChat, prompt };
  if (tokens.length >= model.contextLength) return { ...about, text: '', answer: '', ended: false, isTooLong: true };
  const isOneLine = !isChat && mode === 'direct';
  const ends = stopIdsOf(model);
  const [{ tokens: written, stopId }] = await model.engine.submit({
    tokens,
    maxNewTokens: question.maxNewTokens,
    sampling: greedy,
    seed: Random.stream(0, question.id).uint32(),
    stopIds: isOneLine ? [...new Set([...ends, ...lineEnds])] : ends,
    signal,
  });
  // A token that ends a line may hold the last characters of it.
  const last = stopId !== undefined && !ends.includes(stopId) ? [stopId] : [];
  const text = model.tokenizer.decode([...written, ...last], { skipSpecial: true });
  return { ...about, text, answer: finalAnswer(text, mode, !isChat), ended: stopId !== undefined, isTooLong: false };
}

/** Tokens with a line end in them: the answer of a model that continues text is its first line. */
function lineEndIds({ tokenizer }: LocalModel): Set<number> {
  const ids = new Set<number>();
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    if (tokenizer.hasToken(id) && !tokenizer.isSpecial(id) && tokenizer.tokenBytes(id).includes(0x0a)) ids.add(id);
  }
  return ids;
}

async function weigh(
  model: LocalModel,
  questions: readonly Question[],
  examplesOf: AskOptions['examplesOf'],
  signal?: AbortSignal,
): Promise<WeighedAnswers[]> {
  const prepared = questions.map((question) => ({ question, ...candidatesOf(model, question, examplesOf) }));
  const sequences = prepared.flatMap(({ candidates }) => candidates);
  // Neighbours of like length: less padding.
  const order = sequences.map((_, i) => i).sort((a, b) => sequences[a].tokens.length - sequences[b].tokens.length);
  const inOrder = await tokenLogProbabilities(
    model.model,
    order.map((i) => sequences[i].tokens),
    signal,
  );
  const values = new Map(order.map((i, at) => [sequences[i], inOrder[at]]));
  return prepared.map(({ question, isChat, prompt, candidates }) => ({
    question,
    isChat,
    prompt,
    candidates: candidates.map((candidate) => {
      const own = (values.get(candidate) ?? new Float32Array()).subarray(candidate.from - 1);
      return { text: candidate.text, logProbability: own.reduce((sum, value) => sum + value, 0), tokens: own.length };
    }),
    isTooLong: candidates.some(({ tokens }) => tokens.length - 1 > model.contextLength),
  }));
}

interface TokenCandidate {
  text: string;
  tokens: number[];
  /** The first token that is the answer's. */
  from: number;
}

/** Each choice, or else each right answer, behind the prompt; or in the gap of its sentence. */
function candidatesOf(
  model: LocalModel,
  question: Question,
  examplesOf: AskOptions['examplesOf'],
): { isChat: boolean; prompt: string; candidates: TokenCandidate[] } {
  const { tokenizer } = model;
  const texts = question.scores.includes('choice') ? (question.choices ?? []) : question.answers;
  if (question.gap !== undefined) {
    const [before, after] = question.gap.split(gapMark);
    const filled = texts.map((text) => ({
      text,
      tokens: [tokenizer.documentStart, ...tokenizer.encode(before + text + after)],
      from: 1,
    }));
    return { isChat: false, prompt: question.gap, candidates: filled };
  }
  const { tokens, isChat, text: prompt, space } = promptOf(model, question, 'direct', examplesOf(question, 'direct'));
  const candidates = texts.map((text): TokenCandidate => {
    if (isChat) return { text, tokens: [...tokens, ...tokenizer.encode(text)], from: tokens.length };
    // As one text, parted where the prompt alone would end: so lm-evaluation-harness does it.
    const whole = [tokenizer.documentStart, ...tokenizer.encode(prompt + space + text)];
    return { text, tokens: whole, from: Math.min(tokens.length, whole.length - 1) };
  });
  return { isChat, prompt, candidates };
}
