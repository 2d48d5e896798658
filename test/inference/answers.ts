// Prompts answered by an engine of their own, for tests that ask once, and logits read through the cache.
import { Engine, type Generation, type Request } from '../../src/inference/engine.js';
import type { EngineOptions } from '../../src/inference/engine-options.js';
import type { CacheUse, KeyValueCache } from '../../src/model/cache.js';
import { forward, logits } from '../../src/model/forward.js';
import type { Model } from '../../src/model/model.js';
import { tensor1d, tensor3d, tidy } from '../../src/tensor/tf.js';

type Asked = Omit<Request, 'tokens' | 'seed' | 'stopIds'> & Partial<Pick<Request, 'seed' | 'stopIds'>>;

export async function answersOf(
  model: Model,
  prompts: readonly (readonly number[])[],
  options: Asked,
  engineOptions: Partial<EngineOptions> = {},
): Promise<Generation[]> {
  const engine = new Engine(model, engineOptions);
  try {
    return await engine.run(prompts.map((tokens) => ({ seed: 1, stopIds: [], ...options, tokens })));
  } finally {
    await engine.dispose();
  }
}

/**
 * Logits of columns from..to of every row [rows, to − from, V]; with a cache, those before are in it, and it holds
 * `capacity / rows` columns for each row.
 */
export function columnLogits(
  model: Model,
  ids: readonly (readonly number[])[],
  [from, to]: readonly [number, number],
  cache?: KeyValueCache,
): Float32Array {
  const count = to - from;
  const stride = cache === undefined ? 0 : cache.capacity / ids.length;
  const positions = ids.flatMap(() => Array.from({ length: count }, (_, i) => from + i));
  const starts = ids.flatMap((_, row) => Array.from({ length: count }, () => row * stride));
  const columns = positions.map((position, i) => starts[i] + position);
  return tidy(() => {
    const use: CacheUse | undefined = cache && { cache, columns: tensor1d(columns, 'int32') };
    const input = {
      tokens: tensor1d(
        ids.flatMap((row) => row.slice(from, to)),
        'int32',
      ),
      positions: tensor1d(positions, 'int32'),
      ranges: tensor3d(
        columns.flatMap((column, i) => [starts[i], column]),
        [ids.length, count, 2],
        'int32',
      ),
    };
    return logits(model, forward(model, input, { cache: use })).dataSync() as Float32Array;
  });
}
