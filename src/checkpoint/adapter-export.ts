// An adapter for other tools, as it is: the folder that PEFT and vLLM open. Its base is looked at through its headers alone, so
// that what is written surely belongs to it.
import { isAbsolute, join } from 'node:path';
import { asUserError } from '../base/errors.js';
import { exists, writeDirectoryAtomic, writeFileDurable } from '../base/files.js';
import {
  adapterConfigName,
  adapterWeightsName,
  generationConfigName,
  manifestName,
  tokenizerJsonName,
} from '../base/layout.js';
import type { ModelConfig } from '../config/model.js';
import { nearModelName } from '../network/model-name.js';
import { readServingFiles } from '../tokenizer/serving-files.js';
import { readTokenizerFiles } from '../tokenizer/tokenizer-files.js';
import { adaptedModel } from './adapter-apply.js';
import { findBase, publishedRepository } from './adapter-base.js';
import { type Adapter, checkAdapter } from './adapter-check.js';
import { type AdapterPlan, parseAdapterConfig } from './adapter-config.js';
import { readAdapterTensors, storedTensorName } from './adapter-tensors.js';
import { readModel } from './directory.js';
import type { FloatDtype } from './float16.js';
import { refuseExisting, withTemplate } from './hf-export.js';
import { parseJson, readManifest, readSmallText, verifyFiles } from './manifest.js';
import { embeddingName } from './model-config.js';
import { readSafetensors, readSafetensorsHeader, writeSafetensors } from './safetensors.js';
import { checkServed } from './served-check.js';
import { describeWeights } from './weights.js';

const maxConfigBytes = 16 << 20;

/** An adapter whose tensors are known to belong to its base. */
export interface AdapterAlone extends Adapter {
  plan: AdapterPlan;
  /** The base as the adapter changes it. */
  model: ModelConfig;
  basePath: string;
}

/** @throws UserError as `openCheckpoint` does of an adapter. */
export async function openAdapterAlone(
  directory: string,
  { verify = true, base }: { verify?: boolean; base?: string } = {},
): Promise<AdapterAlone> {
  if (verify && (await exists(join(directory, manifestName)))) {
    await verifyFiles(directory, (await readManifest(directory)).manifest, (name) => !name.startsWith('training/'));
  }
  const path = join(directory, adapterConfigName);
  const config = parseAdapterConfig(await readSmallText(path, maxConfigBytes), path);
  const basePath = await findBase(directory, config, base);
  const tensors = await readAdapterTensors(directory);
  const { model: original } = await readModel(basePath);
  const model = adaptedModel(original, config.task, tensors.whole.get(embeddingName)?.tensor.shape[0]);
  const { entries } = await describeWeights(basePath);
  const adapter = { config, tensors, path: directory };
  const plan = checkAdapter(model, new Map(entries.map((entry) => [entry.name, entry])), adapter);
  return { ...adapter, plan, model, basePath };
}

/** The dtype of most tensors in an adapter's file. */
export async function adapterDtype(directory: string): Promise<FloatDtype> {
  const entries = await readSafetensorsHeader(join(directory, adapterWeightsName));
  const count = (dtype: FloatDtype): number => entries.filter((entry) => entry.dtype === dtype).length;
  return (['f16', 'bf16'] as const).find((dtype) => count(dtype) > entries.length / 2) ?? 'f32';
}

/**
 * Writes the folder `path`, which must not exist yet: whole, or not at all. A base that lies on this machine is named by its whole
 * path, because the new folder may lie anywhere.
 * @returns the names of its files, sorted.
 */
export async function exportPeft(
  path: string,
  alone: AdapterAlone,
  { dtype, replay = true }: { dtype: FloatDtype; replay?: boolean },
): Promise<string[]> {
  await refuseExisting(path);
  const directory = alone.path;
  const text = (name: string): Promise<string> => readSmallText(join(directory, name), maxConfigBytes);
  const config = parseJson(await text(adapterConfigName), directory) as Record<string, unknown>;
  const texts: Record<string, string> = {
    [adapterConfigName]: `${JSON.stringify({ ...config, ...(await baseFields(alone)) }, null, 2)}\n`,
  };
  if (await exists(join(directory, generationConfigName)))
    texts[generationConfigName] = await text(generationConfigName);
  if (await exists(join(directory, tokenizerJsonName))) {
    const { texts: serving } = await readServingFiles(directory);
    Object.assign(texts, withTemplate((await readTokenizerFiles(directory)).texts), serving);
  }
  const tensors = await readSafetensors(join(directory, adapterWeightsName));
  const named = [...tensors.values()].map((tensor) => ({ ...tensor, name: storedTensorName(tensor.name) }));
  try {
    await writeDirectoryAtomic(path, async (folder) => {
      await writeSafetensors(join(folder, adapterWeightsName), named, { dtype, metadata: { format: 'pt' } });
      for (const [name, content] of Object.entries(texts)) await writeFileDurable(join(folder, name), content);
      if (replay) await checkServed(folder, path);
      await refuseExisting(path); // it took a while
    });
  } catch (error) {
    throw asUserError(error, path);
  }
  return [adapterWeightsName, ...Object.keys(texts)].sort();
}

/** A name on a hub stays; a base that lies here is named by where, or by what, it is. */
async function baseFields({ config, basePath, path: directory }: AdapterAlone) {
  const { name = '' } = config.base;
  const isPath = isAbsolute(name) || (await exists(name)) || (await exists(join(directory, name)));
  if (!isPath && nearModelName(name) === `hf:${name}`) return {};
  const { name: path, revision = null } = publishedRepository(basePath) ?? { name: basePath };
  return { base_model_name_or_path: path, revision };
}
