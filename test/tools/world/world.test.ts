// The small world: text ↔ state, what can be done and what is said where it cannot, goals and how far one came, and tasks
// whose solutions really solve them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../../src/base/random.js';
import { openTools } from '../../../src/tools/open.js';
import type { RanCall } from '../../../src/tools/tool.js';
import { isHeldOutWording } from '../../../src/tools/wordings.js';
import { type Action, act } from '../../../src/tools/world/act.js';
import { type Goal, isReached, readGoal, shortestActions } from '../../../src/tools/world/goal.js';
import { readScene, type Scene, writeScene } from '../../../src/tools/world/scene.js';
import { drawWorldTask } from '../../../src/tools/world/task.js';
import { roomNames } from '../../../src/tools/world/vocabulary.js';
import { worldKinds } from '../../../src/tools/world/wordings.js';
import { replayScene, sceneOf, worldCredit } from '../../../src/tools/world/world.js';

const house = `kitchen: cup, box (closed) [key, coin]
hall: chest (locked: key) [ring]
doors: kitchen - hall
you: kitchen`;
const inChinese = `厨房: 杯子, 箱子 (关着) [钥匙, 硬币]
走廊: 宝箱 (锁着: 钥匙) [戒指]
门: 厨房 - 走廊
你: 厨房`;

const toolbox = await openTools(['World']);

/** Each action as `action place` or `action item > place`, and what is said to it. */
async function play(scene: string, actions: readonly string[]): Promise<{ calls: RanCall[]; said: string[] }> {
  const session = toolbox.session({ scene });
  const calls: RanCall[] = [];
  for (const text of actions) {
    const [, action, name, place] = /^(\w+) ?([^>]*?)(?: > (.*))?$/.exec(text) ?? [];
    const takesItem = action === 'take' || action === 'put';
    const given = { action, ...(name !== '' && { [takesItem ? 'item' : 'place']: name }), ...(place && { place }) };
    const call = { name: 'World', arguments: given };
    calls.push({ call, result: await session.call(call) });
  }
  const end = sceneOf(session.stateOf('World'));
  if (end !== undefined) assert.deepEqual(end, replayScene(readScene(scene), calls), 'replayed');
  return { calls, said: calls.map(({ result }) => `${result.fault ?? 'ok'}: ${result.content}`) };
}

test('a scene is read and written back; Chinese punctuation is understood; what is wrong with one is said', () => {
  for (const scene of [house, inChinese]) assert.equal(writeScene(readScene(scene)), scene);
  assert.equal(
    writeScene(readScene('厨房：杯子、箱子（关着）【钥匙】\n门：\n你：厨房')),
    '厨房: 杯子, 箱子 (关着) [钥匙]\n门:\n你: 厨房',
  );
  const faults: [string, RegExp][] = [
    ['', /no room/],
    ['kitchen: cup', /in which room you are/],
    ['kitchen: cup\nyou: hall', /no room hall/],
    ['kitchen: cup, The cup\nyou: kitchen', /two of The cup/],
    ['kitchen: cup, 杯子\nyou: kitchen', /two of 杯子/],
    ['kitchen: box (locked) [cup]\nyou: kitchen', /box is locked but has no key/],
    ['kitchen: box (locked: key)\nyou: kitchen', /no thing key/],
    ['kitchen: box (ajar)\nyou: kitchen', /"ajar"/],
    ['kitchen: box [bag [cup]]\nyou: kitchen', /not a list of names/],
    ['kitchen: cup\ndoors: kitchen - kitchen\nyou: kitchen', /leads nowhere/],
    ['kitchen: cup\u001b[2J\nyou: kitchen', /not a list of names/],
    [`kitchen: ${Array.from({ length: 101 }, (_, i) => `t${i}`).join(', ')}\nyou: kitchen`, /101 things/],
    [`kitchen: ${'x'.repeat(5000)}`, /characters/],
    [`${Array.from({ length: 21 }, (_, i) => `r${i}:`).join('\n')}\nyou: r0`, /21 rooms/],
  ];
  for (const [scene, message] of faults) assert.throws(() => readScene(scene), { name: 'UserError', message }, scene);
});

