// Stage `selfInstruct`: seed tasks → train.jsonl, prompts.jsonl, heldout.jsonl and report.json in the stage's folder.
// The files are written at the end, whole; an endpoint's answers are kept as they come, beside the stage's folder: they
// were paid for, and outlive a change of settings.
import { join, resolve } from 'node:path';
import { type Fault, nearest, UserError } from '../../base/errors.js';
import { digestOf, sha256, writeFileAtomic } from '../../base/files.js';
import { formatCount } from '../../base/format.js';
import { toJsonl } from '../../base/jsonl.js';
import {
  heldOutRowsName,
  promptRowsName,
  rejectedRowsName,
  selfInstructReportName,
  trainRowsName,
} from '../../base/layout.js';
import { openCheckpoint } from '../../checkpoint/directory.js';
import { methodShares } from '../../config/methods.js';
import { kindShares, type SelfInstructConfig, type TaskKind, taskKinds } from '../../config/pipeline.js';
import { RowNotes } from '../../data/conversations/notes.js';
import { spelled } from '../../data/conversations/spelled.js';
import { rowsDigest } from '../../data/rows.js';
import type { Conversation } from '../../data/types.js';
import type { Job, Stage, StageOutput } from '../stage.js';
import { type Bucket, bucketsFor, isChecked } from './buckets.js';
import { expand } from './expand.js';
import type { AcceptedTask, ExpandOptions, Expansion } from './expansion.js';
import { isBuiltIn } from './families/table.js';
import { AnswerFilter } from './filters/answers.js';
import { compareWithChance, type JudgedRow, type RuleComparison } from './filters/baselines.js';
import { countByRule, type RejectedTask } from './filters/rejected.js';
import { keepFrontier } from './filters/student.js';
import { checkTeacher, openTeacher } from './open-teacher.js';
import { previewRows } from './preview.js';
import { keepPromptsApart, seedConversation, seedsForTraining, splitTasks } from './rows.js';
import { readSeeds, type SeedTask } from './seed-tasks.js';
import { noteShares, noteShortfall, promptsToMake } from './shares.js';
import type { Teacher } from './teacher.js';
import { chainedInWords, chainRows } from './turns.js';
import { unseenIn } from './unseen-sums.js';

type SelfInstructJob = Job<SelfInstructConfig>;

/** `inputs.data` is optional: without it the offline teacher has no facts to look up. */
export const selfInstructStage: Stage<SelfInstructConfig> = {
  check: async ({ config }) => {
    await chosenSeeds(config);
    await checkTeacher(config);
  },
  inputDigest: async (job) => {
    const sets = await Promise.all(foreignSets(job).map(rowsDigest));
    const { student } = job.config;
    if (sets.length === 0 && student === undefined) return undefined;
    return digestOf({ sets, student: student && (await openCheckpoint(student.checkpoint)).digest });
  },
  run: async (job) => {
    const notes = new RowNotes('seed');
    const seeds = await chosenSeeds(job.config, notes);
    notes.report(job.reporter);
    const { teacher, close } = await openTeacher(job);
    try {
      return await runWith(job, seeds, teacher);
    } finally {
      await close();
    }
  },
  preview: async (job, count) => {
    const seeds = await chosenSeeds(job.config);
    const { teacher, close, costs } = await openTeacher(job);
    const { prices, concurrency } = job.config;
    try {
      const { trainSeeds, options } = await expansionOf(job, seeds, teacher);
      const rows = { label: 'rows', total: count, unit: 'rows' };
      const onProgress = (done: number): void => job.reporter.emit({ type: 'progress', done, ...rows });
      const asked = { count, costs, prices, ...(job.config.teacher === 'openai' && { concurrency }) };
      const preview = await previewRows({ ...options, onProgress }, asked);
      return { ...preview, given: trainSeeds.length };
    } finally {
      await close();
    }
  },
};

async function chosenSeeds(config: SelfInstructConfig, notes: RowNotes = new RowNotes('seed')): Promise<SeedTask[]> {
  const { seeds: path, teacher } = config;
  const kinds = kindShares(config);
  const refused = new Set<TaskKind>(); // each once: the first of its rows is named
  const refuse = ({ kind }: SeedTask): Omit<Fault, 'where'> | undefined => {
    const isServed = teacher !== 'offline' || isBuiltIn(kind) || kinds?.has(kind) === false;
    if (isServed || refused.has(kind)) return undefined;
    refused.add(kind);
    const near = nearest(kind, taskKinds);
    const meant = near === undefined ? '' : `Did you mean ${near}? `;
    return {
      what: `the offline teacher makes no tasks of kind ${kind}`,
      why: `it serves ${taskKinds.join(', ')}`,
      next: `${meant}For kinds of your own use selfInstruct.teacher: openai (any endpoint) or checkpoint (a chat model of yours), or name in selfInstruct.kinds those to use`,
    };
  };
  const seeds = await readSeeds(resolve(path), refuse, notes);
  const missing = [...(kinds?.keys() ?? [])].filter((kind) => !seeds.some((seed) => seed.kind === kind));
  if (missing.length > 0)
    throw new UserError({
      what: `no seed task of kind ${missing.join(', ')}`,
      where: path,
      next: 'Add at least one seed of that kind, or take it out of selfInstruct.kinds',
    });
  return kinds === undefined ? seeds : seeds.filter((seed) => kinds.has(seed.kind));
}

