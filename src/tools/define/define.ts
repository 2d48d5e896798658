// Define: what a word means. Chinese words by CC-CEDICT, English ones by WordNet and CC-CEDICT the other way round; or, where
// a run or corpus is named, by what that corpus states.
import { defaultLimits, type Executor, ToolFailure } from '../tool.js';
import type { Dictionary, DictionaryEntry } from './dictionary.js';

export interface DefineOptions {
  /** Of each entry. */
  senses?: number;
}

const defaultSenses = 3;
const maxEntries = 6;
const maxWord = 60;
const maxSense = 300;

export function defineTool(
  dictionaries: readonly Dictionary[],
  { senses = defaultSenses }: DefineOptions = {},
): Executor {
  return {
    tool: {
      name: 'Define',
      description: 'Looks a word up in a dictionary: Chinese or English.',
      parameters: {
        type: 'object',
        properties: { word: { type: 'string', description: 'one word' } },
        required: ['word'],
        additionalProperties: false,
      },
    },
    limits: defaultLimits,
    async run({ word }) {
      const wanted = plainWord(String(word));
      const entries: DictionaryEntry[] = [];
      for (const dictionary of dictionaries) entries.push(...(await dictionary.lookUp(wanted)));
      if (entries.length === 0) throw new ToolFailure(`There is no entry for ${wanted}.`);
      return shownEntries(entries, senses);
    },
  };
}

/** What was meant by `“Apple”` is Apple. */
function plainWord(word: string): string {
  const plain = word
    .slice(0, 1000)
    .normalize('NFKC')
    .replace(/\s+/g, ' ')
    .replace(/^[\s"'“”‘’「」『』《》]+|[\s"'“”‘’「」『』《》.。?!？！]+$/gu, '');
  if (plain === '') throw new ToolFailure('The word is empty.');
  if ([...plain].length > maxWord) throw new ToolFailure(`This is longer than a word: at most ${maxWord} characters.`);
  return plain;
}

/** `苹果 (píng guǒ): apple`, a line an entry; several senses are numbered. */
export function shownEntries(entries: readonly DictionaryEntry[], senses: number): string {
  const lines = entries.slice(0, maxEntries).map(({ word, label, senses: all }) => {
    const shown = all
      .slice(0, senses)
      .map((sense) => (sense.length > maxSense ? `${sense.slice(0, maxSense)}…` : sense));
    const list = all.length === 1 ? shown[0] : shown.map((sense, i) => `${i + 1}. ${sense}`).join(' ');
    const more = all.length - shown.length;
    return `${word}${label === undefined ? '' : ` (${label})`}: ${list}${more > 0 ? ` (${more} more)` : ''}`;
  });
  if (entries.length > maxEntries) lines.push(`(${entries.length - maxEntries} more entries)`);
  return lines.join('\n');
}
