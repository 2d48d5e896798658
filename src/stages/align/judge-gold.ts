// Pairs whose better answer is known, for a judge to show itself on: those that a person names, held-out preferences, or a right and a
// wrong answer of the policy to each of some tasks with checks.
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { digestOf, sha256 } from '../../base/files.js';
import { countOf } from '../../base/format.js';
import { judgeGoldName } from '../../base/layout.js';
import { Random } from '../../base/random.js';
import { readSealed, writeSealed } from '../../base/sealed.js';
import type { Checkpoint } from '../../checkpoint/directory.js';
import type { AlignConfig } from '../../config/align.js';
import type { JudgeConfig } from '../../config/judge.js';
import { samplingAt } from '../../config/sampling.js';
import { detectLanguage } from '../../data/clean.js';
import { RowNotes } from '../../data/conversations/notes.js';
import { isPair, type Preference } from '../../data/preferences/types.js';
import type { Conversation } from '../../data/types.js';
import { answerCredit } from '../../evaluation/checks.js';
import type { GoldPair } from '../../evaluation/rewards/judged.js';
import { askedOf, languageOf } from '../../evaluation/scorers/judge.js';
import { type Answer, answerTasks } from '../../evaluation/tasks.js';
import { LocalModel } from '../../inference/local-model.js';
import type { Toolbox } from '../../tools/toolbox.js';
import { fewPrompts } from '../reward-model/licence.js';
import type { Job } from '../stage.js';
import { preferenceSources, preferencesFrom } from './given-sources.js';

export interface GoldInput {
  policy: Checkpoint;
  prompts: readonly Conversation[];
  /** Held-out preferences of people. */
  heldOut?: readonly Preference[];
  toolbox?: Toolbox;
}

/** @throws UserError where there is no such pair. */
export async function goldPairs(
  job: Job<AlignConfig>,
  { gold, goldPairs: most }: JudgeConfig,
  input: GoldInput,
): Promise<GoldPair[]> {
  const { reporter } = job;
  const given = gold === undefined ? (input.heldOut ?? []).flatMap(goldOf) : await readGold(job, gold);
  // Of too few prompts the judge could not but be refused.
  const isFew = fewPrompts(new Set(given.map(({ group }) => group)).size).length > 0;
  const canSample = input.prompts.some(({ check }) => check !== undefined);
  const isSampled = gold === undefined && (given.length === 0 || (isFew && canSample));
  const pairs = isSampled ? await sampledGold(job, most, input) : chosenBy(given, most);
  if (pairs.length === 0) throw noGold(gold);
  const from = isSampled ? 'right and wrong answers of the policy' : (gold ?? 'held-out preferences');
  reporter.note('info', `the judge is shown ${countOf(pairs.length, 'pair')} whose better answer is known: ${from}`);
  return pairs;
}

async function readGold({ reporter }: Job<AlignConfig>, path: string): Promise<GoldPair[]> {
  const notes = new RowNotes('known pair');
  const pairs: GoldPair[] = [];
  for (const source of await preferenceSources(path)) {
    for await (const { preference, where } of preferencesFrom(source, notes)) {
      const own = goldOf(preference);
      if (own.length === 0) notes.skip('it is no pair of answers', where);
      pairs.push(...own);
    }
  }
  notes.report(reporter);
  return pairs;
}

/** What the assistant says last on both sides; none of what is no pair. */
function goldOf({ prompt: messages, judgement, language }: Preference): GoldPair[] {
  if (!isPair(judgement)) return [];
  const [chosen, rejected] = [judgement.chosen, judgement.rejected].map((side) => side.at(-1)?.content ?? '');
  const asked = messages.findLast(({ role }) => role === 'user')?.content ?? '';
  return [{ group: digestOf(messages), messages, language: language ?? detectLanguage(asked), chosen, rejected }];
}

