// Self-Instruct (Wang et al. 2022), as published: new instructions after eight in context, six seeds and two grown ones; then of
// each whether it is a classification; then its instances, the label before the input where it is one (else a model writes inputs
// of one class alone), the input before the output where it is none.
import { cleanText } from '../../../base/clean-text.js';
import { wordsOf } from '../../../base/words.js';
import type { Reply } from '../../../inference/chat-model.js';
import { languageNames, oneLine } from '../asked-model.js';
import { parseTasks } from '../openai-teacher.js';
import type { ProposedTask } from '../teacher.js';
import { blocksOf, isNothing, type Labels } from './blocks.js';
import { type Instance, soundInstances } from './instances.js';
import { type Method, type MethodContext, proposalRule, withInput, withoutColon } from './method.js';
import { asks } from './prompts.js';

export const inputFirst: Labels<'input' | 'output'> = {
  input: ['Input', '输入'],
  output: ['Output', '输出', '答案'],
};
const labelFirst: Labels<'label' | 'input'> = {
  label: ['Class label', 'Label', '类别', '标签'],
  input: ['Input', '输入'],
};

/** Every so many requests ask for classifications alone: few come by themselves. */
const classificationEvery = 4;
const minWords = 3;

export function selfInstruct({ asked, prompts }: MethodContext): Method {
  return {
    async propose(request) {
      const { index, language, wanted, examples } = request;
      const step = index % classificationEvery === classificationEvery - 1 ? 'classifications' : 'instructions';
      const list = examples.map(({ instruction }, i) => `${i + 1}. ${withoutColon(oneLine(instruction))}`);
      const asking = asks(prompts, step, {
        ...{ index, wanted, next: examples.length + 1, last: examples.length + wanted },
        language: languageNames[language],
        examples: list.join('\n'),
      });
      const { items, dropped } = await asked.read(asking, proposalRule('self-instruct'), (reply) =>
        parseTasks(reply, request),
      );
      const tasks: ProposedTask[] = [];
      for (const task of items) {
        const rule = instructionFault(task.turns[0]);
        if (rule === undefined) tasks.push({ ...task, turns: [withoutColon(task.turns[0])] });
        else dropped.push({ rule, example: task.turns[0] });
      }
      return { tasks, dropped };
    },
    async answer(task, request) {
      const [instruction] = task.turns;
      const values = { index: request.index, instruction, language: languageNames[task.language] };
      const verdict = await asked.read(
        asks(prompts, 'classification', values),
        { rule: 'the teacher did not say whether it is a classification', otherwise: 'it said neither yes nor no' },
        ({ text }) => verdictOf(text),
      );
      if (verdict.items.length === 0) return { rule: verdict.dropped[0].rule, example: instruction };
      const [isClassification] = verdict.items;
      const step = isClassification ? 'label-first' : 'input-first';
      const { items, dropped } = await asked.read(
        asks(prompts, step, values),
        { rule: 'no instances in what the teacher said', otherwise: 'it held no instance of the task' },
        (reply) => (isClassification ? labelledInstances(reply) : instancesOf(reply, inputFirst)),
      );
      if (items.length === 0) return { rule: dropped[0].rule, example: instruction };
      const { kept, dropped: unsound } = soundInstances(items, instruction);
      return [...kept.map(({ input, output }) => solutionOf(task, input, output)), ...unsound];
    },
  };
}

function solutionOf(task: ProposedTask, input: string, answer: string): { answer: string; turns: string[] } {
  return { answer, turns: [withInput(task.turns[0], input)] };
}

/** The published rules that the rules for every prompt do not have. */
function instructionFault(instruction: string): string | undefined {
  if (wordsOf(instruction).length <= minWords) return 'prompt too short';
  if (/^(?:write a program|编写?(?:一个|一段)?程序|写(?:一个|一段)程序)/i.test(instruction))
    return 'prompt asks for a program';
  if (/^[\p{P}\p{S}]/u.test(instruction) && !/^[“"「《(（]/u.test(instruction)) return 'prompt begins with punctuation';
  return undefined;
}

function verdictOf(text: string): boolean[] {
  const found = /^[\s*_"'“]*(yes|no|是|否|不是)/i.exec(text.slice(0, 200));
  return found === null ? [] : [/^(?:yes|是)$/i.test(found[1])];
}

export function instancesOf(reply: Reply, labels: Labels<'input' | 'output'>): Instance[] {
  return blocksOf(reply, labels, 'input').flatMap(({ input, output }) =>
    output === undefined ? [] : [{ input: isNothing(input) ? '' : (input ?? ''), output }],
  );
}

function labelledInstances(reply: Reply): Instance[] {
  return blocksOf(reply, labelFirst, 'label').flatMap(({ label, input }) =>
    label === undefined || isNothing(input) ? [] : [{ input: input ?? '', output: cleanText(label, 200) }],
  );
}
