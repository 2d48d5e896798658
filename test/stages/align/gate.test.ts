// The gate on a real model: what was learnt from held-out people's taste is promoted as far as the text it forgets allows, what was
// learnt from contrary labels is refused, and nothing is measured twice.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sha256File } from '../../../src/base/files.js';
import { Random } from '../../../src/base/random.js';
import { type Checkpoint, openCheckpoint } from '../../../src/checkpoint/directory.js';
import type { AlignConfig } from '../../../src/config/align.js';
import { padSequences } from '../../../src/data/sequences.js';
import { rules } from '../../../src/evaluation/scorers/rules.js';
import { modelFromTensors } from '../../../src/model/model.js';
import { loadPipeline } from '../../../src/pipeline/load.js';
import { type Event, type GatePoint, stageReporter } from '../../../src/report/event.js';
import { decidingMetric, type Evidence } from '../../../src/stages/align/evidence.js';
import { decideRound, type GateInput } from '../../../src/stages/align/gate.js';
import type { GivenPair } from '../../../src/stages/align/given.js';
import { openBackend } from '../../../src/tensor/backends.js';
import { negativeLogLikelihood } from '../../../src/train/objectives/next-token.js';
import { train } from '../../../src/train/trainer.js';
import { trainConfig } from '../../train/tiny.js';
import { manifest } from '../../train/world.js';

const weightName = 'model.layers.0.mlp.up_proj.weight';
let root = '';
let policy: Checkpoint;
const random = Random.stream(3, 'gate');
const tokensIn = (low: number, high: number, count: number): number[] =>
  Array.from({ length: count }, () => random.integer(low, high));

/** The taste: answers of low tokens, whatever is asked. */
const pairs = Array.from({ length: 60 }, (_, i): GivenPair => {
  const side = (tokens: number[]) => ({ tokens, text: '' });
  const [chosen, rejected] = [side(tokensIn(40, 60, 4)), side(tokensIn(60, 80, 4))];
  return { id: `pair ${i}`, source: 'made up', prompt: tokensIn(40, 80, 3), chosen, rejected };
});
const evidence: Evidence = {
  tasks: [],
  scorer: rules,
  // One document of each language: its mean decides.
  texts: ['zh', 'en'].map((language) => ({
    ...{ id: language, source: 'made up', language, bytes: 600 },
    tokens: Uint16Array.from(tokensIn(60, 80, 300)),
  })),
  given: { pairs: pairs.slice(0, 40), labelled: [], prompts: [], preferences: [] },
};

before(async () => {
  await openBackend('auto');
  root = await mkdtemp(join(tmpdir(), 'gate-'));
  policy = await openCheckpoint(fileURLToPath(new URL('../../interop/fixtures/llama-3.2', import.meta.url)));
});
after(() => rm(root, { recursive: true, force: true }));

/** Learns from twenty pairs that the gate does not see; `sign` −1: from the same labels turned round. */
async function candidateOf(name: string, sign: 1 | -1): Promise<Pick<Checkpoint, 'path' | 'digest'>> {
  const { model, weights, path, tokenizerFiles, eosTokenIds, digest } = policy;
  const rows = pairs.slice(40).flatMap(({ id, prompt, chosen, rejected }) =>
    [chosen, rejected].map(({ tokens }, i) => ({
      id: `${id} ${i}`,
      tokens: [...prompt, ...tokens],
      loss: [...prompt.map(() => 0), ...tokens.map(() => (i === 0 ? sign : -sign))],
    })),
  );
  const batch = padSequences(rows, { padId: model.pad_token_id });
  const directory = join(root, name, 'align', 'round-01');
  return train({
    model: modelFromTensors(model, weights, path),
    objective: {
      next: async () => ({ ...batch, weight: rows.length }),
      state: () => ({}),
      restore: () => undefined,
      loss: (current, each, pass) => negativeLogLikelihood(current, each, pass),
    },
    config: trainConfig({ learningRate: 0.01, checkpointEvery: 100 }),
    ...{ steps: 12, directory, runDirectory: join(root, name), tokenizerFiles, eosTokenIds },
    manifest: { ...manifest, stage: 'align', parent: digest, lineage: [{ stage: 'import', step: 0, digest }] },
    reporter: stageReporter({ emit() {} }, 'align'),
  });
}

