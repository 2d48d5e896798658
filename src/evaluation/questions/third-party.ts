// Task files of others: natural-instructions (SuperNI), one JSON object with a definition, worked examples and instances; and
// the seed tasks of self-instruct and BELLE, an instruction with one or more instances.
import { isRecord } from '../../base/objects.js';
import { readJsonFile } from '../../data/json-file.js';
import type { Row } from '../../data/rows.js';
import type { Settings } from './question.js';

/** As SuperNI is measured: the first hundred instances of a task, after the definition and two positive examples. */
const maxInstances = 100;
const positiveExamples = 2;
const template = 'Input: {question}\nOutput: {answer}';

interface TaskFile {
  settings: Settings;
  rows: unknown[];
}

/** Undefined where the file is something else. @throws UserError where it is broken JSON. */
export async function naturalInstructions(path: string): Promise<TaskFile | undefined> {
  if (!/\.json(?:\.(?:gz|zst))?$/i.test(path)) return undefined;
  const task = await readJsonFile(path).catch(() => undefined); // lines of JSON: read as rows, which say what is wrong
  if (!isRecord(task) || !Array.isArray(task.Instances) || task.Definition === undefined) return undefined;
  const { Definition: definition, Instances: instances, 'Positive Examples': positive = [] } = task;
  const examples = (Array.isArray(positive) ? positive : []).filter(isRecord).slice(0, positiveExamples);
  const system = [definition]
    .flat()
    .filter((text) => typeof text === 'string')
    .join('\n');
  return {
    settings: {
      system,
      template,
      score: ['rougeL', 'exact'],
      examples: examples.map(({ input, output }) => ({ question: String(input), answer: String(output) })),
    },
    rows: instances.slice(0, maxInstances).map((instance) => {
      const { input, output } = isRecord(instance) ? instance : {};
      return { question: input, answer: output };
    }),
  };
}

/** A row as it is; of a seed task, a question for each of its instances. */
export function instanceRows({ value, name }: Row): { value: unknown; name: string }[] {
  if (!isRecord(value) || !Array.isArray(value.instances)) return [{ value, name }];
  const { id, instruction, instances, is_classification: isClassification } = value;
  return instances.map((instance, i) => {
    const { input = '', output } = isRecord(instance) ? instance : {};
    const question = [instruction, input].filter((text) => typeof text === 'string' && text !== '').join('\n');
    const own = typeof id === 'string' ? id : name;
    const score = isClassification === true ? ['exact', 'rougeL'] : ['rougeL', 'chrF', 'likelihood'];
    const row = { id: instances.length === 1 ? own : `${own}#${i + 1}`, group: own, question, answer: output, score };
    return { value: row, name: own };
  });
}
