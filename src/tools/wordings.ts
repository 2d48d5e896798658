// How people ask for things: the wordings of data-specs/tools-wordings, which are data and read when they are first needed, and
// the politeness that may stand around a command.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Random } from '../base/random.js';

const folder = new URL('../../data-specs/tools-wordings/', import.meta.url);

export const wordingListSchema = z.array(z.string().min(1)).min(5);
/** Of one thing that is asked for. */
export const wordingsSchema = z.strictObject({ en: wordingListSchema, zh: wordingListSchema });

/** @returns a function that reads the file `name` of the folder when it is first called. */
export function packagedWordings<T>(name: string, schema: z.ZodType<T>): () => T {
  let read: T | undefined;
  return () => {
    read ??= schema.parse(parse(readFileSync(fileURLToPath(new URL(`${name}.yaml`, folder)), 'utf8')));
    return read;
  };
}

/** Every fifth wording of a list is for asking only. */
export function isHeldOutWording(index: number): boolean {
  return index % 5 === 4;
}

/** `{c}` stands where a command does; two of the plain kind, because most people are plain. */
const around = {
  en: [
    ...['{c}.', '{c}.', '{c}.', '{c}, please.', '{c} now.', 'Please {c}.', 'Please {c}.', 'Could you {c}?'],
    ...['Can you {c}?', 'Would you {c}?', 'Will you {c}?', 'Could you please {c}?', 'Can you {c}, please?'],
    ...['I want you to {c}.', 'I need you to {c}.', 'I would like you to {c}.', 'You can {c} now.', 'Now {c}.'],
    ...['Would you be so kind as to {c}?', 'Your task: {c}.', 'It would help if you could {c}.', 'You have to {c}.'],
  ],
  zh: [
    ...['{c}。', '{c}。', '{c}。', '{c}吧。', '请{c}。', '请{c}。', '请你{c}。', '麻烦你{c}。', '你{c}。'],
    ...['能不能{c}？', '你能{c}吗？', '可以{c}吗？', '{c}，谢谢。', '现在{c}。', '{c}，好吗？', '请你{c}，谢谢。'],
    ...['劳驾，{c}。', '我要你{c}。', '快{c}。', '{c}，可以吗？', '请问你能{c}吗？', '你的任务：{c}。'],
  ],
} as const;

const endMark = /[.?!。？！]$/;

/** A wording without an end mark is a command: as somebody says it. One with an end mark is a sentence and stands as it is. */
export function politely(wording: string, language: keyof typeof around, random: Random): string {
  if (endMark.test(wording)) return wording;
  const said = random.choose(around[language]).replace('{c}', () => wording);
  return said.charAt(0).toUpperCase() + said.slice(1);
}