test('who looks for one thing hears where it is, and where it is not in sight what could be tried', async () => {
  const english = await play(house, [
    'look cup',
    'look ring',
    'look hall',
    'look kitchen',
    'look chest',
    'look cellar',
    'look box',
    'open box',
    'look COIN',
    'look 钥匙',
    'take coin',
    'look coin',
    'look box',
  ]);
  assert.deepEqual(english.said, [
    'ok: The cup is here.',
    'ok: You do not see the ring. Closed: box. Doors: hall.',
    'ok: The hall is next door.',
    'ok: You are in the kitchen.',
    // No box is in a box.
    'ok: You do not see the chest. Doors: hall.',
    'ok: You do not see the cellar. Closed: box. Doors: hall.',
    'ok: The box is here, closed.',
    'ok: The box is open. In it: key, coin.',
    'ok: The coin is in the box.',
    'ok: The key is in the box.',
    'ok: You take the coin.',
    'ok: You hold the coin.',
    'ok: The box is here, open. In it: key.',
  ]);
  const chinese = await play(inChinese, [
    'look 杯子',
    'look 戒指',
    'look 走廊',
    'look 箱子',
    'open 箱子',
    'look 硬币',
    'look 厨房',
  ]);
  assert.deepEqual(chinese.said, [
    'ok: 杯子在这里。',
    'ok: 没看见戒指。关着的：箱子。门通向走廊。',
    'ok: 走廊在隔壁。',
    'ok: 箱子在这里，关着。',
    'ok: 箱子开了。里面有钥匙、硬币。',
    'ok: 硬币在箱子里。',
    'ok: 你在厨房。',
  ]);
});

test('what is done changes the world and is said in its language; what cannot be done changes nothing and says why', async () => {
  const english = await play(house, [
    'look',
    'take key',
    'open box',
    'take the KEY > box',
    'open chest',
    'go hall',
    'open chest',
    'take 戒指',
    'put ring > box',
    'put ring > chest',
    'close chest',
    'take ring',
    'take chest',
    'go cellar',
    'look hall',
    'put coin',
  ]);
  assert.deepEqual(english.said, [
    'ok: You are in the kitchen. Here: cup, box (closed). Doors: hall.',
    'failed: There is no key here.',
    'ok: The box is open. In it: key, coin.',
    'ok: You take the key.',
    'failed: There is no chest here.',
    'ok: You are in the hall. Here: chest (locked). Doors: kitchen. You hold: key.',
    'ok: You unlock it with the key. The chest is open. In it: ring.',
    'ok: You take the ring.',
    'failed: There is no box here.',
    'ok: You put the ring in the chest.',
    'ok: The chest is closed.',
    'failed: There is no ring here.',
    'failed: The chest cannot be taken.',
    'failed: There is no door to the cellar here. Doors: kitchen.',
    'ok: You are in the hall.',
    'failed: You do not hold the coin.',
  ]);
  const chinese = await play(inChinese, [
    'look',
    'open box',
    'take 钥匙',
    'go 走廊',
    'open 宝箱',
    'close 宝箱',
    'put 钥匙',
    'open 灯',
  ]);
  assert.deepEqual(chinese.said, [
    'ok: 你在厨房。这里有杯子、箱子（关着）。门通向走廊。',
    'ok: 箱子开了。里面有钥匙、硬币。',
    'ok: 你拿起钥匙。',
    'ok: 你在走廊。这里有宝箱（锁着）。门通向厨房。你拿着钥匙。',
    'ok: 你用钥匙开了锁。宝箱开了。里面有戒指。',
    'ok: 宝箱关上了。',
    'ok: 你把钥匙放在走廊里。',
    'failed: 这里没有灯。',
  ]);
});

