// mossctl annotate: one item after the other, each judgement on the disk before the next is shown. What is interrupted is
// resumed by the same command: what this person has judged is not shown again.
import { existsSync } from 'node:fs';
import pc from 'picocolors';
import { UserError } from '../../base/errors.js';
import { countOf } from '../../base/format.js';
import { flagOverrides } from '../../base/overrides.js';
import { mossctlCommand } from '../../base/shell.js';
import { parseYaml } from '../../base/yaml.js';
import type { Quantization } from '../../config/compute.js';
import { pipelineSchema } from '../../config/pipeline.js';
import { askedSamplingSchema, type Sampling } from '../../config/sampling.js';
import type { Conversation } from '../../data/types.js';
import { askableTasks, readTasks } from '../../evaluation/tasks.js';
import { agreements, kappaInWords } from '../../feedback/agreement.js';
import { type Item, readItems } from '../../feedback/items.js';
import { readFeedbackPrompts } from '../../feedback/preferences.js';
import { type Judgement, lineOf } from '../../feedback/record.js';
import { type NamedModel, type SampleOptions, sampleItem, sampleRequests } from '../../feedback/sampled.js';
import type { FeedbackSession } from '../../feedback/session.js';
import { defaultStore, readFeedback } from '../../feedback/store.js';
import { feedbackFigures } from '../../feedback/summary.js';
import { LocalModel } from '../../inference/local-model.js';
import { type StageReporter, stageReporter } from '../../report/event.js';
import { feedbackOutlook } from '../../stages/align/feedback-outlook.js';
import { askChoice, showItem, sideOf, sittingInWords } from '../annotation.js';
import { openChosenBackend } from '../compute.js';
import { type FeedbackOptions, openFeedback, requireStore, storePath } from '../feedback-store.js';
import type { ComputeOptions, OutputOptions } from '../options.js';
import { noteOnStderr, printJson, printLine, printNotes, shownPath, verbatim, warnOnStderr } from '../output.js';
import { openTypist, type Typist } from '../typist.js';

type AnnotateOptions = FeedbackOptions &
  ComputeOptions &
  OutputOptions & { [Key in keyof Sampling]?: string } & {
    prompts?: string;
    answers?: string;
    count?: number;
    skipped?: boolean;
    seed: number;
    maxNewTokens: number;
    verify: boolean;
    quantize?: Quantization;
  };

/** Something to judge: an item, or what makes one when its turn comes (a text says why there is none). */
interface Turn {
  keys: readonly string[];
  item(): Promise<Item | string>;
}

export async function annotate(names: readonly string[], options: AnnotateOptions): Promise<void> {
  checkOptions(names, options);
  const session = await openFeedback(options);
  const judged = await judgedIn(session.path);
  const models: NamedModel[] = [];
  const typist = openTypist();
  try {
    if (names.length > 0) await openChosenBackend(options);
    for (const name of names) models.push({ name, model: await LocalModel.open(name, options) });
    for (const { model } of models) printNotes(model, options);
    const turns = (await turnsOf(models, judged, options)).slice(0, options.count);
    const done = doneBy(session.annotator, judged, options);
    const open = turns.filter(({ keys }) => !keys.some((key) => done.has(key)));
    const sitting = await judgeAll(open, turns.length, { session, typist, options });
    if (!options.json) await printEnd(sitting, session, turns.length - open.length, names.at(-1));
  } finally {
    typist.close();
    for (const { model } of models) await model.dispose();
  }
}

