// Answers to many tasks, divided over the ranks of a job: each opens the same checkpoint and answers every so-manieth task. An answer
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
import { onRanks } from './ranks.js';
import type { Job } from './stage.js';
import { startBackend } from './training.js';

/** Answers of a rank at a time: few enough to send, and to lose, and so many that the engine is seldom left with its last ones. */
const answersAtATime = 1024;

/** What all of them need, as plain values; tasks come as they are asked. */
interface SharedAsking {
  path: string;
  digest: string;
  /** Its matrices are held as bf16, where they are. */
  isFrozen: boolean;
  quantize?: Quantization;
  options: Omit<AnswerOptions, 'toolbox' | 'calls' | 'signal' | 'onProgress' | 'onAnswers'>;
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
  const { toolbox, calls: _, signal, onProgress, onAnswers, ...shared } = options;
  const { checkpoint, quantize } = model;
  if (toolbox !== undefined || checkpoint === undefined || tasks.length < ranks.size || ranks.size === 1) {
    return answerTasks(model, tasks, options);
  }
  const given: SharedAsking = {
    ...{
      path: checkpoint.path,
      digest: checkpoint.digest,
      options: shared,
      isFrozen: model.model.halves !== undefined,
    },
    ...(quantize !== undefined && { quantize }),
  };
  return onRanks(job, { stage, part: answersPart, given }, async ({ communicator = alone }) => {
    const answers: Answer[] = [];
    const { samples = 1 } = shared;
    const each = communicator.size * Math.max(1, Math.floor(answersAtATime / samples));
    for (let from = 0; from < tasks.length; from += each) {
      const asked = tasks.slice(from, from + each);
      await communicator.gather<readonly Conversation[] | null>(asked);
      const own: AnswerOptions = {
        ...{ ...shared, signal, onAnswers },
        onProgress: (done) =>
          onProgress?.(
            samples * from + Math.min(samples * asked.length, done * communicator.size),
            samples * tasks.length,
          ),
      };
      answers.push(...(await share(model, asked, own, communicator)));
    }
    await communicator.gather<readonly Conversation[] | null>(null);
    return answers;
  });
}

/** What every rank but the first does of it. @throws UserError where its checkpoint is not that of the first. */
export async function joinAnswers(
  job: Job<never>,
  { path, digest, quantize, isFrozen, options }: SharedAsking,
): Promise<void> {
  const { communicator = alone, signal } = job;
  await startBackend(job);
  const checkpoint = await openCheckpoint(path, { verify: false });
  if (checkpoint.digest !== digest) {
    throw new UserError({
      where: path,
      what: `rank ${communicator.rank} finds another checkpoint here than rank 0`,
      next: 'Give a run folder (--out) on a file system that all machines share',
    });
  }
  const model = await LocalModel.of(checkpoint, { quantize, isFrozen });
  try {
    await setImmediate();
    for (;;) {
      const [asked] = await communicator.gather<readonly Conversation[] | null>(null);
      if (asked === null) return;
      await share(model, asked, { ...options, signal }, communicator);
    }
  } finally {
    await model.dispose();
  }
}

/** Answers every so-manieth of `asked`; on the first rank, the answers of all, in the order of the tasks. */
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
