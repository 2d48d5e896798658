// Tasks in the small world, drawn at random: a house, what a person asks for there, the goal that a checker can test, and
// the calls of one who does not know the house yet.
import type { Random } from '../../base/random.js';
import { isHeldOutWording } from '../wordings.js';
import type { Action } from './act.js';
import { exploringActions } from './explore.js';
import { readGoal, shortestActions } from './goal.js';
import { readScene, sceneWords, writeScene } from './scene.js';
import { boxNames, keyNames, type Name, roomNames, type SceneLanguage, thingNames } from './vocabulary.js';
import { answers, politely, requestsOf, type WorldKind } from './wordings.js';

export interface WorldTask {
  kind: WorldKind;
  language: SceneLanguage;
  /** For `start.scene` of a conversation. */
  scene: string;
  /** For its check. */
  goal: string;
  request: string;
  /** The number of the request's wording. */
  wording: number;
  /** Arguments of the calls that reach the goal, knowing only what was seen: first it is looked for. */
  actions: Action[];
  /** What is said when it is done. */
  answer: string;
  /** The fewest actions, of one who knows where everything is. */
  fewest: number;
}

export interface WorldTaskOptions {
  kind: WorldKind;
  language: SceneLanguage;
  /** Default: any that is not held out. */
  wording?: number;
  /** Of the house; default: 2 or 3 rooms, 1 or 2 boxes, 2 or 3 things. */
  rooms?: number;
  boxes?: number;
  things?: number;
  /** Calls of the solution, `look` included; default 6. */
  maxActions?: number;
  /** In place of the world's own names. */
  names?: Partial<Record<'rooms' | 'boxes' | 'things', readonly Name[]>>;
}

const maxDraws = 1000;

/** Names may be held out too: only those for which `isAllowed` says so are drawn. */
export function drawWorldTask(
  random: Random,
  options: WorldTaskOptions,
  isAllowed: (name: Name) => boolean = () => true,
): WorldTask {
  const { kind, language, maxActions = 6 } = options;
  const wordings = requestsOf(kind, language);
  const learnt = [...wordings.keys()].filter((i) => !isHeldOutWording(i));
  for (let draw = 0; draw < maxDraws; draw++) {
    const { scene, goal, words } = drawHouse(random, options, isAllowed);
    const wording = options.wording ?? random.choose(learnt);
    const read = readScene(scene);
    const wanted = readGoal(goal, read.world);
    const fewest = shortestActions(read, wanted)?.length ?? 0;
    if (fewest === 0) continue;
    const actions = exploringActions(read, wanted);
    if (actions === undefined || actions.length > maxActions) continue;
    return {
      ...{ kind, language, scene: writeScene(read), goal, wording, fewest },
      actions: [lookingFor(kind, words), ...actions.slice(1)],
      request: fill(politely(wordings[wording], language, random), words),
      answer: fill(answers[kind][language], words),
    };
  }
  throw new RangeError(`no ${kind} task of at most ${maxActions} calls in ${maxDraws} houses`);
}

/** What is asked for: the thing if there is one, else the room or box. */
function lookingFor(kind: WorldKind, { item, place }: Words): Action {
  const isAboutPlace = kind === 'go' || kind === 'open' || kind === 'unlock' || kind === 'close';
  return isAboutPlace ? { action: 'look', place } : { action: 'look', item };
}

type Words = Partial<Record<'item' | 'place' | 'item2' | 'place2', string>>;

function drawHouse(
  random: Random,
  { kind, language, names = {}, ...sizes }: WorldTaskOptions,
  isAllowed: (name: Name) => boolean,
): { scene: string; goal: string; words: Words } {
  const isTwo = kind === 'two';
  const isAboutBox = kind !== 'go' && kind !== 'fetch' && kind !== 'move';
  const draw = (list: readonly Name[], count: number): string[] =>
    random
      .shuffle(list.filter(isAllowed))
      .slice(0, count)
      .map((name) => name[language]);
  const rooms = draw(names.rooms ?? roomNames, sizes.rooms ?? random.integer(2, 4));
  const boxes = draw(
    names.boxes ?? boxNames,
    Math.max(sizes.boxes ?? random.integer(1, 3), isTwo ? 2 : isAboutBox ? 1 : 0),
  );
  const things = draw(names.things ?? thingNames, Math.max(sizes.things ?? random.integer(2, 4), isTwo ? 2 : 1));
  const [key] = kind === 'unlock' ? draw(keyNames, 1) : [];
  const at = boxes.map(() => random.integer(0, rooms.length));
  const closed = boxes.map(
    (_, b) => (kind === 'open' && b === 0) || (kind !== 'close' || b > 0 ? random.uniform() < 0.5 : false),
  );
  const loose = rooms.map((): string[] => []);
  const inside = boxes.map((): string[] => []);
  for (const thing of [...things, ...(key === undefined ? [] : [key])]) {
    // Never in the box that it unlocks.
    const box = random.integer(key === undefined ? 0 : 1, Math.max(boxes.length, 1));
    const isBoxed = random.uniform() < 0.4 && box < boxes.length;
    (isBoxed ? inside[box] : random.choose(loose)).push(thing);
  }
  const words = sceneWords[language];
  const lines = rooms.map((room, r) => {
    const stand = boxes.flatMap((box, b) => {
      if (at[b] !== r) return [];
      const state = key !== undefined && b === 0 ? `${words.locked}: ${key}` : words[closed[b] ? 'closed' : 'open'];
      return `${box} (${state})${inside[b].length === 0 ? '' : ` [${inside[b].join(', ')}]`}`;
    });
    return `${room}: ${[...loose[r], ...stand].join(', ')}`.trimEnd();
  });
  // A tree of rooms, so that each can be reached.
  const doors = rooms.slice(1).map((room, i) => `${rooms[random.integer(0, i + 1)]} - ${room}`);
  const scene = [...lines, `${words.doors}: ${doors.join(', ')}`, `${words.you}: ${random.choose(rooms)}`].join('\n');
  const [item, item2] = things;
  const [box, box2] = boxes;
  const place = isAboutBox ? box : random.choose(rooms);
  const goals: Record<WorldKind, string> = {
    go: `you in ${place}`,
    open: `${place} open`,
    unlock: `${place} open`,
    close: `${place} closed`,
    fetch: `you hold ${item}`,
    put: `${item} in ${place}`,
    move: `${item} in ${place}`,
    stow: `${item} in ${place}; ${place} closed`,
    two: `${item} in ${box}; ${item2} in ${box2}`,
  };
  return { scene, goal: goals[kind], words: { item, place, item2, place2: box2 } };
}

function fill(text: string, words: Words): string {
  return text.replace(/\{(\w+)\}/g, (_, name: keyof Words) => words[name] ?? '');
}
