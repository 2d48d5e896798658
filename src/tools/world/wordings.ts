// How a person asks for something in the small world (data-specs/tools-wordings/house.yaml), and how it is answered when it is
// done.
import { z } from 'zod';
import { packagedWordings, wordingsSchema } from '../wordings.js';
import type { SceneLanguage } from './vocabulary.js';

/** What a request is about. The kinds in `heldOutKinds` are for asking only. */
export const worldKinds = ['go', 'open', 'close', 'fetch', 'put', 'move', 'stow', 'unlock', 'two'] as const;
export type WorldKind = (typeof worldKinds)[number];
export const heldOutKinds: readonly WorldKind[] = ['unlock', 'two'];

/** Read when a task is first drawn. {item}, {place}, {item2}, {place2}. */
const readRequests = packagedWordings(
  'house',
  z.strictObject({
    ...{ go: wordingsSchema, open: wordingsSchema, close: wordingsSchema, fetch: wordingsSchema, put: wordingsSchema },
    ...{ move: wordingsSchema, stow: wordingsSchema, two: wordingsSchema },
  }),
);

/** Every fifth is held out (`isHeldOutWording`). Who asks to have something opened does not know that it is locked. */
export function requestsOf(kind: WorldKind, language: SceneLanguage): readonly string[] {
  return readRequests()[kind === 'unlock' ? 'open' : kind][language];
}

export const answers: Record<WorldKind, Record<SceneLanguage, string>> = {
  go: { en: 'Done. I am in the {place}.', zh: '好了，我在{place}。' },
  open: { en: 'Done. The {place} is open.', zh: '好了，{place}开了。' },
  close: { en: 'Done. The {place} is closed.', zh: '好了，{place}关上了。' },
  fetch: { en: 'Done. I hold the {item}.', zh: '好了，我拿着{item}。' },
  put: { en: 'Done. The {item} is in the {place}.', zh: '好了，{item}在{place}里。' },
  move: { en: 'Done. The {item} is in the {place}.', zh: '好了，{item}在{place}。' },
  stow: { en: 'Done. The {item} is in the {place}, and it is closed.', zh: '好了，{item}在{place}里，也关上了。' },
  unlock: { en: 'Done. The {place} is open.', zh: '好了，{place}开了。' },
  two: {
    en: 'Done. The {item} is in the {place} and the {item2} in the {place2}.',
    zh: '好了，{item}在{place}里，{item2}在{place2}里。',
  },
};
