// Where the tokenizer lies that a person named: by its file, its folder, or what holds it.
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { tokenizerJsonName } from '../base/layout.js';
import { throughLinkFile } from '../base/link.js';
import { resolveCheckpoint } from './history.js';

/**
 * The folder of a tokenizer.json: of that file itself, a folder that has one, a run, a checkpoint, or a model of a hub.
 * @throws UserError where there is none.
 */
export async function tokenizerFolder(path: string): Promise<string> {
  const named = await throughLinkFile(path);
  if (await isFile(named)) {
    if (basename(named) === tokenizerJsonName) return dirname(named);
    throw new UserError({
      what: `this file is no ${tokenizerJsonName}`,
      where: named,
      why: 'what belongs to a tokenizer lies beside the file of that name',
      next: `Name a ${tokenizerJsonName}, or a folder that has one`,
    });
  }
  for (const place of [named, join(named, 'tokenizer')]) {
    if (await exists(join(place, tokenizerJsonName))) return place;
  }
  return resolveCheckpoint(named);
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}
