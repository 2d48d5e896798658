// The cache in which `hf download` and transformers keep the models that they have fetched: looked into, never written.
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { exists } from '../base/files.js';
import { isCommit } from './hub.js';
import type { ModelName } from './model-name.js';

/** `models--ORG--NAME/snapshots/COMMIT`; undefined where this revision was never fetched. */
export async function hubCacheFolder({ name, revision = 'main', folder = '' }: ModelName): Promise<string | undefined> {
  const { HF_HUB_CACHE, HF_HOME } = process.env;
  const cache = HF_HUB_CACHE || join(HF_HOME || join(homedir(), '.cache', 'huggingface'), 'hub');
  const home = join(cache, `models--${name.replace('/', '--')}`);
  const isName = /^[\w.-]{1,100}$/.test(revision);
  const reference = isName ? await readFile(join(home, 'refs', revision), 'utf8').catch(() => revision) : revision;
  const found = join(home, 'snapshots', reference.trim(), folder);
  return isCommit(reference.trim()) && (await exists(found)) ? found : undefined;
}
