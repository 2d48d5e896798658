// Which token plays which part: ends a text, fills a row, ends a turn. Our own vocabularies have one token for each; for
// the others tokenizer_config.json, special_tokens_map.json and the chat template say it, or the names that are in use.
import { type SpecialName, specialTokens } from './special-tokens.js';

/** What a chat template sees as `bos_token` and so on; named-tokens.ts reads them. */
export interface RoleTokens {
  bos?: string;
  eos?: string;
  pad?: string;
  unk?: string;
}

/**
 * The token of each part.
 * @param id the id of a control string, undefined for any other text.
 * @param turnEnd the token that the chat template writes after an assistant's answer.
 */
export function roleIds(
  id: (text: string) => number | undefined,
  roles: RoleTokens,
  turnEnd?: number,
): Record<SpecialName, number | undefined> {
  const first = (...texts: (string | undefined)[]) =>
    texts.map((text) => (text === undefined ? undefined : id(text))).find((found) => found !== undefined);
  const end = turnEnd ?? first(specialTokens.turnEnd, roles.eos);
  const endOfText = first(specialTokens.endOfText, '<|end_of_text|>', roles.eos);
  const named = first(roles.pad, specialTokens.pad, '<|finetune_right_pad_id|>');
  return {
    endOfText,
    pad: named ?? (endOfText === end ? first(roles.eos) : endOfText),
    turnStart: first(specialTokens.turnStart),
    turnEnd: end,
  };
}
