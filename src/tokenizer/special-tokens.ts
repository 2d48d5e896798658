// The four control tokens. Their ids are their places in this list, so they never move when a vocabulary grows.

export const specialTokens = {
  /** Starts every document of plain text and separates documents: the base model's beginning and end of text. */
  endOfText: '<|endoftext|>',
  /** Fills the ends of batch rows; no prediction is ever made from or for it. */
  pad: '<|pad|>',
  /** Opens a chat turn. */
  turnStart: '<|im_start|>',
  /** Closes a chat turn: the chat model's end of text. */
  turnEnd: '<|im_end|>',
} as const;

export type SpecialName = keyof typeof specialTokens;

/** In id order: 0, 1, 2, 3. */
export const specialTokenList: readonly string[] = Object.values(specialTokens);
