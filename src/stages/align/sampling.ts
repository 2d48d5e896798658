// What a round asks the policy for: k answers to each prompt (the prompt is read once), scored and made into what the round
// learns from, beside what people gave. Answers are kept as they come.
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { digestOf, exists, sha256File, writeFileAtomic } from '../../base/files.js';
import { Journal } from '../../base/journal.js';
import { toJsonl } from '../../base/jsonl.js';
import { pairsName, sampledAnswersName, sampledName } from '../../base/layout.js';
import { isRecord } from '../../base/objects.js';
import { Random } from '../../base/random.js';
import { jsonNumber } from '../../base/schema.js';
import { writeSealed } from '../../base/sealed.js';
import type { Checkpoint } from '../../checkpoint/directory.js';
import { samplingAt } from '../../config/sampling.js';
import { type ScoredAnswer, scoreAnswers } from '../../evaluation/scorer.js';
import type { Answer } from '../../evaluation/tasks.js';
import { LocalModel } from '../../inference/local-model.js';
import type { Message } from '../../tokenizer/message.js';
import { Tokenizer } from '../../tokenizer/tokenizer.js';
import type { RanCall } from '../../tools/tool.js';
import { methods } from '../../train/objectives/methods.js';
import { answerOnRanks } from '../answers.js';
import { bestAnswer, isPair, labelsOf, makePairs, type RoundRow, readRoundRows, recordOf } from './pairs.js';
import { type RoundSource, readOwn, sourceSchema, warnRebuilt } from './provenance.js';
import { withTags } from './quality-tags.js';
import type { RoundInput } from './round.js';

/** Beside what the round learns from: its sha256. */
const sampledSchema = z.object({
  source: sourceSchema,
  /** Mean reward of the sampled answers; absent where none were sampled. */
  sampledReward: jsonNumber.optional(),
  pairs: z.string(),
  /** Tokens of prompts (each once) and answers. */
  sampledTokens: z.int(),
  /** Ids of the records in a feedback store that the round learns from. */
  learntFrom: z.array(z.string()),
});

const ids = z.array(z.int().min(0));
/** An answer as it is kept; with tools, what it is scored by: no call is made again. */
const answerSchema = z.object({
  ...{ tokens: ids, text: z.string(), ended: z.boolean() },
  loss: z.array(z.int()).optional(),
  calls: z.array(z.custom<RanCall>(isRecord)).optional(),
  messages: z.array(z.custom<Message>(isRecord)).optional(),
});
/** The answers to one prompt, by its place among those of the round. */
const answersSchema = z.object({ task: z.int(), prompt: ids, answers: z.array(answerSchema) });

interface RoundData {
  rows: RoundRow[];
  sampledReward?: number;
  sampledTokens: number;
}

/** Samples and scores, or reads what an interrupted try had already sampled. */
export async function roundData(input: RoundInput, source: RoundSource, directory: string): Promise<RoundData> {
  const { job } = input;
  const path = join(directory, pairsName);
  const summaryPath = join(directory, sampledName);
  // Written last, with the digest of the rows: where it is, they are whole or damaged.
  const summary = await readOwn(summaryPath, sampledSchema, source, job);
  if (summary !== undefined) {
    const digest = (await exists(path)) ? await sha256File(path) : undefined;
    const { sampledReward, sampledTokens } = summary;
    if (digest === summary.pairs) return { rows: await readRoundRows(path), sampledReward, sampledTokens };
    warnRebuilt(job, path);
  }
  const answers = await scoredAnswers(input, source, directory);
  const rows = await rowsOf(input, answers);
  const rewards = answers.flatMap(({ reward }) => reward ?? []);
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  const sampledReward = rewards.length === 0 ? undefined : mean;
  const sampledTokens = answers.reduce((sum, { promptTokens, tokens }, i) => {
    return sum + tokens.length + (i % job.config.samplesPerPrompt === 0 ? promptTokens.length : 0);
  }, 0);
  const learntFrom = [...new Set(rows.flatMap(recordOf))].sort();
  await writeFileAtomic(path, toJsonl(rows));
  await writeSealed(summaryPath, {
    source,
    ...(sampledReward !== undefined && { sampledReward }),
    ...{ pairs: await sha256File(path), sampledTokens, learntFrom },
  });
  return { rows, sampledReward, sampledTokens };
}

