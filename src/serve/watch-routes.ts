// Feedback, rounds and runs, for the models that are served: what a promoted round made is another of them, and the default.
import type { Hono } from 'hono';
import { type Answerer, feedbackRoutes } from './feedback-routes.js';
import type { ModelEntry, ServedModels } from './models.js';
import { Promotions } from './promotions.js';
import { type RoundHost, type RoundRoutes, roundRoutes } from './round-routes.js';
import { runRoutes } from './run-routes.js';

export interface WatchOptions extends Pick<RoundHost, 'runs' | 'file' | 'seed' | 'flags' | 'program'> {
  /** Whose judgements they are where the page names nobody. */
  annotator?: string;
}

/** Each of `routes` is to be mounted under /api; `close` ends what they watch and train. */
export function watchRoutes(
  models: ServedModels,
  { annotator, ...host }: WatchOptions,
): { routes: Hono[] } & Pick<RoundRoutes, 'restore' | 'close'> {
  const entryOf = (id: string): ModelEntry | undefined => models.known(id);
  const promotions = new Promotions(models);
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
    digests: () => models.all.map(({ digest }) => digest),
    offer: (id, checkpoint) => promotions.offer(id, checkpoint),
    withdraw: async (id) => promotions.withdraw(id),
  });
  const closing = new AbortController();
  return {
    routes: [feedback, rounds.app, runRoutes(runs, closing.signal)],
    restore: rounds.restore,
    async close() {
      closing.abort();
      await rounds.close();
    },
  };
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
