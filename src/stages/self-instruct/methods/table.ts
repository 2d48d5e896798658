// THE table of methods. A new one is its name in config/methods.ts, its prompts in data-specs/self-instruct/, its file here and
// its row in this table.
import type { MethodName } from '../../../config/methods.js';
import { alpaca } from './alpaca.js';
import { backtranslate } from './backtranslate.js';
import { cot, workableKinds } from './cot.js';
import { dialogue } from './dialogue.js';
import { evolve } from './evolve.js';
import type { MethodSpec } from './method.js';
import { naturalInstructions } from './natural-instructions.js';
import { personas } from './personas.js';
import { selfInstruct } from './self-instruct.js';
import { tools } from './tools.js';

/** `families` is what a teacher does by itself (teacher.ts). */
export const methods: Readonly<Record<Exclude<MethodName, 'families'>, MethodSpec>> = {
  'self-instruct': {
    about: 'instructions, whether each is a classification, then instances',
    open: selfInstruct,
  },
  dialogue: { about: 'conversations of two to five exchanges, both sides by the teacher', open: dialogue },
  evolve: { about: 'tasks made harder, or others of their field, from seeds and from what evolved', open: evolve },
  'natural-instructions': {
    about: 'definitions with good and bad examples, then instances',
    open: naturalInstructions,
  },
  personas: {
    about: 'who asks, of what and in which form by rule; question and answer by the teacher',
    open: personas,
  },
  cot: {
    about: 'worked steps to tasks that programs set, kept where the answer is right',
    open: cot,
    hasChecks: true,
    kinds: workableKinds,
  },
  backtranslate: { about: 'instructions to passages of the corpus, kept from 4 points of 5', open: backtranslate },
  tools: { about: 'questions with calls that were really made, and some that need none', open: tools },
  alpaca: { about: 'whole tasks, several in a request', open: alpaca },
};
