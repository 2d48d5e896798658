// Evol-Instruct (Xu et al. 2023): a task is made harder in one way (in depth) or another of the same field is invented (in
// breadth), from seeds and from what evolved before. Eliminated are those that say no more than what they were made from, speak of
// the rewriting, or cannot be answered.
import { cleanText } from '../../../base/clean-text.js';
import { Random } from '../../../base/random.js';
import { languageNames } from '../asked-model.js';
import type { Drop, ProposedTask } from '../teacher.js';
import { isCut } from './blocks.js';
import { allEnded, type Method, type MethodContext, proposalRule, writtenAnswer } from './method.js';
import { asks, listOf } from './prompts.js';

/** Of the ways to evolve: one in so many is in breadth. */
const breadthEvery = 4;
const maxInstruction = 2000;
/** A judge's word comes within so many characters. */
const verdictWithin = 100;
const speaksOfRewriting =
  /\b(?:(?:given|original|rewritten|new|created) (?:prompt|instruction|task)|rewritten version)\b|(?:原|给定的?|改写后?的?|新的?)(?:指令|任务|题目|提示词)/i;

export function evolve({ asked, prompts, seed }: MethodContext): Method {
  /** What an evolved task was made from, in depth. By the task itself: two requests at once may say the same. */
  const parents = new WeakMap<ProposedTask, string>();
  return {
    async propose({ index, kind, language, wanted, examples }) {
      const random = Random.stream(seed, `evolve/${index}`);
      const made = await allEnded(
        random
          .shuffle([...examples])
          .slice(0, wanted)
          .map(async ({ instruction }, i) => {
            const isBroad = (index * wanted + i) % breadthEvery === breadthEvery - 1;
            const way = isBroad ? '' : random.choose(listOf(prompts, 'ways', language));
            const values = { index, instruction, way, language: languageNames[language] };
            const asking = asks(prompts, isBroad ? 'breadth' : 'depth', isBroad ? omitWay(values) : values);
            const { items, dropped } = await asked.read(asking, proposalRule('evolve'), ({ text, finish }) => {
              const evolved = cleanText(text, maxInstruction + 1).replace(
                /^(?:\*\*)?(?:task|任务)(?:\*\*)?\s*[:：]\s*/i,
                '',
              );
              return evolved === '' || evolved.length > maxInstruction || isCut(finish) ? [] : [evolved];
            });
            const drops: Drop[] = [...dropped];
            const tasks: ProposedTask[] = [];
            for (const evolved of items)
              if (speaksOfRewriting.test(evolved) && !speaksOfRewriting.test(instruction))
                drops.push({ rule: 'evolved task speaks of the rewriting', example: evolved });
              else {
                const task: ProposedTask = { kind, language, turns: [evolved] };
                if (!isBroad) parents.set(task, instruction);
                tasks.push(task);
              }
            return { tasks, dropped: drops };
          }),
      );
      return { tasks: made.flatMap(({ tasks }) => tasks), dropped: made.flatMap(({ dropped }) => dropped) };
    },
    async answer(task, { index }) {
      const [evolved] = task.turns;
      const parent = parents.get(task);
      if (parent !== undefined) {
        const options = { rule: 'the teacher did not compare two tasks', otherwise: 'it said neither more nor equal' };
        const { items, dropped } = await asked.read(
          asks(prompts, 'compare', { index, first: parent, second: evolved }),
          options,
          ({ text }) => /^\W*(more|equal)\b/i.exec(text.slice(0, verdictWithin))?.slice(1) ?? [],
        );
        if (items.length === 0) return { rule: dropped[0].rule, example: evolved };
        if (items[0].toLowerCase() === 'equal')
          return { rule: 'evolved task asks no more', example: `${evolved}\n(from: ${parent})` };
      }
      const values = { index, instruction: evolved, language: languageNames[task.language] };
      return writtenAnswer(asked, asks(prompts, 'answer', values), task);
    },
  };
}

function omitWay({ way: _, ...values }: { index: number; instruction: string; way: string; language: string }) {
  return values;
}
