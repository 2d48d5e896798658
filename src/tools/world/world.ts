// The small world as a tool: it keeps its scene from call to call, and the same calls always have the same results, so what
// a conversation did there can be replayed and judged from its calls alone.
import { type Executor, type RanCall, ToolFailure } from '../tool.js';
import { act, readAction } from './act.js';
import { creditOf, readGoal } from './goal.js';
import { readScene, type Scene } from './scene.js';

export const worldToolName = 'World';

/** Where a conversation begins that names no scene. */
export const defaultScene = `kitchen: apple, cupboard (closed) [cup, key]
hall: lamp
study: book, chest (locked: key) [ring]
doors: kitchen - hall, hall - study
you: hall`;

const sceneKey = 'scene';

/** What the tool has made of its scene in a conversation (`ToolSession.stateOf`); undefined where it was not called. */
export function sceneOf(state: ReadonlyMap<string, unknown> | undefined): Scene | undefined {
  return state?.get(sceneKey) as Scene | undefined;
}

/** @throws UserError where the scene cannot be read. */
export function worldExecutor({ tool, limits }: Pick<Executor, 'tool' | 'limits'>, scene = defaultScene): Executor {
  readScene(scene);
  return {
    ...{ tool, limits },
    run(given, { start, state }) {
      const before = sceneOf(state) ?? readScene(start.scene ?? scene);
      const action = readAction(given);
      if (typeof action === 'string') throw new ToolFailure(action);
      const outcome = act(before, action);
      if (!outcome.done) throw new ToolFailure(outcome.text());
      state.set(sceneKey, { world: before.world, state: outcome.state } satisfies Scene);
      return outcome.text();
    },
  };
}

/** The scene after the calls of a conversation: those that the world did, in their order. */
export function replayScene(start: Scene, calls: readonly RanCall[]): Scene {
  const { world } = start;
  let { state } = start;
  for (const { call, result } of calls) {
    if (call?.name !== worldToolName || result.fault !== undefined) continue;
    const action = readAction(call.arguments);
    const outcome = typeof action === 'string' ? undefined : act({ world, state }, action);
    if (outcome?.done === true) state = outcome.state;
  }
  return { world, state };
}

/**
 * From 0 to 1: how much of the way to `goal` the calls went, from `scene` (default: the house that the tool begins with).
 * @throws UserError where scene or goal cannot be read, or the goal cannot be reached.
 */
export function worldCredit(goal: string, calls: readonly RanCall[], scene: string = defaultScene): number {
  const start = readScene(scene);
  return creditOf(start, replayScene(start, calls).state, readGoal(goal, start.world));
}
