// What a fine-tuning trains: all weights of the model that it starts from, or adapters beside them, new ones or those that it
// starts from. Says which, and with which settings where nobody gave any.
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type AdapterShape, adapterShape, withAdapters } from '../../architecture/adapters.js';
import { decoderTable } from '../../architecture/parameters.js';
import { type Fault, UserError } from '../../base/errors.js';
import { exists } from '../../base/files.js';
import { formatCount } from '../../base/format.js';
import { sizeOf } from '../../base/host-tensor.js';
import type { AdapterContent } from '../../checkpoint/adapter.js';
import { type Checkpoint, openCheckpoint } from '../../checkpoint/directory.js';
import { type LoraConfig, loraSchema } from '../../config/lora.js';
import type { SftConfig, WrittenSftConfig } from '../../config/sft.js';
import { resolvedTuning, type TuningKind } from '../../config/tuning.js';
import { assignTrained, type Model, withParameters } from '../../model/model.js';
import { publishedName } from '../../network/models.js';
import type { Job } from '../stage.js';
import { reportNotes } from '../training.js';

export interface Tuning {
  parent: Checkpoint;
  /** Every number of it is there. */
  config: SftConfig;
  /** Where adapters are trained. */
  adapter?: AdapterContent;
}

/**
 * Opens what the fine-tuning starts from, and resolves its settings.
 * @throws UserError where the settings of adapters fit neither the model nor the adapter that continues.
 */
export async function openTuning(job: Job<WrittenSftConfig>): Promise<Tuning> {
  const { inputs, config, reporter, verify } = job;
  const { lora } = config;
  const form = lora === undefined ? 'merged' : 'apart';
  const parent = await openCheckpoint(inputs.pretrain ?? '', { verify, adapter: form });
  reportNotes(job, parent);
  const { train, text } = resolvedTuning(config.train, kindOf(parent, lora));
  const adapter = lora && (await adapterOf(parent, lora));
  if (adapter !== undefined) reporter.note('info', adapterInWords(parent, adapter));
  if (text !== '') reporter.note('info', text);
  return { parent, config: { ...config, train }, adapter };
}

/** The model to train, of its weights or with adapters beside them; takes over `model`. */
export function tunedModel(model: Model, { parent, adapter }: Tuning, seed: number): Model {
  if (adapter === undefined) return model;
  const tuned = withParameters(model, withAdapters(model.parameters, adapter.shape), seed);
  if (parent.adapter !== undefined) assignTrained(tuned, parent.adapter.tensors, parent.path);
  return tuned;
}

function kindOf({ adapter, manifest }: Checkpoint, lora: LoraConfig | undefined): TuningKind {
  const isPublished = [...manifest.lineage, manifest][0].stage === 'import';
  return { isPublished, ...(lora && { adapter: adapter === undefined ? 'new' : 'continued' }) };
}

async function adapterOf(parent: Checkpoint, lora: LoraConfig): Promise<AdapterContent> {
  const { path, digest, adapter } = parent;
  const { dropout } = lora;
  if (adapter === undefined) {
    return { shape: adapterShape(decoderTable(parent.model), lora), dropout, base: { name: path, digest } };
  }
  refuseOtherShape(adapter.shape, lora, path);
  // A folder may be named from the adapter's own.
  const beside = resolve(path, adapter.base.name);
  const name = (await exists(beside)) ? beside : adapter.base.name;
  return { shape: adapter.shape, dropout, base: { ...adapter.base, name } };
}

const defaults = loraSchema.parse({});

/** @throws UserError naming each setting that was given (is not the default) and is not the adapter's. */
function refuseOtherShape(shape: AdapterShape, lora: LoraConfig, path: string): void {
  const keys = ['rank', 'alpha', 'rslora', 'targets', 'rankPattern', 'alphaPattern'] as const;
  const faults = keys.flatMap((key): Fault[] => {
    const isGiven = !isDeepStrictEqual(lora[key], defaults[key]);
    if (!isGiven || isDeepStrictEqual(lora[key], shape[key])) return [];
    return [
      {
        where: `sft.lora.${key}`,
        what: `${JSON.stringify(lora[key])} contradicts the adapter that is continued, which has ${JSON.stringify(shape[key])}`,
        why: path,
        next: `Omit it (--set sft.lora.${key}=null), or merge that adapter first and train a new one: mossctl export ADAPTER --merge --format hf --out FOLDER`,
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
