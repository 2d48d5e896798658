// The table across base → sft → align: bits per byte of held-out text and answers to held-out tasks, measured alike
// for each checkpoint.
import { dirname, join } from 'node:path';
import { UserError } from '../base/errors.js';
import { digestOf, exists, writeFileAtomic } from '../base/files.js';
import { countOf, formatCount } from '../base/format.js';
import { heldOutRowsName, resultsName } from '../base/layout.js';
import { shellQuoted } from '../base/shell.js';
import { type Checkpoint, openCheckpoint } from '../checkpoint/directory.js';
import type { EvalConfig } from '../config/pipeline.js';
import { samplingAt } from '../config/sampling.js';
import { openTokens } from '../data/shards.js';
import type { Conversation } from '../data/types.js';
import { measureAgainstReference, referenceOf } from '../evaluation/against-reference.js';
import { chooseHeldOut, measureHeldOut } from '../evaluation/bits-per-byte.js';
import { heldOutFormulas, measureFormulas } from '../evaluation/formulas.js';
import {
  compare,
  figuresOf,
  type Measurements,
  measureAnswers,
  measureLanguages,
  measureRewardsAndForm,
  measureSources,
  measureTexts,
} from '../evaluation/measurements.js';
import { evaluateQuestions } from '../evaluation/questions/evaluate.js';
import { memorySet } from '../evaluation/questions/memory.js';
import { modeComparisons } from '../evaluation/questions/score.js';
import { rules } from '../evaluation/scorers/rules.js';
import { replayedTools, selfContained, taskTools, toolTurnsFault } from '../evaluation/task-tools.js';
import { type Answer, askableTasks, lastQuestion, readTasks, splitHeldOut } from '../evaluation/tasks.js';
import { isToolTask, measureToolTasks } from '../evaluation/tool-tasks.js';
import { measureTurns } from '../evaluation/turns.js';
import { LocalModel } from '../inference/local-model.js';
import { quantizationNote } from '../inference/quantized.js';
import type { EvaluationColumn, EvaluationTable, Metrics, StageReporter } from '../report/event.js';
import { missingTemplate } from '../tokenizer/chatml.js';
import type { Toolbox } from '../tools/toolbox.js';
import { answerOnRanks, answersPart, joinAnswers } from './answers.js';
import { modelStagesOf, stageTable } from './catalog.js';
import type { Job, Stage, StageOutput } from './stage.js';
import { openStageTools } from './tools.js';
import { reportNotes, startBackend } from './training.js';

/** Formulas of each form (2+2, 2×1, 3 terms) that are asked, at most. */
const formulasPerForm = 2000;

/** Answers of each checkpoint shown in the report. */
const shownSamples = 8;

export const evalStage: Stage<EvalConfig> = {
  parts: { [answersPart]: joinAnswers },
  async run(job) {
    await startBackend(job);
    const tasks = await readTestTasks(job);
    const { toolTasks } = tasks;
    const named = job.config.tools ?? (toolTasks.length === 0 ? [] : selfContained);
    const toolbox = await openStageTools(named, job.reporter);
    const replayed = replayedTools(toolTasks.map((task) => taskTools(task, toolbox)));
    if (replayed !== undefined) job.reporter.note('info', `${replayed}; eval.tools names what is to run`);
    try {
      return await evaluateStages(job, tasks, toolbox);
    } finally {
      await toolbox.close();
    }
  },
};

async function evaluateStages(job: Job<EvalConfig>, tasks: TestTasks, toolbox: Toolbox): Promise<StageOutput> {
  const { inputs, directory, reporter } = job;
  const table: EvaluatedCheckpoint[] = [];
  const metrics: Metrics = {};
  const ancestors: string[] = [];
  for (const stage of modelStagesOf(stageTable)) {
    const path = inputs[stage];
    if (path === undefined) continue;
    const label = stage === 'pretrain' ? 'base' : stage;
    const checkpoint = await openCheckpoint(path, { verify: job.verify });
    const { manifest, digest } = checkpoint;
    // A checkpoint of an earlier try is not in this lineage: beside the others it would mislead.
    const line = [digest, ...manifest.lineage.map((ancestor) => ancestor.digest)];
    if (!ancestors.every((ancestor) => line.includes(ancestor))) {
      reporter.note('warning', `skipped ${label}: it does not descend from the other checkpoints measured here`);
      continue;
    }
    ancestors.push(digest);
    const last = table.at(-1);
    // An align that promoted nothing returns the model that it was given.
    const isSame = last?.checkpoint.digest === digest;
    const evaluated = isSame
      ? { ...last, label, column: { ...last.column, label } }
      : await evaluateCheckpoint(job, label, checkpoint, { ...tasks, toolbox });
    table.push(evaluated);
    for (const sample of evaluated.samples) {
      reporter.emit({ type: 'sample', stage: `eval ${label}`, step: manifest.step, ...sample });
    }
    for (const [name, value] of Object.entries(evaluated.column.metrics)) metrics[`${label}.${name}`] = value;
  }
  if (table.every(({ measurements }) => measurements.size === 0)) throw nothingIsHeldOut(directory);
  const results: EvaluationTable = {
    columns: table.map(({ column }) => column),
    comparisons: [
      ...table.slice(1).map((to, i) => compare(table[i], to)),
      ...table.slice(-1).flatMap(({ label, measurements }) => modeComparisons(label, measurements)),
    ],
  };
  reporter.emit({ type: 'table', ...results });
  const path = join(directory, resultsName);
  await writeFileAtomic(path, `${JSON.stringify(results, undefined, 2)}\n`);
  return { path, digest: digestOf(results), metrics };
}

