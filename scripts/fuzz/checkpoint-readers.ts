// Readers of models: safetensors and their index, the JSON beside them, GGUF, our own checkpoints and third-party ones.
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from '../../src/base/random.js';
import { openAdapterAlone } from '../../src/checkpoint/adapter-export.js';
import { openCheckpoint } from '../../src/checkpoint/directory.js';
import { writeGguf } from '../../src/checkpoint/gguf.js';
import { readGguf } from '../../src/checkpoint/gguf-read.js';
import { parseForeignConfig, parseForeignGeneration } from '../../src/checkpoint/hf-config.js';
import { parseGenerationConfig, parseModelConfig } from '../../src/checkpoint/model-config.js';
import { readSafetensors } from '../../src/checkpoint/safetensors.js';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import { describeWeights, readWeights } from '../../src/checkpoint/weights.js';
import { checkpointContent } from '../../test/checkpoint/fixtures/content.js';
import { ggufCheckpoint } from '../../test/checkpoint/fixtures/gguf-checkpoint.js';
import { mutateBytes } from './mutate-bytes.js';
import { mutateJson } from './mutate-json.js';
import type { Reader } from './readers.js';
import * as world from './world.js';

export async function checkpointReaders(folder: string): Promise<Reader[]> {
  const saved = join(folder, 'step-000001');
  await saveCheckpoint(saved, checkpointContent(1));
  const manifest = join(saved, 'mossctl.json');
  const sharded = join(folder, 'sharded');
  await cp(world.fixture('interop/fixtures/qwen2-sharded'), sharded, { recursive: true });
  const foreign = join(folder, 'foreign');
  await cp(world.fixture('interop/fixtures/qwen3'), foreign, { recursive: true });
  const index = join(sharded, 'model.safetensors.index.json');
  const tensors = join(folder, 'x.safetensors');
  return [
    {
      name: 'safetensors',
      seeds: world.fixtures(/\.safetensors$/),
      mutate: mutateSafetensors,
      async read(input) {
        await writeFile(tensors, input);
        await readSafetensors(tensors);
      },
    },
    {
      name: 'safetensors index',
      seeds: [world.bytesOf(index)],
      mutate: mutateJson,
      async read(input) {
        await writeFile(index, input);
        await describeWeights(sharded);
        await readWeights(sharded);
      },
    },
    {
      name: 'config.json',
      seeds: world.fixtures(/(^|\/)config\.json$/),
      mutate: mutateJson,
      async read(input) {
        parseForeignConfig(input.toString('utf8'), 'config.json');
        parseModelConfig(input.toString('utf8'), 'config.json');
      },
    },
    {
      name: 'generation_config.json',
      seeds: world.fixtures(/(^|\/)generation_config\.json$/),
      mutate: mutateJson,
      async read(input) {
        parseForeignGeneration(input.toString('utf8'), 'generation_config.json');
        parseGenerationConfig(input.toString('utf8'), 'generation_config.json');
      },
    },
    {
      name: 'mossctl.json',
      seeds: [world.bytesOf(manifest)],
      mutate: mutateJson,
      async read(input) {
        await writeFile(manifest, input);
        await openCheckpoint(saved, { training: true });
      },
    },
    {
      name: 'third-party model',
      seeds: [world.bytesOf(join(foreign, 'config.json'))],
      mutate: mutateJson,
      weight: 0.2,
      async read(input) {
        await writeFile(join(foreign, 'config.json'), input);
        await openCheckpoint(foreign);
      },
    },
    ...(await adapterReaders(folder)),
    await ggufReader(folder),
  ];
}

/** Half of the inputs get a damaged header of the length that it says, so that what it claims is believed. */
function mutateSafetensors(random: Random, seed: Buffer, others: readonly Buffer[]): Buffer {
  if (random.uniform() < 0.5) return mutateBytes(random, seed, others);
  const end = 8 + Number(seed.readBigUInt64LE(0));
  const header = mutateJson(random, seed.subarray(8, end));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, seed.subarray(end)]);
}

/** An adapter beside its base: the base's headers are read for each input, and none of its weights. */
async function adapterReaders(folder: string): Promise<Reader[]> {
  const adapter = join(folder, 'golden/adapters/patterns');
  await cp(world.fixture('golden/adapters/patterns'), adapter, { recursive: true });
  await cp(world.fixture('interop/fixtures/qwen3'), join(folder, 'interop/fixtures/qwen3'), { recursive: true });
  const [config, tensors] = ['adapter_config.json', 'adapter_model.safetensors'].map((name) => join(adapter, name));
  const whole = world.bytesOf(config);
  return [
    {
      name: 'adapter_config.json',
      seeds: [whole],
      mutate: mutateJson,
      weight: 0.1,
      async read(input) {
        await writeFile(config, input);
        await openAdapterAlone(adapter);
      },
    },
    {
      name: 'adapter tensors',
      seeds: world.fixtures(/adapters\/patterns\/adapter_model\.safetensors$/),
      mutate: mutateSafetensors,
      weight: 0.1,
      async read(input) {
        await writeFile(config, whole);
        await writeFile(tensors, input);
        await openAdapterAlone(adapter);
      },
    },
  ];
}

async function ggufReader(folder: string): Promise<Reader> {
  const path = join(folder, 'x.gguf');
  const seeds: Buffer[] = [];
  for (const dtype of ['f16', 'q8_0'] as const) {
    const small = { hidden_size: 32, intermediate_size: 32, head_dim: 8, num_hidden_layers: 1 };
    await writeGguf(path, await ggufCheckpoint('qwen3', small), { dtype });
    seeds.push(world.bytesOf(path));
  }
  return {
    name: 'gguf',
    seeds,
    mutate: mutateBytes,
    async read(input) {
      await writeFile(path, input);
      await readGguf(path);
    },
  };
}
