// Runs the same tests on every backend that runs here. A backend joins by its name below (the compiler asks for it).
// TEST_BACKEND=native leaves the others out.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ComputeSettings } from '../../src/config/compute.js';
import { type BackendName, openBackend } from '../../src/tensor/backends.js';
import { engine } from '../../src/tensor/tf.js';

const order = { cpu: 0, wasm: 1, native: 2, tensorflow: 3 } satisfies Record<BackendName, number>;

/** The backend that TEST_BACKEND names, else `usual`. */
export function chosenBackend(usual: BackendName): BackendName {
  const { TEST_BACKEND: named } = process.env;
  if (!named) return usual;
  assert.ok(Object.hasOwn(order, named), `TEST_BACKEND=${named} names no backend`);
  return named as BackendName;
}

/** How far a row may be from what it is alone. TensorFlow adds in an order that depends on how many rows there are. */
export function batchTolerance(): number {
  return engine().backendName === 'tensorflow' ? 2e-6 : 0;
}

/** One test per backend, `body` adding its own below it; skipped with the reason where the backend cannot run. */
export async function onEachBackend(title: string, body: (t: TestContext) => Promise<void>): Promise<void> {
  const names = (Object.keys(order) as BackendName[]).sort((a, b) => order[a] - order[b]);
  const wanted = process.env.TEST_BACKEND ? [chosenBackend('cpu')] : names;
  for (const name of wanted) await onBackend(title, name, {}, body);
}

/** The same on one backend, with settings of its own. */
export async function onBackend(
  title: string,
  name: BackendName,
  settings: ComputeSettings,
  body: (t: TestContext) => Promise<void>,
): Promise<void> {
  const details = Object.entries(settings).map(([key, value]) => `, ${key} ${value}`);
  await test(`${title} on ${name}${details.join('')}`, async (t) => {
    try {
      await openBackend(name, settings);
    } catch (error) {
      if (name === process.env.TEST_BACKEND) throw error; // asked for, and not tested: no pass
      t.skip(error instanceof Error ? error.message : String(error));
      return;
    }
    await body(t);
  });
}
