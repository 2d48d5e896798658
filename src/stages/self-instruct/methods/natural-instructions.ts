// Natural Instructions (Wang et al. 2022): a task is its definition, two examples of how it is done and one of how it is not, each
// with the reason; then come its instances. Rows show more or less of it, by chance: the definition alone, with one example,
// with two, with all three, so that a model learns to work from either.
import { Random } from '../../../base/random.js';
import { languageNames, oneLine } from '../asked-model.js';
import type { ProposedTask, TaskLanguage } from '../teacher.js';
import { fieldsOf, isCut, type Labels } from './blocks.js';
import { soundInstances } from './instances.js';
import { type Method, type MethodContext, proposalRule } from './method.js';
import { asks } from './prompts.js';
import { inputFirst, instancesOf } from './self-instruct.js';

interface TaskExample {
  input: string;
  output: string;
  why: string;
}

export interface NaturalTask {
  definition: string;
  good: TaskExample[];
  bad: TaskExample;
}

type Field = 'definition' | 'goodInput' | 'goodOutput' | 'badInput' | 'badOutput' | 'why';
const taskLabels: Labels<Field> = {
  definition: ['Definition', '定义'],
  goodInput: ['Good input', '正例输入'],
  goodOutput: ['Good output', '正例输出'],
  badInput: ['Bad input', '反例输入'],
  badOutput: ['Bad output', '反例输出'],
  why: ['Why', 'Reason', '原因', '理由'],
};

/** How much a row may show: good examples, and whether the bad one. */
const encodings = [
  { good: 0, isBadShown: false },
  { good: 1, isBadShown: false },
  { good: 2, isBadShown: false },
  { good: 2, isBadShown: true },
];

export function naturalInstructions({ asked, prompts, seed }: MethodContext): Method {
  /** The examples of what was proposed. By the task itself: two requests at once may define the same. */
  const tasks = new WeakMap<ProposedTask, NaturalTask>();
  return {
    async propose({ index, kind, language, wanted, examples }) {
      const asking = asks(prompts, 'definitions', {
        ...{ index, wanted, language: languageNames[language] },
        examples: examples.map(({ instruction }) => `- ${oneLine(instruction)}`).join('\n'),
      });
      const { items, dropped } = await asked.read(asking, proposalRule('natural-instructions'), naturalTasksOf);
      const proposed = items.map((item): ProposedTask => {
        const task = { kind, language, turns: [item.definition] };
        tasks.set(task, item);
        return task;
      });
      return { tasks: proposed, dropped };
    },
    async answer(proposed, { index }) {
      const [definition] = proposed.turns;
      const task = tasks.get(proposed);
      if (task === undefined) return { rule: 'no examples of the task', example: definition };
      const shown = [...task.good].map(({ input, output }) => `Input: ${input}\nOutput: ${output}\n###`);
      const options = { rule: 'no instances in what the teacher said', otherwise: 'it held no instance of the task' };
      const { items, dropped } = await asked.read(
        asks(prompts, 'instances', {
          ...{ index, definition, examples: shown.join('\n') },
          language: languageNames[proposed.language],
        }),
        options,
        (reply) => instancesOf(reply, inputFirst),
      );
      if (items.length === 0) return { rule: dropped[0].rule, example: definition };
      const known = new Set([...task.good, task.bad].map(({ input }) => input));
      const fresh = items.filter(({ input }) => input !== '' && !known.has(input));
      const repeated = items.filter((each) => !fresh.includes(each));
      const { kept, dropped: unsound } = soundInstances(fresh, definition);
      return [
        ...kept.map(({ input, output }) => {
          const encoding = Random.stream(seed, `natural-instructions/${input}`).choose(encodings);
          return { answer: output, turns: [asText(task, input, { ...encoding, language: proposed.language })] };
        }),
        ...unsound,
        ...repeated.map(({ input }) => ({
          rule: 'instance is one of the examples',
          example: `${definition}\n${input}`,
        })),
      ];
    },
  };
}

/** Tasks that are whole; of a reply that was cut, all but the last. */
export function naturalTasksOf(reply: { text: string; finish: string }): NaturalTask[] {
  const found: { field: Field; value: string }[][] = [];
  for (const each of fieldsOf(reply, taskLabels)) {
    if (each.field === 'definition') found.push([each]);
    else found.at(-1)?.push(each);
  }
  if (isCut(reply.finish)) found.pop();
  return found.slice(0, maxTasks).flatMap((fields) => {
    const [{ value: definition }] = fields;
    const shown = (inputField: Field, outputField: Field): TaskExample[] =>
      fields.flatMap(({ field, value: input }, i) => {
        const [output, why] = fields.slice(i + 1, i + 3);
        const isWhole = field === inputField && output?.field === outputField && why?.field === 'why';
        const parts = isWhole ? [input, output.value, why.value] : [];
        return isWhole && parts.every((part) => part !== '' && part.length <= maxPart)
          ? [{ input, output: output.value, why: why.value }]
          : [];
      });
    const good = shown('goodInput', 'goodOutput');
    const [bad] = shown('badInput', 'badOutput');
    const isUsable = good.length >= 2 && bad !== undefined && definition !== '' && definition.length <= maxPart;
    return isUsable ? [{ definition, good: good.slice(0, 2), bad }] : [];
  });
}
const maxTasks = 8;
const maxPart = 2000;

const words = {
  en: {
    input: 'Input',
    output: 'Output',
    good: 'Example',
    bad: 'Example of a wrong answer',
    why: 'Why',
    now: 'Now do this one.',
  },
  zh: { input: '输入', output: '输出', good: '示例', bad: '错误示例', why: '原因', now: '现在完成下面这一个。' },
} satisfies Record<TaskLanguage, object>;

export function asText(
  { definition, good, bad }: NaturalTask,
  input: string,
  { good: count, isBadShown, language }: { good: number; isBadShown: boolean; language: TaskLanguage },
): string {
  const said = words[language];
  const colon = language === 'zh' ? '：' : ': ';
  const shown = (name: string, { input: given, output, why }: TaskExample): string =>
    [name, `${said.input}${colon}${given}`, `${said.output}${colon}${output}`, `${said.why}${colon}${why}`].join('\n');
  const examples = [
    ...good.slice(0, count).map((each, i) => shown(`${said.good} ${i + 1}`, each)),
    ...(isBadShown ? [shown(said.bad, bad)] : []),
  ];
  const last = `${said.input}${colon}${input}\n${said.output}${colon.trim()}`;
  return [definition, ...examples, ...(examples.length > 0 ? [said.now] : []), last].join('\n\n');
}
