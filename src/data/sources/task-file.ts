// A task file of Super-NaturalInstructions: one object with a definition and many instances of it, each an input and the answers
// that are right. Read as rows, one an instance: the definition is the instruction.
import { isRecord } from '../../base/objects.js';

const languages: Readonly<Record<string, string>> = { English: 'en', Chinese: 'zh' };

/** The instances as rows; undefined where the object is no such file. */
export function taskInstances(value: unknown): object[] | undefined {
  if (!isRecord(value) || !Array.isArray(value.Instances)) return undefined;
  const definition = textOf(value.Definition, '\n');
  if (definition === undefined) return undefined;
  const [kind, language] = [value.Categories, value.Input_language].map((list) => textOf(list, ', '));
  const own = {
    instruction: definition,
    ...(kind !== undefined && kind.length <= 100 && { kind }),
    ...(language !== undefined && { language: languages[language] ?? 'other' }),
  };
  return value.Instances.map((instance: unknown) => {
    if (!isRecord(instance)) return { instance };
    const { input, output, id } = instance;
    return { ...own, input, output: Array.isArray(output) ? output[0] : output, ...(typeof id === 'string' && { id }) };
  });
}

/** A text, or a list of texts as one. */
function textOf(value: unknown, between: string): string | undefined {
  if (typeof value === 'string') return value;
  const isList = Array.isArray(value) && value.length > 0 && value.every((part) => typeof part === 'string');
  return isList ? value.join(between) : undefined;
}
