// mossctl eval A B --tasks FILE: a person's own questions, asked of several checkpoints alike, side by side with paired
// intervals. What comes out is written beside, under --out or evals/: no run's settings or records change.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../base/errors.js';
import { digestOf, exists, writeFileAtomic } from '../../base/files.js';
import { countOf, formatTable, wrapped } from '../../base/format.js';
import { toJsonl } from '../../base/jsonl.js';
import { answersName, resultsName, settingsName } from '../../base/layout.js';
import { isRecord, jsonIn } from '../../base/objects.js';
import { compare, figuresOf, type Measurements } from '../../evaluation/measurements.js';
import { answeredQuestions } from '../../evaluation/questions/answered.js';
import { type AnswerRecord, chanceOf, evaluateQuestions } from '../../evaluation/questions/evaluate.js';
import { type QuestionSet, readQuestions } from '../../evaluation/questions/read.js';
import { comparableMeasurements, modeComparisons } from '../../evaluation/questions/score.js';
import { type Audit, auditMemory } from '../../evaluation/safety/audit.js';
import { contrastTable } from '../../evaluation/safety/contrast-table.js';
import type { Contrast } from '../../evaluation/safety/contrasts.js';
import { toolTable, withoutToolParts } from '../../evaluation/tool-table.js';
import { LocalModel } from '../../inference/local-model.js';
import { finishedOutput, readRecord } from '../../pipeline/record.js';
import type { EvaluationTable, StageReporter } from '../../report/event.js';
import { formatMetric } from '../../report/meaning.js';
import { writeQuestionsReport } from '../../report/questions-page.js';
import { resultsText } from '../../report/results-text.js';
import { modelStagesOf, stageTable } from '../../stages/catalog.js';
import type { Toolbox } from '../../tools/toolbox.js';
import { openChosenBackend } from '../compute.js';
import { openEvalTools, toolsFlag } from '../eval-tools.js';
import { columnLabels } from '../labels.js';
import type { RunOptions } from '../options.js';
import { chosenSpeech, printJson, printLine, shownPath, stdoutColumns } from '../output.js';
import { reporting } from '../reporting.js';
import { typedCommand } from '../run-stages.js';
import { requireRun, TrainingTexts } from '../training-text.js';

export interface EvalTasksOptions extends RunOptions {
  tasks?: string[];
  shots?: number;
  cot?: 'yes' | 'no' | 'both';
  tools?: string[] | false;
  maxNewTokens?: number;
  /** The run whose text the audit of memory looks for. */
  trainedOn?: string;
}

/** The set of questions that the audit of memory belongs to. */
const safetySet = 'safety';
const defaultSeed = 42;

/** A checkpoint with what it made of the questions. */
interface Column {
  /** As it was named where that is no path, else where it lies. */
  shown: string;
  stage: string;
  step: number;
  digest: string;
  asked: string;
  /** Of its tokenizer. */
  tokenizer: string;
  measurements: Measurements;
  contrasts: Contrast[];
  records: AnswerRecord[];
  /** What it remembers of its training; with the questions of safety. */
  audit?: Audit;
}

