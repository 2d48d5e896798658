// How much one client may ask of this process, and all of them together. What is beyond is refused in words, never cut.

export const limits = {
  /** Bytes of a request's body. */
  bodyBytes: 4 << 20,
  /** Lists and objects in each other, in a body. */
  depth: 96,
  /** Of an answer, where a request names no number: as far as the context goes, but no further than that. */
  defaultTokens: 2048,
  /** Of all answers that one request asks for together. */
  requestTokens: 65_536,
  /** Answers that one request may ask for: prompts × n. */
  requestAnswers: 128,
  /** Answers that are being written or wait, of all requests; another request is then refused with 429. */
  answers: 512,
  /** Until a request is answered to its end. */
  seconds: 600,
  /** For the head of a request, and for all of it, to arrive. */
  headSeconds: 10,
  bodySeconds: 60,
  /** That a connection without a request stays open: longer than the pauses of a person who chats. */
  keepAliveSeconds: 60,
  /** Connections at once. */
  connections: 2048,
  stops: 16,
  stopCharacters: 256,
  tools: 128,
} as const;

export type Limits = { readonly [Key in keyof typeof limits]: number };
