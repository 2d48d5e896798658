// What the gate has measured, kept beside the round, so that no model is measured twice: not by a gate that was interrupted, and
// not by the round after it, which begins with a model that this one knows.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { gateName } from '../../base/layout.js';
import { jsonNumber } from '../../base/schema.js';
import { readSealed, writeSealed } from '../../base/sealed.js';
import type { AlignConfig } from '../../config/align.js';
import type { Job } from '../stage.js';
import type { ModelFigures } from './evidence.js';
import { warnRebuilt } from './provenance.js';

/** Metric → id, value and weight of its units. */
const unitsSchema = z.record(z.string(), z.array(z.tuple([z.string(), jsonNumber, jsonNumber])));

const entrySchema = z.object({
  /** Digest of the model. */
  model: z.string(),
  units: unitsSchema,
  entropy: jsonNumber.optional(),
  kl: jsonNumber.optional(),
  logProbabilities: z.array(z.tuple([z.string(), jsonNumber])),
  shown: z.array(z.object({ prompt: z.string(), completion: z.string(), reward: jsonNumber.optional() })),
});
type Entry = z.output<typeof entrySchema>;

const fileSchema = z.object({
  /** Digest of what they were measured with. */
  evidence: z.string(),
  models: z.array(entrySchema),
});

export class FigureStore {
  readonly #path: string;
  readonly #evidence: string;
  /** Of this round. */
  readonly #own: Entry[] = [];
  readonly #earlier: Entry[] = [];

  private constructor(path: string, evidence: string) {
    this.#path = path;
    this.#evidence = evidence;
  }

  /**
   * @param directory The round's folder, beside those of the rounds before it.
   * @param evidence Digest of what is measured with.
   */
  static async open(job: Job<AlignConfig>, directory: string, evidence: string): Promise<FigureStore> {
    const models = new FigureStore(join(directory, gateName), evidence);
    models.#own.push(...(await entriesOf(models.#path, evidence, job)));
    const stage = join(directory, '..');
    for (const name of (await readdir(stage)).sort()) {
      const path = join(stage, name, gateName);
      if (/^round-\d+$/.test(name) && path !== models.#path)
        models.#earlier.push(...(await entriesOf(path, evidence, job)));
    }
    return models;
  }

  get(model: string): ModelFigures | undefined {
    const entry = [...this.#own, ...this.#earlier].find((one) => one.model === model);
    if (entry === undefined) return undefined;
    const { units, entropy, kl, shown, logProbabilities } = entry;
    const measurements = Object.entries(units).map(
      ([metric, all]) => [metric, all.map(([id, value, weight]) => ({ id, value, weight }))] as const,
    );
    return {
      measurements: new Map(measurements),
      shown,
      logProbabilities: new Map(logProbabilities),
      ...(entropy !== undefined && { entropy }),
      ...(kl !== undefined && { kl }),
    };
  }

  async add(model: string, { measurements, shown, logProbabilities, ...distances }: ModelFigures): Promise<void> {
    const units = Object.fromEntries(
      [...measurements].map(([metric, all]) => [
        metric,
        all.map(({ id, value, weight }): [string, number, number] => [id, value, weight]),
      ]),
    );
    this.#own.push({ model, units, ...distances, logProbabilities: [...logProbabilities], shown: [...shown] });
    await writeSealed(this.#path, { evidence: this.#evidence, models: this.#own });
  }
}

/** Nothing where there is no such file, or it is damaged or of other evidence: then it is measured again. */
async function entriesOf(path: string, evidence: string, job: Job<AlignConfig>): Promise<Entry[]> {
  const read = await readSealed(path);
  if (read === 'absent') return [];
  const file = read === 'damaged' ? undefined : fileSchema.safeParse(read.value).data;
  if (file === undefined) warnRebuilt(job, path);
  return file?.evidence === evidence ? file.models : [];
}
