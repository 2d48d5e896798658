// Stage 2: base model + conversations → chat model. Loss on the assistant's tokens only, its end token included.
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../base/errors.js';
import { digestOf, exists, sha256File } from '../base/files.js';
import { countOf } from '../base/format.js';
import { heldOutRowsName, trainRowsName } from '../base/layout.js';
import { Random } from '../base/random.js';
import { openCheckpoint } from '../checkpoint/directory.js';
import type { SftConfig } from '../config/pipeline.js';
import { SecondShare } from '../data/apportionment.js';
import { conversationSequences, readConversations } from '../data/conversations.js';
import { MixedBatches } from '../data/mixed-batches.js';
import { PackedBatches } from '../data/packing.js';
import { type BatchShape, batchesOnce } from '../data/sequences.js';
import { openTokens, type TokenDocuments } from '../data/shards.js';
import type { Conversation, TokenSequence } from '../data/types.js';
import { answerTasks, lastQuestion, readTasks, splitHeldOut } from '../evaluation/tasks.js';
import type { ChatFormat } from '../inference/chat-format.js';
import { LocalModel, withWeights } from '../inference/local-model.js';
import type { Model } from '../model/model.js';
import type { Metrics } from '../report/event.js';
import { readResult } from '../tensor/host.js';
import { unlearntEnd } from '../tokenizer/answer-ends.js';
import { negativeLogLikelihood, tokenObjective } from '../train/objectives/next-token.js';
import type { Job, Stage } from './stage.js';
import { descent, runTraining, startBackend, stepCount } from './training.js';

/** Tokens per row where nothing is said: published models take 32,000 to 131,072, and a batch of those fills any memory. */
const defaultColumns = 2048;

/** Answers shown as samples. */
const maxSamples = 6;

export const sftStage: Stage<SftConfig> = {
  async run(job) {
    const { config, inputs, directory } = job;
    const compute = await startBackend(job);
    const parent = await openCheckpoint(inputs.pretrain ?? '', { verify: job.verify });
    const { model, tokenizer, template } = await LocalModel.of(parent);
    const path = config.data ?? join(inputs.selfInstruct ?? '', trainRowsName);
    const columns = columnsOf(job, model.config.max_position_embeddings);
    const sequences = await readSequences(job, path, { template, tokenizer }, columns);
    const heldOut = await readHeldOut(inputs.selfInstruct);
    const heldOutSequences = heldOut.flatMap((row) => {
      const fitted = conversationSequences(row, template, columns);
      return 'sequences' in fitted ? fitted.sequences : [];
    });
    if (heldOutSequences.length === 0) job.reporter.note('info', nothingHeldOut(heldOut, columns));
    // The text that pretraining read, where a share of the rows is to keep reading it.
    const text = config.textShare > 0 ? await openTokens(inputs.tokens ?? '', 'train', tokenizer) : undefined;
    const padId = model.config.pad_token_id;
    const { batches, batchesPerEpoch, shape } = await makeBatches(job, sequences, text, { columns, padId });
    const result = await runTraining(job, {
      model,
      objective: tokenObjective(batches, config.train),
      config: config.train,
      steps: await stepCount(job, config.train, () => batchesPerEpoch),
      directory,
      tokenizerFiles: tokenizer.files(),
      eosTokenId: tokenizer.specialId('turnEnd'),
      manifest: {
        stage: 'sft',
        ...descent(parent),
        settings: { contextLength: columns, textShare: config.textShare, train: config.train },
        inputDigest: digestOf({ conversations: await sha256File(path), columns, text: text?.manifest ?? null }),
        ...compute,
      },
      evaluate: heldOutSequences.length === 0 ? undefined : (current) => heldOutLoss(current, heldOutSequences, shape),
      sample: (current, step) =>
        withWeights({ model: current, tokenizer }, (local) => printSamples(job, local, heldOut, step)),
    });
    return { path: result.path, digest: result.digest, metrics: result.metrics };
  },
};

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

/**
 * Batches of conversations, or of those and plain text, and how many of them are one pass over the conversations. Where
 * one pass has fewer rows than a batch, the batch is that small: nothing is learnt twice in one step.
 */
