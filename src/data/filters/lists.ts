// Rules that are lists: lines that every web page carries, and words that nobody wants to read.
import { resolve } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { formatCount } from '../../base/format.js';
import { escapeRegex } from '../../tokenizer/escape-regex.js';
import { readLines } from '../sources/lines.js';
import { defineFilter } from './filter.js';
import type { Units } from './units.js';

/** A short line with one of these is furniture of a page, not text (C4's list, and its Chinese relatives). */
const furniture = [
  'all rights reserved',
  'cookie policy',
  'privacy policy',
  'terms of use',
  'terms of service',
  'use of cookies',
  'uses cookies',
  'enable javascript',
  'javascript is disabled',
  'lorem ipsum',
  'skip to content',
  'click here to',
  'sign up for our newsletter',
  'share on facebook',
  'powered by wordpress',
  '版权所有',
  '保留所有权利',
  '未经授权不得',
  '未经许可不得转载',
  '转载请注明',
  'ICP备',
  '公网安备',
  '点击查看更多',
  '扫描二维码',
  '扫一扫',
  '关注公众号',
  '免责声明',
  '返回首页',
  '上一篇',
  '下一篇',
  '责任编辑',
  '登录后才能',
];

export const boilerplate = defineFilter({
  about: 'removes the lines that every web page carries; drops texts that are mostly such lines',
  schema: z.strictObject({
    phrases: z.array(z.string().min(2)).default([]).describe('more of them'),
    maxLine: z.int().min(1).default(200).describe('longer lines are text, whatever they hold'),
    max: z.number().min(0).max(1).default(0.5).describe('largest share of such lines'),
  }),
  scope: 'document',
  make: ({ phrases, maxLine, max }) => {
    const pattern = new RegExp([...furniture, ...phrases].map(escapeRegex).join('|'), 'iu');
    return ({ text }) => {
      if (!pattern.test(text)) return undefined;
      const lines = text.split('\n');
      const kept = lines.filter((line) => line.length > maxLine || !pattern.test(line));
      const filled = lines.filter((line) => line.trim() !== '').length;
      const removed = lines.length - kept.length;
      if (removed > max * filled) return { drop: `${removed} of ${filled} lines` };
      return removed === 0 ? undefined : { text: kept.join('\n').trim(), counts: { lines: removed } };
    };
  },
});

const maxListCharacters = 16_000_000;

export const blocklist = defineFilter({
  about: 'drops texts with words of a list; a word of Han characters matches anywhere, another one as a whole word',
  schema: z.strictObject({
    words: z.array(z.string().min(1)).default([]).describe('the list'),
    file: z.string().min(1).optional().describe('more of it, one a line'),
    max: z.int().min(0).default(0).describe('how often they may occur'),
  }),
  scope: 'document',
  make: async ({ words, file, max }, { folder, units }) => {
    const list = [...words, ...(file === undefined ? [] : await linesOf(resolve(folder, file)))];
    const finder = listFinder(list, units);
    return ({ text }) => {
      const found = finder(text, max + 1);
      return found > max ? { drop: `${found} or more words of the list` } : undefined;
    };
  },
});

async function linesOf(path: string): Promise<string[]> {
  const lines: string[] = [];
  let size = 0;
  for await (const line of readLines(path)) {
    size += line.length;
    if (size > maxListCharacters) {
      const what = `this list has more than ${formatCount(maxListCharacters)} characters`;
      throw new UserError({ what, where: path, next: 'Take out words, or drop such texts before the build' });
    }
    if (line.trim() !== '') lines.push(line.trim());
  }
  return lines;
}

/** Counts matches, up to `enough`. Entries are sequences of units in a table by their first one: one pass, any list. */
function listFinder(list: readonly string[], units: Units): (text: string, enough: number) => number {
  const byFirst = new Map<number, Uint32Array[]>();
  for (const entry of list) {
    const hashes = units.read(entry.normalize('NFC')).hashes.slice(0, units.length);
    if (hashes.length > 0) byFirst.set(hashes[0], [...(byFirst.get(hashes[0]) ?? []), hashes]);
  }
  return (text, enough) => {
    units.read(text);
    let found = 0;
    for (let at = 0; at < units.length && found < enough; at++) {
      const entries = byFirst.get(units.hashes[at]);
      if (entries?.some((entry) => entry.every((hash, i) => at + i < units.length && units.hashes[at + i] === hash)))
        found++;
    }
    return found;
  };
}
