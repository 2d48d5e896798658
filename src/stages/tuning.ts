// What a fine-tuning or an alignment trains: all weights of the model that it starts from, or adapters beside them, new ones
// or those that it starts from. Says which, and with which settings where nobody gave any.
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type AdapterShape, adapterShape, withAdapters } from '../architecture/adapters.js';
import { decoderTable } from '../architecture/parameters.js';
import { type Fault, UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { formatCount } from '../base/format.js';
import { sizeOf } from '../base/host-tensor.js';
import type { AdapterContent } from '../checkpoint/adapter.js';
import { type Checkpoint, openCheckpoint } from '../checkpoint/directory.js';
import { type LoraConfig, loraSchema } from '../config/lora.js';
import { resolvedTuning, type TunedDefaults, type TunedStage, type TuningKind } from '../config/tuning.js';
import { assignTrained, type Model, withParameters } from '../model/model.js';
import { publishedName } from '../network/models.js';
import type { Job } from './stage.js';
import { reportNotes } from './training.js';

/** The settings that follow from what is tuned. */
interface Tunable {
  lora?: AdapterSettings;
  train: Partial<TunedDefaults>;
}

/** What is drawn at random while an adapter learns is for its stage to say. */
type AdapterSettings = Omit<LoraConfig, 'dropout'> & Partial<Pick<LoraConfig, 'dropout'>>;

export interface Tuning<Config extends Tunable> {
  parent: Checkpoint;
  /** Every number of it is there. */
  config: Omit<Config, 'train'> & { train: Config['train'] & TunedDefaults };
  /** Where adapters are trained. */
  adapter?: AdapterContent;
}

/**
 * Opens what the training starts from, and resolves its settings.
 * @throws UserError where the settings of adapters fit neither the model nor the adapter that continues.
 */
export async function openTuning<Config extends Tunable>(
  job: Job<Config>,
  { stage, from }: { stage: TunedStage; from: string },
): Promise<Tuning<Config>> {
  const { config, reporter, verify } = job;
  const { lora } = config;
  const parent = await openTuned(from, lora, { verify });
  reportNotes(job, parent);
  const { train, text } = resolvedTuning(config.train, kindOf(parent, lora), stage);
  const adapter = lora && (await adapterOf(parent, lora, stage));
  if (adapter !== undefined) reporter.note('info', adapterInWords(parent, adapter));
  if (text !== '') reporter.note('info', text);
  return { parent, config: { ...config, train }, adapter };
}

/** The checkpoint in the form that is tuned: an adapter that continues stays apart from its base, else it is merged. */
export function openTuned(
  from: string,
  lora: AdapterSettings | undefined,
  options: { verify?: boolean } = {},
): Promise<Checkpoint> {
  return openCheckpoint(from, { ...options, adapter: lora === undefined ? 'merged' : 'apart' });
}

/** The model to train, of its weights or with adapters beside them; takes over `model`. */
export function tunedModel(
  model: Model,
  { parent, adapter }: Pick<Tuning<Tunable>, 'parent' | 'adapter'>,
  seed: number,
): Model {
  if (adapter === undefined) return model;
  const tuned = withParameters(model, withAdapters(model.parameters, adapter.shape), seed);
  if (parent.adapter !== undefined) assignTrained(tuned, parent.adapter.tensors, parent.path);
  return tuned;
}

function kindOf({ adapter, manifest }: Checkpoint, lora: AdapterSettings | undefined): TuningKind {
  const isPublished = [...manifest.lineage, manifest][0].stage === 'import';
  return { isPublished, ...(lora && { adapter: adapter === undefined ? 'new' : 'continued' }) };
}

/** The adapter to train beside a model that `openTuned` opened. Throws as `openTuning` does. */
export async function adapterOf(parent: Checkpoint, lora: AdapterSettings, stage: TunedStage): Promise<AdapterContent> {
  const { path, digest, adapter } = parent;
  const { dropout = 0 } = lora;
  if (adapter === undefined) {
    const shape = adapterShape(decoderTable(parent.model), lora, `${stage}.lora`);
    return { shape, dropout, base: { name: path, digest } };
  }
  refuseOtherShape(adapter.shape, lora, { path, stage });
  // A folder may be named from the adapter's own.
  const beside = resolve(path, adapter.base.name);
  const name = (await exists(beside)) ? beside : adapter.base.name;
  return { shape: adapter.shape, dropout, base: { ...adapter.base, name } };
}

const defaults = loraSchema.parse({});

/** @throws UserError naming each setting that was given (is not the default) and is not the adapter's. */
function refuseOtherShape(
  shape: AdapterShape,
  lora: AdapterSettings,
  { path, stage }: { path: string; stage: TunedStage },
): void {
  const keys = ['rank', 'alpha', 'rslora', 'targets', 'rankPattern', 'alphaPattern'] as const;
  const faults = keys.flatMap((key): Fault[] => {
    const isGiven = !isDeepStrictEqual(lora[key], defaults[key]);
    if (!isGiven || isDeepStrictEqual(lora[key], shape[key])) return [];
    return [
      {
        where: `${stage}.lora.${key}`,
        what: `${JSON.stringify(lora[key])} contradicts the adapter that is continued, which has ${JSON.stringify(shape[key])}`,
        why: path,
        next: `Omit it (--set ${stage}.lora.${key}=null), or merge that adapter first and train a new one: mossctl export ADAPTER --merge --format hf --out FOLDER`,
      },
    ];
  });
  if (faults.length > 0) throw new UserError(faults);
}

function adapterInWords({ model, adapter: continued, manifest, digest }: Checkpoint, adapter: AdapterContent): string {
  const { shape, base } = adapter;
  const on = publishedName(base.name) ?? base.name;
  const table = withAdapters(decoderTable(model), shape);
  const count = (isWanted: (update: string) => boolean): number =>
    table.reduce((total, { shape: size, update }) => total + (isWanted(update) ? sizeOf(size) : 0), 0);
  const trained = count((update) => update !== 'frozen');
  const frozen = count((update) => update === 'frozen');
  const size = `${formatCount(trained)} numbers are trained beside ${formatCount(frozen)} that are frozen`;
  if (continued === undefined) return `a new adapter of rank ${shape.rank} on ${on}: ${size}`;
  const { stage, step } = manifest;
  return `continues the adapter of ${stage} step ${step} ${digest.slice(0, 12)}, of rank ${shape.rank} on ${on}: ${size}`;
}
