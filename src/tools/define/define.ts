// Define: what a word means. Chinese words by CC-CEDICT, English ones by WordNet and CC-CEDICT the other way round; or, where
// a run or corpus is named, by what that corpus states.
import { shorten } from '../../base/format.js';
import type { BuiltInRequest } from '../built-ins.js';
import { type Executor, ToolFailure } from '../tool.js';
import type { Dictionary, DictionaryEntry } from './dictionary.js';

/** Of each entry. */
const maxSenses = 3;
const maxEntries = 6;
const maxWord = 60;
const maxSense = 300;

export function defineTool({ tool, limits }: BuiltInRequest, dictionaries: readonly Dictionary[]): Executor {
  return {
    tool,
    limits,
    async run({ word }) {
      const wanted = plainWord(String(word));
      const entries: DictionaryEntry[] = [];
      for (const dictionary of dictionaries) entries.push(...(await dictionary.lookUp(wanted)));
      if (entries.length === 0) throw new ToolFailure(`There is no entry for ${wanted}.`);
      return shownEntries(entries, limits.characters);
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

/** `苹果 (píng guǒ): apple`, a line an entry; several senses are numbered, and there are fewer of them where room is short. */
export function shownEntries(entries: readonly DictionaryEntry[], maxCharacters: number): string {
  let text = '';
  for (let senses = maxSenses; senses > 0; senses--) {
    text = entries
      .slice(0, maxEntries)
      .map((entry) => shownEntry(entry, senses))
      .join('\n');
    if (text.length <= maxCharacters) break;
  }
  const more = entries.length - maxEntries;
  return more > 0 ? `${text}\n(${more} more entries)` : text;
}

function shownEntry({ word, label, senses }: DictionaryEntry, most: number): string {
  const shown = senses.slice(0, most).map((sense) => shorten(sense, maxSense));
  const list = senses.length === 1 ? shown[0] : shown.map((sense, i) => `${i + 1}. ${sense}`).join(' ');
  const more = senses.length - shown.length;
  return `${word}${label === undefined ? '' : ` (${label})`}: ${list}${more > 0 ? ` (${more} more)` : ''}`;
}
