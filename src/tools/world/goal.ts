// What is wanted of the small world, the fewest actions that reach it, and how far a conversation came. A goal is a list of
// conditions: `cup in box; box closed; you in hall; you hold key`. Credit for a part of the way is measured in actions: how many
// are left of those that were needed, so that no detour earns anything.
import { UserError } from '../../base/errors.js';
import { type Action, act } from './act.js';
import { held, type Scene, type World, type WorldState } from './scene.js';
import { find } from './seek.js';

export type Condition =
  | { type: 'at'; room: number }
  | { type: 'box'; box: number; open: boolean }
  /** `place`: `held`, a box, or a room: then in a box that stands there as well. */
  | { type: 'thing'; thing: number; place: number };

export type Goal = readonly Condition[];

const maxConditions = 6;
/** States that are looked at for the fewest actions. */
const maxStates = 20_000;

/** @throws UserError where a condition is none, or names what is not there. */
export function readGoal(text: string, world: World): Goal {
  const conditions = text
    .normalize('NFKC')
    .split(/[;\n]/)
    .filter((each) => each.trim() !== '');
  if (conditions.length === 0 || conditions.length > maxConditions)
    throw goalFault(`it has ${conditions.length} conditions: 1 to ${maxConditions}`);
  return conditions.map((condition) => readCondition(condition.trim(), world));
}

function readCondition(text: string, world: World): Condition {
  const boxes = world.boxes.map(({ name }) => name);
  const named = (names: readonly string[], name: string, what: string): number => {
    const found = find(names, name);
    if (found === -1) throw goalFault(`"${text}" names no ${what} of the scene`);
    return found;
  };
  const [, hold] = /^you hold (.+)$/i.exec(text) ?? [];
  if (hold !== undefined) return { type: 'thing', thing: named(world.things, hold, 'thing'), place: held };
  const [, box, state] = /^(.+?) (open|closed)$/i.exec(text) ?? [];
  if (box !== undefined) return { type: 'box', box: named(boxes, box, 'box'), open: state.toLowerCase() === 'open' };
  const [, who, where] = /^(.+?) in (.+)$/i.exec(text) ?? [];
  if (who === undefined) throw goalFault(`"${text}" is no condition`);
  if (/^you$/i.test(who)) return { type: 'at', room: named(world.rooms, where, 'room') };
  const thing = named(world.things, who, 'thing');
  const place = named([...world.rooms, ...boxes], where, 'room or box');
  return { type: 'thing', thing, place };
}

const goalFault = (what: string): UserError =>
  new UserError({
    what: `this goal cannot be read: ${what}`,
    next: 'Write conditions as: cup in box; box closed; you in hall; you hold key',
  });

export function holds(condition: Condition, { world, state }: Scene): boolean {
  switch (condition.type) {
    case 'at':
      return state.room === condition.room;
    case 'box':
      return (state.boxes[condition.box] === 'open') === condition.open;
    case 'thing': {
      const at = state.things[condition.thing];
      if (at === condition.place) return true;
      const box = at - world.rooms.length;
      return condition.place >= 0 && box >= 0 && world.boxes[box].room === condition.place;
    }
    default:
      return condition satisfies never;
  }
}

export const isReached = (goal: Goal, scene: Scene): boolean => goal.every((condition) => holds(condition, scene));

