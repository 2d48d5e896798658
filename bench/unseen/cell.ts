// The base that all cells begin from, and one cell: fine-tuned on its families, then asked.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory, writeFileAtomic } from '../../src/base/files.js';
import { toJsonl } from '../../src/base/jsonl.js';
import { checkAnswer } from '../../src/evaluation/checks.js';
import { answerTasks } from '../../src/evaluation/tasks.js';
import { LocalModel } from '../../src/inference/local-model.js';
import { tokenLogProbabilities } from '../../src/inference/score.js';
import { loadPipeline } from '../../src/pipeline/load.js';
import { runPipeline } from '../../src/pipeline/run.js';
import { type Reporter, stageReporter } from '../../src/report/event.js';
import { sftStage } from '../../src/stages/sft/stage.js';
import type { StageOutput } from '../../src/stages/stage.js';
import { type Cell, type Design, nameOf, recipe } from './design.js';
import { type Question, questionsOf, resultOf, trainingRows } from './rows.js';

export interface Base {
  /** Checkpoint, and the tokens that a share of the rows stays with. */
  path: string;
  tokens: string;
}

/** Right answers of one family, in both languages. */
export interface FamilyScore {
  family: string;
  isSeen: boolean;
  shots: number;
  questions: number;
  right: number;
  /** The right answer was likelier than those of up to three other questions of the family; `chance`: what guessing expects. */
  likelier?: number;
  chance?: number;
}

export interface CellResult extends Cell {
  scores: FamilyScore[];
  /** What the model said, for the reader: a few of each kind. */
  samples: { prompt: string; wanted: string; said: string }[];
  trainSeconds: number;
  askSeconds: number;
}

export interface CellRequest {
  design: Design;
  folder: string;
  threads: number;
  reporter: Reporter;
}

/** Text, tokenizer, base model and the steps of copying; made once, resumed by the pipeline where it was stopped. */
export async function prepareBase({ design, folder, threads, reporter }: CellRequest): Promise<Base> {
  const config = await loadPipeline({ config: recipe, set: [...design.set, `threads=${threads}`] });
  const { outputs } = await runPipeline({
    config: { ...config, sft: undefined },
    only: 'pretrain',
    runDirectory: join(folder, 'base'),
    reporter,
  });
  const [pretrain, tokens] = [outputs.pretrain?.path ?? '', outputs.tokens?.path ?? ''];
  const steps = design.copyingSteps;
  // No row of these is read: the steps of copying come first, and there are no others.
  const data = join(folder, 'nothing.jsonl');
  await writeFileAtomic(data, toJsonl([{ prompt: 'Hello', completion: 'Hello.' }]));
  const set = [`sft.data=${data}`, `sft.copying.steps=${steps}`, `sft.train.steps=${steps}`, 'sft.textShare=0'];
  const { path } = await fineTune(set, { pretrain, tokens }, 42, 'copying', { design, folder, threads, reporter });
  return { path, tokens };
}

async function fineTune(
  set: readonly string[],
  inputs: { pretrain: string; tokens: string },
  seed: number,
  name: string,
  { design, folder, threads, reporter }: CellRequest,
): Promise<StageOutput> {
  const { sft } = await loadPipeline({ config: recipe, set: [...design.set, ...set] });
  if (sft === undefined) throw new Error('the recipe has no sft block');
  const directory = join(folder, name, 'sft');
  await makeDirectory(directory);
  return sftStage.run({
    ...{ config: sft, inputs, directory, seed },
    compute: { backend: 'auto', threads, precision: 'fp32' },
    reporter: stageReporter(reporter, 'sft'),
  });
}

export async function runCell(cell: Cell, base: Base, request: CellRequest): Promise<CellResult> {
  const { design, folder } = request;
  const own = join(folder, nameOf(cell));
  await rm(own, { recursive: true, force: true }); // of a cell that was stopped: it takes a minute or two
  await makeDirectory(own);
  const data = join(own, 'rows.jsonl');
  await writeFileAtomic(data, toJsonl(trainingRows(cell, design)));
  const started = performance.now();
  const inputs = { pretrain: base.path, tokens: base.tokens };
  const { path } = await fineTune([`sft.data=${data}`], inputs, cell.seed, nameOf(cell), request);
  const trained = performance.now();
  const asked = await askCell(cell, path, design);
  await rm(own, { recursive: true, force: true });
  const seconds = (from: number, to: number): number => Math.round((to - from) / 1000);
  return {
    ...cell,
    ...asked,
    trainSeconds: seconds(started, trained),
    askSeconds: seconds(trained, performance.now()),
  };
}

const maxNewTokens = { direct: 40, worked: 100 };
const shownSamples = 24;

async function askCell(cell: Cell, path: string, design: Design): Promise<Pick<CellResult, 'scores' | 'samples'>> {
  const model = await LocalModel.open(path);
  try {
    const questions = questionsOf(cell, design);
    const answers = await answerTasks(model, questions, { maxNewTokens: maxNewTokens[cell.style], seed: cell.seed });
    const likelier = cell.style === 'direct' ? await choose(model, questions) : [];
    const scores = new Map<string, FamilyScore>();
    const samples: CellResult['samples'] = [];
    for (const [i, question] of questions.entries()) {
      const { family, isSeen, shots, result, language } = question;
      const said = answers[i].text;
      const key = `${family} ${shots}`;
      const score = scores.get(key) ?? { family, isSeen, shots, questions: 0, right: 0 };
      score.questions++;
      const isRight = checkAnswer({ type: 'equals', answer: result }, resultOf(said, language, cell.style), language);
      if (isRight) score.right++;
      if (likelier[i] !== undefined) {
        score.likelier = (score.likelier ?? 0) + Number(likelier[i]);
        score.chance = (score.chance ?? 0) + 1 / (1 + question.wrong.length);
      }
      scores.set(key, score);
      if (i % Math.ceil(questions.length / shownSamples) === 0)
        samples.push({ prompt: question.messages.at(-2)?.content ?? '', wanted: result, said });
    }
    return { scores: [...scores.values()], samples };
  } finally {
    await model.dispose();
  }
}

/** Whether each right answer is likelier, as a whole, than each wrong one. */
async function choose(model: LocalModel, questions: readonly Question[]): Promise<boolean[]> {
  const sequences: { question: number; from: number; tokens: number[] }[] = [];
  for (const [i, { messages, result, wrong }] of questions.entries()) {
    const prompt = messages.slice(0, -1);
    const from = model.template.encode(prompt, { addGenerationPrompt: true }).tokens.length;
    for (const content of [result, ...wrong]) {
      const { tokens } = model.template.encode([...prompt, { role: 'assistant', content }]);
      sequences.push({ question: i, from, tokens: [...tokens] });
    }
  }
  const values = await tokenLogProbabilities(
    model.model,
    sequences.map(({ tokens }) => tokens),
  );
  const totals = questions.map((): number[] => []);
  for (const [i, { question, from }] of sequences.entries())
    totals[question].push(values[i].subarray(from - 1).reduce((sum, value) => sum + value, 0));
  return totals.map(([right, ...others]) => others.every((other) => right > other));
}