interface TestTasks {
  tasks: readonly Conversation[];
  /** Those of which it is known what calls are right: they are asked with tools and without. */
  toolTasks: readonly Conversation[];
}

async function readTestTasks({ config, inputs, reporter }: Job<EvalConfig>): Promise<TestTasks> {
  let tasks: Conversation[] = [];
  const path = join(inputs.selfInstruct ?? '', heldOutRowsName);
  if (config.tasks !== undefined) tasks = await readTasks(config.tasks, reporter);
  else if (inputs.selfInstruct !== undefined && (await exists(path))) {
    tasks = splitHeldOut(await readTasks(path, reporter)).test;
  }
  const first = (all: readonly Conversation[], unit: string): Conversation[] => {
    if (all.length > config.maxTasks) {
      const text = `the first ${config.maxTasks} of ${countOf(all.length, unit)} are asked: eval.maxTasks changes it`;
      reporter.note('info', text);
    }
    return all.slice(0, config.maxTasks);
  };
  const [withTools, others] = [tasks.filter(isToolTask), tasks.filter((task) => !isToolTask(task))];
  const asked = first(others, 'task');
  const text = unchecked(asked);
  if (text !== undefined) reporter.note('warning', text);
  return { tasks: asked, toolTasks: first(withTools, 'task with tools') };
}

/** What cannot be said of tasks without a check; undefined where all have one. */
function unchecked(tasks: readonly Conversation[]): string | undefined {
  const checked = tasks.filter(({ check }) => check !== undefined).length;
  if (checked === tasks.length) return undefined;
  const references = tasks.filter((task) => referenceOf(task) !== undefined).length;
  const said = `${countOf(tasks.length, 'task')}, ${checked} with a check`;
  const compared =
    references === 0
      ? 'nor do they give an answer to compare with'
      : `${formatCount(references)} give an answer: how likely it is, and what the model says has in common with it, is measured`;
  return `${said}: of the others nobody knows whether an answer is right. ${compared[0].toUpperCase()}${compared.slice(1)}. \`form\` is how an answer looks, whatever it says`;
}

type EvaluatedCheckpoint = Awaited<ReturnType<typeof evaluateCheckpoint>>;