/** The fewest actions after which the goal holds; undefined where there are none within `maxStates` states. */
export function shortestActions(scene: Scene, goal: Goal): Action[] | undefined {
  const { world } = scene;
  const matters = whatMatters(scene, goal);
  // What does not matter stays where it is.
  const keyOf = ({ room, boxes, things }: WorldState): string =>
    `${room}|${matters.boxes.map((box) => boxes[box]).join()}|${matters.things.map((thing) => things[thing]).join()}`;
  interface Visited {
    state: WorldState;
    from?: Visited;
    action?: Action;
  }
  const frontier: Visited[] = [{ state: scene.state }];
  const seen = new Set([keyOf(scene.state)]);
  for (let i = 0; i < frontier.length; i++) {
    const visited = frontier[i];
    if (isReached(goal, { world, state: visited.state })) {
      const actions: Action[] = [];
      for (let at: Visited | undefined = visited; at?.action !== undefined; at = at.from) actions.push(at.action);
      return actions.reverse();
    }
    for (const action of usefulActions({ world, state: visited.state }, goal, matters)) {
      const outcome = act({ world, state: visited.state }, action);
      if (!outcome.done) continue;
      const key = keyOf(outcome.state);
      if (seen.has(key)) continue;
      if (seen.size >= maxStates) return undefined;
      seen.add(key);
      frontier.push({ state: outcome.state, from: visited, action });
    }
  }
  return undefined;
}

interface Matters {
  boxes: readonly number[];
  things: readonly number[];
}

/** The boxes and things of the goal, the boxes that these are in, the keys to them, the boxes that those are in, and so on. */
function whatMatters({ world, state }: Scene, goal: Goal): Matters {
  const boxes = new Set<number>();
  const things = new Set<number>();
  const addThing = (thing: number): void => {
    if (things.has(thing)) return;
    things.add(thing);
    addPlace(state.things[thing]);
  };
  const addPlace = (place: number): void => {
    const box = place - world.rooms.length;
    if (box >= 0) addBox(box);
  };
  const addBox = (box: number): void => {
    if (boxes.has(box)) return;
    boxes.add(box);
    const { key } = world.boxes[box];
    if (state.boxes[box] === 'locked' && key !== undefined) addThing(key);
  };
  for (const condition of goal) {
    if (condition.type === 'box') addBox(condition.box);
    if (condition.type !== 'thing') continue;
    addThing(condition.thing);
    addPlace(condition.place);
  }
  return { boxes: [...boxes], things: [...things] };
}

/** Without those that never shorten the way: hands hold any number of things, so that nothing is put but where it is wanted. */
function usefulActions({ world, state }: Scene, goal: Goal, { boxes, things }: Matters): Action[] {
  const here = boxes.filter((box) => world.boxes[box].room === state.room);
  return [
    ...things.flatMap((thing): Action[] => {
      const at = state.things[thing];
      const isInReach = at === state.room || here.includes(at - world.rooms.length);
      return isInReach ? [{ action: 'take', item: world.things[thing] }] : [];
    }),
    ...goal.flatMap((each): Action[] => {
      if (each.type !== 'thing' || state.things[each.thing] !== held) return [];
      const item = world.things[each.thing];
      if (each.place === state.room) return [{ action: 'put', item }];
      const box = each.place - world.rooms.length;
      return here.includes(box) ? [{ action: 'put', item, place: world.boxes[box].name }] : [];
    }),
    ...here.flatMap((box): Action[] => {
      const place = world.boxes[box].name;
      if (state.boxes[box] !== 'open') return [{ action: 'open', place }];
      const isWanted = goal.some((each) => each.type === 'box' && each.box === box && !each.open);
      return isWanted ? [{ action: 'close', place }] : [];
    }),
    ...world.exits[state.room].map((exit): Action => ({ action: 'go', place: world.rooms[exit] })),
  ];
}

/**
 * 1 where the goal holds, else the share of the way that was gone, from 0: 1 − actions left / actions needed at the start.
 * A goal that held at the start and was lost earns 0. @throws UserError where the goal cannot be reached from the start.
 */
export function creditOf(start: Scene, end: WorldState, goal: Goal): number {
  const scene = { world: start.world, state: end };
  if (isReached(goal, scene)) return 1;
  const needed = shortestActions(start, goal);
  if (needed === undefined)
    throw new UserError({
      what: 'this goal cannot be reached from its scene',
      next: 'Correct the goal or the scene of the row',
    });
  if (needed.length === 0) return 0;
  const left = shortestActions(scene, goal);
  return left === undefined ? 0 : Math.max(0, 1 - left.length / needed.length);
}
