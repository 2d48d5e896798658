// THE table of task families. A new kind is its name in `taskKinds` (config/pipeline.ts) and its row in one of these files.
import type { TaskKind } from '../../../config/pipeline.js';
import type { FamilySpec } from './family.js';
import { lookupFamilies } from './lookup.js';
import { numberFamilies } from './numbers.js';
import { talkFamilies } from './talk.js';
import { wordFamilies } from './words.js';

export const families: Readonly<Record<TaskKind, FamilySpec>> = {
  ...numberFamilies,
  ...wordFamilies,
  ...lookupFamilies,
  ...talkFamilies,
};
