// Tokens become text as they come: bytes that may be the start of a character wait for the rest of it.
import type { DecodeOptions, Tokenizer } from './tokenizer.js';

export class StreamDecoder {
  readonly #tokenizer: Tokenizer;
  readonly #skipSpecial: boolean;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(tokenizer: Tokenizer, options: DecodeOptions = {}) {
    this.#tokenizer = tokenizer;
    this.#skipSpecial = options.skipSpecial ?? false;
  }

  /** The text that is complete with this token; may be empty. */
  push(id: number): string {
    if (this.#skipSpecial && this.#tokenizer.isSpecial(id)) return '';
    return this.#decoder.decode(this.#tokenizer.tokenBytes(id), { stream: true });
  }

  /** What was still waiting, as U+FFFD. The decoder can then be used afresh. */
  end(): string {
    return this.#decoder.decode();
  }
}
