// One chat completion, as the teacher asks for it. Between the teacher and the endpoint stands a record (recorded.ts),
// so the shape is plain data.

export interface CompletionRequest {
  /** Which of the expansion's requests this belongs to. */
  index: number;
  system: string;
  user: string;
  maxTokens: number;
  temperature: number;
}

export interface Completion {
  /** Empty where the endpoint answered with something that is no completion. */
  text: string;
  /** `stop`, `length`, … or `garbage`. */
  finish: string;
}

export interface Completer {
  /** Names endpoint and model: answers of one are never taken for those of another. */
  readonly identity: string;
  complete(request: CompletionRequest): Promise<Completion>;
}
