// A dictionary of what a corpus states: its translations and definitions, one of each word (see data/facts.ts).
import { readFacts } from '../../data/facts.js';
import type { Dictionary, DictionaryEntry } from './dictionary.js';

export class FactDictionary implements Dictionary {
  readonly #corpus: string;
  #facts: Promise<Map<string, DictionaryEntry[]>> | undefined;

  /** @param corpus the folder of a built corpus. */
  constructor(corpus: string) {
    this.#corpus = corpus;
  }

  async lookUp(word: string): Promise<DictionaryEntry[]> {
    this.#facts ??= this.#read();
    const facts = await this.#facts;
    return facts.get(word) ?? facts.get(word.toLowerCase()) ?? [];
  }

  async #read(): Promise<Map<string, DictionaryEntry[]>> {
    const found = new Map<string, DictionaryEntry[]>();
    const add = (key: string, entry: DictionaryEntry): void => {
      found.set(key, [...(found.get(key) ?? []), entry]);
    };
    for (const { kind, key, value } of await readFacts(this.#corpus)) {
      if (kind === 'poem-line') continue;
      add(key, { word: key, senses: [value] });
      if (kind === 'translation') add(value.toLowerCase(), { word: value, label: 'Chinese', senses: [key] });
    }
    return found;
  }
}
