// The six things that can be done in the small world, as a function from state to state. An action that cannot be done
// changes nothing and says why.
import { describe, outcomes, refusals, thingsAt } from './describe.js';
import { held, type Scene, type WorldState } from './scene.js';
import { echo, find, findBox, isInReach, seek } from './seek.js';

export const actionNames = ['look', 'go', 'open', 'close', 'take', 'put'] as const;
export type ActionName = (typeof actionNames)[number];

/** What a call says. `item` is a thing, `place` a room or a box; who looks for something names it as either. */
export interface Action {
  action: ActionName;
  item?: string;
  place?: string;
}

/** What each action takes: + needs it, ? may have it, - has no use for it. */
const uses: Record<ActionName, { item: '+' | '?' | '-'; place: '+' | '?' | '-' }> = {
  look: { item: '?', place: '?' },
  go: { item: '-', place: '+' },
  open: { item: '-', place: '+' },
  close: { item: '-', place: '+' },
  take: { item: '+', place: '?' },
  put: { item: '+', place: '?' },
};

/** @returns why the arguments of a call are no action, or the action. */
export function readAction(given: Record<string, unknown>): Action | string {
  const { action, item, place } = given;
  if (!actionNames.some((name) => name === action)) return `action is one of ${actionNames.join(', ')}.`;
  for (const [field, value] of Object.entries({ item, place }))
    if (value !== undefined && typeof value !== 'string') return `${field} is a name, as text.`;
  return { action, item, place } as Action;
}

/** `text()` is what is said of it: put into words only where somebody listens. */
export type ActionOutcome = { done: true; state: WorldState; text(): string } | { done: false; text(): string };

export function act(scene: Scene, given: Action): ActionOutcome {
  const { world, state } = scene;
  const no = refusals[world.language];
  const use = uses[given.action];
  for (const field of ['item', 'place'] as const) {
    const isGiven = given[field] !== undefined && given[field].trim() !== '';
    if (use[field] === '+' && !isGiven) return refuse(no.missing(given.action, field));
    if (use[field] === '-' && isGiven) return refuse(no.needless(given.action, field));
  }
  const [item, place] = [given.item ?? '', given.place ?? ''].map((name) => name.trim());
  const acting = new Acting(scene);
  switch (given.action) {
    case 'look':
      return {
        done: true,
        state,
        text: () => (item === '' && place === '' ? describe(scene) : seek(scene, item || place)),
      };
    case 'go':
      return acting.go(place);
    case 'open':
    case 'close':
      return acting.setBox(place, given.action === 'open');
    case 'take':
      return acting.take(item, place);
    case 'put':
      return acting.put(item, place);
    default:
      return given.action satisfies never;
  }
}

class Acting {
  readonly #scene: Scene;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  get #say() {
    return outcomes[this.#scene.world.language];
  }
  get #no() {
    return refusals[this.#scene.world.language];
  }

  go(place: string): ActionOutcome {
    const { world, state } = this.#scene;
    const room = find(world.rooms, place);
    const exits = world.exits[state.room];
    if (room === state.room) return refuse(this.#no.hereAlready(world.rooms[room]));
    if (!exits.includes(room))
      return refuse(
        this.#no.noDoor(
          world.rooms[room] ?? echo(place),
          exits.map((exit) => world.rooms[exit]),
        ),
      );
    const next = { ...state, room };
    return { done: true, state: next, text: () => describe({ world, state: next }) };
  }

  setBox(place: string, opens: boolean): ActionOutcome {
    const { world, state } = this.#scene;
    const b = this.#boxHere(place);
    if (b === -1)
      return refuse(this.#isThingHere(place) ? this.#no.notBox(echo(place)) : this.#no.notHere(echo(place)));
    const { name, key } = world.boxes[b];
    const now = state.boxes[b];
    if (now === 'locked' && opens && (key === undefined || state.things[key] !== held))
      return refuse(this.#no.locked(name));
    if (opens ? now === 'open' : now !== 'open') return refuse(this.#no.already(name, now));
    const next = { ...state, boxes: state.boxes.with(b, opens ? 'open' : 'closed') };
    if (!opens) return { done: true, state: next, text: () => this.#say.closed(name) };
    const inside = (): string[] => thingsAt({ world, state: next }, world.rooms.length + b);
    const unlockedWith = now === 'locked' && key !== undefined ? world.things[key] : undefined;
    return { done: true, state: next, text: () => this.#say.opened(name, inside(), unlockedWith) };
  }

  take(item: string, place: string): ActionOutcome {
    const { world, state } = this.#scene;
    const thing = find(world.things, item);
    if (thing === -1)
      return refuse(this.#boxHere(item) === -1 ? this.#no.notHere(echo(item)) : this.#no.isBox(echo(item)));
    const name = world.things[thing];
    const at = state.things[thing];
    if (at === held) return refuse(this.#no.heldAlready(name));
    const from = place === '' ? undefined : this.#placeHere(place);
    if (from !== undefined && typeof from !== 'number') return from;
    if (!isInReach(this.#scene, at) || (from !== undefined && from !== at && from !== state.room))
      return refuse(this.#no.notHere(name));
    return {
      done: true,
      state: { ...state, things: state.things.with(thing, held) },
      text: () => this.#say.took(name),
    };
  }

  put(item: string, place: string): ActionOutcome {
    const { world, state } = this.#scene;
    const thing = find(world.things, item);
    if (thing === -1 || state.things[thing] !== held)
      return refuse(this.#no.notHeld(world.things[thing] ?? echo(item)));
    const to = place === '' ? state.room : this.#placeHere(place);
    if (typeof to !== 'number') return to;
    const name = to < world.rooms.length ? world.rooms[to] : world.boxes[to - world.rooms.length].name;
    return {
      ...{ done: true, state: { ...state, things: state.things.with(thing, to) } },
      text: () => this.#say.put(world.things[thing], name),
    };
  }

  /** The number of the room that one is in, or of an open box there; else why not. */
  #placeHere(place: string): number | ActionOutcome {
    const { world, state } = this.#scene;
    if (find(world.rooms, place) === state.room) return state.room;
    const b = this.#boxHere(place);
    if (b === -1) return refuse(this.#no.notHere(echo(place)));
    const { name } = world.boxes[b];
    if (state.boxes[b] !== 'open') return refuse(this.#no.shut(name));
    return world.rooms.length + b;
  }

  #boxHere(name: string): number {
    const { world, state } = this.#scene;
    const b = findBox(this.#scene, name);
    return b !== -1 && world.boxes[b].room === state.room ? b : -1;
  }

  #isThingHere(name: string): boolean {
    const { world, state } = this.#scene;
    const thing = find(world.things, name);
    return thing !== -1 && (state.things[thing] === held || isInReach(this.#scene, state.things[thing]));
  }
}

const refuse = (text: string): ActionOutcome => ({ done: false, text: () => text });
