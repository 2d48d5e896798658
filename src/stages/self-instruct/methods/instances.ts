// Instances of one instruction (an input, and the output for it), and which of them Self-Instruct keeps: none that repeats its
// input or has no output or stops at a colon; one of each; and none at all where one input has two outputs.
import type { Drop } from '../teacher.js';

export interface Instance {
  /** '' where the instruction says it all. */
  input: string;
  output: string;
}

/** The most that are kept of an instruction. */
const maxInstances = 5;

/** @param why names the instruction in what is dropped. */
export function soundInstances(found: readonly Instance[], instruction: string): { kept: Instance[]; dropped: Drop[] } {
  const dropped: Drop[] = [];
  const kept: Instance[] = [];
  const drop = (rule: string, { input, output }: Instance): void => {
    dropped.push({ rule, example: [instruction, input, `→ ${output}`].filter((part) => part !== '').join('\n') });
  };
  const outputs = new Map<string, string>();
  for (const instance of found) {
    const { input, output } = instance;
    const before = outputs.get(input);
    if (output === '') drop('output empty', instance);
    else if (input === output) drop('output is the input', instance);
    else if (/[:：]$/.test(output) || /[:：]$/.test(input)) drop('input or output unfinished', instance);
    else if (before === output) drop('the same input and output twice', instance);
    else if (before !== undefined && input !== '') {
      // Nobody knows which of them is right, nor what the task is.
      for (const each of found) drop('one input has two outputs', each);
      return { kept: [], dropped };
    } else if (before !== undefined || kept.length === maxInstances) drop('more instances than are kept', instance);
    else {
      outputs.set(input, output);
      kept.push(instance);
    }
  }
  return { kept, dropped };
}
