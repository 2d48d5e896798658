// THE table of methods. A new one is its name in config/methods.ts, its prompts in data-specs/self-instruct/, its file here and
// its row in this table.
import type { MethodName } from '../../../config/methods.js';
import { alpaca } from './alpaca.js';
import type { MethodSpec } from './method.js';
import { selfInstruct } from './self-instruct.js';

/** `families` is what a teacher does by itself (teacher.ts). */
export const methods: Readonly<Record<Exclude<MethodName, 'families'>, MethodSpec>> = {
  'self-instruct': {
    about: 'instructions, whether each is a classification, then instances',
    open: selfInstruct,
  },
  alpaca: { about: 'whole tasks, several in a request', open: alpaca },
};
