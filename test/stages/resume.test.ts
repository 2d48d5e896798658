// Stopped at any moment and resumed, every stage comes to the bits of the run that was never stopped: weights, optimizer,
// schedule, random streams, places in the data, rounds and figures are all in the checkpoint's digest.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Interrupted } from '../../src/base/errors.js';
import { sha256File } from '../../src/base/files.js';
import { Random } from '../../src/base/random.js';
import type { PipelineConfig } from '../../src/config/pipeline.js';
import { loadPipeline } from '../../src/pipeline/load.js';
import { type PipelineResult, runPipeline } from '../../src/pipeline/run.js';
import { settleEvents, type TimedEvent } from '../../src/report/metrics.js';
import { checkBackends } from '../../src/tensor/backends.js';
import { abortedWhen } from '../signals.js';

const settings = [
  'tokenizer.vocabSize=300',
  'pretrain.model={hiddenSize: 16, layers: 1, heads: 2, keyValueHeads: 1, contextLength: 64}',
  'pretrain.train={steps: 7, batchSize: 2, accumulation: 2, checkpointEvery: 3, evaluateEvery: 2}',
  'selfInstruct.count=24',
  'selfInstruct.heldOut=6',
  'selfInstruct.prompts=8',
  'sft.textShare=0.3',
  'sft.train={steps: 7, batchSize: 3, checkpointEvery: 3, evaluateEvery: 2, schedule: wsd}',
  'align.rounds=2',
  'align.promptsPerRound=8',
  'align.samplesPerPrompt=6',
  'align.heldOutSamples=1',
  'align.maxNewTokens=6',
  'align.minMargin=0.0001',
  'align.train={epochs: 2, batchSize: 3, checkpointEvery: 2}',
  'eval=null',
];

const native = (await checkBackends()).find(({ name }) => name === 'native');
const backends = [
  ['wasm', undefined],
  ['native', native?.available ? undefined : `no native engine here: ${native?.reason}`],
] as const;

for (const [backend, missing] of backends) {
  describe(`exact resume on ${backend}`, { skip: missing }, () => {
    let root: string;
    let config: PipelineConfig;
    let whole: Outcome;
    before(async () => {
      root = await mkdtemp(join(tmpdir(), 'mossctl-resume-'));
      config = await loadPipeline({ config: 'smoke', set: settings, flags: { backend } });
      whole = await outcome(await run('whole', Number.POSITIVE_INFINITY));
      assert.ok(whole.asked > 30, `${whole.asked} moments to stop at`);
    });
    after(() => rm(root, { recursive: true, force: true }));

    interface Tried {
      result?: PipelineResult;
      events: TimedEvent[];
      /** How often the work looked whether it should stop. */
      asked: number;
    }

    /** One process, so to speak: asked to stop at the `stopAt`th moment at which the work looks. */
    async function run(name: string, stopAt: number): Promise<Tried> {
      const tried: Tried = { events: [], asked: 0 };
      try {
        tried.result = await runPipeline({
          config,
          runDirectory: join(root, name),
          reporter: { emit: (event) => tried.events.push({ ...event, time: tried.events.length }) },
          signal: abortedWhen(() => ++tried.asked >= stopAt),
        });
      } catch (error) {
        if (!(error instanceof Interrupted)) throw error;
      }
      return tried;
    }

    interface Outcome {
      digests: Record<string, string>;
      weights: string[];
      losses: string[];
      asked: number;
    }

    /** What a run came to; `earlier`: what its interrupted tries said before. */
    async function outcome({ result, events, asked }: Tried, earlier: TimedEvent[] = []): Promise<Outcome> {
      assert.ok(result);
      const digests = Object.entries(result.outputs).map(([stage, output]) => [stage, output.digest]);
      const models = result.models.map(({ path }) => sha256File(join(path, 'model.safetensors')));
      const settled = settleEvents([...earlier, ...events].map((event, time) => ({ ...event, time })));
      const losses = settled.flatMap((event) =>
        event.type === 'step' ? [`${event.stage} ${event.round ?? ''} ${event.step} ${event.loss}`] : [],
      );
      return { digests: Object.fromEntries(digests), weights: await Promise.all(models), losses, asked };
    }

    test('the run trains in every stage', () => {
      const steps = (stage: string) => whole.losses.filter((line) => line.startsWith(`${stage} `)).length;
      assert.deepEqual([steps('pretrain'), steps('sft')], [7, 7]);
      assert.ok(steps('align') >= 6, `${steps('align')} steps of align`);
      assert.ok(
        whole.losses.some((line) => line.startsWith('align 2 ')),
        'there is something to learn in both rounds',
      );
    });

    for (const seed of [1, 2]) {
      test(`stopped again and again at random moments (${seed})`, async () => {
        const random = Random.stream(seed, 'stops');
        const earlier: TimedEvent[] = [];
        let stops = 0;
        for (;;) {
          // Longer and longer: some of the work (sampling a round) is done in one go or again.
          const patience = Math.ceil(whole.asked / 6) * (1 + stops);
          const tried = await run(`stopped-${seed}`, random.integer(3, patience));
          if (tried.result !== undefined) {
            const { digests, weights, losses } = await outcome(tried, earlier);
            assert.deepEqual(digests, whole.digests);
            assert.deepEqual(weights, whole.weights);
            assert.deepEqual(losses, whole.losses, 'no step is told twice, none is missing');
            break;
          }
          earlier.push(...tried.events);
          assert.ok(++stops < 40);
        }
        assert.ok(stops >= 3, `${stops} stops`);
      });
    }
  });
}
