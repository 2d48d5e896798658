// What a method says to a teacher: data-specs/self-instruct/METHOD.yaml, one question a step. `{name}` is a place; what is put
// into one is never looked at for places again, so that no seed and no answer can ask for more than it is.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { parseYaml } from '../../../base/yaml.js';
import type { MethodName } from '../../../config/methods.js';
import type { Question } from '../../../inference/recording.js';
import { linesSchema as lines } from '../../../tools/wordings.js';
import { question } from '../asked-model.js';
import type { TaskLanguage } from '../teacher.js';

const folder = fileURLToPath(new URL('../../../../data-specs/self-instruct/', import.meta.url));

const stepSchema = z.strictObject({
  system: z.string().min(1),
  user: z.string().min(1),
  temperature: z.number().min(0).max(2),
  /** Tokens of the reply. */
  limit: z.int().min(1).max(32_768),
});

const methodSchema = z.strictObject({
  /** Grows with every change of what is asked: rows say of which version they are. */
  version: z.int().min(1),
  /** Tasks asked for in one request, and examples shown: seeds, and tasks that were accepted before. */
  shape: z.strictObject({
    wanted: z.int().min(1).max(32),
    seeds: z.int().min(0).max(32),
    made: z.int().min(0).max(32),
  }),
  steps: z.record(z.string(), stepSchema),
  /** What a program chooses from, one a line; by language where the teacher repeats it. */
  lists: z.record(z.string(), z.union([lines, z.strictObject({ zh: lines, en: lines })])).default({}),
});

export type MethodPrompts = z.output<typeof methodSchema>;

export const promptsPath = (method: MethodName): string => `${folder}${method}.yaml`;

export function readPrompts(method: MethodName): MethodPrompts {
  const path = promptsPath(method);
  return parseYaml({ path, text: readFileSync(path, 'utf8') }, methodSchema);
}

/** The question of a step. Every place of it has a value, and every value a place. */
export function asks(
  { steps }: MethodPrompts,
  step: string,
  { index, ...values }: { index: number } & Record<string, string | number>,
): Question {
  const { system, user, temperature, limit } = steps[step];
  const [said, wanted] = [system, user].map((text) =>
    text
      .trim()
      .replace(/\{(\w+)\}/g, (place, name: string) => (Object.hasOwn(values, name) ? String(values[name]) : place)),
  );
  return question(said, wanted, { index, maxNewTokens: limit, temperature });
}

export function listOf({ lists }: MethodPrompts, name: string, language: TaskLanguage): readonly string[] {
  const list = lists[name];
  return Array.isArray(list) ? list : list[language];
}
