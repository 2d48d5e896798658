// What is to be done in a small house: World. It answers only to what is done there, so the calls go turn by turn. Where things
// lie must be read: every place is as likely as another, and houses are made of many names, a fifth of which are held out.
import { isHeldOutWording } from '../../../tools/wordings.js';
import { readScene } from '../../../tools/world/scene.js';
import { drawWorldTask, type WorldTask } from '../../../tools/world/task.js';
import { boxNames, keyNames, type Name, roomNames, thingNames } from '../../../tools/world/vocabulary.js';
import { requestsOf, type WorldKind } from '../../../tools/world/wordings.js';
import { call, type Draw, type Exercise, type Maker } from '../exercise.js';
import type { Words } from './words.js';

/** Calls of one exercise, the first look included: more of them fill the context. */
const maxActions = 3;

/** What the second call is, and for what is fetched also whether it lies in an open box. */
const situations = {
  go: ['go'],
  open: ['open', 'go'],
  close: ['close', 'go'],
  fetch: ['take', 'take from box', 'open', 'go'],
  put: ['take', 'take from box'],
} as const satisfies Partial<Record<WorldKind, readonly string[]>>;
type Kind = keyof typeof situations;
/** Fetching is what differs most. */
const kinds: readonly Kind[] = ['go', 'open', 'close', 'fetch', 'fetch', 'put'];

const heldOutNames: ReadonlySet<Name> = new Set(
  [roomNames, boxNames, thingNames].flatMap((names) => names.filter((_, i) => isHeldOutWording(i))),
);

/** Half of the houses to learn from are made of any words of the dictionary: a name has to be read, however odd it is. */
const wideShare = 0.5;
/** Of two rooms, three boxes, four things. */
const wideNames = 9;

/** @param words that are not held out. */
export function houses(words: Words): Maker {
  const isLearnt = (word: string): boolean => ![...heldOutNames].some(({ en, zh }) => word === en || word === zh);
  const learnt = { en: words.en.filter(isLearnt), zh: words.zh.filter(isLearnt) };
  return (draw) => house(draw, learnt);
}

function house({ random, language, isHeldOut }: Draw, words: Words): Exercise {
  const kind = random.choose(kinds);
  const requests = requestsOf(kind, language);
  const wording = random.choose([...requests.keys()].filter((i) => isHeldOutWording(i) === isHeldOut));
  const isWide = !isHeldOut && words[language].length > wideNames && random.uniform() < wideShare;
  const isAllowed = (name: Name): boolean => isWide || keyNames.includes(name) || heldOutNames.has(name) === isHeldOut;
  // One list of distinct names: what is a room here is a thing in the next house.
  const any = (): Name[] => {
    const chosen = new Set<string>();
    while (chosen.size < wideNames) chosen.add(random.choose(words[language]));
    return [...chosen].map((name) => ({ zh: name, en: name }));
  };
  const draw = (): WorldTask => {
    const sizes = { rooms: 2, boxes: random.integer(1, 3), things: random.integer(2, 4) };
    const list = isWide ? any() : undefined;
    const wide = list && { names: { rooms: list.slice(0, 2), boxes: list.slice(2, 5), things: list.slice(5) } };
    return drawWorldTask(random, { kind, language, wording, maxActions, ...sizes, ...wide }, isAllowed);
  };
  const task = drawnAs(random.choose(situations[kind]), draw);
  return {
    ...{ kind: 'world', language, wording: requests[wording], question: task.request },
    needs: ['World'],
    turns: task.actions.map((action) => () => [call('World', { ...action })]),
    ending: () => ({ answer: task.answer, check: { type: 'world', goal: task.goal } }),
    start: { scene: task.scene },
  };
}

const maxDraws = 40;

/** The first task of that situation; the last one drawn where none is. */
function drawnAs(situation: string, draw: () => WorldTask): WorldTask {
  let task = draw();
  for (let i = 1; i < maxDraws && situationOf(task) !== situation; i++) task = draw();
  return task;
}

function situationOf({ actions: [, second], scene }: WorldTask): string {
  if (second.action !== 'take') return second.action;
  const { world, state } = readScene(scene);
  return state.things[world.things.indexOf(second.item ?? '')] < world.rooms.length ? 'take' : 'take from box';
}
