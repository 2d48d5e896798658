// Instruction backtranslation (Li et al. 2023): a passage of the person's own corpus is the answer, the teacher writes the instruction
// to it, and then judges the pair: what does not fit well is dropped. No word of the answer is the teacher's.
import { cleanText } from '../../../base/clean-text.js';
import { languageNames } from '../asked-model.js';
import type { ProposedTask } from '../teacher.js';
import { allEnded, type Method, type MethodContext, missing, proposalRule } from './method.js';
import { asks } from './prompts.js';

const scoreLine =
  /^[\s*_#>-]{0,8}(?:score|评分|得分)[*_ ]{0,4}(?:[(（][^)）\n]{0,12}[)）])?[*_ ]{0,4}[:：][*_ ]{0,4}([1-5])(?![\d.]*\d)/gim;
/** Of five points, as published: from four on a pair is kept. */
const minScore = 4;
const maxInstruction = 1000;

export function backtranslate({ asked, prompts, passages = missing('passages') }: MethodContext): Method {
  // Each passage is asked about once. Requests are planned in one order, so a run that goes on where it was stopped asks the same.
  const next = { zh: 0, en: 0 };
  return {
    async propose({ index, kind, language, wanted }) {
      const own = passages[language];
      const start = next[language];
      next[language] += wanted;
      const places = Array.from({ length: Math.max(0, Math.min(wanted, own.length - start)) }, (_, i) => start + i);
      const made = await allEnded(
        places.map(async (place) => {
          const passage = own[place];
          const asking = asks(prompts, 'instruction', { index, passage, language: languageNames[language] });
          const { items, dropped } = await asked.read(asking, proposalRule('backtranslate'), ({ text }) => {
            const instruction = cleanText(text, maxInstruction + 1)
              .replace(/^(?:\*\*)?(?:instruction|指令|问题)(?:\*\*)?\s*[:：]\s*/i, '')
              .replace(/^["“「](.*)["”」]$/su, '$1');
            return instruction === '' || instruction.length > maxInstruction ? [] : [instruction];
          });
          const tasks = items.map(
            (instruction): ProposedTask => ({ kind, language, turns: [instruction], solution: { answer: passage } }),
          );
          return { tasks, dropped };
        }),
      );
      return { tasks: made.flatMap(({ tasks }) => tasks), dropped: made.flatMap(({ dropped }) => dropped) };
    },
    async answer({ turns: [instruction], solution }, { index }) {
      const { answer = '' } = solution ?? {};
      const options = { rule: 'the teacher gave a pair no score', otherwise: 'it held no line "Score: …"' };
      const { items, dropped } = await asked.read(
        asks(prompts, 'score', { index, instruction, passage: answer }),
        options,
        ({ text }) => [...text.slice(-2000).matchAll(scoreLine)].slice(-1).map(([, score]) => Number(score)),
      );
      if (items.length === 0) return { rule: dropped[0].rule, example: instruction };
      if (items[0] < minScore)
        return { rule: 'passage does not answer the instruction', example: `${instruction}\n(${items[0]} of 5)` };
      return { answer };
    },
  };
}
