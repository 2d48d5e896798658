// Speed of a step of GRPO through the real objective and the real training step: prompts of random tokens, groups of answers that the
// engine samples from the weights as they are, advantages, gradients, optimizer. Run it in a process of its own.
import { Random } from '../base/random.js';
import type { ComputeChoice, Precision } from '../config/compute.js';
import { resolvedOnline } from '../config/online.js';
import { resolvedPolicy } from '../config/policy.js';
import { samplingAt } from '../config/sampling.js';
import { trainSchema } from '../config/train.js';
import { Engine } from '../inference/engine.js';
import { disposeModel, initModel } from '../model/model.js';
import { openBackend } from '../tensor/backends.js';
import type { AnswerSource } from '../train/objectives/answer-source.js';
import { OnlineObjective } from '../train/objectives/online.js';
import { microBatches, type OnlineBatch } from '../train/objectives/sampled-batches.js';
import { createOptimizer, disposeOptimizer } from '../train/optimizer.js';
import { trainStep } from '../train/step.js';
import { randomIds } from './inputs.js';
import { residentBytes } from './resident.js';
import { type ShapeName, shapeOf } from './shapes.js';
import { timeSteps } from './steps.js';

export interface OnlineJob extends ComputeChoice {
  shape: ShapeName;
  precision: Precision;
  /** Steps to time; without it as many as fit 20 seconds, from 1 to 20. */
  steps?: number;
  seed: number;
}

export interface OnlineMeasurement {
  shape: ShapeName;
  precision: Precision;
  backend: string;
  parameters: number;
  /** Of a step, and those whose gradients are computed at a time. */
  answersPerStep: number;
  answersAtATime: number;
  promptTokens: number;
  answerTokens: number;
  steps: number;
  /** The median one, sampling included. */
  stepSeconds: number;
  /** Tokens of answers at the median step; and the quartiles. */
  tokensPerSecond: number;
  quartiles: [low: number, high: number];
  /** Of the time of all timed steps, what answering took. */
  samplingShare: number;
  peakRssMiB: number;
}

/** As bench/peers/grpo.py has them, but for how many are learnt from at a time: each side takes what it is fastest with. */
const onlineSettings = { prompts: 16, samples: 8, promptTokens: 64, answerTokens: 64, answersAtATime: 64 };
const promptCount = 480;

/** Opens the backend and trains a fresh model; `cancelled` is asked between steps. */
export async function measureOnline(
  job: OnlineJob,
  cancelled: () => boolean = () => false,
): Promise<OnlineMeasurement> {
  const { name: backend } = await openBackend(job.backend, job);
  const { prompts, samples, promptTokens, answerTokens, answersAtATime: batchSize } = onlineSettings;
  const shape = shapeOf(job.shape, promptTokens + answerTokens);
  const { config: modelConfig } = shape;
  const model = initModel(modelConfig, job.seed);
  const optimizer = createOptimizer(model);
  const config = trainSchema.parse({ learningRate: 1e-6, schedule: 'constant' });
  const online = resolvedOnline({ promptsPerStep: prompts });
  const objective = new OnlineObjective(answering(job.seed, modelConfig.vocab_size), {
    ...{ method: 'grpo', policy: resolvedPolicy({}, 'grpo'), online, samplesPerPrompt: samples },
    ...{ maxNewTokens: answerTokens, batchSize, padId: modelConfig.pad_token_id, temperature: 1, seed: job.seed },
    scorers: [{ name: 'even', weight: 1 }],
  });
  const count = microBatches({ method: 'grpo', online, samplesPerPrompt: samples, batchSize });
  const shares: number[] = [];
  const run = async (step: number) => {
    const start = performance.now();
    const batches: OnlineBatch[] = [];
    while (batches.length < count) batches.push(await objective.next({ model, step }));
    const sampled = performance.now();
    const at = { step, learningRate: config.learningRate };
    const { loss } = await trainStep(model, optimizer, objective, batches, config, at);
    const ended = performance.now();
    shares.push((sampled - start) / (ended - start));
    return { seconds: (ended - start) / 1000, tokens: prompts * samples * answerTokens, loss };
  };
  try {
    const { secondsPerToken, loss: _, ...timing } = await timeSteps(run, { steps: job.steps, cancelled });
    const timed = shares.slice(-Math.max(1, timing.steps));
    return {
      ...{ shape: job.shape, precision: job.precision, backend, parameters: shape.parameters },
      ...{ answersPerStep: prompts * samples, answersAtATime: batchSize, promptTokens, answerTokens, ...timing },
      stepSeconds: secondsPerToken.median * prompts * samples * answerTokens,
      samplingShare: timed.reduce((sum, share) => sum + share, 0) / timed.length,
      peakRssMiB: residentBytes('VmHWM') / 2 ** 20,
    };
  } finally {
    disposeOptimizer(optimizer);
    disposeModel(model);
  }
}

/** Answers by the engine, each as long as it may be; the reward is the share of even tokens. */
function answering(seed: number, vocabulary: number): AnswerSource {
  const { samples, promptTokens, answerTokens } = onlineSettings;
  const random = Random.stream(seed, 'bench-online');
  const prompts = Array.from({ length: promptCount }, () => [...randomIds(promptTokens, vocabulary, random)]);
  return {
    ...{ identity: 'bench', length: prompts.length },
    async draw({ model, sampling, prompts: places }) {
      const engine = new Engine(model);
      try {
        const answers = await engine.run(
          places.map((place, i) => ({
            ...{ tokens: prompts[place], samples, maxNewTokens: answerTokens, stopIds: [] },
            ...{ sampling: samplingAt(1), seed: Random.stream(seed, `${sampling}/${i}`).uint32() },
          })),
        );
        return places.map((place, i) => {
          const own = answers.slice(i * samples, (i + 1) * samples).map(({ tokens }) => [...tokens]);
          return {
            answers: own.map((tokens, n) => ({
              id: `${sampling}/${i}#${n}`,
              tokens: [...prompts[place], ...tokens],
              loss: [...prompts[place].map(() => 0), ...tokens.map(() => 1)],
              ended: true,
            })),
            rewards: [own.map((tokens) => tokens.filter((id) => id % 2 === 0).length / tokens.length)],
          };
        });
      } finally {
        await engine.dispose();
      }
    },
    logProbabilities: (_at, measure) => measure(),
    values: (_at, measure) => measure(),
  };
}
