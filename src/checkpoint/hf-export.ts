// A checkpoint as a Hugging Face model directory of its own: the same files without ours, the weights in the dtype that
// was asked for.
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { asUserError, ifAbsent, UserError } from '../base/errors.js';
import { writeDirectoryAtomic, writeFileDurable } from '../base/files.js';
import { chatTemplateName, configName, generationConfigName, tokenizerConfigName } from '../base/layout.js';
import { requireDisk } from '../base/room.js';
import type { Checkpoint } from './directory.js';
import type { FloatDtype } from './float16.js';
import { canonicalJson, parseJson } from './manifest.js';
import { generationConfigText, modelConfigText } from './model-config.js';
import { bytesOf } from './safetensors.js';
import { checkServed } from './served-check.js';
import { writeWeights } from './weights.js';

/**
 * Writes the folder `path`, which must not exist yet: whole, or not at all.
 * @returns the names of its files, sorted.
 * @param options `replay`: refuse where sample conversations of its training would be written or read back otherwise.
 * @throws UserError where something is there already, the disk is full, or a weight is too large for `dtype`.
 */
export async function exportHf(
  path: string,
  checkpoint: Checkpoint,
  { dtype, maxShardBytes, replay = true }: { dtype: FloatDtype; maxShardBytes?: number; replay?: boolean },
): Promise<string[]> {
  await refuseExisting(path);
  const { model, eosTokenIds, tokenizerFiles, weights } = checkpoint;
  const texts: Record<string, string> = {
    ...withTemplate(tokenizerFiles),
    [configName]: modelConfigText(model, dtype),
    [generationConfigName]: generationConfigText(model, eosTokenIds, checkpoint.generationConfig),
  };
  let names: string[] = [];
  const bytes = [...weights.values()].reduce((sum, { data }) => sum + data.length * bytesOf(dtype), 0);
  requireDisk(path, bytes, {
    what: `weights as ${dtype}`,
    next: 'Free some space, or choose another folder with --out',
  });
  try {
    await writeDirectoryAtomic(path, async (folder) => {
      names = Object.keys(await writeWeights(folder, [...weights.values()], { dtype, maxShardBytes }));
      for (const [name, text] of Object.entries(texts)) await writeFileDurable(join(folder, name), text);
      if (replay) await checkServed(folder, path);
      await refuseExisting(path); // it took a while
    });
  } catch (error) {
    throw asUserError(error, path);
  }
  return [...names, ...Object.keys(texts)].sort();
}

/** @throws UserError where anything is at `path`: an export never replaces what it did not write. */
export async function refuseExisting(path: string): Promise<void> {
  if ((await lstat(path).catch(ifAbsent(undefined))) === undefined) return;
  throw new UserError({
    what: 'there is something here already',
    where: path,
    why: 'an export never replaces anything',
    next: 'Choose another name with --out, or move this one away',
  });
}

/** Newer tools keep the chat template in a file of its own, older ones look for it in tokenizer_config.json: both. */
export function withTemplate(files: Readonly<Record<string, string>>): Record<string, string> {
  const template = files[chatTemplateName];
  if (template === undefined) return { ...files };
  const config = parseJson(files[tokenizerConfigName] ?? '{}', tokenizerConfigName) as object;
  return { ...files, [tokenizerConfigName]: canonicalJson({ ...config, chat_template: template }) };
}
