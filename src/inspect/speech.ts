// What a checkpoint's small files say, opened without its weights: the model's shape, where generation ends, tokenizer.
import { readModel } from '../checkpoint/directory.js';
import { isForeign } from '../checkpoint/hf.js';
import { readManifest } from '../checkpoint/manifest.js';
import { ChatTemplate } from '../tokenizer/chat-template.js';
import { missingTemplate } from '../tokenizer/chatml.js';
import { Tokenizer } from '../tokenizer/tokenizer.js';
import type { Speech } from './tokens.js';

/** The parts that make tokens. @throws UserError where one of their files is missing or broken. */
export async function openSpeech(directory: string): Promise<Speech> {
  const { model, eosTokenIds } = await readModel(directory);
  const tokenizer = await Tokenizer.open(directory);
  const { manifest } = (await isForeign(directory)) ? { manifest: undefined } : await readManifest(directory);
  const isBase = manifest?.stage === 'pretrain' || tokenizer.chatTemplate === missingTemplate;
  const template = new ChatTemplate(tokenizer);
  return { tokenizer, template, isBase, contextLength: model.max_position_embeddings, eosTokenIds };
}
