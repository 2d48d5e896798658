// Answers to tasks that no program can check, beside the answer that their row gives: how likely the model holds that one to
// be, and how much its own has in common with it.
import { countOf, formatCount } from '../base/format.js';
import { rougeL } from '../base/rouge.js';
import type { LocalModel } from '../inference/local-model.js';
import { maxLength } from './checks.js';
import { bestChrF } from './chrf.js';
import { type Measurements, Tally, unitOf } from './measurements.js';
import { evaluateQuestions } from './questions/evaluate.js';
import type { Question } from './questions/question.js';
import { referenceTurn } from './reference.js';
import type { Answer } from './tasks.js';

/** The answer that the row of a task gives, where there is no check that says more; undefined without one. */
export function referenceOf({ check, messages }: Answer['task']): string | undefined {
  const { answer } = referenceTurn(messages);
  return check === undefined && answer !== undefined && answer.trim() !== '' ? answer : undefined;
}

/**
 * `rougeL`, `chrF`, `referenceBitsPerByte`, `referenceLogProbability` of the answers whose task has a reference.
 * @param answers one a task, asked as a chat.
 * @returns `warnings`: references that are too long to be compared, or that the context has no room for, and the like.
 */
export async function measureAgainstReference(
  model: LocalModel,
  answers: readonly Answer[],
  { signal }: { signal?: AbortSignal },
): Promise<{ measurements: Measurements; warnings: string[] }> {
  const tally = new Tally();
  const questions: Question[] = [];
  const tooLong: string[] = [];
  for (const { task, text } of answers) {
    const reference = referenceOf(task);
    if (reference === undefined) continue;
    // Its beginning alone would be another reference, and make a score that looks like the others.
    if (reference.length > maxLength) {
      tooLong.push(task.id);
      continue;
    }
    const said = text.slice(0, maxLength);
    tally.add('rougeL', { ...unitOf(task), value: rougeL(said, reference) });
    tally.add('chrF', { ...unitOf(task), value: bestChrF(said, [reference]) });
    questions.push(likelihoodQuestion(task, reference));
  }
  const skipped =
    tooLong.length === 0
      ? []
      : [
          `skipped ${countOf(tooLong.length, 'answer')} of more than ${formatCount(maxLength)} characters (first: ${tooLong[0]})`,
        ];
  if (questions.length === 0) return { measurements: new Map(), warnings: skipped };
  const { measurements, warnings } = await evaluateQuestions(model, { questions, examplesOf: () => [] }, { signal });
  return { measurements: new Map([...tally.finish(), ...measurements]), warnings: [...skipped, ...warnings] };
}

function likelihoodQuestion({ id, group, language = 'other', messages }: Answer['task'], answer: string): Question {
  const { prompt } = referenceTurn(messages);
  const system = prompt[0]?.role === 'system' ? prompt.shift()?.content : undefined;
  return {
    ...{ id, where: id, kind: '', language, group, system },
    fields: { question: prompt.pop()?.content ?? '' },
    before: prompt,
    ...{ scores: ['likelihood'], answers: [answer], modes: ['direct'], examples: [], shots: 0, maxNewTokens: 1 },
    ask: 'chat',
  };
}
