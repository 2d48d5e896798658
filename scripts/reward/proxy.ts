// npm run test:proxy: a proxy whose fault is known, gold + 0.3 · length, is followed past the point where gold turns. The licence's curve
// (best of n answers of the start, nothing trained) says where that will be; real steps of RLOO on the proxy, with the KL from the start
// and gold measured at each, say where it was. Factor: one over the other, the larger above.
//   --seeds 1,2,3  --steps 70  --points (every step's KL and gold)
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { modelConfig } from '../../src/architecture/config.js';
import { alarmsSchema } from '../../src/config/alarms.js';
import { modelSchema } from '../../src/config/model.js';
import { resolvedPolicy } from '../../src/config/policy.js';
import { samplingAt } from '../../src/config/sampling.js';
import { trainSchema } from '../../src/config/train.js';
import { bestOfN } from '../../src/evaluation/rewards/best-of-n.js';
import { Engine } from '../../src/inference/engine.js';
import { initModel, type Model } from '../../src/model/model.js';
import { stageReporter } from '../../src/report/event.js';
import { OnlineAlarms } from '../../src/stages/align/online-alarms.js';
import { openBackend } from '../../src/tensor/backends.js';
import type { AnswerSource } from '../../src/train/objectives/answer-source.js';
import { OnlineObjective } from '../../src/train/objectives/online.js';
import type { AnswerGroup } from '../../src/train/objectives/sampled-batches.js';
import { train } from '../../src/train/trainer.js';

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1,2,3' },
    steps: { type: 'string', default: '70' },
    points: { type: 'boolean', default: false },
  },
});

// 32 tokens, of which eight end an answer: two of these well. A policy with random weights ends one answer in four so, and none is long.
// To end well and to be long are equally easy to learn: neither takes more than another chance of a token, wherever it stands.
const [vocabSize, padId, longest] = [32, 1, 24];
const stopIds = [0, 2, 3, 4, 5, 6, 7, 8];
const isRight = (tokens: readonly number[]): boolean => [7, 8].includes(tokens[tokens.length - 1]);
const prompts = Array.from({ length: 16 }, (_, i) => [9 + (i % 4), 13 + (i >> 2)]);

/** Ending well is worth two, and every token costs its reader 0.15. */
const goldOf = (tokens: readonly number[]): number => 2 * Number(isRight(tokens)) - 0.15 * tokens.length;
const proxyOf = (tokens: readonly number[]): number => goldOf(tokens) + 0.3 * tokens.length;

const settings = modelSchema.parse({ hiddenSize: 16, layers: 1, heads: 2, keyValueHeads: 1, contextLength: 32 });
const config = modelConfig(settings, { vocabSize, endOfText: 0, pad: padId });

/** What the policy wrote, with the token that ended it. */
async function answersOf(engine: Engine, tokens: readonly number[], samples: number, seed: number) {
  const request = { tokens: [...tokens], samples, maxNewTokens: longest, sampling: samplingAt(1), stopIds, seed };
  const generations = await engine.submit(request);
  return generations.map(({ tokens: said, stopId }) => ({
    tokens: stopId === undefined ? said : [...said, stopId],
    ended: stopId !== undefined,
  }));
}

/** As the licence does it: 64 answers of the start to each prompt, none of them learnt from. */
async function predicted(model: Model, seed: number) {
  const engine = new Engine(model);
  const groups = await Promise.all(
    prompts.map(async (prompt, i) => {
      const answers = await answersOf(engine, prompt, 64, 1000 * seed + i);
      const of = (value: (tokens: readonly number[]) => number) => answers.map(({ tokens }) => value(tokens));
      return { id: String(i), scores: of(proxyOf), gold: of(goldOf) };
    }),
  );
  await engine.dispose();
  return bestOfN(groups);
}

const samples = 32;
const promptsPerStep = 8;

function proxySource(seed: number): AnswerSource {
  return {
    ...{ identity: 'proxy', length: prompts.length },
    async draw({ model, sampling, attempt, prompts: asked }): Promise<AnswerGroup[]> {
      const engine = new Engine(model);
      const groups = asked.map(async (prompt, place): Promise<AnswerGroup> => {
        const tokens = prompts[prompt];
        const own = await answersOf(engine, tokens, samples, 1e6 * seed + 1000 * sampling + 100 * attempt + place);
        return {
          answers: own.map(({ tokens: said, ended }, i) => ({
            id: `${prompt}#${i}`,
            tokens: [...tokens, ...said],
            loss: [...tokens.map(() => 0), ...said.map(() => 1)],
            ended,
          })),
          rewards: [own.map((answer) => proxyOf(answer.tokens))],
          right: own.map((answer) => goldOf(answer.tokens)),
        };
      });
      const all = await Promise.all(groups);
      await engine.dispose();
      return all;
    },
    logProbabilities: (_, measure) => measure(),
    values: (_, measure) => measure(),
  };
}