/** What the method learns from, of sampled answers and of what people gave. */
async function rowsOf({ job, given, policy }: RoundInput, answers: readonly ScoredAnswer[]): Promise<RoundRow[]> {
  const { config } = job;
  const { method } = config;
  const rows: RoundRow[] = [];
  if (answers.length > 0) {
    const options = { ...config, endToken: await turnEndOf(policy) };
    for (let i = 0; i < answers.length; i += config.samplesPerPrompt) {
      const group = answers.slice(i, i + config.samplesPerPrompt);
      if (method === 'best-of-n') rows.push(...bestAnswer(group, options));
      else if (methods[method].rows === 'pairs') rows.push(...makePairs(group, options));
      else rows.push(...makePairs(group, options).flatMap(labelsOf));
    }
  }
  rows.push(...(given?.pairs ?? []), ...(given?.labelled ?? []));
  if (method === 'best-of-n') return rows.filter((row) => !isPair(row) && row.isGood);
  return method === 'quality-tags' ? withTags(rows, await Tokenizer.open(policy.tokenizerFolder)) : rows;
}

async function turnEndOf({ tokenizerFolder }: Checkpoint): Promise<number> {
  return (await Tokenizer.open(tokenizerFolder)).specialId('turnEnd');
}

async function scoredAnswers(input: RoundInput, source: RoundSource, directory: string): Promise<ScoredAnswer[]> {
  const { job, round, prompts, policy, scorer, evidence } = input;
  const { config, seed, signal } = job;
  const { toolbox } = evidence;
  const chosen = Random.stream(seed, `align-prompts-${round}`)
    .shuffle([...prompts])
    .slice(0, config.promptsPerRound);
  if (chosen.length === 0) return [];
  const places = new Map(chosen.map((task, i) => [task, i]));
  const answers = await Journal.use(join(directory, sampledAnswersName), digestOf(source), async (journal) => {
    const known = new Map(
      journal.entries.map((entry) => answersSchema.parse(entry)).map((entry) => [entry.task, entry]),
    );
    const missing = chosen.filter((_, i) => !known.has(i));
    if (missing.length === 0) return known;
    await withModel(policy, (model) =>
      answerOnRanks(job, 'align', model, missing, {
        ...{ samples: config.samplesPerPrompt, maxNewTokens: config.maxNewTokens, toolbox, signal },
        sampling: samplingAt(config.temperature),
        seed: Random.stream(seed, `align-samples-${round}`).uint32(),
        onProgress: (done, total) =>
          job.reporter.emit({ type: 'progress', label: `round ${round}: sampling`, done, total, unit: 'answers' }),
        onAnswers(own) {
          const [{ task, promptTokens: prompt }] = own;
          const entry = {
            ...{ task: places.get(task) ?? 0, prompt },
            answers: own.map(({ task: _, promptTokens: __, ...answer }) => answer),
          };
          known.set(entry.task, entry);
          journal.append(entry);
        },
      }),
    );
    return known;
  });
  const sampled = chosen.flatMap((task, i): Answer[] => {
    const { prompt: promptTokens = [], answers: own = [] } = answers.get(i) ?? {};
    return own.map((answer) => ({ task, promptTokens, ...answer }));
  });
  return scoreAnswers(scorer, sampled, signal);
}

async function withModel<T>(checkpoint: Checkpoint, use: (loaded: LocalModel) => Promise<T>): Promise<T> {
  const loaded = await LocalModel.of(checkpoint);
  try {
    await setImmediate();
    return await use(loaded);
  } finally {
    await loaded.dispose();
  }
}
