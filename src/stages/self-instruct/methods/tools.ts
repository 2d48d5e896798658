// Calls that were really made, as APIGen (Liu et al. 2024) has it: the teacher writes questions with the calls that they take, and some
// that take none; every call runs; what fails is dropped with the tool's words; then the teacher answers from the results, and an
// answer that has nothing of them is dropped.
import { jsonIn } from '../../../base/objects.js';
import { Random } from '../../../base/random.js';
import { wordsOf } from '../../../base/words.js';
import { type Message, type ToolCall, toolCallSchema } from '../../../tokenizer/message.js';
import { languageNames, oneLine } from '../asked-model.js';
import type { Answers, ProposedTask } from '../teacher.js';
import { blocksOf, isNothing, type Labels } from './blocks.js';
import { isDrop, type Method, type MethodContext, missing, proposalRule, writtenAnswer } from './method.js';
import { asks, listOf } from './prompts.js';

const labels: Labels<'question' | 'call'> = {
  question: ['Question', '问题'],
  call: ['Calls', 'Call', '调用'],
};
const maxCalls = 4;
/** What tools take for the time: rows are the same on every day. */
const clock = new Date('2026-03-02T09:30:00Z');
/** The teacher's word where the results do not answer the question. */
const refusal = /^\W*(?:REJECT|拒绝)\b/;

export function tools({ asked, prompts, toolbox = missing('a toolbox'), seed }: MethodContext): Method {
  /** The calls that a question takes. By the task itself: two requests at once may ask the same. */
  const callsOf = new WeakMap<ProposedTask, ToolCall[]>();
  const list = toolbox.tools;
  return {
    async propose({ index, kind, language, wanted, examples }) {
      const random = Random.stream(seed, `tools/subjects/${language}/${index}`);
      const asking = asks(prompts, 'questions', {
        ...{ index, wanted, language: languageNames[language], clock: clock.toISOString() },
        subjects: random
          .shuffle([...listOf(prompts, 'subjects', language)])
          .slice(0, wanted)
          .join('; '),
        examples: examples.map(({ instruction }) => `- ${oneLine(instruction)}`).join('\n') || '- (none yet)',
        tools: list.map((tool) => JSON.stringify(tool)).join('\n'),
      });
      const { items, dropped } = await asked.read(asking, proposalRule('tools'), (reply) =>
        blocksOf(reply, labels, 'question').filter(({ question = '' }) => question !== ''),
      );
      const tasks: ProposedTask[] = [];
      for (const { question = '', call } of items) {
        const calls = isNothing(call) ? [] : callsIn(call ?? '');
        if (calls === undefined) dropped.push({ rule: 'call cannot be read', example: `${question}\n${call}` });
        else {
          const task: ProposedTask = { kind, language, turns: [question] };
          callsOf.set(task, calls);
          tasks.push(task);
        }
      }
      return { tasks, dropped };
    },
    async answer(task, { index }): Promise<Answers> {
      const [question] = task.turns;
      const calls = callsOf.get(task) ?? [];
      const session = toolbox.session({ now: clock });
      const results: string[] = [];
      for (const call of calls) {
        const { content, fault } = await session.call(call);
        if (fault !== undefined)
          return { rule: `call that fails (${fault})`, example: `${question}\n${JSON.stringify(call)}\n→ ${content}` };
        results.push(content);
      }
      const values = { index, question, language: languageNames[task.language] };
      const shown = calls.map((call, i) => `${JSON.stringify(call)}\n→ ${results[i]}`).join('\n');
      const asking =
        calls.length === 0 ? asks(prompts, 'direct', values) : asks(prompts, 'answer', { ...values, results: shown });
      const said = await writtenAnswer(asked, asking, task);
      if (isDrop(said)) return said;
      if (refusal.test(said.answer))
        return { rule: 'results do not answer the question', example: `${question}\n${shown}` };
      if (calls.length > 0 && !usesResults(said.answer, results))
        return { rule: 'answer has nothing of the results', example: `${question}\n${shown}\n→ ${said.answer}` };
      const messages: Message[] = [
        { role: 'user', content: question },
        ...(calls.length > 0 ? [{ role: 'assistant', content: '', toolCalls: calls } as const] : []),
        ...results.map((content): Message => ({ role: 'tool', content })),
        { role: 'assistant', content: said.answer },
      ];
      return { answer: said.answer, messages, tools: list, start: { now: clock } };
    },
  };
}

/** One call, or a list of some; undefined where it is neither. */
function callsIn(written: string): ToolCall[] | undefined {
  const plain = written.replace(/^\s*```(?:json)?\s*|\s*```\s*$/g, '').trim();
  const found = [jsonIn(plain) ?? plain.split('\n').map((line) => jsonIn(line))].flat();
  const calls = found.flatMap((each) => toolCallSchema.safeParse(each).data ?? []);
  const isWhole = calls.length === found.length && calls.length > 0 && calls.length <= maxCalls;
  // Ids are for endpoints; a row's results stand in the order of its calls.
  return isWhole ? calls.map(({ name, arguments: given }) => ({ name, arguments: given })) : undefined;
}

/** A number of a result where it has some, else a word of it, is in the answer. */
function usesResults(answer: string, results: readonly string[]): boolean {
  const plain = answer.replace(/(?<=\d),(?=\d{3})/g, '');
  const said = new Set([...wordsOf(answer), ...(plain.match(/\d+(?:\.\d+)?/g) ?? [])]);
  return results.some((result) => {
    const numbers = result.replace(/(?<=\d),(?=\d{3})/g, '').match(/\d+(?:\.\d+)?/g) ?? [];
    const pieces =
      numbers.length > 0 ? [...numbers, ...numbers.map((each) => each.replace(/\..*/, ''))] : wordsOf(result);
    return pieces.some((piece) => said.has(piece));
  });
}
