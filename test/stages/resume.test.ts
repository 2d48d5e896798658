// Stopped at any moment and resumed, every stage comes to the bits of the run that was never stopped: weights, optimizer,
// schedule, random streams, places in the data, rounds and figures are all in the checkpoint's digest.
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Interrupted } from '../../src/base/errors.js';
import { sha256File } from '../../src/base/files.js';
import { Random } from '../../src/base/random.js';
import type { PipelineConfig, StageName } from '../../src/config/pipeline.js';
import { loadPipeline } from '../../src/pipeline/load.js';
import { type PipelineResult, runPipeline } from '../../src/pipeline/run.js';
import { stageReporter } from '../../src/report/event.js';
import { settleEvents, type TimedEvent } from '../../src/report/metrics.js';
import { alignStage } from '../../src/stages/align/stage.js';
import { checkBackends } from '../../src/tensor/backends.js';
import { abortedWhen } from '../signals.js';

const settings = [
  'tokenizer.vocabSize=306',
  'pretrain.model={hiddenSize: 16, layers: 1, heads: 2, keyValueHeads: 1, contextLength: 64}',
  'pretrain.train={steps: 7, batchSize: 2, accumulation: 2, checkpointEvery: 3, evaluateEvery: 2}',
  'selfInstruct.count=24',
  'selfInstruct.heldOut=6',
  'selfInstruct.prompts=12',
  'sft.textShare=0.3',
  'sft.train={steps: 7, batchSize: 3, checkpointEvery: 3, evaluateEvery: 2, schedule: wsd}',
  'align.rounds=2',
  'align.promptsPerRound=12',
  'align.samplesPerPrompt=6',
  'align.heldOutSamples=1',
  'align.gate.alphas=[0.5,1]',
  'align.maxNewTokens=6',
  'align.minMargin=0.0001',
  'align.train={epochs: 3, batchSize: 3, checkpointEvery: 2}',
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
    let stagePaths: Partial<Record<StageName, string>>;
    before(async () => {
      root = await mkdtemp(join(tmpdir(), 'mossctl-resume-'));
      config = await loadPipeline({ config: 'smoke', set: settings, flags: { backend } });
      const uninterrupted = await run('whole', Number.POSITIVE_INFINITY);
      whole = await outcome(uninterrupted);
      const outputs = Object.entries(uninterrupted.result?.outputs ?? {});
      stagePaths = Object.fromEntries(outputs.map(([stage, { path }]) => [stage, path]));
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

    test('rounds, pairs and steps of another run, round or seed are set aside, never built on', async () => {
      const { sft = '', selfInstruct = '' } = stagePaths;
      const align = async (name: string, rounds: number, seed: number) => {
        const directory = join(root, name, 'align');
        const notes: string[] = [];
        const reporter = stageReporter(
          {
            emit: (event) => (event.type === 'note' && event.level === 'warning' ? notes.push(event.text) : undefined),
          },
          'align',
        );
        const { align: settings } = config;
        assert.ok(settings);
        const job = { inputs: { sft, selfInstruct }, compute: { backend, precision: 'fp32' as const }, reporter, seed };
        await alignStage.run({ ...job, config: { ...settings, rounds }, directory });
        const sealed = (round: number) => readFile(join(directory, `round-0${round}`, 'round.json'), 'utf8');
        // What is promoted is said as a warning where nothing is: no matter here.
        return { directory, sealed, notes: notes.filter((text) => !/^round \d/.test(text)) };
      };
      const own = await align('own', 2, 8);
      const other = await align('other', 1, 9);
      assert.notEqual(await own.sealed(1), await other.sealed(1));
      const mixed = join(root, 'mixed', 'align');
      await cp(other.directory, mixed, { recursive: true });
      await mkdir(join(mixed, 'round-02'));
      for (const file of ['round.json', 'sampled.json', 'pairs.jsonl']) {
        await cp(join(own.directory, 'round-01', file), join(mixed, 'round-02', file));
      }
      const again = await align('mixed', 2, 8);
      for (const round of [1, 2]) assert.equal(await again.sealed(round), await own.sealed(round));
      const expected = [
        /round-01.round\.json is not of this round: it has seed 9\. It is kept as round\.json\.foreign$/,
        /round-01.sampled\.json is not of this round: it has seed 9\. It is kept as sampled\.json\.foreign$/,
        /round-01.step-\d+ is not a checkpoint of this training: it (has seed 9, not 8|was trained on other data)\./,
        /round-02.round\.json is not of this round: it is of round 1\. It is kept/,
        /round-02.sampled\.json is not of this round: it is of round 1\. It is kept/,
      ];
      for (const pattern of expected) {
        assert.ok(
          again.notes.some((text) => pattern.test(text)),
          `${pattern} in\n${again.notes.join('\n')}`,
        );
      }
    });

    for (const seed of backend === 'native' ? [1, 2] : [1]) {
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
