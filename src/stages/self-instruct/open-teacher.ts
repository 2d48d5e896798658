// Who makes the tasks, as selfInstruct.teacher chooses. An endpoint's requests and answers are kept in the ledger beside the
// stage's folder: they were paid for, and outlive a change of settings.
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../../base/errors.js';
import { responsesName } from '../../base/layout.js';
import { methodShares } from '../../config/methods.js';
import type { SelfInstructConfig } from '../../config/pipeline.js';
import { OpenAiEndpoint } from '../../inference/endpoint.js';
import { Recording } from '../../inference/recording.js';
import type { ReplyCost } from '../../inference/request-ledger.js';
import { SpokenModel } from '../../inference/thoughts.js';
import { openEndpoint, openLedger } from '../asked-endpoint.js';
import type { Job } from '../stage.js';
import { AskedModel } from './asked-model.js';
import { openResources } from './method-resources.js';
import { withMethods } from './method-teacher.js';
import { type OfflineTeacher, openOffline } from './offline-teacher.js';
import { OpenAiTeacher } from './openai-teacher.js';
import type { Teacher } from './teacher.js';

const block = 'selfInstruct';
const terms = { role: 'teacher', chosenBy: `${block}.teacher`, block, otherwise: 'use teacher: checkpoint or offline' };

export interface OpenTeacher {
  teacher: Teacher;
  /** What its replies took, in their order; it grows. Absent: nobody is asked. */
  costs?: readonly ReplyCost[];
  /** Ends what it had open, and says what it asked and what that cost. */
  close(): Promise<void>;
}

/** @throws UserError where it could not but fail: a key or a price is missing. Nothing is asked. */
export async function checkTeacher(config: SelfInstructConfig): Promise<void> {
  const methods = [...methodShares(config.methods).keys()].filter((name) => name !== 'families');
  if (config.teacher === 'offline' && methods.length > 0)
    throw new UserError({
      what: `the offline teacher cannot teach by ${methods.join(', ')}`,
      where: `${block}.methods`,
      why: 'it computes and looks up, and these need a model that writes',
      next: `Use ${block}.teacher: openai or checkpoint, or leave ${block}.methods at families`,
    });
  if (config.teacher === 'checkpoint' && config.checkpoint === undefined)
    throw new UserError({
      what: 'no checkpoint is named that could teach',
      where: `${block}.checkpoint`,
      next: `Name one: --set ${block}.checkpoint=runs/quickstart/latest`,
    });
  if (config.teacher === 'checkpoint' && config.checkpoint !== undefined) {
    const { checkAnswers } = await import('./checkpoint-teacher.js');
    await checkAnswers(config.checkpoint);
  }
  if (config.teacher !== 'openai') return;
  new OpenAiEndpoint({ ...config, terms });
  if (config.budgetUsd === undefined || config.prices !== undefined) return;
  throw new UserError({
    what: 'a budget in dollars needs the prices of the model',
    where: `${block}.budgetUsd`,
    why: 'they change, so mossctl knows none',
    next: `Copy them from its price list, in USD per million tokens: --set '${block}.prices={input: 0.15, output: 0.6}'; or give --budget-tokens`,
  });
}

export async function openTeacher(job: Job<SelfInstructConfig>): Promise<OpenTeacher> {
  const { teacher } = job.config;
  if (teacher === 'offline') return { teacher: await openOffline(job), close: () => Promise.resolve() };
  const { names, resources, close: closeResources } = await openResources(job);
  try {
    const opened = await (teacher === 'openai' ? openAsked(job) : openCheckpoint(job, await openOffline(job)));
    const close = async (): Promise<void> => {
      await opened.close();
      await closeResources();
    };
    const { asked } = opened;
    return { ...opened, teacher: withMethods(opened.teacher, names, { ...resources, asked, seed: job.seed }), close };
  } catch (error) {
    await closeResources();
    throw error;
  }
}

interface AskedTeacher extends OpenTeacher {
  asked: AskedModel;
}

/** Its answers are kept as those of an endpoint are: a killed run resumes without computing them again. */
async function openCheckpoint(job: Job<SelfInstructConfig>, offline: OfflineTeacher): Promise<AskedTeacher> {
  const { config, reporter, signal } = job;
  const { checkpoint = '' } = config;
  // Only here: an offline or distant teacher needs no tensor library.
  const [{ startBackend }, { CheckpointTeacher }, { openFitting }] = await Promise.all([
    import('../training.js'),
    import('./checkpoint-teacher.js'),
    import('../asked-checkpoint.js'),
  ]);
  await startBackend(job);
  const { model, dispose } = await openFitting(checkpoint, {
    ...{ role: 'teacher', where: `${block}.checkpoint` },
    next: 'Use a checkpoint with a longer context, or only kinds that are built in, by the methods families and cot: their tasks are short',
  });
  const ledger = await openLedger(config, { block, path: ledgerPath(job), reporter });
  const recording = new Recording(model, ledger);
  const close = async (): Promise<void> => {
    await ledger.close();
    await dispose();
    const { asked, replayed } = recording.counts;
    reporter.note('info', `teacher: ${asked} answers from ${checkpoint}, ${replayed} from an earlier try`);
  };
  const spoken = new SpokenModel(recording, { hasOwnLimit: true });
  const asked = new AskedModel(`checkpoint:${basename(checkpoint)}`, spoken, signal);
  const teacher = new CheckpointTeacher(asked, spoken, offline, signal);
  return { teacher, asked, costs: recording.costs, close };
}

function ledgerPath({ directory }: Job<SelfInstructConfig>): string {
  return join(dirname(resolve(directory)), responsesName);
}

async function openAsked(job: Job<SelfInstructConfig>): Promise<AskedTeacher> {
  const { config, reporter, signal } = job;
  const { model: said, costs, close } = await openEndpoint(config, { terms, path: ledgerPath(job), reporter });
  const asked = new AskedModel(`openai:${config.model}`, said, signal);
  return { teacher: new OpenAiTeacher(asked), asked, costs, close };
}
