// Personal data → typed placeholders. A pattern finds the candidates, a checksum, a calendar or a parser decides, so a
// plain number stays one. Every pattern is bounded and begins where no earlier try began: time is linear in the text.
import { isIPv6 } from 'node:net';
import { z } from 'zod';
import { defineFilter } from './filter.js';

export const personalKinds = ['SECRET', 'EMAIL', 'ID_CN', 'CARD', 'PHONE', 'IP'] as const;
export type PersonalKind = (typeof personalKinds)[number];

/** Not within a longer number, a word, a decimal or a formula. */
const before = String.raw`(?<![0-9A-Za-z_.,]|[=+×÷*/^%-]\s?)`;
const after = String.raw`(?![0-9A-Za-z_]|[.,]\d|\s?[=+×÷*/^%])`;

interface Finder {
  kind: PersonalKind;
  pattern: RegExp;
  /** A text without a match of it has none of the kind: cheaper than the pattern. */
  hint: RegExp;
  accepts?: (found: string) => boolean;
}

const finders: readonly Finder[] = [
  {
    kind: 'SECRET',
    hint: /sk[-_]|gh[pousr]_|github_pat_|glpat-|AKIA|AIza|LTAI|xox[abprs]-|hf_|npm_|eyJ/,
    pattern: new RegExp(
      `(?<![0-9A-Za-z_-])(?:${[
        'sk[-_][0-9A-Za-z_-]{20,200}',
        'gh[pousr]_[0-9A-Za-z]{36,255}',
        'github_pat_[0-9A-Za-z_]{22,255}',
        'glpat-[0-9A-Za-z_-]{20,64}',
        'AKIA[0-9A-Z]{16}',
        'AIza[0-9A-Za-z_-]{35}',
        'LTAI[0-9A-Za-z]{12,24}',
        'xox[abprs]-[0-9A-Za-z-]{10,250}',
        'hf_[0-9A-Za-z]{30,64}',
        'npm_[0-9A-Za-z]{36}',
        String.raw`eyJ[0-9A-Za-z_-]{8,2000}\.eyJ[0-9A-Za-z_-]{8,4000}\.[0-9A-Za-z_-]{8,2000}`,
      ].join('|')})(?![0-9A-Za-z_-])`,
      'g',
    ),
    // sk-learn-and-other-long-hyphenated-names have no digit.
    accepts: (found) => /\d/.test(found),
  },
  {
    kind: 'EMAIL',
    hint: /@/,
    pattern:
      /(?<![0-9A-Za-z._%+-])[0-9A-Za-z_][0-9A-Za-z._%+-]{0,63}@(?:[0-9A-Za-z][0-9A-Za-z-]{0,62}\.){1,4}[A-Za-z]{2,24}(?![0-9A-Za-z-])/g,
  },
  {
    kind: 'ID_CN',
    hint: /\d{17}/,
    pattern: new RegExp(String.raw`${before}[1-9]\d{16}[\dXx]${after}`, 'g'),
    accepts: isChineseId,
  },
  {
    kind: 'CARD',
    hint: /\d{4}[ -]?\d{4}[ -]?\d{4}/,
    pattern: new RegExp(
      String.raw`${before}[2-6]\d{3}(?:\d{11,15}|([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?)${after}`,
      'g',
    ),
    accepts: isBankCard,
  },
  {
    kind: 'PHONE',
    hint: /\d{4}/,
    pattern: new RegExp(
      `${before}${String.raw`(?:(?:(?:\+|00)?86[ -]?)?1(?:[38]\d|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|9[0-35-9])(?:\d{8}|[ -]\d{4}[ -]\d{4})|0[1-9]\d{1,2}-[2-8]\d{6,7}|\+[1-9]\d{0,2}[ -]\(?\d{2,4}\)?[ -]\d{3,4}[ -]?\d{3,4})`}${after}`,
      'g',
    ),
  },
  {
    kind: 'IP',
    hint: /\d\.\d{1,3}\.|[0-9A-Fa-f]:[0-9A-Fa-f]{0,4}:/,
    pattern:
      /(?<![0-9A-Za-z_.:])(?:(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?![0-9A-Za-z_]|\.\d)|[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:]{4,34}(?![0-9A-Za-z_:]))/g,
    accepts: isAddress,
  },
];

