// The table across base → sft → align: bits per byte of held-out text and answers to held-out tasks, measured alike
// for each checkpoint.
import { join } from 'node:path';
import { UserError } from '../../base/errors.js';
import { digestOf, exists, writeFileAtomic } from '../../base/files.js';
import { type Checkpoint, openCheckpoint } from '../../checkpoint/directory.js';
import type { EvalConfig } from '../../config/pipeline.js';
import { openTokens } from '../../data/shards.js';
import type { Conversation } from '../../data/types.js';
import { modelOf, unload } from '../../inference/load.js';
import { samplingAt } from '../../inference/sampling.js';
import type { EvaluationColumn, Metrics } from '../../report/event.js';
import type { Job, Stage } from '../stage.js';
import { prefixed, startBackend } from '../training.js';
import { heldOutBitsPerByte } from './bits-per-byte.js';
import { answerTasks, lastQuestion, readTasks, splitHeldOut, summarise } from './tasks.js';

const columns = [
  { input: 'pretrain', label: 'base' },
  { input: 'sft', label: 'sft' },
  { input: 'align', label: 'align' },
] as const;

/** Answers of each checkpoint shown in the report. */
const shownSamples = 8;

export const evalStage: Stage<EvalConfig> = {
  name: 'eval',
  needs: ['tokens', 'pretrain', 'selfInstruct', 'sft', 'align'],
  async run(job) {
    const { inputs, directory, reporter } = job;
    await startBackend(job, 'eval');
    const tasks = await readTestTasks(job);
    const table: EvaluationColumn[] = [];
    const metrics: Metrics = {};
    const ancestors: string[] = [];
    for (const { input, label } of columns) {
      const path = inputs[input];
      if (path === undefined) continue;
      const checkpoint = await openCheckpoint(path);
      const { manifest, digest } = checkpoint;
      // A checkpoint of an earlier try is no step on this way: beside the others it would mislead.
      const line = [digest, ...manifest.lineage.map((ancestor) => ancestor.digest)];
      if (!ancestors.every((ancestor) => line.includes(ancestor))) {
        const text = `left out ${label}: it does not descend from the other checkpoints measured here`;
        reporter.emit({ type: 'note', stage: 'eval', level: 'warning', text });
        continue;
      }
      ancestors.push(digest);
      const measured = await evaluateCheckpoint(job, label, checkpoint, tasks);
      table.push(measured);
      Object.assign(metrics, prefixed(`${label}.`, measured.metrics));
    }
    if (table.length === 0) {
      throw new UserError({
        what: 'there is no checkpoint to evaluate',
        next: 'Give one: mossctl eval CHECKPOINT',
      });
    }
    reporter.emit({ type: 'table', stage: 'eval', columns: table });
    const path = join(directory, 'results.json');
    await writeFileAtomic(path, `${JSON.stringify({ columns: table }, undefined, 2)}\n`);
    return { path, digest: digestOf(table), metrics };
  },
};

async function readTestTasks({ config, inputs }: Job<EvalConfig>): Promise<Conversation[]> {
  if (config.tasks !== undefined) return (await readTasks(config.tasks)).slice(0, config.maxTasks);
  const path = join(inputs.selfInstruct ?? '', 'heldout.jsonl');
  if (inputs.selfInstruct === undefined || !(await exists(path))) return [];
  return splitHeldOut(await readTasks(path)).test.slice(0, config.maxTasks);
}

async function evaluateCheckpoint(
  { config, inputs, seed, reporter, interrupt }: Job<EvalConfig>,
  label: string,
  checkpoint: Checkpoint,
  tasks: readonly Conversation[],
): Promise<EvaluationColumn> {
  const loaded = await modelOf(checkpoint);
  const metrics: Metrics = {};
  try {
    if (inputs.tokens !== undefined) {
      const documents = await openTokens(inputs.tokens, 'validation', loaded.tokenizer);
      Object.assign(metrics, await heldOutBitsPerByte(loaded.model, documents, config.validationTokens, interrupt));
    }
    const onProgress = (done: number, total: number): void =>
      reporter.emit({ type: 'progress', stage: 'eval', label: `${label}: answering`, done, total, unit: 'tasks' });
    const options = { maxNewTokens: config.maxNewTokens, seed, interrupt, onProgress };
    const answers = await answerTasks(loaded, tasks, options);
    Object.assign(metrics, summarise(answers));
    // The reward is an expectation over what the model says when it is sampled; the rest is of its greedy answer.
    const sampled = { samples: config.samples, sampling: samplingAt(config.temperature) };
    if (tasks.length > 0)
      metrics.reward = summarise(await answerTasks(loaded, tasks, { ...options, ...sampled })).reward;
    for (const { task, text } of answers.slice(0, shownSamples)) {
      reporter.emit({
        type: 'sample',
        stage: `eval ${label}`,
        step: checkpoint.manifest.step,
        prompt: lastQuestion(task),
        completion: text,
      });
    }
  } finally {
    unload(loaded);
  }
  const { stage, step } = checkpoint.manifest;
  return { label, checkpoint: `${stage} step ${step} ${checkpoint.digest.slice(0, 12)}`, metrics };
}
