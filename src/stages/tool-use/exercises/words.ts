// Words that a dictionary knows: Define. Chinese words are asked for their meaning or the English, English ones for their meaning or
// the Chinese; what is answered stands in the result and is quoted as it is spelt there.
import { isHeldOutWord } from '../../../data/held-out-words.js';
import type { Fact } from '../../../data/types.js';
import { call, type Draw, type Exercise, holding, type Maker, type Spoken } from '../exercise.js';
import { asked, wordingSets } from '../wordings.js';

const sets = () => wordingSets('define', ['meaning', 'english', 'chinese', 'two']);

export type Words = Record<Spoken, readonly string[]>;

/** A character that occurs in fewer words than this is bytes to a small vocabulary, not a token. */
const minWords = 12;

/** Short words of the corpus's translations and definitions, of characters that are met often. */
export function dictionaryWords(facts: readonly Fact[]): Words {
  const zh = new Set<string>();
  const en = new Set<string>();
  const counts = new Map<string, number>();
  const english = /^[a-z]{3,9}$/;
  for (const { kind, key, value } of facts) {
    if (kind === 'translation' && /^\p{Script=Han}{2,4}$/u.test(key)) {
      zh.add(key);
      for (const character of new Set(key)) counts.set(character, (counts.get(character) ?? 0) + 1);
    }
    if (kind === 'translation' && english.test(value)) en.add(value);
    if (kind === 'definition' && english.test(key)) en.add(key);
  }
  const isCommon = (word: string): boolean => [...word].every((each) => (counts.get(each) ?? 0) >= minWords);
  return { zh: [...zh].filter(isCommon), en: [...en] };
}

/** Those that are learnt, or those that are not. */
export function side(words: Words, isHeldOut: boolean): Words {
  const of = (list: readonly string[]): string[] => list.filter((word) => isHeldOutWord(word) === isHeldOut);
  return { zh: of(words.zh), en: of(words.en) };
}

/** Longer results make long rows. */
const longestResult = 200;
const longestSense = { characters: 28, words: 4, han: 6 };

/** The first sense that Define gives, where a small model can copy it. */
export function firstSense(result: string): string | undefined {
  const [, text = ''] = /^[^\n]*?: (.*)$/m.exec(result.split('\n')[0]) ?? [];
  const sense = text
    .replace(/^1\. /, '')
    .replace(/ 2\. .*$/, '')
    .replace(/ \(\d+ more\)$/, '')
    .trim();
  const isShort = sense.length <= longestSense.characters && sense.split(' ').length <= longestSense.words;
  return sense !== '' && isShort && result.length <= longestResult ? sense : undefined;
}

/** The likeliest Chinese word for an English one. */
export function chineseFor(result: string): string | undefined {
  const [, word] = /\(Chinese\): (\p{Script=Han}+)(?=,|$)/mu.exec(result) ?? [];
  return word !== undefined && word.length <= longestSense.han && result.length <= longestResult ? word : undefined;
}

/** What is asked of a word, how its answer begins and what that quotes from the result. */
const asks = {
  meaning: { says: { en: 'It means: ', zh: '意思是：' }, quoted: firstSense },
  english: { says: { en: 'In English: ', zh: '英文是：' }, quoted: firstSense },
  chinese: { says: { en: 'In Chinese: ', zh: '中文是：' }, quoted: chineseFor },
} as const;
type Ask = keyof typeof asks;

/** A word of the senses that is met less often is spelt in pieces by a small vocabulary. */
const minSenses = 2;

/** Words whose senses are made of words that are met often, and their characters: what is rare is copied piece by piece. */
function plainWords(facts: readonly Fact[]): Words & { characters: ReadonlySet<string> } {
  const stated = facts.filter(({ kind }) => kind !== 'poem-line');
  const wordsOf = (text: string): Set<string> => new Set(text.toLowerCase().match(/[a-z]+/g));
  const counts = new Map<string, number>();
  for (const { value } of stated) for (const word of wordsOf(value)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const rare = new Set<string>();
  for (const { key, value } of stated) {
    if (value.split(' ').length > longestSense.words) rare.add(key);
    for (const word of wordsOf(value)) if ((counts.get(word) ?? 0) < minSenses) rare.add(key);
  }
  const { zh, en } = dictionaryWords(facts);
  return { zh: zh.filter((word) => !rare.has(word)), en, characters: new Set(zh.join('')) };
}

/** Two words at once: which sense is whose has to be learnt, so there is more of it to learn. */
const pairShare = { learnt: 0.24, heldOut: 0.12 };

export function words(facts: readonly Fact[]): Maker {
  const known = plainWords(facts);
  const sides = { learnt: side(known, false), heldOut: side(known, true) };
  /** Whose results turned out to be too long, by what was asked. */
  const unfit: Record<Ask, Set<string>> = { meaning: new Set(), english: new Set(), chinese: new Set() };
  const maxTries = 50;
  return (draw: Draw): Exercise | undefined => {
    const { random, language, isHeldOut } = draw;
    const drawn = (ask: Ask, of: Spoken): string | undefined => {
      const list = sides[isHeldOut ? 'heldOut' : 'learnt'][of];
      for (let i = 0; i < maxTries; i++) {
        const word = random.choose(list);
        if (!unfit[ask].has(word)) return word;
      }
      return undefined;
    };
    const base = { kind: 'define', language, needs: ['Define'] };
    const quote = (word: string, ask: Ask, result: string): string | undefined => {
      const sense = asks[ask].quoted(result);
      const isPlain = ask !== 'chinese' || [...(sense ?? '')].every((character) => known.characters.has(character));
      if (sense !== undefined && isPlain) return sense;
      unfit[ask].add(word);
      return undefined;
    };
    if (random.uniform() < pairShare[isHeldOut ? 'heldOut' : 'learnt']) {
      const [w, v] = [drawn('meaning', 'zh'), drawn('meaning', 'zh')];
      if (w === undefined || v === undefined || w === v) return undefined;
      return {
        ...{ ...base, ...asked(sets().two, { w, v }, draw) },
        turns: [() => [call('Define', { word: w }), call('Define', { word: v })]],
        ending([r, s]) {
          const senses = [quote(w, 'meaning', r), quote(v, 'meaning', s)];
          if (senses.includes(undefined)) return undefined;
          const answer = senses.map((sense) => asks.meaning.says[language] + sense).join('\n');
          return holding(answer, answer);
        },
      };
    }
    // Most words that are asked after are of the other language; its own are defined in English only.
    const of: Spoken = random.uniform() < 0.65 ? 'zh' : 'en';
    const isTranslated = random.uniform() < 0.5;
    const ask: Ask =
      of === 'zh' ? (isTranslated ? 'english' : 'meaning') : isTranslated || language === 'zh' ? 'chinese' : 'meaning';
    const word = drawn(ask, of);
    if (word === undefined) return undefined;
    // Who asks in Chinese what an English word means wants to read Chinese.
    const isPlain = ask === 'chinese' && language === 'zh' && !isTranslated;
    return {
      ...{ ...base, ...asked(sets()[isPlain ? 'meaning' : ask], { w: word }, draw) },
      turns: [() => [call('Define', { word })]],
      ending([r]) {
        const sense = quote(word, ask, r);
        return sense === undefined ? undefined : holding(asks[ask].says[language] + sense, sense);
      },
    };
  };
}
