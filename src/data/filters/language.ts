// Which language a text is in: by its script where that decides (Chinese, Japanese, Korean), else by eld's n-grams.
import { z } from 'zod';
import { countCharacters } from './characters.js';
import { defineFilter } from './filter.js';

/** Text is sampled from its beginning: boilerplate is at the ends, and more than this says nothing new. */
const sampled = 600;

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
    const isEnglish = (text: string): boolean => {
      const { hashes, starts, length } = units.read(text);
      let words = 0;
      let common = 0;
      for (; words < length && starts[words] < sampled; words++) if (english.has(hashes[words])) common++;
      return common > words * 0.1;
    };
    return ({ text }) => {
      const sample = text.slice(0, sampled);
      const found = byScript(sample, minCharacters) ?? (isEnglish(text) ? 'en' : eld.detect(sample).language);
      return found === '' || keep.includes(found) ? undefined : { drop: `the language is ${found}` };
    };
  },
});

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
