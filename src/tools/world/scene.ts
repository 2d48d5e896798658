// A small house: rooms with doors between them, boxes that are open, closed or locked, things in them, and who acts there.
// A scene is a text that a person can write:
//
//   kitchen: cup, box (closed) [key, coin]
//   hall: chest (locked: key) [ring]
//   doors: kitchen - hall
//   you: kitchen [apple]
//
// Chinese scenes say 门 and 你, 开着, 关着 and 锁着. What is written is read back as the same world in the same state.
import { type Fault, UserError } from '../../base/errors.js';
import { nameKey, nameKeys, type SceneLanguage } from './vocabulary.js';

/** What never changes. Places are numbered: rooms from 0, then boxes; `held` is neither. */
export interface World {
  language: SceneLanguage;
  rooms: readonly string[];
  doors: readonly Door[];
  /** Of each room: those behind its doors. */
  exits: readonly (readonly number[])[];
  /** `key`: the number of the thing that unlocks it. */
  boxes: readonly { name: string; room: number; key?: number }[];
  things: readonly string[];
}

/** Numbers of two rooms. */
export type Door = readonly [number, number];

export function exitsBy(doors: readonly Door[], rooms: readonly string[]): number[][] {
  const exits = rooms.map(() => new Set<number>());
  for (const [a, b] of doors) {
    exits[a].add(b);
    exits[b].add(a);
  }
  return exits.map((each) => [...each]);
}

export const held = -1;
export type BoxState = 'open' | 'closed' | 'locked';

export interface WorldState {
  /** The room in which the one who acts is. */
  room: number;
  /** Of each box. */
  boxes: readonly BoxState[];
  /** The place of each thing. */
  things: readonly number[];
}

export interface Scene {
  world: World;
  state: WorldState;
}

export const sceneLimits = { characters: 4000, rooms: 20, boxes: 40, things: 100, name: 40 } as const;

/** How a scene says its doors, the one who acts, and the states of its boxes. */
export const sceneWords = {
  en: { doors: 'doors', you: 'you', open: 'open', closed: 'closed', locked: 'locked' },
  zh: { doors: '门', you: '你', open: '开着', closed: '关着', locked: '锁着' },
} as const;

const boxStates = new Map<string, BoxState>(
  (['open', 'closed', 'locked'] as const).flatMap((state) => [
    [sceneWords.en[state], state],
    [sceneWords.zh[state], state],
  ]),
);

const name = String.raw`[\p{L}\p{M}\p{N}](?:[\p{L}\p{M}\p{N} ]*[\p{L}\p{M}\p{N}])?`;
const objectPattern = new RegExp(
  String.raw`^\s*(?<name>${name})\s*(?:\((?<state>[^\s():]+)\s*(?::\s*(?<key>${name})\s*)?\))?\s*(?:\[(?<inside>[^[\]]*)\])?\s*(?:,|$)`,
  'u',
);
const linePattern = new RegExp(String.raw`^\s*(${name})\s*:\s*(.*)$`, 'u');

/** @throws UserError where the text is none. */
export function readScene(text: string): Scene {
  if (text.length > sceneLimits.characters)
    throw fault(`it has ${text.length} characters, more than ${sceneLimits.characters}`);
  const lines = text
    .normalize('NFKC')
    .replaceAll('、', ',')
    .replaceAll('【', '[')
    .replaceAll('】', ']')
    .split(/[\n;]/)
    .filter((line) => line.trim() !== '');
  const reader = new SceneReader();
  for (const line of lines) {
    const [, head, rest] = linePattern.exec(line) ?? [];
    if (head === undefined) throw fault(`"${line.trim().slice(0, 60)}" is not "room: what is there"`);
    reader.line(head, rest);
  }
  return reader.scene();
}

const fault = (what: string): UserError =>
  new UserError({
    what: `this scene cannot be read: ${what}`,
    next: 'Write one room a line, then the doors and where you are: kitchen: cup, box (closed) [key] / hall: / doors: kitchen - hall / you: kitchen',
  } satisfies Fault);

/** Collects what the lines say; names are resolved when all are known. */
class SceneReader {
  readonly #names = new Set<string>();
  readonly #rooms: string[] = [];
  readonly #boxes: { name: string; room: number; state: BoxState; key?: string }[] = [];
  readonly #things: { name: string; place: number | { box: number } }[] = [];
  #doors?: string;
  #you?: string;

