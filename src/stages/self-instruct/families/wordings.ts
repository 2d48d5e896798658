// The wordings of the families: data-specs/families/*.yaml, one wording a line. `{}` is where an operand goes, `<please |>` a
// choice: all that a line can become is learnt, or all of it is held out.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { parseYaml } from '../../../base/yaml.js';
import { linesSchema as lines } from '../../../tools/wordings.js';
import type { TaskLanguage } from '../teacher.js';
import type { Draw, SolvedTask, Sources, TaskMaker } from './family.js';

const folder = fileURLToPath(new URL('../../../../data-specs/families/', import.meta.url));

const list = z.array(z.string().min(1)).min(1);

const wordingsSchema = z.record(z.string(), z.strictObject({ zh: lines, en: lines }));

const topicSchema = z.strictObject({
  asks: lines,
  /** What a right answer contains; `{}` is the slot's word. */
  answer: z.string().min(1),
  any: list,
  slots: lines.optional(),
});
const topicsSchema = z.strictObject({ zh: z.array(topicSchema), en: z.array(topicSchema) });

const harmSchema = z.array(z.strictObject({ reason: z.string().min(1), acts: lines }));
const harmsSchema = z.strictObject({ zh: harmSchema, en: harmSchema });

/** The same in both languages, line by line. */
export type Wordings = Record<TaskLanguage, readonly string[]>;

/** Questions that share their answer. `{}` is filled with one of `slots`: the same word in question, answer and check. */
export type Topic = z.output<typeof topicSchema>;
export type Topics = Record<TaskLanguage, readonly Topic[]>;

/** The lists of one file by their names. */
export type NamedWordings = Readonly<Record<string, Wordings>>;

/** A maker that draws from the lists of data-specs/families/`file`.yaml. */
export function makerFrom(
  file: string,
  make: (draw: Draw, sources: Sources, wordings: NamedWordings) => SolvedTask | undefined,
): (sources: Sources) => TaskMaker {
  return (sources) => {
    const wordings = readWordings(file);
    return (draw) => make(draw, sources, wordings);
  };
}

/** Read at once, when a teacher begins: a small file that comes along. */
export function readWordings(file: string): NamedWordings {
  return parseYaml(textOf(file), wordingsSchema);
}

export function readTopics(file: string): Topics {
  return parseYaml(textOf(file), topicsSchema);
}

/** Kinds of harm: what is asked for, as verb phrases, and the reason to decline. */
export function readHarm(): z.output<typeof harmsSchema> {
  return parseYaml(textOf('harm'), harmsSchema);
}

function textOf(file: string): { path: string; text: string } {
  const path = `${folder}${file}.yaml`;
  return { path, text: readFileSync(path, 'utf8') };
}
