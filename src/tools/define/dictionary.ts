// What a dictionary answers with, whichever book it was read from: a headword, how it is said or which part of speech it is,
// and its senses in the order of their use.

export interface DictionaryEntry {
  word: string;
  /** Pinyin of a Chinese word, part of speech of an English one. */
  label?: string;
  senses: string[];
}

export interface Dictionary {
  /** @param word trimmed, in composed form (NFKC). No entry: an empty list. */
  lookUp(word: string): Promise<DictionaryEntry[]>;
}
