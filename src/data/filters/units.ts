// Units of a text that mean the same in both languages: a Han character (or kana) is one, a run of letters and digits
// is one, everything else separates. A rule that counts units treats Chinese and English as equals.

const separator = 0;
const wordPart = 1;
const single = 2;

let classes: Uint8Array | undefined;

/** UTF-16 code unit → its class. Made on first use: 65,536 look-ups of Unicode properties. */
function unitClasses(): Uint8Array {
  if (classes !== undefined) return classes;
  const table = new Uint8Array(1 << 16);
  for (let code = 0; code < table.length; code++) {
    const character = String.fromCharCode(code);
    if (/[\p{L}\p{N}\p{M}]/u.test(character)) table[code] = wordPart;
    if (/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(character)) table[code] = single;
  }
  // Supplementary planes: the high half of 𠀀…𳏿 (Han) stands for the character, the low half is passed over.
  for (let high = 0xd840; high <= 0xd88f; high++) table[high] = single;
  classes = table;
  return table;
}

/** The units of one text; the arrays are reused by the next call. */
export class Units {
  /** 32-bit hash of each unit, ASCII letters in lower case. */
  hashes = new Uint32Array(1 << 12);
  /** Where each unit starts, and the code unit after its end. */
  starts = new Uint32Array(1 << 12);
  ends = new Uint32Array(1 << 12);
  length = 0;
  /** Units that are single characters: Han and kana. */
  singles = 0;

  read(text: string): this {
    const table = unitClasses();
    this.length = 0;
    this.singles = 0;
    for (let i = 0; i < text.length; ) {
      const code = text.charCodeAt(i);
      const kind = table[code];
      if (kind === separator) {
        i++;
        continue;
      }
      const start = i;
      let hash = 0x811c9dc5;
      if (kind === single) {
        hash = mix(hash, code);
        i++;
        if (code >= 0xd800 && i < text.length) hash = mix(hash, text.charCodeAt(i++));
        this.singles++;
      } else {
        for (let part = code; i < text.length; part = text.charCodeAt(i)) {
          if (table[part] !== wordPart) break;
          hash = mix(hash, part >= 65 && part <= 90 ? part + 32 : part);
          i++;
        }
      }
      this.#push(finish(hash), start, i);
    }
    return this;
  }

  #push(hash: number, start: number, end: number): void {
    if (this.length === this.hashes.length) this.#grow();
    this.hashes[this.length] = hash;
    this.starts[this.length] = start;
    this.ends[this.length++] = end;
  }

  #grow(): void {
    const larger = (array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> => {
      const copy = new Uint32Array(array.length * 2);
      copy.set(array);
      return copy;
    };
    this.hashes = larger(this.hashes);
    this.starts = larger(this.starts);
    this.ends = larger(this.ends);
  }
}

/** One step of FNV-1a, over a 16-bit unit. */
export function mix(hash: number, value: number): number {
  return Math.imul(hash ^ value, 0x01000193);
}

/** The last rounds of MurmurHash3: every bit of the input moves every bit of the output. */
export function finish(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
