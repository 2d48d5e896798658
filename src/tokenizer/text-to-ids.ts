// Text → ids: normalized, cut into pieces, each piece encoded. The ids land in one growing array, and no piece becomes
// a string of its own.
import { Bpe } from './bpe.js';
import { PieceCache } from './piece-cache.js';
import { byteCharacters } from './pre-tokenizer.js';
import { maxTokenLength, type Vocabulary } from './tokenizer-json.js';

/** CJK begins here: runs of it are as good as never the same, and few merges away from their tokens. */
const firstUncached = 0x2e80;

export class TextToIds {
  readonly #vocabulary: Vocabulary;
  readonly #bpe: Bpe;
  readonly #cache = new PieceCache();
  #ids = new Int32Array(1 << 10);

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
    this.#bpe = new Bpe(vocabulary.byteIds, vocabulary.merges);
  }

  /** Ids of a text; lone surrogates become U+FFFD. The array is valid until the next call. */
  encode(whole: string): Int32Array {
    const { normalize, preTokenizer } = this.#vocabulary;
    const { pieceEnd } = preTokenizer;
    const text = normalize(whole);
    let count = 0;
    for (let start = 0; start < text.length; ) {
      const end = pieceEnd(text, start);
      this.#reserve(count + 3 * (end - start), count);
      count = this.#encodePiece(text, start, end, count);
      start = end;
    }
    return this.#ids.subarray(0, count);
  }

  /** Ids of any bytes taken as one piece. */
  encodeBytes(bytes: Uint8Array): Int32Array {
    return this.#bpe.encodeBytes(bytes);
  }

  #encodePiece(text: string, from: number, to: number, at: number): number {
    const ids = this.#ids;
    if (to - from === 1) {
      const id = this.#bpe.wholeCharacter(text.charCodeAt(from));
      if (id >= 0) {
        ids[at] = id;
        return at + 1;
      }
    }
    const place = text.charCodeAt(to - 1) < firstUncached ? this.#cache.placeOf(text, from, to) : -1;
    if (place < 0) return this.#withoutCache(text, from, to, at);
    const known = this.#cache.read(place, text, from, to, ids, at);
    if (known >= 0) return known;
    const end = this.#withoutCache(text, from, to, at);
    this.#cache.write(place, text, from, to, ids, at, end);
    return end;
  }

  #withoutCache(text: string, from: number, to: number, at: number): number {
    const { wholePieces } = this.#vocabulary;
    const isLong = to - from > maxTokenLength;
    const whole = isLong ? undefined : wholePieces?.get(spell(text.slice(from, to)));
    if (whole === undefined) return this.#bpe.encodePiece(text, from, to, this.#ids, at);
    this.#ids[at] = whole;
    return at + 1;
  }

  #reserve(length: number, used: number): void {
    if (length <= this.#ids.length) return;
    const larger = new Int32Array(Math.ceil(1.5 * length));
    larger.set(this.#ids.subarray(0, used));
    this.#ids = larger;
  }
}

/** A piece in the byte alphabet. */
function spell(piece: string): string {
  let spelled = '';
  for (const byte of Buffer.from(piece)) spelled += byteCharacters[byte];
  return spelled;
}
