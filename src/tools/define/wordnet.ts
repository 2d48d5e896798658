// WordNet as its own library reads it (wndb(5WN)): index.* has a line a word, sorted by bytes, with the places of its synsets
// in data.*, the most usual sense first. A word is found by binary search, so nothing is parsed before it is asked for.
import { readFile } from 'node:fs/promises';
import { synsetOf, withoutExamples } from '../../data/sources/wordnet.js';
import { baseForms } from './base-forms.js';
import type { Dictionary, DictionaryEntry } from './dictionary.js';

export const partsOfSpeech = ['noun', 'verb', 'adj', 'adv'] as const;
export type PartOfSpeech = (typeof partsOfSpeech)[number];
const labels: Record<PartOfSpeech, string> = { noun: 'noun', verb: 'verb', adj: 'adjective', adv: 'adverb' };

export interface WordnetFiles {
  index: string;
  data: string;
}

interface Part {
  index: Buffer;
  data: Buffer;
}

const newline = 10;
const maxSenses = 100;

export class Wordnet implements Dictionary {
  readonly #files: ReadonlyMap<PartOfSpeech, WordnetFiles>;
  #parts: Promise<[PartOfSpeech, Part][]> | undefined;

  constructor(files: ReadonlyMap<PartOfSpeech, WordnetFiles>) {
    this.#files = files;
  }

  async lookUp(word: string): Promise<DictionaryEntry[]> {
    this.#parts ??= this.#read();
    const parts = await this.#parts;
    const lemma = word.toLowerCase();
    return parts.flatMap(([part, files]): DictionaryEntry[] => {
      // An inflected form is looked up only where the word itself is none of this part of speech.
      for (const form of [lemma, ...baseForms(lemma, part)]) {
        const senses = sensesOf(form, files);
        if (senses.length > 0) return [{ word: form, label: labels[part], senses }];
      }
      return [];
    });
  }

  #read(): Promise<[PartOfSpeech, Part][]> {
    const read = [...this.#files].map(async ([part, { index, data }]): Promise<[PartOfSpeech, Part]> => {
      return [part, { index: await readFile(index), data: await readFile(data) }];
    });
    return Promise.all(read);
  }
}

function sensesOf(word: string, { index, data }: Part): string[] {
  const line = findLine(index, `${word.replaceAll(' ', '_')} `);
  // lemma pos senses pointers pointer… senses tagged offset…
  const fields = line?.trimEnd().split(' ') ?? [];
  const count = Math.min(Number(fields[2]), maxSenses);
  if (!(count > 0)) return [];
  return fields
    .slice(6 + Number(fields[3]))
    .slice(0, count)
    .flatMap((offset) => {
      const start = Number(offset);
      if (!Number.isInteger(start) || start < 0 || start >= data.length) return [];
      const end = data.indexOf(newline, start);
      const synset = synsetOf(data.toString('utf8', start, end === -1 ? data.length : end));
      return synset === undefined ? [] : [withoutExamples(synset.gloss)];
    });
}

/** The line that begins with `start`, of lines sorted by their bytes. The licence on top begins with spaces, so it sorts first. */
export function findLine(lines: Buffer, start: string): string | undefined {
  const wanted = Buffer.from(start);
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const begin = middle === 0 ? 0 : lines.lastIndexOf(newline, middle - 1) + 1;
    const found = lines.indexOf(newline, begin);
    const end = found === -1 ? lines.length : found;
    const order = lines.subarray(begin, Math.min(end, begin + wanted.length)).compare(wanted);
    if (order === 0) return lines.toString('utf8', begin, end);
    if (order < 0) low = end + 1;
    else high = begin;
  }
  return undefined;
}
