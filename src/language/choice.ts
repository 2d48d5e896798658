// In which language mossctl speaks: what was asked for, else what the environment says, else English. Machine-readable output
// has none: its keys and messages stay as the source has them.
import { UserError } from '../base/errors.js';

export const languages = ['en', 'zh'] as const;
export type Language = (typeof languages)[number];

/** The variables of the locale, the one that counts most first. */
const localeVariables = ['LC_ALL', 'LC_MESSAGES', 'LANG'] as const;

/**
 * @param typed the words of the command line: `--lang zh` or `--lang=zh`, before a bare `--`.
 * @throws UserError where MOSSCTL_LANG names a language that is not spoken here. A wrong --lang is the command line's fault,
 *   which whoever parses it reports.
 */
export function chosenLanguage(typed: readonly string[], environment: NodeJS.ProcessEnv): Language {
  const asked = languageNamed(languageFlag(typed) ?? '');
  if (asked !== undefined) return asked;
  const variable = environment.MOSSCTL_LANG ?? '';
  if (variable !== '') {
    const language = languageNamed(variable);
    if (language !== undefined) return language;
    const what = `no messages are written in "${variable.slice(0, 20)}"`;
    throw new UserError({ where: 'MOSSCTL_LANG', what, next: 'Set it to zh or en, or unset it' });
  }
  const locale = localeVariables.map((name) => environment[name] ?? '').find((value) => value !== '') ?? '';
  return languageNamed(locale) ?? 'en';
}

function languageFlag(typed: readonly string[]): string | undefined {
  const end = typed.indexOf('--');
  const words = end === -1 ? typed : typed.slice(0, end);
  const last = words.findLastIndex((word) => word === '--lang' || word.startsWith('--lang='));
  if (last === -1) return undefined;
  return words[last] === '--lang' ? (words[last + 1] ?? '') : words[last].slice('--lang='.length);
}

/** `zh`, `zh_CN.UTF-8`, `en-GB`. */
function languageNamed(name: string): Language | undefined {
  const code = /^([a-z]+)(?![a-z])/i.exec(name)?.[1].toLowerCase();
  return languages.find((language) => language === code);
}

/** What a browser or a client asks for in `Accept-Language`: the first that is spoken here. */
export function acceptedLanguage(header: string | undefined): Language {
  const asked = (header ?? '')
    .slice(0, 200)
    .split(',')
    .map((part) => languageNamed(part.trim()));
  return asked.find((language) => language !== undefined) ?? 'en';
}
