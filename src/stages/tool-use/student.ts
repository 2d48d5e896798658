// What the student answers without tools: whether it needs one, or its own answer is to be kept. Each question's answers are
// on the disk as soon as they are there, so that an interrupted stage asks nothing twice.
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { digestOf } from '../../base/files.js';
import { Journal } from '../../base/journal.js';
import { studentAnswersName } from '../../base/layout.js';
import type { Checkpoint } from '../../checkpoint/directory.js';
import { samplingAt } from '../../config/sampling.js';
import type { ToolUseConfig } from '../../config/tool-use.js';
import type { Conversation } from '../../data/types.js';
import { answerCredit } from '../../evaluation/checks.js';
import { LocalModel } from '../../inference/local-model.js';
import { answerOnRanks } from '../answers.js';
import type { Job } from '../stage.js';

const entrySchema = z.object({
  id: z.string(),
  right: z.int().min(0),
  of: z.int().min(1),
  answer: z.string().optional(),
});

/** How a question went. */
export interface Attempt {
  /** Share of right answers. */
  rate: number;
  /** The right answer that came most often. */
  answer?: string;
}

/** @param tasks one question each, without tools; their checks say what is right. */
export async function askStudent(
  job: Job<Pick<ToolUseConfig, 'samples' | 'temperature' | 'maxNewTokens'>>,
  student: Checkpoint,
  tasks: readonly Conversation[],
): Promise<Map<string, Attempt>> {
  const { config, directory, seed, signal, reporter } = job;
  const { samples, temperature, maxNewTokens } = config;
  const asked = tasks.map(({ id, messages, check }) => [id, messages, check]);
  const source = digestOf({ student: student.digest, asked, samples, temperature, maxNewTokens, seed });
  return Journal.use(join(directory, studentAnswersName), source, async (journal) => {
    const known = new Map(journal.entries.map((entry) => entrySchema.parse(entry)).map((entry) => [entry.id, entry]));
    const missing = tasks.filter(({ id }) => !known.has(id));
    if (missing.length > 0) {
      const model = await LocalModel.of(student);
      try {
        await setImmediate();
        await answerOnRanks(job, 'toolUse', model, missing, {
          ...{ samples, maxNewTokens, seed, signal, sampling: samplingAt(temperature) },
          onProgress: (done, total) =>
            reporter.emit({ type: 'progress', label: 'asking the student', done, total, unit: 'answers' }),
          onAnswers(answers) {
            const [{ task }] = answers;
            const right = answers.filter((each) => each.ended && answerCredit(each) === 1).map(({ text }) => text);
            const answer = commonest(right);
            const entry = {
              id: task.id,
              right: right.length,
              of: answers.length,
              ...(answer !== undefined && { answer }),
            };
            known.set(task.id, entry);
            journal.append(entry);
          },
        });
      } finally {
        await model.dispose();
      }
    }
    return new Map([...known].map(([id, { right, of, answer }]) => [id, { rate: right / of, answer }]));
  });
}

/** The first of those that come most often. */
function commonest(texts: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}
