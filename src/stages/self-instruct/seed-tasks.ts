// The seed tasks: hand-written examples of every family, which a teacher expands.
import { z } from 'zod';
import { asUserError, type Fault, UserError } from '../../base/errors.js';
import { taskKindSchema } from '../../config/pipeline.js';
import { readRow } from '../../data/conversations/formats.js';
import { RowNotes, RowRefusal } from '../../data/conversations/notes.js';
import { maxFaults, readRows } from '../../data/rows.js';
import { textCheckSchema } from '../../data/types.js';
import { checkAnswer } from '../../evaluation/checks.js';

export const seedSchema = z.strictObject({
  id: z.string().min(1).max(200).describe('name of the seed, once in the file'),
  kind: taskKindSchema.describe('family of tasks: a built-in one, or any name for one of your own'),
  language: z.enum(['zh', 'en']).describe('language of the task'),
  instruction: z.string().min(1).max(4000).describe('what the person says'),
  output: z.string().min(1).max(8000).describe('what the assistant answers'),
  check: textCheckSchema.optional().describe('how answers are checked; the output must pass it'),
});

/** A row of the seeds file: the user's turn, the assistant's, and a check that the answer passes. */
export type SeedTask = z.output<typeof seedSchema>;

/**
 * Reads and validates a seeds file. Throws one `UserError` with the file and line of every bad row.
 * `refuse` says what is wrong with a row that is whole, and what to do; `notes` hears of fields that are not read.
 */
export async function readSeeds(
  path: string,
  refuse: (seed: SeedTask) => Omit<Fault, 'where'> | undefined = () => undefined,
  notes: RowNotes = new RowNotes('seed'),
): Promise<SeedTask[]> {
  const seeds: SeedTask[] = [];
  const faults: Fault[] = [];
  const places = new Map<string, string>();
  try {
    for await (const { value, where, name } of readRows(path, notes.notice)) {
      const own = ownShape(value, { name, where, notes });
      if ('fault' in own) {
        faults.push({ what: `seed task: ${own.fault}`, where });
        if (faults.length >= maxFaults) break;
        continue;
      }
      const parsed = seedSchema.safeParse(own.seed);
      if (!parsed.success) {
        for (const issue of parsed.error.issues)
          faults.push({ what: `seed task: ${issue.path.join('.') || 'the row'}: ${issue.message}`, where });
      } else {
        faults.push(...faultsOf(parsed.data, places).map((what) => ({ what, where })));
        const refused = refuse(parsed.data);
        if (refused !== undefined) faults.push({ ...refused, where });
        places.set(parsed.data.id, where);
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

/** A row as seeds are written, or one question and its answer in any format that conversations are read in. */
function ownShape(
  value: unknown,
  { name, where, notes }: { name: string; where: string; notes: RowNotes },
): { seed: unknown } | { fault: string } {
  if (typeof value !== 'object' || value === null || ('instruction' in value && 'output' in value))
    return { seed: value };
  try {
    const { conversation, notes: said } = readRow(value, name);
    const { messages, tools, ...fields } = conversation;
    const [question, answer, ...more] = messages;
    if (question?.role !== 'user' || answer?.role !== 'assistant' || more.length > 0) {
      const roles = messages.map(({ role }) => role).join(', ');
      return { fault: `one question and its answer were expected, these are ${roles}` };
    }
    const lost = said.flatMap((note) => (note.level === 'unread' ? [] : [note.text]));
    const { reasoning, toolCalls, weight = 1 } = answer;
    for (const [what, is] of Object.entries({
      tools,
      reasoning,
      'tool calls': toolCalls,
      'a weight in the loss': weight === 1 ? undefined : weight,
    }))
      if (is !== undefined) lost.push(what);
    if (lost.length > 0) return { fault: `a seed has no place for ${lost.join(', ')}` };
    for (const note of said) notes.add(note, where);
    return { seed: { ...fields, instruction: question.content, output: answer.content } };
  } catch (error) {
    if (error instanceof RowRefusal) return { fault: error.message };
    if (error instanceof UserError)
      return { fault: error.faults.map(({ what, why }) => [what, why].filter(Boolean).join(': ')).join('; ') };
    throw error;
  }
}

function faultsOf(seed: SeedTask, places: ReadonlyMap<string, string>): string[] {
  const faults: string[] = [];
  const before = places.get(seed.id);
  if (before !== undefined) faults.push(`the id ${JSON.stringify(seed.id)} is used at ${before} already`);
  if (seed.check !== undefined && !checkAnswer(seed.check, seed.output, seed.language))
    faults.push(`the output of ${JSON.stringify(seed.id)} does not pass its own check`);
  return faults;
}