const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/** GB 11643: province, day of birth, and the check character of ISO 7064 mod 11-2. */
export function isChineseId(id: string): boolean {
  if (!/^(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91)/.test(id)) return false;
  const [year, month, day] = [id.slice(6, 10), id.slice(10, 12), id.slice(12, 14)].map(Number);
  const date = new Date(Date.UTC(year, month - 1, day));
  if (year < 1900 || year > 2099 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return false;
  const sum = weights.reduce((total, weight, i) => total + weight * Number(id[i]), 0);
  return '10X98765432'[sum % 11] === id[17].toUpperCase();
}

/** A known issuer's digits in a length it uses, and Luhn's check digit (ISO/IEC 7812). */
export function isBankCard(found: string): boolean {
  const digits = found.replace(/[ -]/g, '');
  const issued = /^(?:4\d{15}|5[1-5]\d{14}|2[2-7]\d{14}|62\d{14,17}|3[47]\d{13}|35\d{14}|6(?:011|5\d\d)\d{12})$/.test(
    digits,
  );
  if (!issued || /^(\d)\1*$/.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    sum += i % 2 === 0 ? digit : digit * 2 - (digit > 4 ? 9 : 0);
  }
  return sum % 10 === 0;
}

/** Four single digits are a section or a version; 127.*, 0.* and 255.* are nobody's. */
function isAddress(found: string): boolean {
  if (found.includes(':')) return isIPv6(found);
  return !/^(?:\d\.\d\.\d\.\d$|127\.|0\.|255\.)/.test(found);
}

/** `text` with its personal data replaced, and how much of each kind there was; undefined where there was none. */
export function scrubText(
  text: string,
  kinds: readonly PersonalKind[] = personalKinds,
): { text: string; counts: Record<string, number> } | undefined {
  const counts: Record<string, number> = {};
  const count = (kind: PersonalKind): string => {
    counts[kind] = (counts[kind] ?? 0) + 1;
    return `<${kind}>`;
  };
  let scrubbed = kinds.includes('SECRET') ? withoutKeyBlocks(text, () => count('SECRET')) : text;
  for (const { kind, hint, pattern, accepts } of finders) {
    if (!kinds.includes(kind) || !hint.test(scrubbed)) continue;
    scrubbed = scrubbed.replace(pattern, (found: string) => (accepts?.(found) === false ? found : count(kind)));
  }
  return Object.keys(counts).length === 0 ? undefined : { text: scrubbed, counts };
}

/** A piece of personal data, and where in the text it begins. */
export interface PersonalDatum {
  kind: PersonalKind;
  value: string;
  at: number;
}

/** What `scrubText` would replace (but for blocks of keys), in the order of the text. */
export function personalDataIn(text: string): PersonalDatum[] {
  const found: PersonalDatum[] = [];
  for (const { kind, hint, pattern, accepts } of finders) {
    if (!hint.test(text)) continue;
    for (const { 0: value, index: at } of text.matchAll(pattern)) {
      const isTaken = found.some((other) => at < other.at + other.value.length && other.at < at + value.length);
      if (!isTaken && accepts?.(value) !== false) found.push({ kind, value, at });
    }
  }
  return found.sort((a, b) => a.at - b.at);
}

const keyHeader = /-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----/y;

/** PEM blocks, found by searching forward only: a thousand headers without an end cost one search. */
function withoutKeyBlocks(text: string, replacement: () => string): string {
  let result = '';
  let done = 0;
  for (let at = text.indexOf('-----BEGIN '); at !== -1; at = text.indexOf('-----BEGIN ', Math.max(at + 1, done))) {
    keyHeader.lastIndex = at;
    if (!keyHeader.test(text)) continue;
    const end = text.indexOf('-----END ', at);
    if (end === -1) break;
    const close = text.indexOf('-----', end + 9);
    if (close === -1) break;
    result += text.slice(done, at) + replacement();
    done = close + 5;
  }
  return result + text.slice(done);
}

export const scrub = defineFilter({
  about: 'replaces personal data with <ID_CN>, <PHONE>, <EMAIL>, <CARD>, <IP> and <SECRET>',
  schema: z.strictObject({
    kinds: z
      .array(z.enum(personalKinds))
      .min(1)
      .default([...personalKinds])
      .describe('what is replaced'),
  }),
  scope: 'document',
  make:
    ({ kinds }) =>
    ({ text }) =>
      scrubText(text, kinds),
});