/** What is asked of the teacher, and the seeds that are kept beside what it makes. */
async function expansionOf(
  job: SelfInstructJob,
  seeds: SeedTask[],
  teacher: Teacher,
): Promise<{ kinds: TaskKind[]; trainSeeds: SeedTask[]; prompts: number; options: ExpandOptions }> {
  const { config, reporter, signal, seed } = job;
  const kinds = [...new Set(seeds.map(({ kind }) => kind))];
  const trainSeeds = seedsForTraining(seeds, config.count);
  for (const text of teacher.notes(keptSeeds(trainSeeds.length, seeds.length), kinds)) reporter.note('info', text);
  const shares = kindShares(config);
  const weighted = new Map(kinds.map((kind) => [kind, shares?.get(kind) ?? 1]));
  const buckets = bucketsFor(weighted, teacher, methodShares(config.methods));
  if (buckets.length === 0)
    throw new UserError({
      what: `the ${teacher.name} teacher can make none of: ${kinds.join(', ')}`,
      where: 'selfInstruct',
      next: 'Add a data block (for facts to look up), choose other kinds, or use teacher: openai or checkpoint',
    });
  const prompts = promptsToMake(job, buckets, teacher);
  const target = config.count - trainSeeds.length + prompts;
  const total = target + config.heldOut;
  const options = {
    seeds,
    teacher,
    buckets,
    target,
    heldOut: config.heldOut,
    maxSimilarity: config.maxSimilarity,
    answers: await AnswerFilter.open(foreignSets(job)),
    seed,
    signal,
    onProgress: (done: number): void => reporter.emit({ type: 'progress', label: 'tasks', done, total, unit: 'tasks' }),
  };
  return { kinds, trainSeeds, prompts, options };
}

async function runWith(job: SelfInstructJob, seeds: SeedTask[], teacher: Teacher): Promise<StageOutput> {
  const { kinds, trainSeeds, prompts, options } = await expansionOf(job, seeds, teacher);
  const expansion = await expand(options);
  if (expansion.tasks.length === 0) throw nothingMade(expansion, teacher);
  noteShortfall(job.reporter, expansion, { target: options.target + options.heldOut, kinds, teacher });
  const { config } = job;
  return writeOutput({ ...job, config: { ...config, prompts } }, trainSeeds, expansion, teacher, options.buckets);
}

/** What the pipeline evaluates with, but for the seeds of this stage: what they ask is asked again on purpose. */
function foreignSets({ config, evaluationSets = [] }: Pick<SelfInstructJob, 'config' | 'evaluationSets'>): string[] {
  return evaluationSets.filter((path) => resolve(path) !== resolve(config.seeds));
}

function keptSeeds(kept: number, all: number): string {
  if (kept === all) return all === 1 ? 'your 1 seed is' : `your ${all} seeds are`;
  return `${kept} of your ${all} seeds (half of selfInstruct.count) are`;
}

async function writeOutput(
  job: SelfInstructJob,
  seeds: readonly SeedTask[],
  expansion: Expansion,
  teacher: Teacher,
  buckets: readonly Bucket[],
): Promise<StageOutput> {
  const { config, directory, seed } = job;
  const made = expansion.tasks.length;
  // Where the teacher could not make enough, training, alignment and evaluation share the shortfall.
  const short = made < config.count - seeds.length + config.prompts + config.heldOut;
  const atMost = (wanted: number, share: number): number =>
    short ? Math.min(wanted, Math.ceil(made * share)) : wanted;
  const mayKeepApart = await unseenIn(job.inputs.data);
  const split = splitTasks(expansion.tasks, atMost(config.heldOut, 1 / 3), seed, teacher.name, mayKeepApart);
  const { heldOut } = split;
  const apart = keepPromptsApart(split.train, atMost(config.prompts, 1 / 6), seed);
  const { kept: fresh, rejected: unfit } = await keepFrontier(job, apart.train);
  const rejected = [...expansion.rejected, ...unfit];
  const single = [...seeds.map(seedConversation), ...fresh];
  // After the split: earlier exchanges, of prompts too, are of what is trained on.
  const chained = chainRows(single, single, { ...config.turns, seed, part: 'train' });
  const { rows: train } = chained;
  const { rows: prompts } = chainRows(apart.prompts, single, { ...config.turns, seed, part: 'prompts' });
  const files = {
    [trainRowsName]: toJsonl(train.map(inFile)),
    [promptRowsName]: toJsonl(prompts.map(inFile)),
    [heldOutRowsName]: toJsonl(heldOut.map(inFile)),
  };
  const compared = [
    ...compareWithChance(expansion.tasks, expansion.rejected, seed),
    ...compareWithChance(fresh.map(judgedTask), unfit, seed),
  ];
  for (const [name, text] of Object.entries({ ...files, [rejectedRowsName]: toJsonl(rejected) }))
    await writeFileAtomic(join(directory, name), text);
  const hasFailed = new Set(expansion.failed.map(({ method }) => method));
  noteShares(
    job,
    buckets.filter(({ method }) => !hasFailed.has(method)),
    { train, prompts, heldOut },
    (bucket) => isChecked(bucket, teacher),
  );
  const report = {
    ...reportOf(teacher, seeds.length, { train, prompts, heldOut }, expansion),
    turns: chained.counts,
    dropped: Object.fromEntries([...countByRule(rejected)].sort(([a], [b]) => (a < b ? -1 : 1))),
    filters: compared,
  };
  await writeFileAtomic(join(directory, selfInstructReportName), `${JSON.stringify(report, null, 2)}\n`);
  if (prompts.length < config.prompts && fresh.some(({ check }) => check === undefined))
    job.reporter.note(
      'warning',
      `${prompts.length} of ${config.prompts} tasks are kept apart for align: it takes only tasks with a check, such as those of kind arithmetic or language`,
    );
  if (config.turns.share > 0) job.reporter.note('info', chainedInWords(chained));
  emitSamples(job, fresh);
  noteRejected(job, rejected, compared);
  return {
    path: resolve(directory),
    digest: digestOf(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, sha256(text)]))),
    metrics: {
      train: train.length,
      prompts: prompts.length,
      heldOut: heldOut.length,
      seeds: seeds.length,
      dropped: rejected.length,
    },
  };
}

