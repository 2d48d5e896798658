// Looking for one thing: where it is, and where it is not to be seen, what could be tried next. Who asks for what is wanted
// need not compare it with all that is there, which is hard for a small model and easy for the world.
import { thingsAt } from './describe.js';
import { type BoxState, held, type Scene, sceneWords } from './scene.js';
import { nameKey, nameKeys } from './vocabulary.js';

/** @param name of anything; what does not exist is not seen. */
export function seek(scene: Scene, name: string): string {
  const { world, state } = scene;
  const say = sayings[world.language];
  const thing = find(world.things, name);
  if (thing !== -1) {
    const at = state.things[thing];
    const own = world.things[thing];
    if (at === held) return say.held(own);
    if (at === state.room) return say.here(own);
    return isInReach(scene, at) ? say.inside(own, world.boxes[at - world.rooms.length].name) : unseen(scene, own, true);
  }
  const b = findBox(scene, name);
  if (b !== -1) {
    const { name: own, room } = world.boxes[b];
    if (room !== state.room) return unseen(scene, own, false);
    return say.box(own, state.boxes[b], thingsAt(scene, world.rooms.length + b));
  }
  const room = find(world.rooms, name);
  if (room === state.room) return say.inRoom(world.rooms[room]);
  if (world.exits[state.room].includes(room)) return say.nextDoor(world.rooms[room]);
  return unseen(scene, world.rooms[room] ?? echo(name), room === -1);
}

/** @param isSmall whether a box could hold it. */
function unseen(scene: Scene, name: string, isSmall: boolean): string {
  const { world, state } = scene;
  const shut = world.boxes.flatMap((box, b) =>
    box.room === state.room && state.boxes[b] !== 'open' ? [box.name] : [],
  );
  const doors = world.exits[state.room].map((room) => world.rooms[room]);
  return sayings[world.language].unseen(name, isSmall ? shut : [], doors);
}

const sayings = {
  en: {
    held: (name: string) => `You hold the ${name}.`,
    here: (name: string) => `The ${name} is here.`,
    inside: (name: string, box: string) => `The ${name} is in the ${box}.`,
    box: (name: string, state: BoxState, inside: readonly string[]) =>
      `The ${name} is here, ${state}.${state === 'open' && inside.length > 0 ? ` In it: ${inside.join(', ')}.` : ''}`,
    inRoom: (name: string) => `You are in the ${name}.`,
    nextDoor: (name: string) => `The ${name} is next door.`,
    unseen: (name: string, shut: readonly string[], doors: readonly string[]) =>
      [
        `You do not see the ${name}.`,
        ...(shut.length > 0 ? [`Closed: ${shut.join(', ')}.`] : []),
        ...(doors.length > 0 ? [`Doors: ${doors.join(', ')}.`] : []),
      ].join(' '),
  },
  zh: {
    held: (name: string) => `你拿着${name}。`,
    here: (name: string) => `${name}在这里。`,
    inside: (name: string, box: string) => `${name}在${box}里。`,
    box: (name: string, state: BoxState, inside: readonly string[]) =>
      `${name}在这里，${sceneWords.zh[state]}。${state === 'open' && inside.length > 0 ? `里面有${inside.join('、')}。` : ''}`,
    inRoom: (name: string) => `你在${name}。`,
    nextDoor: (name: string) => `${name}在隔壁。`,
    unseen: (name: string, shut: readonly string[], doors: readonly string[]) =>
      [
        `没看见${name}。`,
        shut.length > 0 ? `关着的：${shut.join('、')}。` : '',
        doors.length > 0 ? `门通向${doors.join('、')}。` : '',
      ].join(''),
  },
} as const;

/** Longest part of an unknown name that is repeated in an answer. */
const maxEcho = 40;
export const echo = (name: string): string => (name.length > maxEcho ? `${name.slice(0, maxEcho)}…` : name);

/** The number of what is called so, in either language; -1 where there is none. */
export function find(names: readonly string[], name: string): number {
  const exact = names.indexOf(name);
  if (exact !== -1) return exact;
  const keys = nameKeys(name);
  return names.findIndex((each) => keys.includes(nameKey(each)));
}

/** The number of the box that is called so, wherever it stands; -1 where there is none. */
export function findBox({ world }: Scene, name: string): number {
  return find(
    world.boxes.map((box) => box.name),
    name,
  );
}

/** Whether what lies there can be seen and taken: in the room, or in an open box of it. */
export function isInReach({ world, state }: Scene, place: number): boolean {
  const b = place - world.rooms.length;
  return place === state.room || (b >= 0 && world.boxes[b].room === state.room && state.boxes[b] === 'open');
}