interface Point {
  kl: number;
  gold: number;
  proxy: number;
}

/** KL of the policy from the start in nats an answer, and what its answers are worth, at every step of following the proxy. */
async function followed(seed: number, backend: string): Promise<{ points: Point[]; alarmed?: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'mossctl-proxy-'));
  const points: Point[] = [];
  // The other alarms would end it sooner: answers do grow.
  const limits = alarmsSchema.parse({ unended: 0, length: 0, alike: 0, entropyFall: 0, kl: 0 });
  const alarms = new OnlineAlarms(limits, { stepsPerSampling: 1, isTaught: false, say: () => undefined });
  let alarmed: number | undefined;
  const objective = new OnlineObjective(proxySource(seed), {
    ...{
      method: 'rloo',
      samplesPerPrompt: samples,
      maxNewTokens: longest,
      batchSize: 128,
      padId,
      temperature: 1,
      seed,
    },
    // So small that it only measures.
    policy: resolvedPolicy({ klWeight: 1e-9 }, 'rloo'),
    online: { promptsPerStep, stepsPerSampling: 1, iterations: 1, resample: 0 },
    scorers: [{ name: 'proxy', weight: 1 }],
    reference: initModel(config, seed),
  });
  try {
    await train({
      ...{ model: initModel(config, seed), objective, steps: Number(options.steps) },
      config: trainSchema.parse({
        ...{ learningRate: 4e-3, schedule: 'constant', warmup: 0, weightDecay: 0, batchSize: 128, accumulation: 2 },
        ...{ checkpointEvery: 1000, evaluateEvery: 0 },
      }),
      ...{ directory: join(folder, 'policy'), runDirectory: folder, eosTokenIds: [0] },
      tokenizerFiles: { 'tokenizer.json': '{}' },
      manifest: {
        ...{ stage: 'align', parent: null, lineage: [], settings: {}, inputDigest: 'proxy', seed },
        ...{ backend, threads: null, precision: 'fp32' },
      },
      reporter: stageReporter(
        {
          emit(event) {
            if (event.type !== 'step' || event.metrics === undefined) return;
            const { metrics } = event;
            const kl = metrics.kl * metrics['completions/mean_length'];
            points.push({ kl, gold: metrics['rewards/right'], proxy: metrics.reward });
            if (alarmed === undefined && alarms.see({ loss: event.loss, ...metrics })) alarmed = kl;
          },
        },
        'align',
      ),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { points, alarmed };
}

/** Steps whose mean is one point of the curve: of single ones chance would choose the highest. */
const smoothed = 9;

function turningPoint(points: readonly Point[]): Point {
  const mean = (of: readonly number[]): number => of.reduce((a, b) => a + b, 0) / of.length;
  const curve = points.slice(smoothed - 1).map((_, i) => {
    const own = points.slice(i, i + smoothed);
    return {
      kl: mean(own.map(({ kl }) => kl)),
      gold: mean(own.map(({ gold }) => gold)),
      proxy: mean(own.map(({ proxy }) => proxy)),
    };
  });
  return curve.reduce((best, point) => (point.gold > best.gold ? point : best));
}

const { name } = await openBackend('auto', {});
let missed = 0;
for (const seed of options.seeds.split(',').map(Number)) {
  const { turnsAt, points: curve } = await predicted(initModel(config, seed), seed);
  const { points, alarmed } = await followed(seed, name);
  if (options.points)
    for (const [i, { kl, gold, proxy }] of points.entries()) {
      console.log(`  step ${i + 1}: KL ${kl.toFixed(3)}, gold ${gold.toFixed(3)}, proxy ${proxy.toFixed(3)}`);
    }
  const top = turningPoint(points);
  const last = points[points.length - 1];
  const best = curve.reduce((a, b) => (b.gold > a.gold ? b : a));
  const factor = turnsAt === undefined ? Number.POSITIVE_INFINITY : Math.max(turnsAt / top.kl, top.kl / turnsAt);
  if (!(factor <= 2)) missed++;
  console.log(
    [
      `seed ${seed}: predicted ${turnsAt?.toFixed(2) ?? 'none'} nats, measured ${top.kl.toFixed(2)} (factor ${factor.toFixed(2)})`,
      `gold ${points[0].gold.toFixed(2)} → ${top.gold.toFixed(2)} → ${last.gold.toFixed(2)} at ${last.kl.toFixed(2)} nats, proxy ${points[0].proxy.toFixed(2)} → ${last.proxy.toFixed(2)}`,
      `best of n has its own top at ${best.kl.toFixed(2)} (n = ${best.n}); the alarm rings at ${alarmed?.toFixed(2) ?? 'no'} nats`,
    ].join('\n  '),
  );
}
process.exitCode = missed === 0 ? 0 : 1;
