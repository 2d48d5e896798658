// The student's own pass rate: the model that is to learn answers each training task that has a check, several times. What it always
// answers right teaches it nothing new, what it never does is beyond it for now; what lies between is kept. Tasks that are held out
// or kept for alignment are never chosen so: a measure must not depend on the model that it measures.
import { countOf, formatCount } from '../../../base/format.js';
import { openCheckpoint } from '../../../checkpoint/directory.js';
import type { SelfInstructConfig } from '../../../config/pipeline.js';
import type { Conversation } from '../../../data/types.js';
import type { Job } from '../../stage.js';
import { type Attempt, askStudent } from '../../tool-use/student.js';
import { startBackend } from '../../training.js';
import type { RejectedTask } from './rejected.js';

export interface FrontierRows {
  kept: Conversation[];
  rejected: RejectedTask[];
}

/** All rows where no student is named. */
export async function keepFrontier(job: Job<SelfInstructConfig>, rows: readonly Conversation[]): Promise<FrontierRows> {
  const { student } = job.config;
  if (student === undefined) return { kept: [...rows], rejected: [] };
  await startBackend(job);
  const checkpoint = await openCheckpoint(student.checkpoint, { verify: job.verify });
  const tasks = rows.filter(({ check }) => check !== undefined).map(asTask);
  const attempts = await askStudent({ ...job, config: student }, checkpoint, tasks);
  const frontier = splitByRate(rows, attempts, student);
  job.reporter.note('info', inWords(frontier, { asked: tasks.length, all: rows.length }));
  return frontier;
}

/** Rows whose rate is from `from` to `to`, and those that nobody asked; the others with their rate. */
export function splitByRate(
  rows: readonly Conversation[],
  attempts: ReadonlyMap<string, Attempt>,
  { from, to, samples }: { from: number; to: number; samples: number },
): FrontierRows {
  const kept: Conversation[] = [];
  const rejected: RejectedTask[] = [];
  for (const row of rows) {
    const rate = attempts.get(row.id)?.rate;
    if (rate === undefined || (rate >= from && rate <= to)) {
      kept.push(withRate(row, rate));
      continue;
    }
    const { kind = 'other', language, messages, provenance } = row;
    rejected.push({
      rule: rate < from ? 'student never right' : 'student always right',
      why: `right in ${Math.round(rate * samples)} of ${samples} answers`,
      kind,
      language: language === 'zh' ? 'zh' : 'en',
      turns: messages.slice(0, -1).map(({ content }) => content),
      answer: messages.at(-1)?.content,
      provenance: {
        teacher: provenance?.teacher ?? '',
        ...(provenance?.method !== undefined && { method: provenance.method }),
        request: provenance?.request ?? -1,
        seeds: provenance?.seeds ?? [],
      },
    });
  }
  return { kept, rejected };
}

function withRate(row: Conversation, passRate: number | undefined): Conversation {
  if (passRate === undefined || row.provenance === undefined) return row;
  return { ...row, provenance: { ...row.provenance, passRate } };
}

/** The question alone: the answer is the student's to give. */
function asTask(row: Conversation): Conversation {
  return { ...row, messages: row.messages.slice(0, -1) };
}

function inWords({ kept, rejected }: FrontierRows, { asked, all }: { asked: number; all: number }): string {
  const count = (rule: string): string => formatCount(rejected.filter((row) => row.rule === rule).length);
  const unasked = all === asked ? '' : `; ${formatCount(all - asked)} without a check were not asked`;
  return `student: asked ${countOf(asked, 'task')}, ${count('student always right')} always right, ${count('student never right')} never: ${formatCount(kept.length)} of ${formatCount(all)} kept for training${unasked}`;
}
