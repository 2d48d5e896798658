// How things are asked for: the files of data-specs/tools-wordings, each read once. A line is a wording: `{e}` is a place for a
// value, `<please |>` a choice. So one line is many questions, and they are learnt or held out together.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Random } from '../base/random.js';
import { parseYaml } from '../base/yaml.js';

export type Spoken = 'zh' | 'en';
export const spokenLanguages: readonly Spoken[] = ['zh', 'en'];
export type Wordings = Record<Spoken, readonly string[]>;

export interface WordingSet extends Wordings {
  /** What is said to all of them, where that is always the same. */
  answer?: Record<Spoken, string>;
}

/** Lines of text; empty ones are for the reader. */
export const linesSchema = z.string().transform((text) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== ''),
);

const setSchema = z
  .strictObject({
    places: z.array(z.string().regex(/^\w+\??$/)).describe('what every line has; with ? what it may have'),
    en: linesSchema,
    zh: linesSchema,
    answer: z.strictObject({ en: z.string(), zh: z.string() }).optional(),
  })
  .superRefine(({ places, ...set }, context) => {
    for (const language of spokenLanguages) {
      const faults = set[language].flatMap((line) => faultsOf(line, places).map((fault) => `${fault}: ${line}`));
      if (new Set(set[language]).size < set[language].length) faults.push('a line stands twice');
      for (const message of faults) context.addIssue({ code: 'custom', path: [language], message });
    }
  });

function faultsOf(line: string, places: readonly string[]): string[] {
  const found = [...line.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const names = places.map((place) => place.replace('?', ''));
  return [
    ...places.filter((place) => !place.endsWith('?') && !found.includes(place)).map((place) => `no {${place}}`),
    ...found.filter((name) => !names.includes(name)).map((name) => `{${name}} is no place of this set`),
    ...(/[<>]/.test(line.replace(choice, '')) ? ['a choice is not closed, or stands in another'] : []),
  ];
}

const folder = fileURLToPath(new URL('../../data-specs/tools-wordings/', import.meta.url));
const read = new Map<string, Record<string, WordingSet>>();

/**
 * @param name of a file in data-specs/tools-wordings, without `.yaml`
 * @param names of the sets that it must have: these and no others
 * @throws UserError with every fault of the file
 */
export function wordingSets<Name extends string>(name: string, names: readonly Name[]): Record<Name, WordingSet> {
  let sets = read.get(name);
  if (sets === undefined) {
    const path = `${folder}${name}.yaml`;
    const shape = Object.fromEntries(names.map((each) => [each, setSchema]));
    sets = parseYaml({ path, text: readFileSync(path, 'utf8') }, z.strictObject(shape));
    read.set(name, sets);
  }
  return sets as Record<Name, WordingSet>;
}

const choice = /<([^<>]*)>/g;

/** Every question that a line can be, before its values. */
export function variantsOf(line: string): string[] {
  const [found] = line.matchAll(choice);
  if (found === undefined) return [capitalized(line)];
  return found[1].split('|').flatMap((one) => variantsOf(line.replace(found[0], () => one)));
}

/** One of them. */
export function variantOf(line: string, random: Random): string {
  return capitalized(line.replace(choice, (_, all: string) => random.choose(all.split('|'))));
}

/** What a line begins with, not what a value does. */
function capitalized(line: string): string {
  return line.replace(/^["“]?[a-z]/, (first) => first.toUpperCase());
}

/** Every fifth wording of a list is held out. */
export function isHeldOutWording(index: number): boolean {
  return index % 5 === 4;
}

/** Every fifth of `all`, or the others. */
export function partFor<T>(all: readonly T[], isHeldOut: boolean): T[] {
  return all.filter((_, i) => isHeldOutWording(i) === isHeldOut);
}
