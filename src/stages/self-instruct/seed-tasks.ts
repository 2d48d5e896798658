// The seed tasks: hand-written examples of every family, which a teacher expands.
import { z } from 'zod';
import { asUserError, type Fault, UserError } from '../../base/errors.js';
import { readJsonl } from '../../base/jsonl.js';
import { taskKindSchema } from '../../config/pipeline.js';
import { checkSchema } from '../../data/types.js';
import { checkAnswer } from '../../evaluation/checks.js';

const seedSchema = z.strictObject({
  id: z.string().min(1).max(200),
  kind: taskKindSchema,
  language: z.enum(['zh', 'en']),
  instruction: z.string().min(1).max(4000),
  output: z.string().min(1).max(8000),
  check: checkSchema.optional(),
});

/** A row of the seeds file: the user's turn, the assistant's, and a check that the answer passes. */
export type SeedTask = z.output<typeof seedSchema>;

/** Errors that are listed in one go; a file with more is broken in one way, not in a hundred. */
const maxFaults = 20;

/**
 * Reads and validates a seeds file. Throws one `UserError` with the file and line of every bad row.
 * `refuse` says what is wrong with a row that is whole, and what to do.
 */
export async function readSeeds(
  path: string,
  refuse: (seed: SeedTask) => Omit<Fault, 'where'> | undefined = () => undefined,
): Promise<SeedTask[]> {
  const seeds: SeedTask[] = [];
  const faults: Fault[] = [];
  const lines = new Map<string, number>();
  try {
    for await (const { value, line } of readJsonl(path)) {
      const parsed = seedSchema.safeParse(value);
      const where = `${path}:${line}`;
      if (!parsed.success) {
        for (const issue of parsed.error.issues)
          faults.push({ what: `seed task: ${issue.path.join('.') || 'the row'}: ${issue.message}`, where });
      } else {
        faults.push(...faultsOf(parsed.data, lines).map((what) => ({ what, where })));
        const refused = refuse(parsed.data);
        if (refused !== undefined) faults.push({ ...refused, where });
        lines.set(parsed.data.id, line);
        seeds.push(parsed.data);
      }
      if (faults.length >= maxFaults) break;
    }
  } catch (error) {
    throw asUserError(error);
  }
  if (faults.length > 0) throw new UserError(faults);
  if (seeds.length === 0)
    throw new UserError({
      what: 'no seed tasks',
      where: path,
      next: 'Add rows such as {"id":"1","kind":"chat","language":"en","instruction":"Hello!","output":"Hello."}',
    });
  return seeds;
}

function faultsOf(seed: SeedTask, lines: ReadonlyMap<string, number>): string[] {
  const faults: string[] = [];
  const before = lines.get(seed.id);
  if (before !== undefined) faults.push(`the id ${JSON.stringify(seed.id)} is used in line ${before} already`);
  if (seed.check !== undefined && !checkAnswer(seed.check, seed.output, seed.language))
    faults.push(`the output of ${JSON.stringify(seed.id)} does not pass its own check`);
  return faults;
}
