// How one model is spoken to: its tokenizer, its template, and where its answers end. Whatever turns messages into ids
// reads it here, with weights (local-model.ts) or without.
import { readModel } from '../checkpoint/directory.js';
import { isForeign } from '../checkpoint/hf.js';
import { readManifest } from '../checkpoint/manifest.js';
import { ChatTemplate } from '../tokenizer/chat-template.js';
import { missingTemplate } from '../tokenizer/chatml.js';
import { templated } from '../tokenizer/template-choice.js';
import { Tokenizer } from '../tokenizer/tokenizer.js';

export interface ChatFormat {
  tokenizer: Tokenizer;
  template: ChatTemplate;
  /** A base model continues text: it has learnt no turns. */
  isBase: boolean;
  contextLength: number;
  /** Of generation_config.json; the tokenizer knows others that end what a model writes (see `stopIdsOf`). */
  eosTokenIds: readonly number[];
  /** What a person should know of how the model's files are read. */
  notes?: readonly string[];
}

/** Every token that ends an answer. */
export function stopIdsOf({ eosTokenIds, tokenizer }: Pick<ChatFormat, 'eosTokenIds' | 'tokenizer'>): number[] {
  return [...new Set([...eosTokenIds, ...tokenizer.stopIds])];
}

/** Whether a model is one that has learnt no turns; `stage`: what made it, where that is known. */
export function isBaseModel(tokenizer: Tokenizer, stage: string | undefined): boolean {
  return stage === 'pretrain' || tokenizer.chatTemplate === missingTemplate;
}

/** Of a checkpoint or model folder, without its weights. @throws UserError where one of its files is missing or broken. */
export async function openChatFormat(directory: string): Promise<ChatFormat> {
  const { model, eosTokenIds, notes, tokenizerFolder } = await readModel(directory);
  const own = await Tokenizer.open(tokenizerFolder);
  const stage = (await isForeign(directory)) ? undefined : (await readManifest(directory)).manifest.stage;
  const isBase = isBaseModel(own, stage);
  // A base model's conversations are shown as fine-tuning will write them.
  const tokenizer = templated(own, { columns: model.max_position_embeddings, isBase, where: directory });
  const template = new ChatTemplate(tokenizer);
  return { tokenizer, template, isBase, contextLength: model.max_position_embeddings, eosTokenIds, notes };
}
