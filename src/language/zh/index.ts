// The Chinese catalog, one file for each part of the source.
import type { Catalog } from '../messages.js';
import { help1 } from './help-1.js';
import { help2 } from './help-2.js';
import { others } from './others.js';

export { nouns } from './nouns.js';

export const catalogs: readonly Catalog[] = [help1, help2, others];
