// Which language a text is in: by its script where that decides (Chinese, Japanese, Korean), else by eld's n-grams.
import { z } from 'zod';
import { defineFilter } from './filter.js';

/** Text is sampled from its beginning: boilerplate stands at the ends, and more than this says nothing new. */
const sampled = 2000;

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
  make: async ({ keep, minCharacters }) => {
    // Loaded only where asked for: its tables are large.
    const { eld } = await import('eld/small');
    return ({ text }) => {
      const sample = text.slice(0, sampled);
      const found = byScript(sample, minCharacters) ?? eld.detect(sample).language;
      return found === '' || keep.includes(found) ? undefined : { drop: `the language is ${found}` };
    };
  },
});

/** The language where the script tells it, '' where there is too little to tell, undefined for Latin and the like. */
function byScript(sample: string, minCharacters: number): 'zh' | 'ja' | 'ko' | '' | undefined {
  const letters = sample.match(/\p{L}/gu)?.length ?? 0;
  const han = sample.match(/\p{Script=Han}/gu)?.length ?? 0;
  const kana = sample.match(/[\p{Script=Hiragana}\p{Script=Katakana}]/gu)?.length ?? 0;
  const hangul = sample.match(/\p{Script=Hangul}/gu)?.length ?? 0;
  if (sample.length < minCharacters || letters * 2 < minCharacters) return '';
  if ((kana + han) * 2 > letters) return kana * 10 > letters ? 'ja' : 'zh';
  return hangul * 2 > letters ? 'ko' : undefined;
}