function checkOptions(names: readonly string[], options: AnnotateOptions): void {
  const faults = [];
  const asks = options.answers === undefined;
  if (asks && names.length === 0) {
    faults.push({
      what: 'there is nothing to judge',
      next: 'Name one or two models and --prompts FILE, or --answers FILE',
    });
  }
  if (asks && names.length > 0 && options.prompts === undefined) {
    faults.push({ what: 'the models have nothing to answer', next: 'Give --prompts FILE, or --prompts feedback' });
  }
  if (!asks && names.length > 0) {
    faults.push({ what: 'the answers are given, so no model is asked', next: 'Omit the models, or --answers' });
  }
  if (names.length > 2) faults.push({ what: 'answers of two models are compared, not of more', next: 'Name two' });
  if (names.length === 1 && Number(options.temperature) === 0) {
    faults.push({
      what: 'at temperature 0 one model answers the same twice',
      next: 'Omit --temperature 0, or name two models',
    });
  }
  if (faults.length > 0) throw new UserError(faults);
}

async function judgedIn(path: string): Promise<Judgement[]> {
  const judged: Judgement[] = [];
  for await (const judgement of readFeedback(path)) judged.push(judgement);
  return judged;
}

/** Items and requests that this person has judged, or skipped. */
function doneBy(annotator: string, judged: readonly Judgement[], { skipped }: AnnotateOptions): Set<string> {
  const own = judged.filter((each) => each.annotator === annotator && !(skipped && each.verdict === 'skip'));
  return new Set(own.flatMap(({ item, request }) => (request === undefined ? [item] : [item, request])));
}

async function turnsOf(models: NamedModel[], judged: readonly Judgement[], options: AnnotateOptions): Promise<Turn[]> {
  const note = options.quiet ? () => undefined : noteOnStderr;
  if (options.answers !== undefined) {
    const path =
      options.answers === keyword && !existsSync(keyword) ? await requireStore(storePath(options)) : options.answers;
    return (await readItems(path, note)).map((item) => ({ keys: [item.item], item: async () => item }));
  }
  const prompts = await promptsOf(models, options);
  const { temperature, topK, topP, minP, repetitionPenalty, maxNewTokens, seed } = options;
  const flags = flagOverrides({ temperature, topK, topP, minP, repetitionPenalty });
  const sampling = parseYaml({ path: 'the command line', text: '' }, askedSamplingSchema, flags);
  const sample: SampleOptions = { sampling, maxNewTokens, seed };
  const known = new Map(judged.flatMap((each) => (each.request === undefined ? [] : [[each.request, each] as const])));
  const conversations = new Map(judged.map(({ id, conversation }) => [`feedback:${id}`, conversation]));
  return sampleRequests(prompts, models, sample).map((request, i) => ({
    keys: [request.request],
    item: async () => {
      const earlier = known.get(request.request);
      const item = earlier ?? (await sampleItem(request, models, sample));
      const conversation = conversations.get(prompts[i].id);
      return typeof item === 'string' || conversation === undefined ? item : { ...item, conversation };
    },
  }));
}

const keyword = 'feedback';

async function promptsOf(models: readonly NamedModel[], options: AnnotateOptions): Promise<Conversation[]> {
  const reporter = reporterOf(options);
  let prompts: Conversation[] = [];
  if (options.prompts === keyword && !existsSync(keyword)) {
    for await (const prompt of readFeedbackPrompts(await requireStore(storePath(options)))) prompts.push(prompt);
  } else prompts = await readTasks(options.prompts ?? '', reporter);
  for (const { model } of models) prompts = askableTasks(prompts, model.template, reporter);
  return prompts;
}

function reporterOf({ quiet }: OutputOptions): StageReporter {
  return stageReporter(
    {
      emit(event) {
        if (event.type !== 'note') return;
        if (event.level === 'warning') warnOnStderr(event.text);
        else if (!quiet) noteOnStderr(event.text);
      },
    },
    'annotate',
  );
}

interface Sitting {
  session: FeedbackSession;
  typist: Typist;
  options: AnnotateOptions;
}

