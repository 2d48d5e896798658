// Which token plays which part: ends a text, fills a row, ends a turn. Our own vocabularies have one token for each; for
// the others tokenizer_config.json, special_tokens_map.json and the chat template say it, or the names that are in use.
import { z } from 'zod';
import { type SpecialName, specialTokens } from './special-tokens.js';

/** What a chat template sees as `bos_token` and so on. */
export interface RoleTokens {
  bos?: string;
  eos?: string;
  pad?: string;
  unk?: string;
}

const token = z
  .union([z.string().max(256), z.looseObject({ content: z.string().max(256) }).transform(({ content }) => content)])
  .nullish()
  .catch(undefined);
const rolesSchema = z.object({ bos_token: token, eos_token: token, pad_token: token, unk_token: token }).catch({});

/** The role tokens of tokenizer_config.json, completed by special_tokens_map.json: strings, or objects with `content`. */
export function readRoles(config: unknown, map: unknown): RoleTokens {
  const [first, second] = [config, map].map((source) => rolesSchema.parse(source));
  const of = (name: keyof typeof first): string | undefined => first[name] ?? second[name] ?? undefined;
  return { bos: of('bos_token'), eos: of('eos_token'), pad: of('pad_token'), unk: of('unk_token') };
}

/**
 * The token of each part.
 * @param id the id of a control string, undefined for any other text.
 * @param turnEnd what the chat template writes after an assistant's answer.
 */
export function roleIds(
  id: (text: string) => number | undefined,
  roles: RoleTokens,
  turnEnd?: string,
): Record<SpecialName, number | undefined> {
  const first = (...texts: (string | undefined)[]) =>
    texts.map((text) => (text === undefined ? undefined : id(text))).find((found) => found !== undefined);
  const end = first(turnEnd, specialTokens.turnEnd, roles.eos);
  const endOfText = first(specialTokens.endOfText, '<|end_of_text|>', roles.eos);
  const named = first(roles.pad, specialTokens.pad, '<|finetune_right_pad_id|>');
  return {
    endOfText,
    pad: named ?? (endOfText === end ? first(roles.eos) : endOfText),
    turnStart: first(specialTokens.turnStart),
    turnEnd: end,
  };
}