  line(head: string, rest: string): void {
    const key = nameKey(head);
    if (key === sceneWords.en.doors || key === sceneWords.zh.doors) {
      if (this.#doors !== undefined) throw fault('the doors are given twice');
      this.#doors = rest;
    } else if (key === sceneWords.en.you || key === sceneWords.zh.you) {
      if (this.#you !== undefined) throw fault('where you are is given twice');
      this.#you = rest;
    } else this.#room(head, rest);
  }

  #room(head: string, rest: string): void {
    const room = this.#rooms.push(this.#add(head)) - 1;
    for (const { name, state, key, inside } of objectsOf(rest)) {
      if (state === undefined && inside === undefined) {
        this.#things.push({ name: this.#add(name), place: room });
        continue;
      }
      const read = state === undefined ? 'open' : boxStates.get(nameKey(state));
      if (read === undefined) throw fault(`${name} is "${state}": open, closed or locked: its key`);
      if ((read === 'locked') !== (key !== undefined))
        throw fault(`${name} is ${read}${key === undefined ? ' but has no key' : ` and has the key ${key}`}`);
      const box = this.#boxes.push({ name: this.#add(name), room, state: read, key }) - 1;
      for (const thing of objectsOf(inside ?? '')) this.#things.push({ name: this.#thing(thing), place: { box } });
    }
  }

  scene(): Scene {
    const { rooms, boxes, things } = sceneLimits;
    if (this.#rooms.length === 0) throw fault('it has no room');
    if (this.#you === undefined) throw fault('it does not say in which room you are ("you: kitchen")');
    const [you, ...more] = objectsOf(this.#you);
    if (you === undefined || you.state !== undefined || more.length > 0)
      throw fault(`you are in one room: "you: kitchen [what you hold]"`);
    for (const thing of objectsOf(you.inside ?? '')) this.#things.push({ name: this.#thing(thing), place: held });
    for (const [count, limit, what] of [
      [this.#rooms.length, rooms, 'rooms'],
      [this.#boxes.length, boxes, 'boxes'],
      [this.#things.length, things, 'things'],
    ] as const)
      if (count > limit) throw fault(`it has ${count} ${what}, more than ${limit}`);
    const names = this.#things.map(({ name }) => name);
    const doors = (this.#doors ?? '')
      .split(',')
      .filter((each) => each.trim() !== '')
      .map((each) => this.#door(each));
    const world: World = {
      ...{ doors, exits: exitsBy(doors, this.#rooms) },
      language: /\p{Script=Han}/u.test(this.#rooms[0]) ? 'zh' : 'en',
      rooms: this.#rooms,
      boxes: this.#boxes.map(({ name, room, key }) => ({
        ...{ name, room },
        ...(key !== undefined && { key: numberOf(names, key, 'thing') }),
      })),
      things: names,
    };
    return {
      world,
      state: {
        room: numberOf(this.#rooms, you.name, 'room'),
        boxes: this.#boxes.map(({ state }) => state),
        things: this.#things.map(({ place }) => (typeof place === 'number' ? place : this.#rooms.length + place.box)),
      },
    };
  }

  #door(text: string): Door {
    const ends = text.split('-');
    if (ends.length !== 2) throw fault(`the door "${text.trim()}" is not between two rooms: "kitchen - hall"`);
    const [a, b] = ends.map((end) => numberOf(this.#rooms, end, 'room'));
    if (a === b) throw fault(`the door "${text.trim()}" leads nowhere`);
    return [a, b];
  }

  #thing({ name, state, inside }: SceneObject): string {
    if (state !== undefined || inside !== undefined) throw fault(`${name} is a box, and boxes stand in rooms`);
    return this.#add(name);
  }

  /** Each name once, in any spelling by which a call may mean it. */
  #add(given: string): string {
    const name = given.trim().replace(/\s+/g, ' ');
    if (name.length > sceneLimits.name)
      throw fault(`"${name.slice(0, 50)}" is longer than ${sceneLimits.name} characters`);
    for (const key of nameKeys(name)) {
      if (this.#names.has(key)) throw fault(`there are two of ${name}`);
      this.#names.add(key);
    }
    return name;
  }
}

interface SceneObject {
  name: string;
  state?: string;
  key?: string;
  inside?: string;
}

function objectsOf(text: string): SceneObject[] {
  const objects: SceneObject[] = [];
  let rest = text;
  while (rest.trim() !== '') {
    const found = objectPattern.exec(rest);
    if (found?.groups === undefined) throw fault(`"${rest.trim().slice(0, 60)}" is not a list of names`);
    const { name, state, key, inside } = found.groups as Record<string, string | undefined>;
    objects.push({ name: name ?? '', state, key, inside });
    rest = rest.slice(found[0].length);
  }
  return objects;
}

function numberOf(names: readonly string[], name: string, what: string): number {
  const found = names.findIndex((each) => nameKey(each) === nameKey(name));
  if (found === -1) throw fault(`there is no ${what} ${name.trim()}`);
  return found;
}

/** The scene as text. A box that has been unlocked is closed or open, and needs its key no more. */
export function writeScene({ world, state }: Scene): string {
  const { rooms, boxes, doors, language } = world;
  const word = sceneWords[language];
  const inside = (place: number): string => world.things.filter((_, i) => state.things[i] === place).join(', ');
  const lines = rooms.map((room, i) => {
    const stand = boxes.flatMap((box, b) => {
      if (box.room !== i) return [];
      const key = state.boxes[b] === 'locked' ? `: ${world.things[box.key ?? 0]}` : '';
      const content = inside(rooms.length + b);
      return `${box.name} (${word[state.boxes[b]]}${key})${content === '' ? '' : ` [${content}]`}`;
    });
    return `${room}: ${[inside(i), ...stand].filter((part) => part !== '').join(', ')}`.trimEnd();
  });
  const holds = inside(held);
  return [
    ...lines,
    `${word.doors}: ${doors.map((door) => door.map((end) => rooms[end]).join(' - ')).join(', ')}`.trimEnd(),
    `${word.you}: ${rooms[state.room]}${holds === '' ? '' : ` [${holds}]`}`,
  ].join('\n');
}
