// Between fine-tuning and alignment: a chat model that knows no tools + exercises → one that calls them where it needs them,
// and only there. The student is asked first, without tools: what it fails at is taught as a call, what it can do stays its own.
import { join } from 'node:path';
import { stopIfAborted, UserError } from '../../base/errors.js';
import { writeFileAtomic } from '../../base/files.js';
import { countOf, formatCount } from '../../base/format.js';
import { toJsonl } from '../../base/jsonl.js';
import { heldOutRowsName, listRowsName, promptRowsName, reportRowsName, trainRowsName } from '../../base/layout.js';
import { Random } from '../../base/random.js';
import { type Checkpoint, openCheckpoint } from '../../checkpoint/directory.js';
import { defaultColumns, type WrittenSftConfig } from '../../config/sft.js';
import type { ToolUseConfig, WrittenToolUseConfig } from '../../config/tool-use.js';
import { tokensOfStep } from '../../config/tuning.js';
import { spelled } from '../../data/conversations/spelled.js';
import type { Conversation } from '../../data/types.js';
import { figuresOf } from '../../evaluation/measurements.js';
import { readTasks } from '../../evaluation/tasks.js';
import { measureToolTasks } from '../../evaluation/tool-tasks.js';
import { type ChatFormat, openChatFormat } from '../../inference/chat-format.js';
import { LocalModel } from '../../inference/local-model.js';
import type { Metrics } from '../../report/event.js';
import type { Message, Tool } from '../../tokenizer/message.js';
import { answersPart, joinAnswers } from '../answers.js';
import { onRanks } from '../ranks.js';
import { fineTune } from '../sft/stage.js';
import type { Job, Stage } from '../stage.js';
import { startBackend } from '../training.js';
import { composed, listed, type Pool } from './conversations.js';
import { drawExchanges, type Exchange, type ExchangeSet, questionOf } from './exchange.js';
import { type Spoken, spokenLanguages } from './exercise.js';
import { questionTask, type Sorted, sortedByStudent } from './sorted.js';
import { askStudent } from './student.js';
import { openWorkshop, type Workshop } from './workshop.js';

type ToolUseJob = Job<WrittenToolUseConfig>;

export const toolUseStage: Stage<WrittenToolUseConfig> = {
  parts: { training: (job) => fineTune(job, 'toolUse'), [answersPart]: joinAnswers },
  async run(job) {
    await startBackend(job);
    const { config, inputs, directory, seed, reporter } = job;
    const student = await openCheckpoint(inputs.sft ?? '', { verify: job.verify });
    const format = await openChatFormat(student.path);
    const { tools, search } = config;
    const workshop = await openWorkshop({ tools, search, corpus: inputs.data ?? '', directory, seed });
    try {
      const rows = await makeRows(job, workshop, student, format);
      const own =
        inputs.selfInstruct === undefined || config.instructionWeight === 0
          ? []
          : [join(inputs.selfInstruct, trainRowsName)];
      const training: Job<WrittenSftConfig> = {
        ...job,
        inputs: { pretrain: inputs.sft, tokens: inputs.tokens },
        config: {
          ...{ validation: 0, loss: 'assistant', neftune: 0, textShare: config.textShare, train: config.train },
          copying: config.copying,
          ...(config.listSteps > 0 && { first: { data: rows.lists, steps: config.listSteps } }),
          data: [{ path: rows.train, weight: 1 }, ...own.map((path) => ({ path, weight: config.instructionWeight }))],
          evalData: rows.heldOut,
        },
      };
      const taught = await onRanks(training, { stage: 'toolUse', part: 'training' }, (each) =>
        fineTune(each, 'toolUse'),
      );
      const tasks = await readTasks(rows.heldOut, reporter);
      const metrics = await measured(job, taught.path, tasks, workshop);
      for (const text of figuresInWords(metrics)) reporter.note('info', text);
      return { ...taught, metrics: { ...taught.metrics, ...metrics } };
    } finally {
      await workshop.toolbox.close();
    }
  },
};

/** Conversations about lists of tools, at most: they are read again where there are more steps. */
const maxListRows = 40_000;
/** How many are made to see how long they are. */
const measuredListRows = 200;

/** Tokens of a context that a held-out row leaves to what the model answers in place of its own. */
const answerRoom = 128;

/** What the checkpoint at `path` does on what it has never seen, with the tools and without. */
async function measured(
  { seed, signal, reporter, verify }: ToolUseJob,
  path: string,
  tasks: readonly Conversation[],
  { toolbox }: Workshop,
): Promise<Metrics> {
  const model = await LocalModel.of(await openCheckpoint(path, { verify }));
  try {
    const onProgress = (done: number, total: number): void =>
      reporter.emit({ type: 'progress', label: 'with tools and without', done, total, unit: 'answers' });
    const { measurements } = await measureToolTasks(model, tasks, { toolbox, seed, signal, onProgress });
    return figuresOf(measurements).metrics;
  } finally {
    await model.dispose();
  }
}

