// Answers to many tasks, divided over the ranks of a job: each opens the same checkpoint and, of N ranks, answers every Nth task. An answer
// follows from the seed and the task alone, so what comes of it is what one process would have said.
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../base/errors.js';
import { openCheckpoint } from '../checkpoint/directory.js';
import type { Quantization } from '../config/compute.js';
import type { StageName } from '../config/pipeline.js';
import type { Conversation } from '../data/types.js';
import { type Answer, type AnswerOptions, answerTasks } from '../evaluation/tasks.js';
import { LocalModel } from '../inference/local-model.js';
import { alone, type Communicator } from '../tensor/communicator.js';
import { seenByAll } from '../train/agreement.js';
import { onRanks } from './ranks.js';
import type { Job } from './stage.js';
import { startBackend } from './training.js';

/**
 * Answers at a time, of a rank and of all: few enough to send, and to lose where one is killed, and so many that the engine is
 * seldom left with its last ones.
 */
export const atATime = { rank: 256, all: 2048 };

/** What all of them need, as plain values; tasks come as they are asked. */
interface SharedAsking {
  path: string;
  digest: string;
  /** Its matrices are held as bf16, where they are. */
  isFrozen: boolean;
  samples: number;
  quantize?: Quantization;
  options: Omit<AnswerOptions, 'samples' | 'toolbox' | 'calls' | 'signal' | 'onProgress' | 'onAnswers'>;
}

/** The name of `joinAnswers` among the parts of a stage. */
export const answersPart = 'answers';

/**
 * As `answerTasks`, by all ranks of the job. By this one alone where tools run, whose sessions are here, where the model is no
 * checkpoint, and where there is less than one task for each.
 * @param stage the one that runs: `joinAnswers` is among its parts.
 */
export async function answerOnRanks(
  job: Job<unknown>,
  stage: StageName,
  model: LocalModel,
  tasks: readonly Conversation[],
  options: AnswerOptions,
): Promise<Answer[]> {
  const { ranks = alone } = job;
  const { samples = 1, toolbox, calls: _, signal, onProgress, onAnswers, ...shared } = options;
  const { checkpoint, quantize } = model;
  if (toolbox !== undefined || checkpoint === undefined || tasks.length < ranks.size || ranks.size === 1) {
    return answerTasks(model, tasks, options);
  }
  const { path, digest } = checkpoint;
  const isFrozen = model.model.halves !== undefined;
  const given: SharedAsking = { path, digest, isFrozen, samples, options: shared, ...(quantize && { quantize }) };
  return onRanks(job, { stage, part: answersPart, given }, async (own) => {
    const { communicator = alone } = own;
    await meet(own, communicator, given);
    const answers: Answer[] = [];
    const each = tasksAtATime(samples, communicator);
    for (let from = 0; from < tasks.length; from += each) {
      const asked = tasks.slice(from, from + each);
      await communicator.gather<readonly Conversation[] | null>(asked);
      const progress = (done: number): void => {
        const all = Math.min(samples * asked.length, done * communicator.size);
        onProgress?.(samples * from + all, samples * tasks.length);
      };
      const told = { ...shared, samples, signal, onAnswers, onProgress: progress };
      answers.push(...(await share(model, asked, told, communicator)));
    }
    await communicator.gather<readonly Conversation[] | null>(null);
    return answers;
  });
}

/** What every rank but the first does of it. @throws UserError where its checkpoint, or what it computes with, is not the first one's. */
export async function joinAnswers(job: Job<never>, given: SharedAsking): Promise<void> {
  const { communicator = alone, signal, verify } = job;
  const { path, quantize, isFrozen, samples, options } = given;
  await meet(job, communicator, given);
  const model = await LocalModel.of(await openCheckpoint(path, { verify }), { quantize, isFrozen });
  try {
    await setImmediate();
    for (;;) {
      const [asked] = await communicator.gather<readonly Conversation[] | null>(null);
      if (asked === null) return;
      await share(model, asked, { ...options, samples, signal }, communicator);
    }
  } finally {
    await model.dispose();
  }
}

function tasksAtATime(samples: number, { size }: Pick<Communicator, 'size'>): number {
  return Math.max(size, Math.floor(Math.min(atATime.rank * size, atATime.all) / samples));
}

/** @throws UserError, on all of them, where a rank does not see the checkpoint or computes with something else. */
async function meet(job: Job<unknown>, communicator: Communicator, { path, digest }: SharedAsking): Promise<void> {
  const { backend, precision } = await startBackend(job);
  const all = await communicator.gather({ backend, precision });
  const other = all.findIndex((each) => each.backend !== all[0].backend || each.precision !== all[0].precision);
  if (other !== -1) {
    const inWords = (rank: number): string => `${all[rank].backend}, ${all[rank].precision}`;
    throw new UserError({
      what: 'the ranks would not answer alike',
      why: `rank ${other} computes with ${inWords(other)}, rank 0 with ${inWords(0)}`,
      next: 'Install the same mossctl on all machines, and name the backend (--backend)',
    });
  }
  await seenByAll(communicator, { path, digest });
}

/** Answers every Nth of `asked`; on the first rank, the answers of all, in the order of the tasks. */
async function share(
  model: LocalModel,
  asked: readonly Conversation[],
  options: AnswerOptions,
  { gather, rank, size }: Communicator,
): Promise<Answer[]> {
  const { samples = 1, onAnswers } = options;
  const own = asked.filter((_, i) => i % size === rank);
  const answers = await answerTasks(model, own, options);
  const others = await gather(answers.map(({ task: _, ...answer }) => (rank === 0 ? undefined : answer)));
  if (rank > 0) return [];
  return asked.flatMap((task, i) => {
    const at = samples * Math.floor(i / size);
    if (i % size === 0) return answers.slice(at, at + samples);
    const given = others[i % size]
      .slice(at, at + samples)
      .map((answer) => ({ ...(answer as Omit<Answer, 'task'>), task }));
    onAnswers?.(given);
    return given;
  });
}
