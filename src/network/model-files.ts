// Which files of a repository are its model: configuration, tokenizer, template and safetensors, or an adapter's. Pickles
// and code are programs and stay where they are; weights of other formats are said to be of no use.
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import {
  adapterConfigName,
  adapterWeightsName,
  addedTokensName,
  chatSamplesName,
  chatTemplateName,
  chatTemplatesFolder,
  configName,
  generationConfigName,
  manifestName,
  offeredToolsName,
  processorTemplateName,
  specialTokensMapName,
  tokenizerConfigName,
  tokenizerJsonName,
  weightsIndexName,
  weightsName,
} from '../base/layout.js';
import { type ModelName, shownModelName } from './model-name.js';

const plainNames: readonly string[] = [
  ...[configName, generationConfigName, manifestName, adapterConfigName, adapterWeightsName],
  ...[tokenizerJsonName, tokenizerConfigName, specialTokensMapName, addedTokensName],
  ...[chatTemplateName, processorTemplateName, offeredToolsName, chatSamplesName],
];
/** Whether a file of a repository is part of its model: what a push may take away where its model has it no more. */
export function isModelFile(path: string): boolean {
  return plainNames.includes(path) || path === weightsName || path === weightsIndexName || shardPattern.test(path);
}

const shardPattern = /^model-\d{5}-of-\d{5}\.safetensors$/;
/** Of names in a message. */
const maxShown = 8;

/**
 * The files to fetch; `index`, first of all, says which the weights are.
 * @param names All that the repository has, below the model's folder.
 * @throws UserError where they are no model that can be opened.
 */
export function wholeModelFiles(model: ModelName, names: readonly string[]): { index?: string; plain: string[] } {
  const has = (name: string): boolean => names.includes(name);
  const isAdapter = has(adapterWeightsName) && has(adapterConfigName);
  const isModel = has(configName) && (has(weightsName) || has(weightsIndexName));
  if (!isAdapter && !isModel) throw noModel(model, names);
  const isTemplate = (name: string): boolean =>
    name.startsWith(`${chatTemplatesFolder}/`) && /^[^/]+\.jinja$/.test(name.slice(chatTemplatesFolder.length + 1));
  const plain = names.filter((name) => plainNames.includes(name) || isTemplate(name));
  if (isAdapter && !isModel) return { plain };
  if (has(weightsName)) return { plain: [...plain, weightsName] };
  return { index: weightsIndexName, plain };
}

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/** The files of weights that a fetched index names, as far as the repository has them: reading says what is missing. */
export async function shardsIn(path: string, names: readonly string[]): Promise<string[]> {
  const index = indexSchema.safeParse(await parsed(path));
  if (!index.success) return [];
  const shards = new Set(Object.values(index.data.weight_map));
  return names.filter((name) => shards.has(name) && /^[\w.-]+\.safetensors$/.test(name));
}

async function parsed(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch {
    return undefined; // what reads the model says what is wrong with it
  }
}

function noModel(model: ModelName, names: readonly string[]): UserError {
  const where = shownModelName(model);
  const what = 'this repository has no model that mossctl can open';
  const found = (pattern: RegExp): string | undefined => names.find((name) => pattern.test(name));
  const pickle = found(/^(?:pytorch_model|consolidated|model|adapter_model).*\.(?:bin|pth?|ckpt)$/);
  const other = found(/\.(?:gguf|onnx|h5|msgpack|mlmodel)$/i);
  const folders = [
    ...new Set(
      names.flatMap((name) =>
        name.endsWith(`/${configName}`) || name.endsWith(`/${adapterConfigName}`)
          ? [name.slice(0, name.lastIndexOf('/'))]
          : [],
      ),
    ),
  ];
  if (names.length === 0) {
    const next = model.folder === undefined ? 'Name another one' : `Omit :${model.folder}, or name another folder`;
    return new UserError({ what, where, why: 'there are no files in it', next });
  }
  if (pickle !== undefined) {
    return new UserError({
      ...{ what, where },
      why: `its weights are a Python pickle (${pickle}), which is a program and not only numbers: it is not fetched`,
      next: 'Look on the hub for a version with safetensors, or convert it with Python: from_pretrained(…) and save_pretrained(…)',
    });
  }
  if (folders.length > 0) {
    const named = folders.slice(0, maxShown).map((folder) => shownModelName({ ...model, folder }));
    return new UserError({
      what,
      where,
      why: 'its models lie in folders',
      next: `Name one of these: ${named.join(', ')}`,
    });
  }
  if (other !== undefined) {
    return new UserError({
      ...{ what, where },
      why: `it has ${other}, made for another program`,
      next: 'Name the repository that it was made from: with config.json and safetensors',
    });
  }
  const some = names.slice(0, maxShown).join(', ');
  const why = `it needs ${configName} and ${weightsName} or ${weightsIndexName}; it has ${some}${names.length > maxShown ? ', …' : ''}`;
  return new UserError({ what, where, why, next: 'Check the name; a dataset is given with --data' });
}
