// How self-instruct asks a teacher for rows: by which methods, and which share of the rows each makes.
import { z } from 'zod';

/** `families` asks for tasks of the kinds that the seeds have; each other one has its prompts in data-specs/self-instruct/. */
export const methodNames = [
  'families',
  'self-instruct',
  'alpaca',
  'dialogue',
  'evolve',
  'natural-instructions',
  'personas',
  'cot',
  'backtranslate',
  'tools',
] as const;
export type MethodName = (typeof methodNames)[number];

const name = z.enum(methodNames);
const hasSome = (shares: object): boolean => Object.keys(shares).length > 0;
const share = z.number().gt(0).max(1000);

export const methodsSchema = z
  .union([
    name,
    z.array(name).min(1).max(methodNames.length),
    z.partialRecord(name, share).refine(hasSome, 'name at least one method'),
  ])
  .describe(
    `how the teacher is asked: one, a list, or names with shares ({families: 2, alpaca: 1}); default: families. Of ${methodNames.join(', ')}`,
  );

/** Names with their shares, which add up to 1, in the order of the table. */
export function methodShares(written: z.output<typeof methodsSchema> = 'families'): Map<MethodName, number> {
  const names = typeof written === 'string' ? [written] : written;
  const given: Partial<Record<MethodName, number>> = Array.isArray(names)
    ? Object.fromEntries(names.map((each) => [each, 1]))
    : (names as Partial<Record<MethodName, number>>);
  const all = Object.values(given).reduce((sum, each) => sum + each, 0);
  return new Map(methodNames.flatMap((each) => (given[each] === undefined ? [] : [[each, given[each] / all]])));
}
