// What every document goes through before it counts: one form for equal text (NFC, LF), nothing invisible, and the
// few filters of the data-spec. Nothing here knows where the text came from.
import { countCharacters } from './filters/characters.js';
import type { DataSpec, SourceSpec } from './spec.js';
import type { Language } from './types.js';

/** Control characters but tab and newline, lone surrogates, byte-order marks, non-characters. */
const unprintable = /[^\P{Cc}\n\t]|[\p{Cs}\u{feff}\u{fffe}\u{ffff}]/gu;
/** The look-behind keeps this linear: a long run of spaces is tried from its first one only. */
const spacesAtLineEnd = /(?<![^\S\n])[^\S\n]+$/gm;
/** Asked first: most texts have none, and to see that takes half as long without the look-behind. */
const hasSpaceAtLineEnd = /[^\S\n]$/m;

/** NFC, LF line ends, no control characters, no spaces at line ends, no run of blank lines. */
export function normalise(text: string): { text: string; removed: number } {
  let removed = 0;
  let cleaned = text.normalize('NFC').replace(/\r\n?|[\u2028\u2029]/g, '\n');
  cleaned = cleaned.replace(unprintable, () => {
    removed++;
    return '';
  });
  // An accent meets its letter where a control character was between them.
  if (removed > 0) cleaned = cleaned.normalize('NFC');
  if (hasSpaceAtLineEnd.test(cleaned)) cleaned = cleaned.replace(spacesAtLineEnd, '');
  return { text: cleaned.replace(/\n{3,}/g, '\n\n').trim(), removed };
}

/** Mostly Han characters: zh; mostly basic Latin letters: en; anything else (formulas, glossaries): other. */
export function detectLanguage(text: string): Language {
  const { letters, latin, han } = countCharacters(text, Math.min(text.length, 4000));
  if (han > 0 && han * 2 > letters) return 'zh';
  return latin > 0 && latin * 10 > letters * 9 ? 'en' : 'other';
}

export const dropRules = ['unreadable', 'empty', 'short', 'long', 'excluded', 'duplicate'] as const;
type Rule = (typeof dropRules)[number];

/** Why a document is not kept, if so. Lengths are in UTF-16 code units. */
export function rejectionOf(text: string, spec: DataSpec, source: Pick<SourceSpec, 'exclude'>): Rule | undefined {
  if (text === '') return 'empty';
  if (text.length < spec.minCharacters) return 'short';
  if (text.length > spec.maxCharacters) return 'long';
  return source.exclude.some((part) => text.includes(part)) ? 'excluded' : undefined;
}
