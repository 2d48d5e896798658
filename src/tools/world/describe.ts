// What the one who acts sees and hears, in the language of the scene. Sentences are short: a small model reads them.
import type { ActionName } from './act.js';
import { type BoxState, held, type Scene, sceneWords } from './scene.js';

/** The room, what is in sight, the doors, what is held. What a closed box holds is not in sight. */
export function describe({ world, state }: Scene): string {
  const { language, rooms } = world;
  const loose = thingsAt({ world, state }, state.room);
  const boxes = world.boxes.flatMap(({ name, room }, b) => {
    if (room !== state.room) return [];
    const inside = thingsAt({ world, state }, rooms.length + b);
    return language === 'zh'
      ? `${name}（${boxInChinese(state.boxes[b], inside)}）`
      : `${name} (${boxInEnglish(state.boxes[b], inside)})`;
  });
  const here = [...loose, ...boxes];
  const exits = world.exits[state.room].map((room) => rooms[room]);
  const holds = thingsAt({ world, state }, held);
  if (language === 'zh') {
    return [
      `你在${rooms[state.room]}。`,
      here.length === 0 ? '这里什么都没有。' : `这里有${here.join('、')}。`,
      exits.length === 0 ? '' : `门通向${exits.join('、')}。`,
      holds.length === 0 ? '' : `你拿着${holds.join('、')}。`,
    ].join('');
  }
  return [
    `You are in the ${rooms[state.room]}.`,
    here.length === 0 ? 'Nothing is here.' : `Here: ${here.join(', ')}.`,
    exits.length === 0 ? '' : `Doors: ${exits.join(', ')}.`,
    holds.length === 0 ? '' : `You hold: ${holds.join(', ')}.`,
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
}

function boxInEnglish(state: BoxState, inside: readonly string[]): string {
  if (state !== 'open') return state;
  return inside.length === 0 ? 'open, empty' : `open: ${inside.join(', ')}`;
}

function boxInChinese(state: BoxState, inside: readonly string[]): string {
  if (state !== 'open') return sceneWords.zh[state];
  return inside.length === 0 ? '开着，空的' : `开着：${inside.join('、')}`;
}

export function thingsAt({ world, state }: Scene, place: number): string[] {
  return world.things.filter((_, i) => state.things[i] === place);
}

/** What comes of an action that was done. */
export const outcomes = {
  en: {
    took: (thing: string) => `You take the ${thing}.`,
    put: (thing: string, place: string) => `You put the ${thing} in the ${place}.`,
    opened: (box: string, inside: readonly string[], key?: string) =>
      `${key === undefined ? '' : `You unlock it with the ${key}. `}The ${box} is open. ${inside.length === 0 ? 'It is empty.' : `In it: ${inside.join(', ')}.`}`,
    closed: (box: string) => `The ${box} is closed.`,
  },
  zh: {
    took: (thing: string) => `你拿起${thing}。`,
    put: (thing: string, place: string) => `你把${thing}放在${place}里。`,
    opened: (box: string, inside: readonly string[], key?: string) =>
      `${key === undefined ? '' : `你用${key}开了锁。`}${box}开了。${inside.length === 0 ? '里面是空的。' : `里面有${inside.join('、')}。`}`,
    closed: (box: string) => `${box}关上了。`,
  },
} as const;

/** Why an action was not done. */
export const refusals = {
  en: {
    missing: (action: ActionName, field: string) => `${action} needs ${field}.`,
    needless: (action: ActionName, field: string) => `${action} takes no ${field}.`,
    noDoor: (room: string, exits: readonly string[]) =>
      `There is no door to the ${room} here. Doors: ${exits.length === 0 ? 'none' : exits.join(', ')}.`,
    hereAlready: (room: string) => `You are in the ${room} already.`,
    notHere: (name: string) => `There is no ${name} here.`,
    notHeld: (name: string) => `You do not hold the ${name}.`,
    heldAlready: (name: string) => `You hold the ${name} already.`,
    isBox: (name: string) => `The ${name} cannot be taken.`,
    notBox: (name: string) => `The ${name} cannot be opened or closed.`,
    shut: (box: string) => `The ${box} is closed.`,
    locked: (box: string) => `The ${box} is locked, and you do not hold its key.`,
    already: (box: string, state: BoxState) => `The ${box} is ${state} already.`,
  },
  zh: {
    missing: (action: ActionName, field: string) => `${action} 需要 ${field}。`,
    needless: (action: ActionName, field: string) => `${action} 不需要 ${field}。`,
    noDoor: (room: string, exits: readonly string[]) =>
      `这里没有通向${room}的门。${exits.length === 0 ? '这里没有门。' : `门通向${exits.join('、')}。`}`,
    hereAlready: (room: string) => `你已经在${room}了。`,
    notHere: (name: string) => `这里没有${name}。`,
    notHeld: (name: string) => `你没有拿着${name}。`,
    heldAlready: (name: string) => `你已经拿着${name}了。`,
    isBox: (name: string) => `${name}拿不走。`,
    notBox: (name: string) => `${name}不能开关。`,
    shut: (box: string) => `${box}关着。`,
    locked: (box: string) => `${box}锁着，你没有它的钥匙。`,
    already: (box: string, state: BoxState) => `${box}已经${sceneWords.zh[state]}了。`,
  },
} as const;
