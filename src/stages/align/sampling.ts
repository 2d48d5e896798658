// What a round asks the policy for: k answers to each prompt (the prompt read once), scored and made into pairs, and answers
// to the held-out tasks.
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { exists, sha256File, writeFileAtomic } from '../../base/files.js';
import { toJsonl } from '../../base/jsonl.js';
import { pairsName, sampledName } from '../../base/layout.js';
import { Random } from '../../base/random.js';
import { jsonNumber } from '../../base/schema.js';
import { writeSealed } from '../../base/sealed.js';
import type { Checkpoint } from '../../checkpoint/directory.js';
import { samplingAt } from '../../config/sampling.js';
import type { Conversation } from '../../data/types.js';
import { scoreAnswers } from '../../evaluation/scorer.js';
import { type Answer, answerTasks } from '../../evaluation/tasks.js';
import { LocalModel } from '../../inference/local-model.js';
import { makePairs, type Pair, readPairs, scoreReferences } from './pairs.js';
import { type RoundSource, readOwn, sourceSchema, warnRebuilt } from './provenance.js';
import type { RoundInput } from './round.js';

/** Beside the sampled pairs: their sha256, and the tokens of prompts (each once) and answers. */
const sampledSchema = z.object({ source: sourceSchema, sampledReward: jsonNumber, pairs: z.string(), tokens: z.int() });

/** Samples and scores, or reads what an interrupted try had already sampled. */
export async function samplePairs(input: RoundInput, source: RoundSource, directory: string) {
  const { job, round, prompts, policy, scorer } = input;
  const { config } = job;
  const path = join(directory, pairsName);
  const summaryPath = join(directory, sampledName);
  // Written last, with the digest of the pairs: where it is, they are whole or damaged.
  const summary = await readOwn(summaryPath, sampledSchema, source, job);
  if (summary !== undefined) {
    const digest = (await exists(path)) ? await sha256File(path) : undefined;
    const { sampledReward, tokens } = summary;
    if (digest === summary.pairs) return { pairs: await readPairs(path), sampledReward, tokens };
    warnRebuilt(job, path);
  }
  return withModel(policy, async (loaded) => {
    const chosen = Random.stream(job.seed, `align-prompts-${round}`)
      .shuffle([...prompts])
      .slice(0, config.promptsPerRound);
    const sampled = await sampleAnswers(input, loaded, chosen, {
      label: 'sampling',
      samples: config.samplesPerPrompt,
      seed: Random.stream(job.seed, `align-samples-${round}`).uint32(),
    });
    const answers = await scoreAnswers(scorer, sampled, job.signal);
    const options = { ...config, endToken: loaded.tokenizer.specialId('turnEnd') };
    const pairs: Pair[] = [];
    let tokens = 0;
    for (let i = 0; i < answers.length; i += config.samplesPerPrompt) {
      const own = answers.slice(i, i + config.samplesPerPrompt);
      pairs.push(...makePairs(own, options));
      tokens += own[0].promptTokens.length + own.reduce((sum, answer) => sum + answer.tokens.length, 0);
    }
    await scoreReferences(loaded.model, pairs, config.train.batchSize);
    const sampledReward = answers.reduce((sum, { reward }) => sum + reward, 0) / answers.length;
    await writeFileAtomic(path, toJsonl(pairs));
    await writeSealed(summaryPath, { source, sampledReward, pairs: await sha256File(path), tokens });
    return { pairs, sampledReward, tokens };
  });
}

function sampleAnswers(
  { job: { config, signal, reporter }, round }: RoundInput,
  model: LocalModel,
  tasks: readonly Conversation[],
  { label, ...options }: { label: string; samples: number; seed: number },
): Promise<Answer[]> {
  return answerTasks(model, tasks, {
    ...options,
    maxNewTokens: config.maxNewTokens,
    sampling: samplingAt(config.temperature),
    signal,
    onProgress: (done, total) =>
      reporter.emit({ type: 'progress', label: `round ${round}: ${label}`, done, total, unit: 'answers' }),
  });
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
