// Stage 2: base model + conversations → chat model. Loss on the assistant's tokens only, its end token included.
import { join } from 'node:path';
import { parameterCount } from '../../architecture/parameters.js';
import { UserError } from '../../base/errors.js';
import { digestOf } from '../../base/files.js';
import { trainRowsName } from '../../base/layout.js';
import { defaultColumns, type SftConfig, type WrittenSftConfig } from '../../config/sft.js';
import { openTokens } from '../../data/shards.js';
import { isBaseModel } from '../../inference/chat-format.js';
import { LocalModel, withWeights } from '../../inference/local-model.js';
import { alone, firstThenOthers } from '../../tensor/communicator.js';
import { servingFiles } from '../../tokenizer/serving-files.js';
import { templated } from '../../tokenizer/template-choice.js';
import { tokenObjective } from '../../train/objectives/next-token.js';
import { checkTrainingMemory } from '../room.js';
import type { Job, Stage, StageOutput } from '../stage.js';
import { descent, generationOf, runTraining, startBackend, stepCount } from '../training.js';
import { openTuning, tunedModel } from '../tuning.js';
import { makeBatches, stepsBefore } from './batches.js';
import { heldOutRows, nothingHeldOut, printSamples, readHeldOut } from './held-out.js';
import { HeldOutMetrics } from './metrics.js';
import { openTemplate } from './rows.js';
import { rowSources } from './sources.js';
import { openRows } from './stored-rows.js';

const heldAsFloats = 'only the native engine computes with matrices of bf16';

export const sftStage: Stage<WrittenSftConfig> = { run: (job) => fineTune(job, 'sft') };

/** @param stage whose checkpoints these are. */
export async function fineTune(written: Job<WrittenSftConfig>, stage: 'sft' | 'toolUse'): Promise<StageOutput> {
  const { inputs, directory } = written;
  const compute = await startBackend(written);
  const tuning = await openTuning(written, { stage: 'sft', from: inputs.pretrain ?? '' });
  const { parent, config, adapter } = tuning;
  const job = { ...written, config };
  const { model: whole, tokenizer: own } = await LocalModel.of(parent, { isFrozen: adapter !== undefined });
  const model = tunedModel(whole, tuning, job.seed);
  if (adapter !== undefined && parent.manifest.storedAs === 'bf16' && model.halves === undefined) {
    job.reporter.note('info', `the frozen weights take twice the memory that they were stored in: ${heldAsFloats}`);
  }
  const columns = columnsOf(job, model.config.max_position_embeddings);
  const isBase = isBaseModel(own, parent.manifest.stage);
  const tokenizer = templated(own, { template: config.template, columns, isBase, where: parent.path });
  const { copying, lora, neftune } = config;
  const padId = model.config.pad_token_id;
  const template = openTemplate(tokenizer, { keepTokens: config.keepTokens, padId, where: parent.path });
  const { loss, keepTokens } = config;
  const fitting = { template, columns, loss, keepTokens };
  const { communicator = alone } = job;
  // What is fetched for them is in the cache when the others look.
  const { sources, first } = await firstThenOthers(communicator, async () => ({
    sources: await rowSources(config.data ?? join(inputs.selfInstruct ?? '', trainRowsName)),
    first: config.first && (await rowSources(config.first.data)),
  }));
  sources.push(...(first ?? []).map((source) => ({ ...source, weight: 0 })));
  const given = await readHeldOut(job);
  const validation = given === undefined ? config.validation : 0;
  const stored = await firstThenOthers(communicator, () =>
    openRows(job, {
      ...{ sources, fitting, validation, format: config.format },
      evaluated: given?.map(({ conversation }) => conversation),
    }),
  );
  const rowsHeldOut = heldOutRows(given ?? stored.heldOut, fitting, job.reporter);
  const heldOut = rowsHeldOut.map(({ conversation }) => conversation);
  // The text that pretraining read, where a share of the rows is to keep reading it.
  const text = config.textShare > 0 ? await openTokens(inputs.tokens ?? '', 'train', tokenizer) : undefined;
  const { batches, batchesPerEpoch, shape } = await makeBatches(job, stored.groups, text, template, { columns, padId });
  const { rows } = shape;
  const parameters = parameterCount(model.config);
  const figures = new HeldOutMetrics(rowsHeldOut, { tokenizer, shape, seed: job.seed, parameters });
  const isMeasured = figures.names.length > 0;
  job.reporter.note('info', isMeasured ? figures.note : nothingHeldOut(heldOut, columns));
  parent.weights.clear(); // the model has them by now
  const memory = { stage: 'sft', config: model.config, train: config.train, rows, columns, isLoaded: true };
  const noise = { dropout: lora?.dropout ?? 0, neftune, seed: job.seed };
  checkTrainingMemory({
    ...memory,
    together: noise.dropout + noise.neftune > 0 ? rows : 1,
    table: model.parameters,
    hasHalves: (model.halves?.size ?? 0) > 0,
    reporter: job.reporter,
  });
  const result = await runTraining(job, {
    model,
    objective: tokenObjective(batches, config.train),
    config: config.train,
    steps:
      (await stepCount(job, config.train, () => batchesPerEpoch)) +
      (config.train.steps === undefined ? stepsBefore(config) : 0),
    directory,
    tokenizerFiles: {
      ...tokenizer.files(),
      ...servingFiles(template, { ...stored.forms, keepTokens }, parent.tokenizerFiles),
    },
    ...generationOf(parent, tokenizer, 'turnEnd'),
    adapter,
    noise,
    manifest: {
      stage,
      ...descent(parent),
      settings: {
        contextLength: columns,
        loss: config.loss,
        validation,
        textShare: config.textShare,
        ...(copying.steps + copying.share > 0 && { copying }),
        ...(config.template !== undefined && { template: config.template }),
        ...(config.keepTokens !== undefined && { keepTokens: config.keepTokens }),
        ...(neftune > 0 && { neftune }),
        ...(lora !== undefined && { lora }),
        train: config.train,
      },
      inputDigest: digestOf({
        conversations: sources.map(({ weight, digest }) => [digest, weight]),
        validation,
        columns,
        text: text?.manifest ?? null,
        ...(config.first && { firstSteps: config.first.steps }),
      }),
      ...compute,
    },
    evaluate: isMeasured ? (current) => figures.measure(current, job.signal) : undefined,
    evaluated: isMeasured ? figures.names : undefined,
    sample: (current, step) =>
      withWeights({ model: current, tokenizer }, (local) => printSamples(job, local, heldOut, step)),
  });
  return { path: result.path, digest: result.digest, metrics: result.metrics };
}

/** Tokens per row, of the `context` that the model can take. */
function columnsOf({ config, reporter }: Job<SftConfig>, context: number): number {
  const columns = config.contextLength ?? Math.min(context, defaultColumns);
  if (columns > context) {
    throw new UserError({
      where: 'sft.contextLength',
      what: `${columns} tokens are more than the model's context of ${context}`,
      next: `Use at most ${context}, or omit it`,
    });
  }
  if (config.contextLength === undefined && columns < context) {
    const text = `conversations are cut at ${columns} tokens, of the ${context} that the model can take: sft.contextLength changes it`;
    reporter.note('info', text);
  }
  return columns;
}
