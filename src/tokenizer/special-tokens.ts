// The tokens that a vocabulary of ours begins with: four that control, and six that mark what an assistant thinks and calls.
// Their ids are their places in these lists, so they never move when a vocabulary grows.

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

/**
 * What chat templates of the Hermes and Qwen3 form write around calls, their results and thoughts. They are not special:
 * a decoder that skips special tokens keeps them, and servers find the calls. Vocabularies from before have none of them;
 * there they are ordinary text.
 */
export const answerMarks = {
  callStart: '<tool_call>',
  callEnd: '</tool_call>',
  resultStart: '<tool_response>',
  resultEnd: '</tool_response>',
  thoughtStart: '<think>',
  thoughtEnd: '</think>',
} as const;

/** In id order, from 4. */
export const answerMarkList: readonly string[] = Object.values(answerMarks);