async function gateOf(name: string, candidate: Pick<Checkpoint, 'path' | 'digest'>, set: string[]) {
  const { align } = await loadPipeline({
    set: ['align={}', 'align.gate.alphas=[0.5, 1]', ...set],
    flags: { backend: 'wasm' },
  });
  const events: Event[] = [];
  const stage = join(root, name, 'align');
  const job: GateInput['job'] = {
    config: align as AlignConfig,
    inputs: { sft: policy.path },
    directory: stage,
    seed: 1,
    compute: { backend: 'wasm', precision: 'fp32' },
    reporter: stageReporter({ emit: (event) => void events.push(event) }, 'align'),
  };
  const result = await decideRound({ job, round: 1, directory: join(stage, 'round-01'), policy, candidate, evidence });
  return { result, events, folders: (await readdir(stage)).sort() };
}

test('a taste is promoted, as much of it as the budget of forgetting allows; contrary labels are refused', async () => {
  const candidate = await candidateOf('taste', 1);
  const free = await gateOf('taste', candidate, ['align.gate.budgets.bitsPerByte=8']);
  assert.deepEqual([free.result.promoted, free.result.alpha], [true, 1], free.result.text);
  assert.deepEqual([free.result.path, free.result.digest], [candidate.path, candidate.digest]);
  assert.match(
    free.result.text,
    /^held-out preference 0\.5000 → 0\.\d+, .* of the pairs \[.*\]: promoted at α = 1: better/,
  );
  const [start, half, end] = free.result.curve;
  assert.equal(start.metrics.winRate, 0.5);
  assert.ok(half.gains.preference.mean > 0 && end.gains.preference.mean > half.gains.preference.mean);
  assert.ok(end.gains.winRate.low > 0, 'the win rate is above one half beyond doubt');
  const cost = ({ gains }: GatePoint) => Math.max(gains['bitsPerByte.zh'].mean, gains['bitsPerByte.en'].mean);
  const [low, high] = [half, end].map(cost);
  assert.ok(high > low && low > 0, `what is promoted costs ${low}, ${high} bits per byte`);
  const answers = free.events.filter(({ type }) => type === 'progress').length;
  assert.equal(answers, 0, 'nothing is asked where there is no task and no prompt');

  // The same figures again, from what was measured: only the budget differs.
  const known = await Promise.all(['gate.json'].map((name) => sha256File(join(root, 'taste/align/round-01', name))));
  const held = await gateOf('taste', candidate, [`align.gate.budgets.bitsPerByte=${(low + high) / 2}`]);
  assert.deepEqual([held.result.promoted, held.result.alpha], [true, 0.5]);
  assert.match(held.result.text, /promoted at α = 0\.5: .*\(α = 1: bitsPerByte\.\w\w \+\d\.\d+ is over its budget/);
  assert.deepEqual(await sha256File(join(root, 'taste/align/round-01/gate.json')), known[0]);
  assert.deepEqual(held.folders, ['round-01', 'round-01-alpha-0.5']);
  const promoted = await openCheckpoint(held.result.path);
  assert.deepEqual([promoted.digest, promoted.manifest.parent], [held.result.digest, policy.digest]);
  const [from, to] = [policy, await openCheckpoint(candidate.path)].map(({ weights }) => weights.get(weightName)?.data);
  const expected = from?.map((value, i) => value + 0.5 * ((to?.[i] ?? Number.NaN) - value));
  assert.deepEqual(promoted.weights.get(weightName)?.data, expected);

  const contrary = await gateOf('contrary', await candidateOf('contrary', -1), ['align.gate.budgets.bitsPerByte=8']);
  assert.deepEqual([contrary.result.promoted, contrary.result.digest], [false, policy.digest]);
  assert.equal(contrary.result.text, 'α = 0.5, 1: not better, so the earlier policy stays');
  assert.deepEqual(contrary.folders, ['round-01']);
});

test('where there are tasks and preferences, tasks decide unless the settings say that preferences do', () => {
  const tasks = [{ id: '1', messages: [] }];
  const by = (metric?: 'reward' | 'preference', own: typeof tasks = tasks) =>
    decidingMetric({ tasks: own }, { gate: { metric } } as Pick<AlignConfig, 'gate'>);
  assert.deepEqual([by(), by('reward'), by('preference')], ['reward', 'reward', 'preference']);
  assert.equal(by(undefined, []), 'preference');
});
