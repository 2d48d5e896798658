// THE table of task families. A new built-in kind is its name in `taskKinds` (config/pipeline.ts) and its row in one of these
// files; a kind of the person's own has no row, and is what its seeds show.
import type { BuiltInKind, TaskKind } from '../../../config/pipeline.js';
import { ruleFamilies } from '../rules/table.js';
import { constraintFamilies } from './constraints.js';
import { dateFamilies } from './dates.js';
import type { FamilySpec } from './family.js';
import { lookupFamilies } from './lookup.js';
import { numberFamilies } from './numbers.js';
import { stringFamilies } from './strings.js';
import { talkFamilies } from './talk.js';
import { wordFamilies } from './words.js';

export const families: Readonly<Record<BuiltInKind, FamilySpec>> = {
  ...numberFamilies,
  ...dateFamilies,
  ...wordFamilies,
  ...stringFamilies,
  ...lookupFamilies,
  ...talkFamilies,
  ...ruleFamilies,
  ...constraintFamilies,
};

export function isBuiltIn(kind: TaskKind): kind is BuiltInKind {
  return Object.hasOwn(families, kind);
}

export function familyOf(kind: TaskKind): FamilySpec {
  if (isBuiltIn(kind)) return families[kind];
  return { task: `“${kind}”, as the examples show`, answerForm: 'Give the answer the form that the examples have.' };
}
