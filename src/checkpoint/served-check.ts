// A model that leaves for another server is held to the sample conversations that its training stored: written, ended and read
// alike, or it does not leave. Checkpoints from before there were samples have none.
import { join } from 'node:path';
import { UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { chatSamplesName, generationConfigName, tokenizerConfigName, tokenizerJsonName } from '../base/layout.js';
import { replayFault, responseTemplateIn } from '../tokenizer/chat-replay.js';
import { type ChatSamples, parseChatSamples } from '../tokenizer/chat-samples.js';
import { Tokenizer } from '../tokenizer/tokenizer.js';
import type { MetadataValue } from './gguf-write.js';
import { parseJson, readSmallText } from './manifest.js';
import { parseGenerationConfig } from './model-config.js';

const maxBytes = 256 << 20;

/**
 * Replays the samples that lie in a folder through the tokenizer and the templates beside them. `where` names the folder.
 * @throws UserError at the first difference.
 */
export async function checkServed(folder: string, where: string): Promise<void> {
  const has = (name: string): Promise<boolean> => exists(join(folder, name));
  if (!(await has(chatSamplesName)) || !(await has(tokenizerJsonName))) return;
  const text = (name: string): Promise<string> => readSmallText(join(folder, name), maxBytes);
  const samples = parseChatSamples(await text(chatSamplesName), join(where, chatSamplesName));
  const config: unknown = (await has(tokenizerConfigName))
    ? parseJson(await text(tokenizerConfigName), join(where, tokenizerConfigName))
    : {};
  const tokenizer = await Tokenizer.open(folder);
  const inConfig = (config as { chat_template?: unknown }).chat_template;
  if (typeof inConfig === 'string' && inConfig !== tokenizer.chatTemplate) {
    throw refusal(
      `${tokenizerConfigName} has another chat_template than the one beside it, and older tools read that`,
      where,
    );
  }
  const { eosTokenIds } = (await has(generationConfigName))
    ? parseGenerationConfig(await text(generationConfigName), join(where, generationConfigName))
    : { eosTokenIds: tokenizer.stopIds };
  const fault = replayFault(samples, { tokenizer, eosTokenIds, responseTemplate: responseTemplateIn(config) });
  if (fault !== undefined) throw refusal(fault, where);
}

/** The same of what a GGUF file is to hold: its template, its list of tokens and their kinds. */
export function checkServedGguf(
  entries: readonly (readonly [string, MetadataValue])[],
  { samples: text, tokenizer, where }: { samples: string | undefined; tokenizer: Tokenizer; where: string },
): void {
  if (text === undefined) return;
  const samples = parseChatSamples(text, join(where, chatSamplesName));
  const fault = ggufFault(
    new Map(entries.map(([name, { value }]) => [name.replace('tokenizer.', ''), value])),
    samples,
    tokenizer,
  );
  if (fault !== undefined) throw refusal(fault, where);
}

function ggufFault(
  entries: ReadonlyMap<string, unknown>,
  samples: ChatSamples,
  tokenizer: Tokenizer,
): string | undefined {
  const tokens = entries.get('ggml.tokens') as string[];
  const kinds = entries.get('ggml.token_type') as ArrayLike<number>;
  for (const control of tokenizer.controlStrings) {
    const id = tokenizer.controlId(control) ?? -1;
    const isShown = !tokenizer.isSpecial(id) && !/^<[|｜].*[|｜]>$/s.test(control);
    if (tokens[id] !== control) return `token ${id} is ${JSON.stringify(tokens[id])}, and was ${control} in training`;
    if (isShown && kinds[id] !== 4) return `${control} would be decoded to nothing: its kind is ${kinds[id]}, not 4`;
  }
  const template = entries.get('chat_template');
  if (typeof template !== 'string') return 'it has no chat template';
  const ends = ['ggml.eos_token_id', 'ggml.eot_token_id'].flatMap((name) => {
    const id = entries.get(name);
    return typeof id === 'number' ? [id] : [];
  });
  return replayFault(samples, { tokenizer, eosTokenIds: ends, responseTemplate: null, template });
}

function refusal(why: string, where: string): UserError {
  return new UserError({
    ...{ what: 'this model would not be served as it was trained', where, why },
    next: 'Export the checkpoint as its training saved it, or fine-tune it with the template that is to be served; --no-replay exports it as it is',
  });
}