async function makeBatches(
  { config, seed, reporter }: Job<SftConfig>,
  sequences: readonly TokenSequence[],
  text: TokenDocuments | undefined,
  { columns, padId }: Omit<BatchShape, 'rows'>,
) {
  const { batchSize } = config.train;
  const source = { length: sequences.length, get: (index: number) => sequences[index] };
  const pack = (shape: BatchShape): PackedBatches => new PackedBatches({ source, mode: 'whole', seed, ...shape });
  const perEpoch = (await pack({ rows: batchSize, columns, padId }).countRows()) / (1 - config.textShare);
  const shape = { rows: Math.min(batchSize, Math.ceil(perEpoch)), columns, padId };
  if (shape.rows < batchSize) {
    const rows = countOf(shape.rows, 'row');
    reporter.note(
      'info',
      `all conversations take ${rows} of ${columns} tokens: a batch has that many, not ${batchSize}`,
    );
  }
  const main = pack(shape);
  const batchesPerEpoch = perEpoch / shape.rows;
  if (text === undefined) return { batches: main, batchesPerEpoch, shape };
  // A stream of its own: not the order in which pretraining read.
  const own = Random.stream(seed, 'sft-text').uint32();
  const second = new PackedBatches({ source: text, mode: 'stream', seed: own, ...shape });
  const supplies = new Map(Object.entries({ main, second }));
  const batches = new MixedBatches({ supplies, apportionment: new SecondShare(config.textShare), ...shape });
  return { batches, batchesPerEpoch, shape };
}

/** Answers to a few held-out tasks, so that a person can see it learn. */
async function printSamples(
  { reporter, seed }: Job<SftConfig>,
  model: LocalModel,
  heldOut: readonly Conversation[],
  step: number,
): Promise<void> {
  const answers = await answerTasks(model, heldOut.slice(0, maxSamples), { maxNewTokens: 48, seed });
  for (const { task, text } of answers) {
    reporter.emit({ type: 'sample', step, prompt: lastQuestion(task), completion: text });
  }
}

async function readSequences(
  { reporter }: Job<SftConfig>,
  path: string,
  { template, tokenizer }: Pick<ChatFormat, 'template' | 'tokenizer'>,
  columns: number,
): Promise<TokenSequence[]> {
  const sequences: TokenSequence[] = [];
  const dropped = new Map<string, number>();
  const drop = (reason: string): void => {
    dropped.set(reason, (dropped.get(reason) ?? 0) + 1);
  };
  for await (const row of readConversations(path, { onDropped: drop })) {
    const fitted = conversationSequences(row, template, columns);
    if ('sequences' in fitted) sequences.push(...fitted.sequences);
    else drop(fitted.dropped);
  }
  for (const [reason, count] of dropped) {
    reporter.note('warning', `skipped ${count} conversations: ${reason}`);
  }
  const faults = sequences.flatMap((sequence) => unlearntEnd(tokenizer, sequence) ?? []);
  if (faults.length > 0) {
    const text = `${faults.length} of ${sequences.length} conversations: ${faults[0]} (mossctl inspect --row shows one)`;
    reporter.note('warning', text);
  }
  if (sequences.length === 0) {
    throw new UserError({
      where: path,
      what: 'there is no conversation to train on',
      why: [...dropped].map(([reason, count]) => `${count} × ${reason}`).join('; ') || 'the file is empty',
      next: 'Give conversations with at least one assistant turn that fits the context: --data FILE',
    });
  }
  return sequences;
}

/** The half of the held-out tasks that stages may look at; none where self-instruct did not run. */
async function readHeldOut(directory: string | undefined): Promise<Conversation[]> {
  if (directory === undefined) return [];
  const path = join(directory, heldOutRowsName);
  return (await exists(path)) ? splitHeldOut(await readTasks(path)).validation : [];
}

function nothingHeldOut(heldOut: readonly Conversation[], columns: number): string {
  if (heldOut.length === 0) return 'no conversations are held out, so no held-out loss and no sample answers follow';
  return `none of the ${countOf(heldOut.length, 'held-out conversation')} fits ${columns} tokens, so no held-out loss follows`;
}

/** Mean nats per assistant token of held-out conversations. */
async function heldOutLoss(model: Model, sequences: readonly TokenSequence[], shape: BatchShape): Promise<Metrics> {
  let nats = 0;
  let tokens = 0;
  for (const batch of batchesOnce(sequences, shape)) {
    const [sum] = await readResult(() => negativeLogLikelihood(model, batch));
    nats += sum;
    tokens += batch.weight;
    await setImmediate();
  }
  return { heldOutLoss: nats / Math.max(1, tokens) };
}
