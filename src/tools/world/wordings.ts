// How a person asks for something in the small world (data-specs/tools-wordings/house.yaml), and how it is answered when it is
// done.
import type { Random } from '../../base/random.js';
import { variantOf, wordingSets } from '../wordings.js';
import type { SceneLanguage } from './vocabulary.js';

/** What a request is about. The kinds in `heldOutKinds` are for asking only. */
export const worldKinds = ['go', 'open', 'close', 'fetch', 'put', 'move', 'stow', 'unlock', 'two'] as const;
export type WorldKind = (typeof worldKinds)[number];
export const heldOutKinds: readonly WorldKind[] = ['unlock', 'two'];

/** {item}, {place}, {item2}, {place2}. Who asks to have something opened does not know that it is locked. */
export function requestsOf(kind: WorldKind, language: SceneLanguage): readonly string[] {
  const sets = wordingSets('house', ['go', 'open', 'close', 'fetch', 'put', 'move', 'stow', 'two']);
  return sets[kind === 'unlock' ? 'open' : kind][language];
}

/** `{c}` stands where a command does; two of the plain kind, because most people are plain. */
const around = {
  en: [
    ...['{c}.', '{c}.', '{c}.', '{c}, please.', '{c} now.', 'Please {c}.', 'Please {c}.', 'Could you {c}?'],
    ...['Can you {c}?', 'Would you {c}?', 'Will you {c}?', 'Could you please {c}?', 'Can you {c}, please?'],
    ...['I want you to {c}.', 'I need you to {c}.', 'I would like you to {c}.', 'You can {c} now.', 'Now {c}.'],
    ...['Would you be so kind as to {c}?', 'Your task: {c}.', 'It would help if you could {c}.', 'You have to {c}.'],
  ],
  zh: [
    ...['{c}。', '{c}。', '{c}。', '{c}吧。', '请{c}。', '请{c}。', '请你{c}。', '麻烦你{c}。', '你{c}。'],
    ...['能不能{c}？', '你能{c}吗？', '可以{c}吗？', '{c}，谢谢。', '现在{c}。', '{c}，好吗？', '请你{c}，谢谢。'],
    ...['劳驾，{c}。', '我要你{c}。', '快{c}。', '{c}，可以吗？', '请问你能{c}吗？', '你的任务：{c}。'],
  ],
} as const;

const endMark = /[.?!。？！]$/;

/** A wording without an end mark is a command: as somebody says it. One with an end mark is a sentence and stands as it is. */
export function politely(wording: string, language: SceneLanguage, random: Random): string {
  if (endMark.test(wording)) return wording;
  return variantOf(
    random.choose(around[language]).replace('{c}', () => wording),
    random,
  );
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
