// What the filters dropped, each with its reason and everything that is known of it: rejected.jsonl. Nothing is lost without a line.
import type { TaskKind } from '../../../config/pipeline.js';
import type { TaskLanguage } from '../teacher.js';

export interface RejectedTask {
  rule: string;
  /** What it was near to, what its answer had in common, what a person should see. */
  why?: string;
  kind: TaskKind;
  language: TaskLanguage;
  /** User, assistant, …, the question last; absent where no task could be read from what the teacher said. */
  turns?: readonly string[];
  answer?: string;
  /** What the teacher said, where it was no task. */
  said?: string;
  /** ROUGE-L to the nearest known prompt, and that prompt. */
  similarity?: number;
  nearest?: string;
  provenance: { teacher: string; method?: string; request: number; seeds: readonly string[] };
}

export interface RuleCount {
  count: number;
  /** The first. */
  example: string;
  /** The first few. */
  examples: string[];
}

const maxExamples = 3;
const maxExampleLength = 300;

/** By rule, in the order in which the rules dropped something first. */
export function countByRule(rejected: readonly RejectedTask[]): Map<string, RuleCount> {
  const counts = new Map<string, RuleCount>();
  for (const row of rejected) {
    const example = exampleOf(row);
    const known = counts.get(row.rule);
    if (known === undefined) counts.set(row.rule, { count: 1, example, examples: [example] });
    else {
      known.count++;
      if (known.examples.length < maxExamples && !known.examples.includes(example)) known.examples.push(example);
    }
  }
  return counts;
}

function exampleOf({ turns, answer, said = '', nearest, why }: RejectedTask): string {
  const text =
    turns === undefined ? said : [turns.join('\n'), ...(answer === undefined ? [] : [`→ ${answer}`])].join('\n');
  const near = nearest === undefined ? why : `near: ${nearest}`;
  return `${text.slice(0, maxExampleLength)}${near === undefined ? '' : ` (${near.slice(0, maxExampleLength)})`}`;
}
