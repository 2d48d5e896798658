// Feedback, rounds and runs, for the models that are served: what a promoted round made is another of them, and the default.
import type { Hono } from 'hono';
import { type Answerer, feedbackRoutes } from './feedback-routes.js';
import type { ModelEntry, ServedModels } from './models.js';
import { type RoundHost, roundRoutes } from './round-routes.js';
import { runRoutes } from './run-routes.js';

export interface WatchOptions extends Pick<RoundHost, 'runs' | 'file' | 'seed' | 'flags' | 'program'> {
  /** Whose judgements they are where the page names nobody. */
  annotator?: string;
}

/** Each of `routes` is to be mounted under /api. */
export function watchRoutes(
  models: ServedModels,
  { annotator, ...host }: WatchOptions,
): { routes: Hono[]; close(): Promise<void> } {
  const entryOf = (id: string): ModelEntry | undefined => models.all.find((entry) => entry.id === id);
  /** Round → the model that was the default before it. */
  const before = new Map<string, string>();
  const { file, seed, runs } = host;
  const feedback = feedbackRoutes({
    ...{ file, seed, annotator },
    answererOf: async (id) => {
      const entry = entryOf(id);
      return entry && answererOf(entry);
    },
  });
  const rounds = roundRoutes({
    ...host,
    checkpointOf: (id) => entryOf(id)?.path,
    async offer(id, checkpoint) {
      const last = models.default.id;
      await models.add({ id, path: checkpoint });
      before.set(id, last);
      return id;
    },
    async withdraw(id) {
      const last = before.get(id);
      if (last !== undefined && models.default.id === id) models.setDefault(last);
      return models.default.id;
    },
  });
  return { routes: [feedback, rounds.app, runRoutes(runs)], close: rounds.close };
}

async function answererOf(entry: ModelEntry): Promise<Answerer> {
  const model = await entry.open();
  return {
    identity: model.identity,
    name: entry.id,
    sampling: (asked) => model.sampling(asked),
    tools: async () => (await entry.toolbox())?.tools,
  };
}
