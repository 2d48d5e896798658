// How a person asks for something in the small world, and how it is answered when it is done. The last wording of each list
// is for asking only: nothing is to be learnt from it.
import type { SceneLanguage } from './vocabulary.js';

/** What a request is about. The kinds in `heldOutKinds` are for asking only. */
export const worldKinds = ['go', 'open', 'close', 'fetch', 'put', 'move', 'stow', 'unlock', 'two'] as const;
export type WorldKind = (typeof worldKinds)[number];
export const heldOutKinds: readonly WorldKind[] = ['unlock', 'two'];

/** {item}, {place}, {item2}, {place2}. */
export const requests: Record<WorldKind, Record<SceneLanguage, readonly string[]>> = {
  go: {
    en: [
      'Go to the {place}.',
      'Please walk to the {place}.',
      'Move yourself to the {place}.',
      'I want you in the {place}.',
      'Could you head over to the {place}?',
    ],
    zh: ['去{place}。', '请走到{place}去。', '你到{place}去吧。', '我要你去{place}。', '麻烦你前往{place}。'],
  },
  open: {
    en: [
      'Open the {place}.',
      'Please open the {place}.',
      'The {place} should be open.',
      'I need the {place} opened.',
      'Could you get the {place} open?',
    ],
    zh: ['打开{place}。', '请把{place}打开。', '把{place}开一下。', '我要{place}开着。', '麻烦你开一下{place}。'],
  },
  close: {
    en: [
      'Close the {place}.',
      'Please close the {place}.',
      'The {place} should be closed.',
      'I need the {place} closed.',
      'Could you shut the {place}?',
    ],
    zh: ['关上{place}。', '请把{place}关上。', '把{place}关一下。', '我要{place}关着。', '麻烦你合上{place}。'],
  },
  fetch: {
    en: [
      'Take the {item}.',
      'Please pick up the {item}.',
      'Find the {item} and take it.',
      'Get the {item} for me.',
      'Could you grab the {item}?',
    ],
    zh: ['拿起{item}。', '请把{item}拿起来。', '找到{item}并拿着。', '帮我拿{item}。', '麻烦你去取{item}。'],
  },
  put: {
    en: [
      'Put the {item} in the {place}.',
      'Please place the {item} in the {place}.',
      'The {item} belongs in the {place}.',
      'I want the {item} in the {place}.',
      'Could you store the {item} in the {place}?',
    ],
    zh: [
      '把{item}放进{place}。',
      '请将{item}放到{place}里。',
      '{item}应该在{place}里。',
      '我要{item}放在{place}里。',
      '麻烦你把{item}收进{place}。',
    ],
  },
  move: {
    en: [
      'Bring the {item} to the {place}.',
      'Please carry the {item} to the {place} and put it down.',
      'Leave the {item} in the {place}.',
      'The {item} should lie in the {place}.',
      'Could you move the {item} to the {place}?',
    ],
    zh: [
      '把{item}带到{place}放下。',
      '请将{item}搬到{place}放好。',
      '把{item}留在{place}。',
      '{item}应该放在{place}。',
      '麻烦你把{item}送到{place}放下。',
    ],
  },
  stow: {
    en: [
      'Put the {item} in the {place} and close it.',
      'Please place the {item} in the {place}, then close the {place}.',
      'I want the {item} in the {place}, and the {place} closed.',
      'Could you lay the {item} in the {place} and shut it?',
    ],
    zh: [
      '把{item}放进{place}，再关上它。',
      '请将{item}放到{place}里，然后关上{place}。',
      '我要{item}在{place}里，{place}关着。',
      '麻烦你把{item}收进{place}并合上。',
    ],
  },
  unlock: {
    en: [
      'Open the {place}.',
      'Please open the {place}.',
      'The {place} should be open.',
      'Could you get the {place} open?',
    ],
    zh: ['打开{place}。', '请把{place}打开。', '我要{place}开着。', '麻烦你开一下{place}。'],
  },
  two: {
    en: [
      'Put the {item} in the {place} and the {item2} in the {place2}.',
      'Please place the {item} in the {place}, and the {item2} in the {place2}.',
      'Could you store the {item} in the {place} and the {item2} in the {place2}?',
    ],
    zh: [
      '把{item}放进{place}，把{item2}放进{place2}。',
      '请将{item}放到{place}里，{item2}放到{place2}里。',
      '麻烦你把{item}收进{place}，{item2}收进{place2}。',
    ],
  },
};

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