test('credit is the share of the shortest way that was gone, and calls that failed earn nothing', async () => {
  const { world } = readScene(house);
  assert.equal(shortestActions(readScene(house), readGoal('ring in kitchen', world))?.length, 7);
  const goal = 'you hold ring';
  const steps = ['open box', 'take key', 'go hall', 'open chest', 'take ring'];
  for (let done = 0; done <= steps.length; done++) {
    const { calls } = await play(house, [...steps.slice(0, done), 'take cellar']);
    assert.ok(Math.abs(worldCredit(goal, calls, house) - done / 5) < 1e-12, `${done} steps`);
  }
  assert.equal(
    worldCredit(goal, (await play(house, ['take cup', 'go hall', 'put cup', 'go kitchen'])).calls, house),
    0,
  );
  assert.equal(worldCredit('cup in kitchen', [], house), 1, 'held at the start');
  assert.equal(worldCredit('cup in kitchen', (await play(house, ['take cup'])).calls, house), 0, 'and was lost');
  for (const [wrong, message] of [
    ['cup', /is no condition/],
    ['lamp in box', /no thing/],
    ['', /0 conditions/],
    ['cup in box; you in attic', /no room/],
  ] as const)
    assert.throws(() => worldCredit(wrong, [], house), { name: 'UserError', message }, wrong);
  const walled = 'kitchen: cup\nattic:\nyou: kitchen';
  assert.throws(() => worldCredit('you in attic', [], walled), { message: /cannot be reached/ });
});

/** The fewest actions, by trying everything everywhere. */
function fewestByTryingAll(scene: Scene, goal: Goal): number {
  const { world } = scene;
  const places = [...world.rooms, ...world.boxes.map(({ name }) => name)];
  const actions: Action[] = [
    ...places.flatMap((place): Action[] => (['go', 'open', 'close'] as const).map((action) => ({ action, place }))),
    ...world.things.flatMap((item): Action[] => [
      { action: 'take', item },
      ...places.map((place): Action => ({ action: 'put', item, place })),
    ]),
  ];
  const seen = new Map([[JSON.stringify(scene.state), 0]]);
  let states = [scene.state];
  for (let count = 0; states.length > 0; count++) {
    if (states.some((state) => isReached(goal, { world, state }))) return count;
    states = states.flatMap((state) =>
      actions.flatMap((action) => {
        const outcome = act({ world, state }, action);
        if (!outcome.done || seen.has(JSON.stringify(outcome.state))) return [];
        seen.set(JSON.stringify(outcome.state), count + 1);
        return [outcome.state];
      }),
    );
  }
  return Number.NaN;
}

test('the fewest actions are those that trying everything everywhere finds', () => {
  for (const kind of ['close', 'put', 'move', 'stow', 'unlock'] as const) {
    const house = { rooms: 3, boxes: 1, things: 2 };
    const { scene, goal, fewest } = drawWorldTask(Random.stream(3, kind), { kind, language: 'en', ...house });
    const read = readScene(scene);
    assert.equal(fewestByTryingAll(read, readGoal(goal, read.world)), fewest, `${kind}: ${scene}`);
  }
});

test('tasks of every kind are solved by their own calls, in both languages, and follow from the seed', async () => {
  const seen = new Set<string>();
  for (const kind of worldKinds) {
    for (const language of ['zh', 'en'] as const) {
      const random = Random.stream(7, `${kind}-${language}`);
      for (let i = 0; i < 1 + Number(kind !== 'two'); i++) {
        const task = drawWorldTask(random, { kind, language }, ({ en }) => en !== 'kitchen');
        const session = toolbox.session({ scene: task.scene });
        const calls: RanCall[] = [];
        for (const action of task.actions) {
          const call = { name: 'World', arguments: { ...action } };
          calls.push({ call, result: await session.call(call) });
        }
        assert.equal(
          calls.find(({ result }) => result.fault !== undefined),
          undefined,
          task.scene,
        );
        assert.equal(worldCredit(task.goal, calls, task.scene), 1, task.scene);
        assert.ok(worldCredit(task.goal, calls.slice(0, -1), task.scene) < 1);
        assert.ok(task.fewest < task.actions.length && task.actions[0].action === 'look');
        assert.ok(!isHeldOutWording(task.wording), 'held out');
        assert.doesNotMatch(task.scene + task.request, /kitchen|厨房|[{}]/);
        seen.add(task.scene);
      }
    }
  }
  assert.equal(seen.size, 4 * worldKinds.length - 2);
  const again = (): unknown => drawWorldTask(Random.stream(7, 'again'), { kind: 'two', language: 'en' });
  assert.deepEqual(again(), again());
  assert.ok(roomNames.every(({ en, zh }) => /^[a-z]+$/.test(en) && /^\p{Script=Han}+$/u.test(zh)));
});