/** Fields in the order that they have always had: equal rows are equal bytes. */
function inFile(row: Conversation): object {
  return { ...row, ...spelled(row) };
}

function noteRejected(
  { reporter }: SelfInstructJob,
  rejected: readonly RejectedTask[],
  compared: readonly RuleComparison[],
): void {
  if (rejected.length === 0) return;
  const counts = countByRule(rejected);
  const said = [...counts].map(([rule, { count }]) => `${rule} ${formatCount(count)}`);
  reporter.note('info', `dropped: ${said.join(', ')}; each with its reason in ${rejectedRowsName}, beside the rows`);
  const rules = compared.map((rule) => ({ ...rule, examples: counts.get(rule.rule)?.examples ?? [] }));
  reporter.emit({ type: 'filters', rules });
}

function judgedTask({ kind = 'other', language = 'other', messages }: Conversation): JudgedRow {
  const turns = messages.slice(0, -1).map(({ content }) => content);
  return { kind, language, turns, solution: { answer: messages.at(-1)?.content ?? '' } };
}

function reportOf(
  teacher: Teacher,
  seeds: number,
  parts: Record<'train' | 'prompts' | 'heldOut', readonly Conversation[]>,
  { requests, exhausted, failed, tasks }: Expansion,
): object {
  return {
    teacher: teacher.name,
    requests,
    seeds,
    ...Object.fromEntries(
      Object.entries(parts).map(([name, rows]) => [name, { total: rows.length, byKind: countByKind(rows) }]),
    ),
    similarity: similarityOf(tasks),
    exhausted,
    failed: failed.map(({ error, ...failure }) => ({ ...failure, why: error.message })),
  };
}

/** kind → language → rows. */
function countByKind(rows: readonly Conversation[]): Record<string, Record<string, number>> {
  const counts = new Map<string, Record<string, number>>();
  for (const { kind = 'other', language = 'other' } of rows) {
    const byLanguage = counts.get(kind) ?? {};
    byLanguage[language] = (byLanguage[language] ?? 0) + 1;
    counts.set(kind, byLanguage);
  }
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** ROUGE-L of accepted tasks to the nearest known prompt, where wording decided. */
function similarityOf(tasks: readonly AcceptedTask[]): object {
  const sorted = tasks
    .flatMap(({ similarity }) => (similarity === undefined ? [] : [similarity]))
    .sort((a, b) => a - b);
  const at = (share: number): number | undefined =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return { compared: sorted.length, p10: at(0.1), median: at(0.5), p90: at(0.9), max: at(1) };
}

const shownSamples = 6;

function emitSamples({ reporter }: SelfInstructJob, rows: readonly Conversation[]): void {
  const seen = new Set<string>();
  for (const { kind = '', language, messages } of rows) {
    const bucket = `${kind}/${language}`;
    if (seen.size === shownSamples) return;
    if (seen.has(bucket) || messages.length !== 2) continue;
    seen.add(bucket);
    reporter.emit({ type: 'sample', step: 0, prompt: messages[0].content, completion: messages[1].content });
  }
}

function nothingMade({ dropped, stopped, failed, exhausted }: Expansion, teacher: Teacher): UserError {
  if (stopped !== undefined) return stopped;
  const rules = [...dropped].map(([rule, { count }]) => `${rule}: ${count}`).join(', ');
  const fault = {
    what: `the ${teacher.name} teacher made no usable task`,
    where: 'selfInstruct',
    why: rules === '' ? undefined : `what was dropped: ${rules}`,
    next: 'Raise selfInstruct.maxSimilarity, add seeds, or use another teacher',
  };
  const faults = failed.flatMap(({ error }) => error.faults);
  return new UserError(faults.length === 0 || exhausted.length > 0 ? [...faults, fault] : faults);
}
