// How fast 32 answers are written: by the engine in this process, and by the server as 32 streaming clients count them.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { modelConfig } from '../../src/architecture/config.ts';
import { saveCheckpoint } from '../../src/checkpoint/save.ts';
import { modelSchema } from '../../src/config/model.ts';
import { samplingAt } from '../../src/config/sampling.ts';
import { LocalModel } from '../../src/inference/local-model.ts';
import { disposeModel, initModel } from '../../src/model/model.ts';
import { openBackend } from '../../src/tensor/backends.ts';
import { trainTokenizer } from '../../src/tokenizer/train.ts';
import { checkpointContent } from '../../test/checkpoint/fixtures/content.ts';
import { modelTensors } from '../../test/model-tensors.ts';

const clients = 32;
const maxTokens = 128;
const prompts = Array.from({ length: clients }, (_, i) => `${'the cat and the dog '.repeat(8)}${i}`);

/** Seven million parameters that say anything at all. */
export async function saveLarger(directory: string): Promise<void> {
  await openBackend('auto');
  const tokenizer = await trainTokenizer([prompts.join('\n')], { vocabSize: 400 });
  const [endOfText, pad] = [tokenizer.specialId('endOfText'), tokenizer.specialId('pad')];
  const settings = modelSchema.parse({ hiddenSize: 320, layers: 6, heads: 5, contextLength: 512 });
  const model = initModel(modelConfig(settings, { vocabSize: tokenizer.vocabSize, endOfText, pad }), 3);
  const content = checkpointContent(1);
  await saveCheckpoint(directory, {
    ...content,
    ...{ model: model.config, weights: modelTensors(model), generationConfig: undefined, training: undefined },
    // Nothing ends an answer early, so that all have as many tokens.
    ...{ tokenizerFiles: tokenizer.files(), eosTokenIds: [tokenizer.specialId('turnEnd')] },
    manifest: { ...content.manifest, stage: 'sft' },
  });
  disposeModel(model);
}

interface Speed {
  perSecond: number;
  /** What a machine that others use, too, does not change. */
  perCpuSecond: number;
}

/** The best of three. `cpuSeconds`: of the process that computes. */
async function best(once: () => Promise<number>, cpuSeconds: () => Promise<number>): Promise<Speed> {
  const speed = { perSecond: 0, perCpuSecond: 0 };
  for (let round = 0; round < 3; round++) {
    const [started, cpu] = [performance.now(), await cpuSeconds()];
    const tokens = await once();
    const [seconds, busy] = [(performance.now() - started) / 1000, (await cpuSeconds()) - cpu];
    speed.perSecond = Math.max(speed.perSecond, tokens / seconds);
    speed.perCpuSecond = Math.max(speed.perCpuSecond, tokens / busy);
  }
  return speed;
}

export async function engineSpeed(path: string): Promise<Speed> {
  const model = await LocalModel.open(path);
  const { tokenizer, engine, stopIds } = model;
  const asked = prompts.map((prompt, i) => ({
    ...{ tokens: [tokenizer.documentStart, ...tokenizer.encode(prompt)], maxNewTokens: maxTokens },
    ...{ sampling: samplingAt(1), stopIds, seed: i },
  }));
  const speed = await best(
    async () => (await engine.run(asked)).reduce((sum, { tokens }) => sum + tokens.length, 0),
    async () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  );
  await model.dispose();
  return speed;
}

type Start = (path: string, ...flags: string[]) => Promise<{ url: string; child: ChildProcess }>;

export async function servedSpeed(
  path: string,
  start: Start,
  cpuSeconds: (url: string) => Promise<number>,
): Promise<Speed> {
  const { url, child } = await start(path);
  const agent = new Agent({ keepAlive: true });
  const one = (prompt: string, seed: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const sent = request(`${url}/v1/completions`, {
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/json' },
      });
      sent.on('response', (response) => {
        let end = '';
        response.setEncoding('utf8').on('data', (text: string) => (end = (end + text).slice(-2000)));
        response.on('end', () => resolve(Number(/"completion_tokens":(\d+)/.exec(end)?.[1])));
      });
      sent.on('error', reject);
      const options = { stream: true, stream_options: { include_usage: true } };
      sent.end(JSON.stringify({ prompt, seed, temperature: 1, top_k: 0, top_p: 1, max_tokens: maxTokens, ...options }));
    });
  const speed = await best(
    async () => (await Promise.all(prompts.map(one))).reduce((sum, tokens) => sum + tokens, 0),
    () => cpuSeconds(url),
  );
  agent.destroy();
  child.kill('SIGTERM');
  await once(child, 'exit');
  return speed;
}
