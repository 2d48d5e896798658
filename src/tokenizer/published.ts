// Vocabularies that others have published, for comparison only: they come with the npm package gpt-tokenizer, which is
// not a dependency. Special-token strings in text are text, as they are to our own `encode`.
import { UserError } from '../base/errors.js';

/** All that a comparison needs to know of a tokenizer. */
export interface Encoder {
  vocabSize: number;
  encode(text: string): ArrayLike<number>;
  /** The bytes of one token. */
  tokenBytes(id: number): Uint8Array;
}

const encodings = { gpt2: 'r50k_base', cl100k: 'cl100k_base', o200k: 'o200k_base' } as const;

export type PublishedName = keyof typeof encodings;
export const publishedNames = Object.keys(encodings) as readonly PublishedName[];

/** How gpt-tokenizer gives a token: text where it is UTF-8, else bytes. */
type Rank = string | readonly number[];

interface Encoding {
  vocabularySize: number;
  encode(text: string, options: { disallowedSpecial: Set<string> }): number[];
}

/** Throws `UserError` where gpt-tokenizer is not installed. */
export async function openPublished(name: PublishedName): Promise<Encoder> {
  const encoding = encodings[name];
  try {
    const { default: ranks } = (await import(`gpt-tokenizer/bpeRanks/${encoding}`)) as { default: readonly Rank[] };
    const { encode, vocabularySize } = (await import(`gpt-tokenizer/encoding/${encoding}`)) as Encoding;
    const options = { disallowedSpecial: new Set<string>() };
    return {
      vocabSize: vocabularySize,
      encode: (text) => encode(text, options),
      tokenBytes: (id) => Buffer.from((ranks[id] ?? []) as string),
    };
  } catch (error) {
    throw new UserError(
      {
        what: `the vocabulary of ${name} is not here`,
        why: 'it comes with the package gpt-tokenizer, which is only needed to compare',
        next: 'Install it: npm install --no-save gpt-tokenizer@4.0.0',
      },
      { cause: error },
    );
  }
}
