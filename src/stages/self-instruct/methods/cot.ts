// Chains of thought (Wei et al. 2022) that end where they should: a program sets tasks of built-in families and knows their answers,
// the teacher works them out step by step, and only what ends in the right answer is kept.
import { cleanText } from '../../../base/clean-text.js';
import { UserError } from '../../../base/errors.js';
import { type TaskKind, taskKinds } from '../../../config/pipeline.js';
import { checkAnswer } from '../../../evaluation/checks.js';
import { languageNames } from '../asked-model.js';
import { familyOf } from '../families/table.js';
import type { ProposedTask } from '../teacher.js';
import { isCut, onPlainLines } from './blocks.js';
import { type Method, type MethodContext, missing } from './method.js';
import { asks } from './prompts.js';

/** Families whose answers take steps; what is looked up or said politely takes none. */
const workable: readonly TaskKind[] = taskKinds.filter((kind) =>
  ['arithmetic', 'small-sums', 'parity', 'comparison', 'dates', 'last-word', 'reverse', 'count', 'rules'].includes(
    kind,
  ),
);
const maxWorked = 4000;
/** Every repetition is bounded, or one long line of blanks takes minutes. */
const finalLine = /^[\s*_#>-]{0,12}(?:final answer|answer|最终答案|答案)[\s*_]{0,8}[:：](.*)$/i;

export function workableKinds(chosen: readonly TaskKind[]): readonly TaskKind[] {
  const kinds = workable.filter((kind) => chosen.includes(kind));
  if (kinds.length > 0) return kinds;
  throw new UserError({
    what: 'the method cot has no family to work on',
    where: 'selfInstruct.kinds',
    why: `its steps are kept where a program knows the answer, and these take steps: ${workable.join(', ')}`,
    next: 'Choose some of them, or leave cot away from selfInstruct.methods',
  });
}

export function cot({ asked, prompts, setter = missing('a setter') }: MethodContext): Method {
  return {
    async propose(request) {
      const { tasks, dropped } = await setter.propose(request);
      // Its program's answer decides; that of the teacher becomes the row.
      return { tasks: tasks.filter(({ solution }) => solution?.check !== undefined), dropped };
    },
    async answer(task, { index }) {
      const asking = asks(prompts, 'work', {
        ...{ index, task: task.turns.join('\n'), form: familyOf(task.kind).answerForm },
        language: languageNames[task.language],
      });
      const options = { rule: 'no answer after the steps', otherwise: 'it held no line "Answer: …" at its end' };
      const { items, dropped, reply } = await asked.read(asking, options, ({ text }) => workedOf(text));
      if (items.length === 0) return { rule: dropped[0].rule, example: [...task.turns, dropped[0].example].join('\n') };
      const [{ steps, final }] = items;
      const example = [...task.turns, `→ ${steps}`, final].join('\n');
      if (isCut(reply.finish)) return { rule: 'answer cut off', example };
      return solutionOf(task, steps, final) ?? { rule: 'steps to a wrong answer', example };
    },
  };
}

function solutionOf({ solution, language }: ProposedTask, steps: string, final: string) {
  const check = solution?.check;
  if (check === undefined || !checkAnswer(check, final, language)) return undefined;
  const last = language === 'zh' ? `答案：${final}` : `Answer: ${final}`;
  return { answer: `${steps}\n${last}`, final, check };
}

/** What a line names as the answer, without the marks around it; empty where it names none. */
function finalOf(line: string): string {
  const marks = '*_ \t';
  let text = finalLine.exec(line)?.[1] ?? '';
  while (text !== '' && marks.includes(text[0])) text = text.slice(1);
  while (text !== '' && marks.includes(text[text.length - 1])) text = text.slice(0, -1);
  return text;
}

/** The steps, and what the last line names as the answer; nothing where there are no steps or no such line. */
function workedOf(text: string): { steps: string; final: string }[] {
  if (text.length > maxWorked) return [];
  const lines = cleanText(onPlainLines(text), maxWorked).split('\n');
  const at = lines.findLastIndex((line) => finalOf(line) !== '');
  const final = finalOf(lines[at] ?? '');
  const steps = lines.slice(0, Math.max(0, at)).join('\n').trim();
  // Behind the answer there is nothing but a farewell at most.
  const isLast =
    lines
      .slice(at + 1)
      .join('')
      .trim().length < 80;
  return final === '' || steps === '' || !isLast ? [] : [{ steps, final }];
}