/** Of what is held out, for a person. */
function figuresInWords(metrics: Metrics): string[] {
  const share = (name: string): string =>
    metrics[name] === undefined ? 'none' : `${(100 * metrics[name]).toFixed(1)} %`;
  return [
    `held out: ${share('callPrecision')} of its calls are right ones, ${share('callRecall')} of the right ones are made, ${share('rightArguments')} of them with the right arguments`,
    `right final answers where a call is right: ${share('toolAnswer')}, without tools ${share('toolAnswerWithoutTools')}; where none is: ${share('directAnswer')}, without tools ${share('directAnswerWithoutTools')}`,
  ];
}

interface RowFiles {
  train: string;
  /** Which tools there are, and nothing else. */
  lists: string;
  heldOut: string;
}

/** Asks the student, and writes what it is taught and what it is measured with. */
async function makeRows(
  job: ToolUseJob,
  workshop: Workshop,
  student: Checkpoint,
  { template, contextLength }: ChatFormat,
): Promise<RowFiles> {
  const { config, directory, reporter, seed, signal } = job;
  const heldOut = await drawSide(job, workshop, { isHeldOut: true, unlike: new Set() });
  const asked = new Set([...heldOut.calls.exchanges, ...heldOut.talk].map(questionOf));
  const train = await drawSide(job, workshop, { isHeldOut: false, unlike: asked });
  stopIfAborted(signal, 'stopped while making exercises; the next run makes the same ones');
  const tasks = await studentTasks(job);
  const questions = [...train.calls.exchanges, ...heldOut.calls.exchanges].map(questionTask);
  const attempts = await askStudent(job, student, [...tasks.train, ...tasks.heldOut, ...questions]);
  const lengthOf = (messages: readonly Message[], tools?: readonly Tool[]): number =>
    template.encode(messages, { tools }).tokens.length;
  const files = {
    train: join(directory, trainRowsName),
    lists: join(directory, listRowsName),
    heldOut: join(directory, heldOutRowsName),
  };
  const report: Record<string, unknown> = {};
  for (const [name, side, direct, isHeldOut] of [
    ['train', train, tasks.train, false],
    ['heldOut', heldOut, tasks.heldOut, true],
  ] as const) {
    const sorted = sortedByStudent(side.calls.exchanges, attempts, config);
    const pool: Pool = {
      calls: sorted.calls,
      talk: side.talk,
      direct: [...sorted.direct, ...directly(direct, attempts, config)],
    };
    if (pool.calls.length === 0) throw nothingToTeach(name, side.calls, sorted);
    const rows = composed(pool, {
      ...{
        tools: workshop.toolbox.tools,
        noCallShare: config.noCallShare,
      },
      ...{ count: isHeldOut ? config.heldOut : config.count, seed, isHeldOut },
      ...{ lengthOf, room: isHeldOut ? contextLength - answerRoom : contextLength },
    });
    await writeFileAtomic(files[name], toJsonl(rows.map(spelled)));
    if (!isHeldOut && config.listSteps > 0) {
      const made = (count: number): Conversation[] => listed(pool.calls, workshop.toolbox.tools, { count, seed });
      const some = made(measuredListRows);
      const each = some.reduce((sum, { messages, tools }) => sum + lengthOf(messages, tools), 0) / some.length;
      const count = Math.min(maxListRows, Math.ceil(listTokens(config, contextLength) / each));
      await writeFileAtomic(files.lists, toJsonl(made(count).map(spelled)));
    }
    report[name] = {
      rows: rows.length,
      ...countsOf(rows),
      student: { between: sorted.between, alone: pool.direct.length },
      dropped: side.calls.dropped,
    };
    reporter.note('info', inWords(name, rows, sorted));
  }
  await writeFileAtomic(join(directory, reportRowsName), `${JSON.stringify(report, undefined, 2)}\n`);
  return files;
}

/** What the steps that read nothing but lists of tools read, in tokens. */
function listTokens({ listSteps, train }: WrittenToolUseConfig, contextLength: number): number {
  return listSteps * tokensOfStep(train, Math.min(contextLength, defaultColumns));
}

interface Side {
  calls: ExchangeSet;
  talk: Exchange[];
}

/** Exercises for each conversation to learn: it has several exchanges, of which some need no call. */
const exercisesPerRow = 1.5;
/** Held out, each counts once: a question that came again would be the same right answer, or the same mistake, twice. */
const exercisesPerTask = 3;

