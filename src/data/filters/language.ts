// Which language a text is in: by its script where that decides (Chinese, Japanese, Korean), else by eld's n-grams. Both
// look at windows all over it, which vote: what stands at its beginning is one voice of several.
import { z } from 'zod';
import { countCharacters } from './characters.js';
import { defineFilter } from './filter.js';

/** eld looks at 380 bytes of a text, so a window has about as many characters, and more says nothing new. */
const windowCharacters = 360;
const maxWindows = 5;
/** An address, a key, an encoded file: eld would take the first 70 bytes of it for a word of some language. */
const longWord = /[!-~]{40,}/g;

export const language = defineFilter({
  about: 'keeps the languages that are named: Chinese by its script, the others by eld',
  schema: z.strictObject({
    keep: z
      .array(z.string().regex(/^[a-z]{2}$/, 'a language is two small letters: zh, en, fr'))
      .min(1)
      .default(['zh', 'en'])
      .describe('ISO 639-1 codes'),
    minCharacters: z.int().min(1).default(40).describe('shorter texts, and ones of no letters, are not judged'),
  }),
  scope: 'document',
  make: async ({ keep, minCharacters }, { units }) => {
    // Loaded only where asked for: its tables are large.
    const { eld } = await import('eld/small');
    const english = new Set(units.read(englishWords).hashes.slice(0, units.length));
    const isEnglish = (sample: string): boolean => {
      const { hashes, length } = units.read(sample);
      let common = 0;
      for (let word = 0; word < length; word++) if (english.has(hashes[word])) common++;
      return common > length * 0.1;
    };
    const languageOf = (sample: string): string =>
      byScript(sample, minCharacters) ?? (isEnglish(sample) ? 'en' : eld.detect(sample).language);
    return ({ text }) => {
      const votes = new Map<string, number>();
      for (const sample of windowsOf(text.replace(longWord, ' '))) {
        const found = languageOf(sample);
        if (found !== '') votes.set(found, (votes.get(found) ?? 0) + 1);
      }
      const most = Math.max(...votes.values());
      const found = [...votes.keys()].find((one) => votes.get(one) === most);
      return found === undefined || keep.includes(found) ? undefined : { drop: `the language is ${found}` };
    };
  },
});

/** From the beginning to the end, evenly. */
function windowsOf(text: string): string[] {
  const count = Math.min(maxWindows, Math.ceil(text.length / windowCharacters));
  if (count <= 1) return [text];
  const step = (text.length - windowCharacters) / (count - 1);
  return Array.from({ length: count }, (_, i) => {
    const start = Math.floor(i * step);
    return text.slice(start, start + windowCharacters);
  });
}

/** No other language has these, and a fifth of English is made of them: most of it needs no closer look. */
const englishWords =
  'the of and that with this from which are have they you what would their there been were not his her when could should';

/** The language where the script decides it, '' where there is too little text, undefined for Latin and the like. */
function byScript(sample: string, minCharacters: number): 'zh' | 'ja' | 'ko' | '' | undefined {
  const { letters, han, kana, hangul } = countCharacters(sample);
  if (sample.length < minCharacters || letters * 2 < minCharacters) return '';
  if ((kana + han) * 2 > letters) return kana * 10 > letters ? 'ja' : 'zh';
  // Chinese with code or names in it.
  if (han * 5 > letters && kana * 20 < han) return 'zh';
  return hangul * 2 > letters ? 'ko' : undefined;
}