export async function evaluateTasks(targets: readonly string[], options: EvalTasksOptions): Promise<void> {
  const { tasks = [], shots, cot, tools, maxNewTokens, quantize } = options;
  checkOptions(targets, options);
  if (options.trainedOn !== undefined) await requireRun(options.trainedOn);
  const seed = seedOf(options.seed);
  const notices: string[] = [];
  const set = await readQuestions(tasks, {
    ...{ shots, maxNewTokens, seed, notice: (text: string) => void notices.push(text) },
    cot: cot === undefined ? undefined : cot === 'both' ? 'both' : cot === 'yes',
    tools: toolsFlag(tools),
  });
  const { paths, isLine } = await checkpointsOf(targets);
  await openChosenBackend(options);
  const measured = await reporting('eval', options, async ({ reporter, signal }) => {
    for (const notice of notices) reporter.note('info', notice);
    reporter.note('info', `${countOf(set.questions.length, 'question')} of ${set.name}`);
    const asked: Column[] = [];
    const texts = tasks.includes(safetySet) ? new TrainingTexts(options.trainedOn) : undefined;
    const toolbox = await openEvalTools(tools, set.questions, (text) => reporter.note('info', text));
    try {
      for (const path of paths)
        asked.push(await askCheckpoint(path, set, { options, reporter, signal, texts, toolbox, asked }));
    } finally {
      await toolbox.close();
    }
    return asked;
  });
  const { columns, note } = comparable(measured);
  const labels = columnLabels(columns.map(({ shown, stage }) => ({ path: shown, stage })));
  const table = tableOf(columns, labels, isLine);
  const identity = {
    tasks: set.digest,
    checkpoints: columns.map(({ digest }) => digest),
    shots,
    cot,
    tools,
    maxNewTokens,
    seed,
    quantize,
    trainedOn: options.trainedOn,
  };
  const folder = await resultFolder(options.out, set.name, digestOf(identity));
  const chance = Object.fromEntries(chanceOf(set.questions));
  const described = columns.map(({ shown, digest, asked }, i) => ({
    label: labels[i],
    path: shown,
    digest,
    asked,
  }));
  const results = {
    name: set.name,
    ...identity,
    digest: digestOf(identity),
    files: tasks,
    described,
    chance,
    ...table,
    contrasts: columns.map(({ contrasts }, i) => ({ checkpoint: labels[i], contrasts })),
  };
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(join(folder, resultsName), `${JSON.stringify(results, undefined, 2)}\n`);
  await writeFileAtomic(
    join(folder, answersName),
    toJsonl(
      columns.flatMap(({ records, audit }, i) =>
        [...records, ...(audit?.records ?? [])].map((record) => ({ checkpoint: labels[i], ...record })),
      ),
    ),
  );
  const audited = columns.flatMap(({ audit }, i) => audit?.notes.map((text) => `${labels[i]}: ${text}`) ?? []);
  const notes = [...chanceNotes(chance), ...(note === undefined ? [] : [note]), ...audited];
  const pairs = contrastTable(columns.map(({ contrasts }, i) => ({ label: labels[i], contrasts })));
  const byTool = toolTable(columns.map(({ measurements }, i) => ({ label: labels[i], measurements })));
  const tables = [pairs, byTool].filter((each) => each !== undefined);
  const shownTable = withoutToolParts(table);
  const report = await writeQuestionsReport(
    folder,
    {
      ...{ name: set.name, command: typedCommand(), table: shownTable, columns: described, notes, tables },
      questions: answeredQuestions(columns),
    },
    chosenSpeech(),
  );
  if (options.json) {
    printJson({ type: 'result', path: folder, report, ...results });
    return;
  }
  printLine(resultsText(shownTable, { width: stdoutColumns(), basis: 'on the same questions' }));
  for (const { title, header, rows, note } of tables) {
    printLine(`\n${title}\n${formatTable(header, rows)}\n${wrapped(note, stdoutColumns())}`);
  }
  if (notes.length > 0) printLine('');
  for (const note of notes) printLine(wrapped(note, stdoutColumns()));
  printLine(
    `\n${formatTable(
      ['', 'checkpoint', 'asked'],
      described.map(({ label, path, asked }) => [label, path, asked]),
    )}`,
  );
  printLine(`\nanswers ${shownPath(join(folder, answersName))}\nreport  ${shownPath(report)}`);
}

function checkOptions(targets: readonly string[], options: EvalTasksOptions): void {
  if (options.trainedOn !== undefined && !options.tasks?.includes(safetySet)) {
    const next = `Add --tasks ${safetySet}, or omit --trained-on`;
    throw new UserError({ what: `--trained-on is about the audit of --tasks ${safetySet}`, next });
  }
  if (targets.length === 0) {
    const next = 'Name one or several: mossctl eval CHECKPOINT … --tasks FILE';
    throw new UserError({ what: '--tasks needs a checkpoint to ask', next });
  }
  const other = (['config', 'set'] as const).find((name) => options[name] !== undefined);
  if (other === undefined) return;
  throw new UserError({
    what: `--${other} is about a run, but --tasks asks questions of its own`,
    next: `Omit --${other} or --tasks`,
  });
}

function seedOf(typed: string | undefined): number {
  const seed = typed === undefined ? defaultSeed : Number(typed);
  if (Number.isInteger(seed) && seed >= 0 && seed <= 0xffffffff) return seed;
  throw new UserError({ what: '--seed is a whole number from 0 to 4294967295', next: 'Omit it, or give one' });
}

/** A run folder alone stands for what each of its stages handed on; `isLine`: each column follows from the one before. */
async function checkpointsOf(targets: readonly string[]): Promise<{ paths: string[]; isLine: boolean }> {
  const [run] = targets;
  if (targets.length > 1 || !(await exists(join(run, settingsName)))) return { paths: [...targets], isLine: false };
  const paths: string[] = [];
  for (const stage of modelStagesOf(stageTable)) {
    const output = await finishedOutput(run, await readRecord(run, stage));
    if (output !== undefined && !paths.includes(output.path)) paths.push(output.path);
  }
  return paths.length === 0 ? { paths: [run], isLine: false } : { paths, isLine: true };
}