/** Exchanges enough that each call is learnt about once, and some of each kind that needs none. */
async function drawSide(
  { config, seed, signal, reporter }: ToolUseJob,
  { makers, talk, toolbox }: Workshop,
  { isHeldOut, unlike }: { isHeldOut: boolean; unlike: ReadonlySet<string> },
): Promise<Side> {
  const count = isHeldOut ? exercisesPerTask * config.heldOut : exercisesPerRow * config.count;
  const side = { isHeldOut, toolbox, unlike, signal, retryShare: isHeldOut ? 0 : config.retryShare };
  reporter.emit({ type: 'progress', label: 'making exercises', done: 0, unit: 'exercises' });
  const shared = Object.entries(makers).map(([kind, { maker, share, learntShare }]) => {
    return [kind, { maker, share: isHeldOut ? share : learntShare }] as const;
  });
  const calls = await drawExchanges({
    ...{ ...side, makers: Object.fromEntries(shared) },
    ...{ count: Math.ceil(count * (1 - config.noCallShare)), seed },
  });
  const others = { talk: { maker: talk, share: 1 } };
  const talked = await drawExchanges({
    ...side,
    makers: others,
    count: Math.ceil(count / 4),
    seed: Random.stream(seed, 'talk').uint32(),
  });
  return { calls, talk: talked.exchanges };
}

/** Tasks of one question that the student may know. */
async function studentTasks({
  config,
  inputs,
  seed,
  reporter,
}: ToolUseJob): Promise<{ train: Conversation[]; heldOut: Conversation[] }> {
  const isOneQuestion = ({ messages, check, language, tools }: Conversation): boolean =>
    check !== undefined &&
    tools === undefined &&
    spokenLanguages.some((each) => each === language) &&
    messages[0].role === 'user' &&
    messages.filter(({ role }) => role === 'user').length === 1;
  const read = async (path: string, most: number): Promise<Conversation[]> => {
    const tasks = (await readTasks(path, reporter)).filter(isOneQuestion);
    return Random.stream(seed, 'student-tasks').shuffle(tasks).slice(0, most);
  };
  const most = { train: Math.ceil(config.count / 6), heldOut: Math.ceil(config.heldOut / 3) };
  if (config.tasks !== undefined) {
    const tasks = await read(config.tasks, most.train + most.heldOut);
    const heldOut = Math.min(most.heldOut, Math.floor(tasks.length / 10));
    return { train: tasks.slice(heldOut), heldOut: tasks.slice(0, heldOut) };
  }
  if (inputs.selfInstruct === undefined) return { train: [], heldOut: [] };
  return {
    train: await read(join(inputs.selfInstruct, promptRowsName), most.train),
    heldOut: await read(join(inputs.selfInstruct, heldOutRowsName), most.heldOut),
  };
}

/** What the student answers right nearly always, as it answers it. */
function directly(
  tasks: readonly Conversation[],
  attempts: Awaited<ReturnType<typeof askStudent>>,
  { directAbove }: Pick<ToolUseConfig, 'directAbove'>,
): Exchange[] {
  return tasks.flatMap(({ id, kind = 'task', language, group, messages, check }): Exchange[] => {
    const { rate, answer } = attempts.get(id) ?? { rate: 0 };
    if (rate <= directAbove || answer === undefined || check === undefined) return [];
    const own = [messages[0], { role: 'assistant', content: answer } as const];
    const wording = group ?? id;
    return [
      { id, kind: `direct ${kind}`, language: language as Spoken, wording, messages: own, check, needs: [], calls: 0 },
    ];
  });
}

function countsOf(rows: readonly Conversation[]): object {
  const counts: Record<string, Record<string, number>> = {};
  for (const { kind = '', language = '', group = '' } of rows) {
    const name = kind === 'none' ? `none: ${group.split(':')[0]}` : kind;
    counts[name] ??= {};
    counts[name][language] = (counts[name][language] ?? 0) + 1;
  }
  return { byKind: Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1))) };
}

function inWords(name: 'train' | 'heldOut', rows: readonly Conversation[], { between, direct }: Sorted): string {
  const none = rows.filter(({ kind }) => kind === 'none').length;
  const left = Object.values(between).reduce((sum, count) => sum + count, 0);
  const side = name === 'train' ? 'to learn' : 'held out';
  return `${countOf(rows.length, 'conversation')} ${side}: a call is right in ${formatCount(rows.length - none)}, none in ${formatCount(none)}; of the questions made for tools the student answers ${formatCount(direct.length)} alone, and ${formatCount(left)} now and then, which are skipped`;
}

function nothingToTeach(side: string, { dropped, exchanges }: ExchangeSet, { direct, between }: Sorted): UserError {
  const left = Object.values(between).reduce((sum, count) => sum + count, 0);
  const failed = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  return new UserError({
    what: `there is no question to teach a call for (${side})`,
    why: `of ${exchanges.length + failed} exercises, the tools gave no answer to ${failed}, the student answers ${direct.length} alone and ${left} now and then`,
    next: 'Raise toolUse.count or toolUse.callBelow, or name other toolUse.tools',
  });
}
