// The files of a tokenizer as they lie in a model's folder, ours or anyone's: read within bounds, kept exactly as they are.
import { isUtf8 } from 'node:buffer';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { asUserError, UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { chatTemplateName, specialTokensMapName, tokenizerConfigName, tokenizerJsonName } from '../base/layout.js';
import { readRoles } from './roles.js';

const maxFileBytes = 64 << 20;

/**
 * Reads a tokenizer's files: `json` is its parsed tokenizer.json, `texts` the text of each file that is there. Throws
 * `UserError` where tokenizer.json is missing or one of them is broken.
 */
export async function readTokenizerFiles(directory: string) {
  const texts: Record<string, string> = {};
  const read = async (name: string): Promise<string | undefined> => {
    const path = join(directory, name);
    if (name !== tokenizerJsonName && !(await exists(path))) return undefined;
    texts[name] = await readBounded(path);
    return texts[name];
  };
  const readJson = async (name: string): Promise<unknown> => {
    const text = await read(name);
    return text === undefined ? undefined : parse(text, join(directory, name));
  };
  const json = await readJson(tokenizerJsonName);
  const config = await readJson(tokenizerConfigName);
  const roles = readRoles(config, await readJson(specialTokensMapName));
  const chatTemplate = (await read(chatTemplateName)) ?? readTemplate(config, join(directory, tokenizerConfigName));
  return { json, path: join(directory, tokenizerJsonName), roles, chatTemplate, texts };
}

/** Reads one tokenizer.json, whatever it is called, without the files beside it. Throws `UserError`. */
export async function readTokenizerJson(path: string): Promise<unknown> {
  return parse(await readBounded(path), path);
}

/** `chat_template` is a string, or a list of named templates of which one is the default. */
function readTemplate(config: unknown, path: string): string | undefined {
  const template = (config as { chat_template?: unknown } | null | undefined)?.chat_template ?? undefined;
  if (template === undefined || typeof template === 'string') return template;
  const named = Array.isArray(template) ? (template as ({ name?: unknown; template?: unknown } | null)[]) : [];
  const chosen = named.find((item) => item?.name === 'default')?.template;
  if (typeof chosen === 'string') return chosen;
  throw new UserError({
    what: 'chat_template is neither a string nor a list with one that is named default',
    where: path,
    next: 'Keep one template, as a string',
  });
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UserError(
      { what: 'this is not valid JSON', where: path, why: (error as Error).message },
      { cause: error },
    );
  }
}

async function readBounded(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > maxFileBytes) throw new UserError({ what: `larger than ${maxFileBytes >> 20} MiB`, where: path });
    const bytes = await readFile(path);
    if (!isUtf8(bytes)) throw new UserError({ what: 'this is not UTF-8 text', where: path });
    return bytes.toString('utf8');
  } catch (error) {
    throw asUserError(error);
  }
}
