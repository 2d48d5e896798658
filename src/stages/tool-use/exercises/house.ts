// What is to be done in a small house: World. It answers only to what is done there, so the calls go turn by turn.
import { drawWorldTask } from '../../../tools/world/task.js';
import { heldOutKinds, requests, type WorldKind, worldKinds } from '../../../tools/world/wordings.js';
import { call, type Draw, type Exercise } from '../exercise.js';

/** Calls of one exercise, the first look included: more of them fill the context. */
const maxActions = 3;
/** They take more. */
const longKinds: readonly WorldKind[] = ['move', 'stow'];
const kinds = worldKinds.filter((kind) => !heldOutKinds.includes(kind) && !longKinds.includes(kind));

export function house({ random, language, isHeldOut }: Draw): Exercise {
  const kind = random.choose(kinds);
  const last = requests[kind][language].length - 1;
  const wording = isHeldOut ? last : random.integer(0, last);
  const task = drawWorldTask(random, { kind, language, wording, maxActions, rooms: 2, boxes: 1, things: 2 });
  return {
    ...{ kind: 'world', language, wording: requests[kind][language][wording], question: task.request },
    needs: ['World'],
    turns: task.actions.map((action) => () => [call('World', { ...action })]),
    ending: () => ({ answer: task.answer, check: { type: 'world', goal: task.goal } }),
    start: { scene: task.scene },
  };
}
