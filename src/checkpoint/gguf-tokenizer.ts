// The tokenizer as GGUF holds it: a list of tokens with their kinds, the merges, the ids of the special ones, and the
// name of the pre-tokenizer. GGUF carries no split regex, so only sets that llama.cpp knows by name can be written.
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { shorten } from '../base/format.js';
import type { ModelConfig } from '../config/model.js';
import { missingTemplate } from '../tokenizer/chatml.js';
import { preTokenizerName } from '../tokenizer/pre-tokenizers.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { Checkpoint } from './directory.js';
import { withoutGenerationTags } from './gguf-template.js';
import type { MetadataValue } from './gguf-write.js';
import { checkTokenRows } from './model-config.js';

const tokenKinds = { normal: 1, control: 3, userDefined: 4, unused: 5 } as const;

/** What is read here; `Tokenizer` has checked the rest. */
const tokenizerSchema = z.looseObject({
  added_tokens: z.array(
    z.looseObject({
      id: z.int(),
      content: z.string(),
      special: z.boolean().default(true),
      single_word: z.boolean().optional(),
      lstrip: z.boolean().optional(),
      rstrip: z.boolean().optional(),
    }),
  ),
  pre_tokenizer: z.unknown(),
  model: z.looseObject({
    ignore_merges: z.boolean().nullish(),
    vocab: z.record(z.string(), z.int()),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
  }),
});
type TokenizerJson = z.output<typeof tokenizerSchema>;

/**
 * The `tokenizer.*` entries, in file order. The embedding's rows above the last token (Qwen pads its vocabulary) become
 * unused tokens called [PAD<id>].
 * @throws UserError where llama.cpp could not cut text as this tokenizer does.
 */
export function tokenizerMetadata(checkpoint: Checkpoint, tokenizer: Tokenizer): [string, MetadataValue][] {
  const { model, path } = checkpoint;
  const [eosTokenId] = checkpoint.eosTokenIds;
  const where = `${path}/tokenizer.json`;
  const bos = beginningOfText(tokenizer, model);
  checkTokenRows(model, tokenizer, where);
  const json = tokenizerSchema.parse(tokenizer.json);
  const flagged = json.added_tokens.find((token) => token.single_word || token.lstrip || token.rstrip);
  if (flagged !== undefined) {
    const which = JSON.stringify(shorten(flagged.content, 40));
    throw notInGguf(`the added token ${which} has single_word, lstrip or rstrip: GGUF has no place for them`, where);
  }
  const { tokens, kinds } = tokenList(json, model.vocab_size);
  const id = (value: number): MetadataValue => ({ type: 'uint32', value });
  const entries: [string, MetadataValue][] = [
    ['ggml.model', { type: 'string', value: 'gpt2' }],
    ['ggml.pre', { type: 'string', value: preTokenizerOf(json, where) }],
    ['ggml.tokens', { type: 'array', of: 'string', value: tokens }],
    ['ggml.token_type', { type: 'array', of: 'int32', value: kinds }],
    ['ggml.merges', { type: 'array', of: 'string', value: json.model.merges.map(mergeText) }],
    ['ggml.eos_token_id', id(eosTokenId)],
    ['ggml.padding_token_id', id(model.pad_token_id)],
    ...affixEntries(tokenizer, bos, eosTokenId, where),
  ];
  if (bos !== undefined) entries.push(['ggml.bos_token_id', id(bos)]);
  if (tokenizer.turnEnd !== undefined) entries.push(['ggml.eot_token_id', id(tokenizer.specialId('turnEnd'))]);
  if (tokenizer.chatTemplate !== missingTemplate) {
    entries.push(['chat_template', { type: 'string', value: withoutGenerationTags(tokenizer.chatTemplate) }]);
  }
  return entries.map(([name, value]) => [`tokenizer.${name}`, value]);
}

function tokenList({ model, added_tokens: added }: TokenizerJson, rows: number): { tokens: string[]; kinds: number[] } {
  const tokens = Array.from({ length: rows }, (_, id) => `[PAD${id}]`);
  const kinds: number[] = Array.from({ length: rows }, () => tokenKinds.unused);
  for (const [token, id] of Object.entries(model.vocab)) {
    tokens[id] = token;
    kinds[id] = tokenKinds.normal;
  }
  for (const { id, content, special } of added) {
    tokens[id] = content;
    // Some models leave `special` off their control tokens; like llama.cpp's converter, we know them by their look.
    const isControl = special || /^<\|.*\|>$/s.test(content) || /^<｜.*｜>$/s.test(content);
    kinds[id] = isControl ? tokenKinds.control : tokenKinds.userDefined;
  }
  return { tokens, kinds };
}

function mergeText(merge: string | [string, string]): string {
  return typeof merge === 'string' ? merge : merge.join(' ');
}

/** llama.cpp takes whole pieces that are tokens before it merges (`ignore_merges`) for Llama 3's set, and only there. */
function preTokenizerOf({ pre_tokenizer: found, model }: TokenizerJson, where: string): string {
  const name = preTokenizerName(found);
  if (name === undefined) throw notInGguf('llama.cpp has no name for this pre_tokenizer', where);
  const ignoresMerges = model.ignore_merges === true;
  if (ignoresMerges === (name === 'llama-bpe')) return name;
  throw notInGguf(`ignore_merges: ${ignoresMerges} with the pre_tokenizer ${name}: llama.cpp does the opposite`, where);
}

/** The tokenizer knows better than config.json: DeepSeek's distilled Qwen models name the end of text there. */
function beginningOfText(tokenizer: Tokenizer, model: ModelConfig): number | undefined {
  const { affixes, roles } = tokenizer;
  const named = roles.bos === undefined ? undefined : tokenizer.controlId(roles.bos);
  return affixes.before[0] ?? named ?? model.bos_token_id ?? undefined;
}

/** What the tokenizer puts around every text: nothing, or the beginning-of-text token (Llama 3), or an end too. */
function affixEntries(
  { affixes: { before, after } }: Tokenizer,
  bos: number | undefined,
  eos: number,
  where: string,
): [string, MetadataValue][] {
  const isPlain = [before, after].every(({ length }) => length <= 1);
  if (!isPlain || (before[0] ?? bos) !== bos || (after[0] ?? eos) !== eos) {
    throw notInGguf('the post_processor adds tokens other than the beginning and the end of text', where);
  }
  return [
    ['ggml.add_bos_token', { type: 'bool', value: before.length > 0 }],
    ['ggml.add_eos_token', { type: 'bool', value: after.length > 0 }],
  ];
}

function notInGguf(what: string, where: string): UserError {
  return new UserError({ what, where, next: 'Export with --format hf' });
}