/** By hash: files are often sorted. */
function chosenBy(pairs: readonly GoldPair[], most: number): GoldPair[] {
  const keys = new Map(pairs.map((pair) => [pair, sha256(JSON.stringify(pair))]));
  return [...pairs].sort((a, b) => ((keys.get(a) ?? '') < (keys.get(b) ?? '') ? -1 : 1)).slice(0, most);
}

/** Answers to each task, of which one is to be right and one wrong. */
const samples = 8;
/** Tasks that are asked at a time, and in all for each pair that is wanted: of some all answers are right, or none is. */
const tasksAtOnce = 16;
const tasksForPair = 4;

const storedSchema = z.object({
  source: z.string(),
  pairs: z.array(z.object({ task: z.int().min(0), chosen: z.string(), rejected: z.string() })),
});

/** Kept once they are there: a run that resumes samples none again. */
async function sampledGold(job: Job<AlignConfig>, most: number, input: GoldInput): Promise<GoldPair[]> {
  const { config, seed, directory, signal, reporter } = job;
  const { policy, toolbox } = input;
  const tasks = Random.stream(seed, 'judge gold')
    .shuffle(input.prompts.filter(({ check }) => check !== undefined))
    .slice(0, tasksForPair * most);
  const path = join(directory, judgeGoldName);
  const { temperature, maxNewTokens } = config;
  const asked = tasks.map(({ messages, check }) => ({ messages, check }));
  const source = digestOf({ policy: policy.digest, seed, most, temperature, maxNewTokens, asked });
  const read = await readSealed(path);
  const stored = typeof read === 'string' ? undefined : storedSchema.safeParse(read.value).data;
  let pairs = stored?.source === source ? stored.pairs : undefined;
  if (pairs === undefined && tasks.length > 0) {
    pairs = [];
    const model = await LocalModel.of(policy);
    try {
      for (let from = 0; from < tasks.length && pairs.length < most; from += tasksAtOnce) {
        const answers = await answerTasks(model, tasks.slice(from, from + tasksAtOnce), {
          ...{ samples, maxNewTokens, toolbox, signal, seed: Random.stream(seed, 'judge gold answers').uint32() },
          sampling: samplingAt(temperature),
        });
        for (let i = 0; i < answers.length; i += samples) {
          pairs.push(
            ...rightAndWrong(answers.slice(i, i + samples)).map((pair) => ({ task: from + i / samples, ...pair })),
          );
        }
        const done = Math.min(pairs.length, most);
        reporter.emit({ type: 'progress', label: 'pairs for the judge', done, total: most, unit: 'pairs' });
      }
    } finally {
      await model.dispose();
    }
    pairs = pairs.slice(0, most);
    await writeSealed(path, { source, pairs });
  }
  return (pairs ?? []).map(({ task: at, ...texts }) => {
    const messages = [...askedOf({ task: tasks[at], ...(toolbox && { calls: [] }) })];
    return { group: digestOf(messages), messages, language: languageOf(tasks[at]), ...texts };
  });
}

/** The first right answer and the first wrong one, where there are both. */
function rightAndWrong(answers: readonly Answer[]): { chosen: string; rejected: string }[] {
  const right = answers.find((answer) => answerCredit(answer) === 1);
  const wrong = answers.find((answer) => answerCredit(answer) === 0 && answer.text.trim() !== '');
  return right === undefined || wrong === undefined ? [] : [{ chosen: right.text, rejected: wrong.text }];
}

function noGold(given?: string): UserError {
  const what = 'there is no pair of answers whose better one is known, for the judge to show what it is worth';
  if (given !== undefined)
    return new UserError({
      ...{ where: given, what, why: 'none of its rows has two answers of which one is preferred' },
      next: 'Give rows with prompt, chosen and rejected, or none (judge.gold): then held-out preferences or answers of the policy are shown',
    });
  return new UserError({
    ...{ where: 'align.scorers', what },
    why: 'the policy gave no right and wrong answer to one task with a check, or there are no such tasks',
    next: 'Give pairs: judge: {gold: PAIRS.jsonl}, rows with prompt, chosen and rejected',
  });
}
