// Conversations of several turns, both sides written by the teacher: first how people begin, then of each beginning that is new
// the whole conversation. Which of them has how many exchanges is decided by a program: models settle on one length.
import { Random } from '../../../base/random.js';
import { isRefusal } from '../../../evaluation/checks.js';
import { languageNames, oneLine } from '../asked-model.js';
import { parseTasks } from '../openai-teacher.js';
import { blocksOf, type Labels } from './blocks.js';
import { type Method, type MethodContext, proposalRule } from './method.js';
import { asks, listOf } from './prompts.js';

const speakers: Labels<'user' | 'assistant'> = {
  user: ['User', 'Human', '用户'],
  assistant: ['Assistant', 'AI', '助手'],
};
const exchanges = { min: 2, max: 5 };

export function dialogue({ asked, prompts, seed }: MethodContext): Method {
  return {
    async propose(request) {
      const { index, language, wanted, examples } = request;
      const random = Random.stream(seed, `dialogue/subjects/${index}`);
      const asking = asks(prompts, 'openings', {
        ...{ index, wanted, language: languageNames[language] },
        subjects: random
          .shuffle([...listOf(prompts, 'subjects', language)])
          .slice(0, wanted)
          .join('; '),
        examples: examples.map(({ instruction }) => `- ${oneLine(instruction)}`).join('\n'),
      });
      const { items, dropped } = await asked.read(asking, proposalRule('dialogue'), (reply) =>
        parseTasks(reply, request),
      );
      return { tasks: items, dropped };
    },
    async answer(task, request) {
      const [opening] = task.turns;
      const random = Random.stream(seed, `dialogue/${request.index}/${opening}`);
      const count = random.integer(exchanges.min, exchanges.max + 1);
      const asking = asks(prompts, 'transcript', {
        ...{ index: request.index, count, opening, language: languageNames[task.language] },
      });
      const options = { rule: 'no conversation in what the teacher said', otherwise: 'it held no conversation' };
      const { items, dropped } = await asked.read(asking, options, (reply) => {
        const found = blocksOf(reply, speakers, 'user', { isAllOrNone: true });
        // Where it was not repeated, the opening is the first to speak.
        return found[0]?.user === undefined ? found : [{ assistant: found[0].assistant }, ...found.slice(1)];
      });
      const turns = [opening, ...items.flatMap(({ user, assistant }, i) => [...(i === 0 ? [] : [user]), assistant])];
      const rule = items.length === 0 ? dropped[0].rule : faultOf(turns, task.language);
      if (rule !== undefined) return { rule, example: turns.map((turn = '…') => turn).join('\n') };
      const said = turns as string[];
      return { answer: said[said.length - 1], turns: said.slice(0, -1) };
    },
  };
}

/** The last answer has the rules of every answer; these are for those before it, and for the whole. */
function faultOf(turns: readonly (string | undefined)[], language: 'zh' | 'en'): string | undefined {
  if (turns.some((turn = '') => turn === '')) return 'conversation with a turn missing';
  if (turns.length < 2 * exchanges.min) return 'conversation too short';
  if (turns.length > 2 * exchanges.max) return 'conversation too long';
  if (new Set(turns).size < turns.length) return 'conversation repeats itself';
  const answers = turns.filter((_, i) => i % 2 === 1);
  if (answers.some((answer = '') => isRefusal(answer, language))) return 'answer refuses';
  return undefined;
}
