// --help in the language that was chosen: descriptions are messages, and lines are broken where Chinese may be.
import { type Command, Help, type HelpConfiguration, Option } from 'commander';
import { displayWidth, wrapped } from '../base/format.js';
import { languages } from '../language/choice.js';
import type { Speech } from '../language/speech.js';

/** For the program and each of its commands. */
export function withLanguage(command: Command): Command {
  command.addOption(
    new Option('--lang <language>', 'of messages: en or zh (default: MOSSCTL_LANG, else that of the locale, else en)')
      .choices(languages)
      .hideHelp(command.parent !== null),
  );
  for (const inner of command.commands) withLanguage(inner);
  return command;
}

/** Before a help whose every text has been said: a name of a command or an argument may read like one of our words. */
const finished = '\u2060';

/** What commander prints: a finished help, or lines that are still English. */
export function helpLines(text: string, speech: Speech): string {
  return text.startsWith(finished) ? text.slice(finished.length) : speech.lines(text);
}

export function helpIn({ language, say }: Speech): HelpConfiguration {
  if (language === 'en') return {};
  const help = new Help();
  /** The notes that commander puts behind a description: `(choices: "a", "b", default: "a")`. */
  const said = (description: string, whole: string): string => {
    const notes = whole.slice(description.length).trim();
    const [, choices, fallback] = /^\((?:choices: (.*?))?(?:(?:^|, |(?<=\())default: (.*))?\)$/.exec(notes) ?? [];
    const parts = [
      ...(choices === undefined ? [] : [`${say('choices:')}${choices}`]),
      ...(fallback === undefined ? [] : [`${say('default:')}${say(fallback)}`]),
    ];
    if (parts.length > 0) return `${say(description)}（${parts.join('；')}）`;
    return `${say(description)}${notes === '' ? '' : say(notes)}`;
  };
  return {
    formatHelp: (command, helper) => finished + Help.prototype.formatHelp.call(helper, command, helper),
    subcommandDescription: (command) => say(help.subcommandDescription(command)),
    commandDescription: (command) => say(help.commandDescription(command)),
    optionDescription: (option) => said(option.description, help.optionDescription(option)),
    argumentDescription: (argument) => said(argument.description, help.argumentDescription(argument)),
    styleTitle: say,
    displayWidth,
    boxWrap: (text, width) =>
      text
        .split('\n')
        .map((line) => wrapped(line, width, 0))
        .join('\n'),
  };
}
