// The files of a tokenizer as they lie in a model's folder, ours or anyone's: read within bounds, kept exactly as they are.
import { isUtf8 } from 'node:buffer';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { asUserError, UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import {
  addedTokensName,
  chatTemplateName,
  chatTemplatesFolder,
  configName,
  processorTemplateName,
  specialTokensMapName,
  tokenizerConfigName,
  tokenizerJsonName,
} from '../base/layout.js';
import { completeTokenizer } from './added-tokens.js';
import type { RoleTokens } from './roles.js';
import { classNote, type ModelFacts, transformersClass } from './transformers-class.js';

const maxFileBytes = 64 << 20;

/** A tokenizer's folder, read: what `Tokenizer.open` needs. */
export interface TokenizerFiles {
  /** tokenizer.json with every added token, see added-tokens.ts. */
  json: unknown;
  /** Of tokenizer.json. */
  path: string;
  roles: RoleTokens;
  chatTemplate: string | undefined;
  /** Of each file that is there, as it is. */
  texts: Record<string, string>;
  /** What a person must know of these files. Where a class has rules of its own, texts are tried: up to a second. */
  notes(): string[];
}

/** @throws UserError where tokenizer.json is missing or one of the files is broken. */
export async function readTokenizerFiles(directory: string): Promise<TokenizerFiles> {
  const texts: Record<string, string> = {};
  const read = async (name: string): Promise<string | undefined> => {
    const path = join(directory, name);
    if (name !== tokenizerJsonName && !(await exists(path))) return undefined;
    texts[name] = await readBounded(path);
    return texts[name];
  };
  for (const name of [tokenizerJsonName, tokenizerConfigName, specialTokensMapName, addedTokensName]) await read(name);
  const model = await readModelFacts(directory);
  const { json, roles, by, sources, notes } = completeFiles(texts, model, directory);
  const { config } = sources;
  const { template: chatTemplate, notes: templateNotes } = await readTemplates({ directory, config, read });
  const isQwen2 = model.model_type === 'qwen2';
  return {
    ...{ json, path: join(directory, tokenizerJsonName), roles, chatTemplate, texts },
    notes() {
      const note = by && classNote(by, { sources, complete: json, directory, isQwen2 });
      return [...notes, ...templateNotes, ...configNotes(config), ...(note === undefined ? [] : [note])];
    },
  };
}

/**
 * What the files of a tokenizer say together, by their texts; `model`: what config.json says.
 * @throws UserError where one of them is broken.
 */
export function completeFiles(texts: Readonly<Record<string, string>>, model: ModelFacts, directory: string) {
  const of = (name: string): unknown =>
    texts[name] === undefined ? undefined : parse(texts[name], join(directory, name));
  const config = of(tokenizerConfigName);
  const by = transformersClass(config, model);
  const sources = {
    json: of(tokenizerJsonName),
    config,
    map: of(specialTokensMapName),
    encoder: of(addedTokensName),
    rows: typeof model.vocab_size === 'number' ? model.vocab_size : undefined,
    defaults: by?.rules?.defaults,
  };
  return { ...completeTokenizer(sources, directory), by, sources };
}

/** Of config.json, which is the model's. */
async function readModelFacts(directory: string): Promise<ModelFacts> {
  const path = join(directory, configName);
  if (!(await exists(path))) return {};
  return (parse(await readBounded(path), path) ?? {}) as ModelFacts;
}

/** Switches of tokenizer_config.json that would make transformers read the folder otherwise. */
function configNotes(config: unknown): string[] {
  const {
    auto_map: map,
    split_special_tokens: splits,
    fast_tokenizer_files: versions,
  } = (config ?? {}) as Record<string, unknown>;
  const notes: string[] = [];
  const isCode = Array.isArray(map) || (typeof map === 'object' && map !== null && 'AutoTokenizer' in map);
  if (isCode)
    notes.push(
      `${tokenizerConfigName} names Python code for its tokenizer (auto_map): it is not run, ids are those of ${tokenizerJsonName}`,
    );
  if (splits === true)
    notes.push(
      `${tokenizerConfigName} has split_special_tokens: transformers reads special tokens as text there, here they stay tokens`,
    );
  if (Array.isArray(versions) && versions.some((name) => name !== tokenizerJsonName)) {
    notes.push(
      `${tokenizerConfigName} has fast_tokenizer_files: transformers may read another file than ${tokenizerJsonName}`,
    );
  }
  return notes;
}

/** Reads one tokenizer.json, whatever it is called, without the files beside it. Throws `UserError`. */
export async function readTokenizerJson(path: string): Promise<unknown> {
  return parse(await readBounded(path), path);
}

interface TemplateSources {
  directory: string;
  config: unknown;
  read: (name: string) => Promise<string | undefined>;
}

/** The default template: a file of its own, tokenizer_config.json's, or that of the processor's chat_template.json. */
async function readTemplates({ directory, config, read }: TemplateSources) {
  const configPath = join(directory, tokenizerConfigName);
  const own = await read(chatTemplateName);
  const listed = readTemplate(config, configPath);
  const folder = join(directory, chatTemplatesFolder);
  const files = (await exists(folder)) ? (await readdir(folder)).filter((name) => name.endsWith('.jinja')) : [];
  const named = new Set([...listed.names, ...files.map((name) => name.slice(0, -'.jinja'.length))]);
  const notes = named.has('tool_use')
    ? [
        'this folder has a chat template tool_use, which transformers takes for conversations with tools: the default one is used for all',
      ]
    : [];
  const isDefault = files.includes('default.jinja');
  const template = own ?? (isDefault ? await readBounded(join(folder, 'default.jinja')) : undefined) ?? listed.template;
  if (isDefault && own === undefined)
    notes.push(
      `the chat template is ${chatTemplatesFolder}/default.jinja, which is not copied: name it ${chatTemplateName}`,
    );
  if (template !== undefined) return { template, notes };
  const text = await read(processorTemplateName);
  if (text === undefined) return { template, notes };
  const found = readTemplate(
    parse(text, join(directory, processorTemplateName)),
    join(directory, processorTemplateName),
  ).template;
  if (found !== undefined)
    notes.push(
      `the chat template is that of ${processorTemplateName}, which transformers reads for processors alone: save it as ${chatTemplateName}`,
    );
  return { template: found, notes };
}

/** `chat_template` is a string, or a list of named templates of which one is the default. */
function readTemplate(config: unknown, path: string): { template?: string; names: string[] } {
  const template = (config as { chat_template?: unknown } | null | undefined)?.chat_template ?? undefined;
  if (template === undefined || typeof template === 'string') return { template, names: [] };
  const named = Array.isArray(template) ? (template as ({ name?: unknown; template?: unknown } | null)[]) : [];
  const chosen = named.find((item) => item?.name === 'default')?.template;
  if (typeof chosen === 'string') return { template: chosen, names: named.map((item) => String(item?.name)) };
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
