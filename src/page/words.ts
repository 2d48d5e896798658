// Which language the page speaks: the one chosen before, else the browser's.
import { store, stored } from './browser-storage.js';
import { en, type Words } from './words-en.js';
import { zh } from './words-zh.js';

export type { Words };

const all = { en, zh };
const storageKey = 'mossctl-language';

/** What was chosen before, else the browser's. */
export function firstWords(): Words {
  const chosen = stored('local', storageKey);
  if (chosen === 'en' || chosen === 'zh') return all[chosen];
  return navigator.language.toLowerCase().startsWith('zh') ? zh : en;
}

export function otherWords({ code }: Words): Words {
  const other = code === 'en' ? 'zh' : 'en';
  store('local', storageKey, other); // where nothing is stored, the browser's is taken again next time
  return all[other];
}

/** The name of a stage and one line on what it is. */
export function stageWords({ stages }: Words, stage: string): Words['stages']['other'] {
  return Object.hasOwn(stages, stage) ? stages[stage as keyof Words['stages']] : stages.other;
}
