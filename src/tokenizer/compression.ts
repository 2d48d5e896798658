// How well a tokenizer holds text: sums over documents, and the figures that come of them. What a token costs to read is
// its share of the text, what it costs to predict grows with the logarithm of the vocabulary: bits per Han character
// puts the two together, so that vocabularies of different sizes can be compared.
import { isUtf8 } from 'node:buffer';
import type { Encoder } from './published.js';

export interface CompressionFigures {
  documents: number;
  /** UTF-8 bytes of the text. */
  bytes: number;
  tokens: number;
  bytesPerToken: number;
  hanCharacters: number;
  /** In Latin script. */
  words: number;
  /** Tokens that hold any byte of a Han character, per Han character; null without Han characters. */
  tokensPerHan: number | null;
  /** The same, times the base-2 logarithm of the vocabulary. */
  bitsPerHan: number | null;
  /** Fertility: tokens that hold any letter of a word in Latin script, per word; null without words. */
  tokensPerWord: number | null;
  /** Share of the tokens that are not whole characters: pieces of UTF-8. */
  partialShare: number;
}

const han = /\p{Script=Han}/gu;
// Not `wordsOf`: the text as it stands, its bytes are marked; "don’t" is one word; a number is none.
const words = /\p{Script=Latin}[\p{Script=Latin}\p{M}'’]*/gu;
const isHan = 1;
const isWord = 2;

export class Compression {
  readonly #encoder: Encoder;
  /** Of each token met: whether it is whole UTF-8. */
  readonly #whole = new Map<number, boolean>();
  #documents = 0;
  #bytes = 0;
  #tokens = 0;
  #partial = 0;
  #han = 0;
  #hanTokens = 0;
  #words = 0;
  #wordTokens = 0;

  constructor(encoder: Encoder) {
    this.#encoder = encoder;
  }

  add(text: string): void {
    this.#documents++;
    this.#bytes += Buffer.byteLength(text);
    const ids = this.#encoder.encode(text);
    const pieces = Array.from(ids, (id) => this.#encoder.tokenBytes(id));
    // The text that the tokens spell: a normalizer may have changed it.
    const marks = this.#mark(Buffer.concat(pieces));
    let start = 0;
    for (const [i, piece] of pieces.entries()) {
      let kinds = 0;
      for (let at = start; at < start + piece.length; at++) kinds |= marks[at];
      if (kinds & isHan) this.#hanTokens++;
      if (kinds & isWord) this.#wordTokens++;
      if (!this.#isWhole(ids[i], piece)) this.#partial++;
      start += piece.length;
    }
    this.#tokens += ids.length;
  }

  figures(): CompressionFigures {
    const tokensPerHan = this.#han === 0 ? null : this.#hanTokens / this.#han;
    return {
      documents: this.#documents,
      bytes: this.#bytes,
      tokens: this.#tokens,
      bytesPerToken: this.#bytes / Math.max(1, this.#tokens),
      hanCharacters: this.#han,
      words: this.#words,
      tokensPerHan,
      bitsPerHan: tokensPerHan === null ? null : tokensPerHan * Math.log2(this.#encoder.vocabSize),
      tokensPerWord: this.#words === 0 ? null : this.#wordTokens / this.#words,
      partialShare: this.#partial / Math.max(1, this.#tokens),
    };
  }

  /** What each byte is part of, and counts the Han characters and the words. */
  #mark(bytes: Buffer): Uint8Array {
    const marks = new Uint8Array(bytes.length);
    if (!isUtf8(bytes)) return marks;
    const text = bytes.toString();
    const mark = (pattern: RegExp, kind: number): number => {
      let [index, offset, count] = [0, 0, 0];
      for (const match of text.matchAll(pattern)) {
        const start = offset + Buffer.byteLength(text.slice(index, match.index));
        index = match.index + match[0].length;
        offset = start + Buffer.byteLength(match[0]);
        marks.fill(kind, start, offset);
        count++;
      }
      return count;
    };
    this.#han += mark(han, isHan);
    this.#words += mark(words, isWord);
    return marks;
  }

  #isWhole(id: number, bytes: Uint8Array): boolean {
    let whole = this.#whole.get(id);
    if (whole === undefined) {
      whole = isUtf8(bytes);
      this.#whole.set(id, whole);
    }
    return whole;
  }
}