interface AskingOptions {
  options: EvalTasksOptions;
  reporter: StageReporter;
  signal: AbortSignal;
  toolbox: Toolbox;
  /** Where its memory is to be audited. */
  texts?: TrainingTexts;
  /** The columns until now: one and the same model answers the same, and is asked once. */
  asked: readonly Column[];
}

async function askCheckpoint(
  target: string,
  set: QuestionSet,
  { options, reporter, signal, texts, toolbox, asked }: AskingOptions,
): Promise<Column> {
  const model = await LocalModel.open(target, options);
  try {
    const { path, digest, manifest } = model.checkpoint;
    const shown = target.startsWith('hf:') ? target : shownPath(path);
    const same = texts === undefined ? asked.find((column) => column.digest === digest) : undefined;
    if (same !== undefined) {
      reporter.note('info', `${shown} is the same model as ${same.shown}, and is not asked again`);
      return { ...same, shown };
    }
    for (const note of model.notes) reporter.note('warning', `${shown}: ${note}`);
    const onProgress = (done: number, total: number): void =>
      reporter.emit({ type: 'progress', label: `asking ${shown}`, done, total, unit: 'questions' });
    const { warnings, ...evaluated } = await evaluateQuestions(model, set, { toolbox, signal, onProgress });
    for (const warning of warnings) reporter.note('warning', `${shown}: ${warning}`);
    const tokenizer = digestOf(model.tokenizer.json);
    const column = { shown, digest, stage: manifest.stage, step: manifest.step, tokenizer, ...evaluated };
    if (texts === undefined) return column;
    reporter.emit({ type: 'progress', label: `auditing the memory of ${shown}`, done: 0, unit: 'passages' });
    const text = await texts.of(path, signal);
    const audit = await auditMemory(model, text, signal);
    const measurements = new Map([...column.measurements, ...audit.measurements]);
    return { ...column, measurements, audit: { ...audit, notes: [...text.notes, ...audit.notes] } };
  } finally {
    await model.dispose();
  }
}

function comparable(columns: readonly Column[]): { columns: Column[]; note?: string } {
  const { measurements, note } = comparableMeasurements(
    columns.map((column) => column.measurements),
    columns.map(({ tokenizer }) => tokenizer),
  );
  return { columns: columns.map((column, i) => ({ ...column, measurements: measurements[i] })), note };
}

/** Stages are compared with the one before, other checkpoints with the first that was named; and steps with none, of each. */
function tableOf(columns: readonly Column[], labels: readonly string[], isLine: boolean): EvaluationTable {
  const sides = columns.map(({ measurements }, i) => ({ label: labels[i], measurements }));
  return {
    columns: columns.map(({ digest, measurements }, i) => ({
      label: labels[i],
      checkpoint: digest.slice(0, 12),
      ...figuresOf(measurements),
    })),
    comparisons: [
      ...sides.slice(1).map((to, i) => compare(sides[isLine ? i : 0], to)),
      ...sides.flatMap(({ label, measurements }) => modeComparisons(label, measurements)),
    ],
  };
}

/** `--out`; else evals/<name>, or with a number where that holds the results of something else. */
async function resultFolder(out: string | undefined, name: string, digest: string): Promise<string> {
  const holdsOther = async (folder: string): Promise<boolean> => {
    if (!(await exists(join(folder, resultsName)))) return false;
    const results = jsonIn(await readFile(join(folder, resultsName), 'utf8'));
    return !isRecord(results) || results.digest !== digest;
  };
  if (out !== undefined) {
    if (!(await exists(join(out, settingsName)))) return out;
    throw new UserError({
      what: 'this is the folder of a run',
      where: out,
      next: 'Choose another folder for the results of --tasks',
    });
  }
  for (let n = 1; ; n++) {
    const folder = join('evals', n === 1 ? name : `${name}-${n}`);
    if (!(await holdsOther(folder))) return folder;
  }
}

function chanceNotes(chance: Readonly<Record<string, number>>): string[] {
  const shares = Object.entries(chance).map(([kind, share]) => `${kind} ${formatMetric('accuracy', share)}`);
  return shares.length === 0 ? [] : [`by chance (accuracy): ${shares.join(', ')}`];
}