/** @returns what was judged now. The answers to the next item are drawn while this one is read. */
async function judgeAll(open: readonly Turn[], total: number, sitting: Sitting): Promise<Judgement[]> {
  const { session, typist, options } = sitting;
  const say = options.json ? () => undefined : printLine;
  const history: { index: number; judgement: Judgement }[] = [];
  const items = new Map<number, Promise<Item | string>>();
  const itemAt = (index: number): Promise<Item | string> => {
    const item = items.get(index) ?? open[index].item();
    item.catch(() => undefined); // said when its turn comes
    items.set(index, item);
    return item;
  };
  for (let index = 0; index < open.length; ) {
    const item = await itemAt(index);
    if (index + 1 < open.length) setImmediate(() => void itemAt(index + 1));
    if (typeof item === 'string') {
      warnOnStderr(`skipped one prompt: ${item}`);
      index++;
      continue;
    }
    const shownFirst = item.answers.length === 1 ? 0 : sideOf(item, options.seed, session.annotator);
    const number = total - open.length + index + 1;
    if (options.json) printItem(item, shownFirst, number, total);
    else showItem(item, shownFirst, `${number} of ${total}`);
    const choice = await askChoice(item, shownFirst, typist, say);
    if ('action' in choice) {
      if (choice.action === 'quit') break;
      const last = history.pop();
      if (last === undefined)
        say('There is nothing to take back in this sitting (`mossctl feedback undo ID` does it later).');
      else {
        await session.undo(last.judgement);
        index = last.index;
        say('Taken back.');
      }
      continue;
    }
    const { conversation, prompt, tools, answers, request } = item;
    const given = { conversation, prompt, ...(tools && { tools }), answers, ...(request !== undefined && { request }) };
    const judgement = await session.judge({ ...given, ...choice });
    if (options.json) printJson(JSON.parse(lineOf(judgement)));
    else
      say(
        pc.dim(
          `kept: ${choice.edited === undefined ? '' : 'your text, and '}${shownVerdict(choice.verdict, shownFirst)}`,
        ),
      );
    history.push({ index, judgement });
    index++;
  }
  return history.map(({ judgement }) => judgement);
}

/** As the person saw it. */
function shownVerdict(verdict: string, shownFirst: 0 | 1): string {
  if (verdict !== 'first' && verdict !== 'second') return verdict.replace('-', ' ');
  return `${(verdict === 'first') === (shownFirst === 0) ? 'A' : 'B'} is better`;
}

function printItem({ item, prompt, answers }: Item, shownFirst: 0 | 1, number: number, total: number): void {
  const shown = shownFirst === 0 ? answers : [...answers].reverse();
  printJson({ type: 'item', item, number, total, prompt, answers: shown.map(({ messages }) => messages) });
}

/** @param model that learns from them: of two the second, which is the newer by custom. */
async function printEnd(
  judgements: readonly Judgement[],
  session: FeedbackSession,
  before: number,
  model = 'MODEL',
): Promise<void> {
  const path = shownPath(session.path);
  if (judgements.length === 0) printLine(`\nNothing was judged now${before > 0 ? `; ${before} were before` : ''}.`);
  else {
    printLine(`\n${countOf(judgements.length, 'judgement')} by ${verbatim(session.annotator)} in ${path}:`);
    for (const line of sittingInWords(judgements)) printLine(`  ${line}`);
  }
  for (const { annotators, items, kappa } of agreements(await judgedIn(session.path))) {
    if (!annotators.includes(session.annotator)) continue;
    const value = Number.isNaN(kappa) ? '' : `${kappa.toFixed(2)}, `;
    printLine(
      `  ${annotators.map(verbatim).join(' and ')}: Cohen's κ ${value}${kappaInWords(kappa)}, on ${countOf(items, 'item')}`,
    );
  }
  const { preferences } = await feedbackFigures(session.path);
  const { refusal } = feedbackOutlook(preferences, path, pipelineSchema.shape.seed.parse(undefined));
  if (refusal !== undefined) return printLine(`Too few to learn from yet: ${refusal.faults[0].what}.`);
  const data = session.path === defaultStore ? keyword : session.path;
  printLine(`Learn from them: ${mossctlCommand('align', '--from', model, '--data', data, '--out', 'runs/judged')}`);
}
