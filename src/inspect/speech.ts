// What a checkpoint's small files say, opened without its weights: the model's shape, where generation ends, tokenizer.
import { join } from 'node:path';
import { describeForeign, isForeign } from '../checkpoint/hf.js';
import { readManifest, readSmallFile } from '../checkpoint/manifest.js';
import {
  configName,
  generationConfigName,
  parseGenerationConfig,
  parseModelConfig,
} from '../checkpoint/model-config.js';
import type { ModelConfig } from '../config/model.js';
import { ChatTemplate } from '../tokenizer/chat-template.js';
import { missingTemplate } from '../tokenizer/chatml.js';
import { Tokenizer } from '../tokenizer/tokenizer.js';
import type { Speech } from './tokens.js';

const maxConfigBytes = 16 << 20;

/** The architecture and the tokens that end an answer. @throws UserError where one of the files is missing or broken. */
export async function readModel(directory: string): Promise<{ model: ModelConfig; eosTokenIds: readonly number[] }> {
  if (await isForeign(directory)) {
    const { model, tokens } = await describeForeign(directory);
    return { model, eosTokenIds: tokens.eosTokenIds };
  }
  const text = async (name: string) => (await readSmallFile(join(directory, name), maxConfigBytes)).toString('utf8');
  return {
    model: parseModelConfig(await text(configName), join(directory, configName)),
    eosTokenIds: parseGenerationConfig(await text(generationConfigName), join(directory, generationConfigName)),
  };
}

/** The parts that make tokens. @throws UserError where one of their files is missing or broken. */
export async function openSpeech(directory: string): Promise<Speech> {
  const { model, eosTokenIds } = await readModel(directory);
  const tokenizer = await Tokenizer.open(directory);
  const { manifest } = (await isForeign(directory)) ? { manifest: undefined } : await readManifest(directory);
  const isBase = manifest?.stage === 'pretrain' || tokenizer.chatTemplate === missingTemplate;
  const template = new ChatTemplate(tokenizer);
  return { tokenizer, template, isBase, contextLength: model.max_position_embeddings, eosTokenIds };
}
