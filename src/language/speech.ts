// What the program says, in the language that was chosen: the one function that every door (terminal, help, server) passes
// its finished English messages through. What has no translation stays as it is.

import { describeFault, type Fault } from '../base/errors.js';
import { displayWidth } from '../base/format.js';
import type { Language } from './choice.js';
import { translatedLines } from './lines.js';
import { Messages } from './messages.js';

export interface Speech {
  language: Language;
  /** One message: a sentence or several, a label, the text of an option. */
  say(text: string): string;
  /** `warning: text`, both of them messages. */
  labelled(label: string, text: string): string;
  /** Printed text of several lines: paragraphs that were wrapped, and tables, whose columns stay where they are. */
  lines(text: string): string;
  /** `where: what. Why. Next.` */
  fault(fault: Fault): string;
}

export const english: Speech = {
  language: 'en',
  say: (text) => text,
  lines: (text) => text,
  labelled: (label, text) => `${label} ${text}`,
  fault: describeFault,
};

let chinese: Promise<Speech> | undefined;

/** The catalog is loaded only where it is needed, and once: a server speaks for every request. */
export async function speechIn(language: Language): Promise<Speech> {
  if (language === 'en') return english;
  chinese ??= import('./zh/index.js').then(({ catalogs, nouns }) => speechOf(new Messages(catalogs, nouns)));
  return chinese;
}

function speechOf(messages: Messages): Speech {
  const found = (text: string): string | undefined => messages.sentences(text);
  const say = (text: string): string => {
    const said = found(text.trim());
    // A mark of Chinese has its own room.
    const before = /^[，。；：（]/.test(said ?? '') ? '' : (/^\s*/.exec(text)?.[0] ?? '');
    return said === undefined ? text : before + said;
  };
  return {
    language: 'zh',
    say,
    labelled: (label, text) => `${say(label)}${label === say(label) ? ' ' : ''}${say(text)}`,
    lines: (text) => translatedLines(text, found, displayWidth),
    fault: (fault) => faultIn(say, fault),
  };
}

/** The parts of a fault are messages of their own; where one stays English it ends as English does. */
function faultIn(say: Speech['say'], { where, what, why, next }: Fault): string {
  const head = where === undefined ? say(what) : `${say(where)}：${say(what)}`;
  return [head, why, next]
    .filter((part): part is string => part !== undefined && part !== '')
    .map((part, i) => (i === 0 ? part : say(part)))
    .map((part) =>
      /[.!?:。！？：]$/.test(part) ? part : `${part}${/[\u3000-\u9fff\uff00-\uffef]/.test(part) ? '。' : '.'}`,
    )
    .reduce((text, part) => (/[.!?:]$/.test(text) ? `${text} ${part}` : text + part));
}
