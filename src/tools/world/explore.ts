// What one does who does not know the house: look, then whatever follows from what has been seen. Opens the boxes that are
// near, enters the next unknown room, and takes the shortest way as soon as one is known. Rows to learn from are made of
// it: an answer that knew where things lie would teach guessing.
import { type Action, act } from './act.js';
import { type Goal, isReached, shortestActions } from './goal.js';
import { exitsBy, type Scene, type World, type WorldState } from './scene.js';

/** A place that nobody knows the way to. */
const unknown = -2;

const maxActions = 60;

/** @returns the actions that lead to the goal, `look` first; undefined where exploring does not. */
export function exploringActions(start: Scene, goal: Goal): Action[] | undefined {
  const { world } = start;
  let { state } = start;
  const visited = new Set([state.room]);
  const seenInside = new Set(state.boxes.flatMap((box, b) => (box === 'open' ? [b] : [])));
  const actions: Action[] = [{ action: 'look' }];
  while (!isReached(goal, { world, state })) {
    if (actions.length >= maxActions) return undefined;
    const known = knownScene({ world, state }, visited, seenInside);
    const plan = shortestActions(known, goal) ?? nextToExplore(known, visited, seenInside);
    if (plan === undefined || plan.length === 0) return undefined;
    const [action] = plan;
    const outcome = act({ world, state }, action);
    if (!outcome.done) return undefined;
    state = outcome.state;
    visited.add(state.room);
    for (const [b, box] of state.boxes.entries())
      if (box === 'open' && visited.has(world.boxes[b].room)) seenInside.add(b);
    actions.push(action);
  }
  return actions;
}

/** The house as far as it has been seen. */
function knownScene({ world, state }: Scene, visited: ReadonlySet<number>, seenInside: ReadonlySet<number>): Scene {
  const rooms = world.rooms.length;
  const isKnown = (place: number): boolean => {
    if (place < rooms) return place < 0 || visited.has(place);
    return seenInside.has(place - rooms) && visited.has(world.boxes[place - rooms].room);
  };
  const doors = world.doors.filter(([a, b]) => visited.has(a) || visited.has(b));
  const known: World = {
    ...{ ...world, doors, exits: exitsBy(doors, world.rooms) },
    boxes: world.boxes.map((box) => (visited.has(box.room) ? box : { ...box, room: unknown })),
  };
  const things: WorldState['things'] = state.things.map((place) => (isKnown(place) ? place : unknown));
  return { world: known, state: { ...state, things } };
}

/** The way to the nearest box that was never open, or room that was never entered. */
function nextToExplore(
  known: Scene,
  visited: ReadonlySet<number>,
  seenInside: ReadonlySet<number>,
): Action[] | undefined {
  const { boxes, rooms } = known.world;
  const goals: Goal[] = [
    ...boxes.flatMap(({ room }, box): Goal[] =>
      room === unknown || seenInside.has(box) ? [] : [[{ type: 'box', box, open: true }]],
    ),
    ...rooms.flatMap((_, room): Goal[] => (visited.has(room) ? [] : [[{ type: 'at', room }]])),
  ];
  const plans = goals.flatMap((goal) => {
    const plan = shortestActions(known, goal);
    return plan === undefined ? [] : [plan];
  });
  return plans.reduce<Action[] | undefined>(
    (best, plan) => (best !== undefined && best.length <= plan.length ? best : plan),
    undefined,
  );
}