async function evaluateCheckpoint(
  job: Job<EvalConfig>,
  label: string,
  checkpoint: Checkpoint,
  { tasks, toolTasks, toolbox }: TestTasks & { toolbox: Toolbox },
) {
  const { config, inputs, seed, reporter, signal } = job;
  reportNotes(job, checkpoint);
  const loaded = await LocalModel.of(checkpoint, config);
  if (config.quantize !== undefined) reporter.note('info', `${label}: ${quantizationNote(loaded.model)}`);
  let measurements: Measurements = new Map();
  let answers: Answer[] = [];
  try {
    if (inputs.tokens !== undefined) {
      const documents = await openTokens(inputs.tokens, 'validation', loaded.tokenizer);
      const chosen = await chooseHeldOut(documents, config.validationTokens);
      const texts = await measureHeldOut(loaded.model, chosen, signal);
      measurements = new Map([...measureTexts(texts), ...measureSources(texts)]);
      const formulas = await heldOutFormulas(documents, loaded.tokenizer, formulasPerForm);
      for (const [metric, units] of await measureFormulas(loaded, formulas, { signal }))
        measurements.set(metric, units);
    }
    const hasTemplate = loaded.tokenizer.chatTemplate !== missingTemplate;
    const own: StageReporter = { ...reporter, note: (level, text) => reporter.note(level, `${label}: ${text}`) };
    const asked = hasTemplate ? askableTasks(tasks, loaded.template, own) : [];
    if (!hasTemplate && tasks.length + toolTasks.length > 0) {
      if (measurements.size === 0) throw nothingToMeasure(checkpoint.path);
      const skipped = countOf(tasks.length + toolTasks.length, 'task');
      own.note('warning', `skipped ${skipped}: this model has no chat template to ask with`);
    }
    const progressOf =
      (how = '') =>
      (done: number, total: number): void =>
        reporter.emit({ type: 'progress', label: `${label}: answering${how}`, done, total, unit: 'tasks' });
    const options = { maxNewTokens: config.maxNewTokens, seed, signal, onProgress: progressOf() };
    answers = await answerOnRanks(job, 'eval', loaded, asked, options);
    const { turns } = config;
    const later = await measureTurns(loaded, answers, {
      ...{ ...options, turns },
      answer: (given) =>
        answerOnRanks(job, 'eval', loaded, given, { ...options, onProgress: progressOf(' in later turns') }),
    });
    if (later.unfit > 0) own.note('info', unfitInWords(later.unfit, turns));
    for (const measured of [measureAnswers(answers), later.measurements, measureLanguages(answers)])
      for (const [metric, units] of measured) measurements.set(metric, units);
    const compared = await measureAgainstReference(loaded, answers, { signal });
    for (const warning of compared.warnings) own.note('info', `answers that tasks give: ${warning}`);
    for (const [metric, units] of compared.measurements) measurements.set(metric, units);
    // The reward is an expectation over what the model says when it is sampled; the rest is of its greedy answer.
    const sampled = { samples: config.samples, sampling: samplingAt(config.temperature) };
    if (asked.length > 0) {
      const samples = await answerOnRanks(job, 'eval', loaded, asked, { ...options, ...sampled });
      const rewards = await rules.score(samples, signal);
      for (const [metric, units] of measureRewardsAndForm(samples, rewards)) measurements.set(metric, units);
    }
    const called = hasTemplate
      ? await askWithTools(loaded, toolTasks, { job, label, reporter: own, toolbox })
      : undefined;
    for (const [metric, units] of called?.measurements ?? []) measurements.set(metric, units);
    answers.push(...(called?.answers ?? []));
    // Where tasks are asked of chats, so is what was said turns ago; of a base model as text.
    if (tasks.length > 0) {
      const { measurements: remembered, warnings } = await evaluateQuestions(loaded, memorySet(), { signal });
      for (const warning of warnings) reporter.note('info', `${label}: memory: ${warning}`);
      measurements.set('memory', remembered.get('contains.memory') ?? []);
    }
  } finally {
    await loaded.dispose();
  }
  const { stage, step } = checkpoint.manifest;
  const name = `${stage} step ${step} ${checkpoint.digest.slice(0, 12)}`;
  const questions = measurements.get('correct')?.reduce((sum, { weight }) => sum + weight, 0);
  const column: EvaluationColumn = {
    ...{ label, checkpoint: name, ...figuresOf(measurements) },
    ...(questions !== undefined && { questions }),
  };
  const shown = answers.slice(0, shownSamples);
  const samples = shown.map(({ task, text }) => ({ prompt: lastQuestion(task), completion: text }));
  return { label, checkpoint, column, measurements, samples };
}

/** With tools and without. Undefined: there is nothing to ask, or the template has no place for tools, which is said. */
async function askWithTools(
  model: LocalModel,
  tasks: readonly Conversation[],
  {
    job: { seed, signal, reporter: progress },
    label,
    reporter,
    toolbox,
  }: { job: Job<EvalConfig>; label: string; reporter: StageReporter; toolbox: Toolbox },
): Promise<Awaited<ReturnType<typeof measureToolTasks>> | undefined> {
  if (tasks.length === 0) return undefined;
  const fault = toolTurnsFault(model.template, tasks[0].tools ?? toolbox.tools);
  if (fault !== undefined) {
    reporter.note('warning', `skipped ${countOf(tasks.length, 'task')} with tools: ${fault}`);
    return undefined;
  }
  const asked = askableTasks(tasks, model.template, reporter, toolbox);
  const onProgress = (done: number, total: number): void =>
    progress.emit({
      type: 'progress',
      label: `${label}: answering with tools and without`,
      done,
      total,
      unit: 'tasks',
    });
  return measureToolTasks(model, asked, { toolbox, seed, signal, onProgress });
}

function unfitInWords(count: number, turns: readonly number[]): string {
  return `${countOf(count, 'task')} ${count === 1 ? 'is' : 'are'} not asked at turn ${turns.join(' and ')}: with so many exchanges before, there is no room in the context`;
}

function nothingIsHeldOut(directory: string): UserError {
  const run = dirname(directory);
  return new UserError({
    what: 'there is nothing to measure',
    where: run,
    why: 'this run holds no text and no tasks out of its training',
    next: `Give tasks (mossctl eval ${shellQuoted(run)} --set eval.tasks=FILE), or measure text (mossctl eval ${shellQuoted(`${run}/latest`)} --text FILE)`,
  });
}

function nothingToMeasure(path: string): UserError {
  return new UserError({
    what: 'nothing of this model can be measured',
    where: path,
    why: 'it has no chat template to ask tasks with, and there is no held-out text here',
    next: 'Put a chat_template.jinja into its folder, or evaluate it in a run folder that has the text',
  });
}
