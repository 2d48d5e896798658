// Alpaca (Taori et al. 2023): one request makes many whole tasks at once, instruction, input and output; three seeds are shown.
// Cheap: a row costs little more than its own tokens.

import { languageNames, oneLine } from '../asked-model.js';
import type { ProposedTask, TaskRequest } from '../teacher.js';
import { type Block, blocksOf, isNothing, type Labels } from './blocks.js';
import { type Method, type MethodContext, ownSolution, proposalRule, withInput, withoutColon } from './method.js';
import { asks } from './prompts.js';

export const taskLabels: Labels<'instruction' | 'input' | 'output'> = {
  instruction: ['Instruction', '指令', '任务'],
  input: ['Input', '输入'],
  output: ['Output', '输出', '答案', '回答'],
};

export function alpaca({ asked, prompts }: MethodContext): Method {
  return {
    async propose(request) {
      const { index, language, wanted, examples } = request;
      const shown = examples.map(
        ({ instruction, output }) => `Instruction: ${oneLine(instruction)}\nInput: <noinput>\nOutput: ${output.trim()}`,
      );
      const asking = asks(prompts, 'tasks', {
        ...{ index, wanted },
        language: languageNames[language],
        examples: shown.join('\n###\n'),
      });
      const { items, dropped } = await asked.read(asking, proposalRule('alpaca'), (reply) =>
        blocksOf(reply, taskLabels, 'instruction').flatMap((block) => wholeTask(block, request)),
      );
      return { tasks: items, dropped };
    },
    answer: ownSolution,
  };
}

function wholeTask(
  { instruction = '', input, output }: Block<'instruction' | 'input' | 'output'>,
  { kind, language }: TaskRequest,
): ProposedTask[] {
  if (instruction === '' || output === undefined) return [];
  const whole = withInput(instruction, isNothing(input) ? undefined : input);
  // Whether a task is new is decided by its instruction, which may end in a colon.
  return [{ kind, language, turns: [withoutColon(instruction)], solution: { answer: output, turns: [whole] } }];
}
