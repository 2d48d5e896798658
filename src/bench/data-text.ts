// Text to measure with, made on the spot: chains of neighbouring characters (Chinese) and words (English) of the small
// corpus in this repository. Like real text and unlike that corpus repeated, it hardly ever says the same thing twice.
import { readFile } from 'node:fs/promises';
import { Random } from '../base/random.js';

export const textKinds = ['zh', 'en', 'mixed'] as const;
export type TextKind = (typeof textKinds)[number];

const folder = new URL('../../data-specs/smoke/', import.meta.url);
const files = { zh: ['classics-zh.txt', 'modern-zh.txt'], en: ['classics-en.txt', 'plain-en.txt'] } as const;

/** Share of the English words that are spelt anew: real text has words that are met once. */
const newWords = 0.05;

export type TextMaker = (characters: number) => string;

/** Makers of text in Chinese, in English, and in one after the other: the same text each time for the same seed. */
export async function textMakers(seed: number): Promise<Record<TextKind, TextMaker>> {
  const read = async (names: readonly string[]): Promise<string> =>
    (await Promise.all(names.map((name) => readFile(new URL(name, folder), 'utf8')))).join('\n');
  const random = Random.stream(seed, 'bench text');
  const zh = chain(split(await read(files.zh), /./gsu), random);
  const words = split(await read(files.en), /\p{L}+ ?|[^\p{L}]/gu);
  const letters = chain(split(words.join(''), /\p{L}| /gu), random);
  const en = chain(words, random, (word) =>
    /^\p{L}+ $/u.test(word) && random.uniform() < newWords ? `${letters(3 + random.integer(0, 8)).trim()} ` : word,
  );
  let turn = 0;
  return { zh, en, mixed: (characters) => (turn++ % 2 === 0 ? zh(characters) : en(3 * characters)) };
}

function split(text: string, units: RegExp): string[] {
  return text.match(units) ?? [];
}

/** Each unit is followed by one that follows it in `units` (which are a ring), as often as there. */
function chain(units: readonly string[], random: Random, shown: (unit: string) => string = (unit) => unit): TextMaker {
  const followers = new Map<string, string[]>();
  for (const [i, unit] of units.entries()) {
    const next = units[(i + 1) % units.length];
    const known = followers.get(unit);
    if (known === undefined) followers.set(unit, [next]);
    else known.push(next);
  }
  let unit = random.choose(units);
  return (characters) => {
    let text = '';
    while (text.length < characters) {
      text += shown(unit);
      unit = random.choose(followers.get(unit) ?? units);
    }
    return text;
  };
}
