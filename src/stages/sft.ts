// Stage 2: base model + conversations → chat model. Loss on the assistant's tokens only, its end token included.
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../base/errors.js';
import { digestOf, exists } from '../base/files.js';
import { countOf } from '../base/format.js';
import { heldOutRowsName, trainRowsName } from '../base/layout.js';
import { Random } from '../base/random.js';
import { openCheckpoint } from '../checkpoint/directory.js';
import type { SftConfig } from '../config/pipeline.js';
import { SecondShare } from '../data/apportionment.js';
import { fitConversation } from '../data/conversations/fit.js';
import { RowNotes } from '../data/conversations/notes.js';
import { readConversations } from '../data/conversations/read.js';
import { MixedBatches } from '../data/mixed-batches.js';
import { PackedBatches } from '../data/packing.js';
import { rowsDigest } from '../data/rows.js';
import { type BatchShape, batchesOnce } from '../data/sequences.js';
import { openTokens, type TokenDocuments } from '../data/shards.js';
import type { Conversation, TokenSequence } from '../data/types.js';
import { answerTasks, askableTasks, lastQuestion, readTasks, splitHeldOut } from '../evaluation/tasks.js';
import { LocalModel, withWeights } from '../inference/local-model.js';
import type { Model } from '../model/model.js';
import type { Metrics } from '../report/event.js';
import { readResult } from '../tensor/host.js';
import { unlearntEnd } from '../tokenizer/answer-ends.js';
import { ChatTemplate, noTemplate } from '../tokenizer/chat-template.js';
import { missingTemplate } from '../tokenizer/chatml.js';
import { checkKeptTokens } from '../tokenizer/message-escape.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { negativeLogLikelihood, tokenObjective } from '../train/objectives/next-token.js';
import { checkTrainingMemory } from './room.js';
import type { Job, Stage } from './stage.js';
import { descent, generationOf, reportNotes, runTraining, startBackend, stepCount } from './training.js';

/** Tokens per row where nothing is said: published models take 32,000 to 131,072, and a batch of those fills any memory. */
const defaultColumns = 2048;

/** Answers shown as samples. */
const maxSamples = 6;

export const sftStage: Stage<SftConfig> = {
  async run(job) {
    const { config, inputs, directory } = job;
    const compute = await startBackend(job);
    const parent = await openCheckpoint(inputs.pretrain ?? '', { verify: job.verify });
    reportNotes(job, parent);
    const { model, tokenizer } = await LocalModel.of(parent);
    const template = openTemplate(tokenizer, config.keepTokens, parent.path);
    const path = config.data ?? join(inputs.selfInstruct ?? '', trainRowsName);
    const columns = columnsOf(job, model.config.max_position_embeddings);
    const sequences = await readSequences(job, path, template, columns);
    const heldOut = await readHeldOut(job, template);
    const notes = new RowNotes('held-out conversation');
    const heldOutSequences = heldOut.flatMap((row) => fitted(row, { template, columns, notes, where: row.id }));
    notes.report(job.reporter, columns);
    if (heldOutSequences.length === 0) job.reporter.note('info', nothingHeldOut(heldOut, columns));
    // The text that pretraining read, where a share of the rows is to keep reading it.
    const text = config.textShare > 0 ? await openTokens(inputs.tokens ?? '', 'train', tokenizer) : undefined;
    const padId = model.config.pad_token_id;
    const { batches, batchesPerEpoch, shape } = await makeBatches(job, sequences, text, { columns, padId });
    const { rows } = shape;
    const memory = { stage: 'sft', config: model.config, train: config.train, rows, columns, isLoaded: true };
    checkTrainingMemory({ ...memory, reporter: job.reporter });
    const result = await runTraining(job, {
      model,
      objective: tokenObjective(batches, config.train),
      config: config.train,
      steps: await stepCount(job, config.train, () => batchesPerEpoch),
      directory,
      tokenizerFiles: tokenizer.files(),
      ...generationOf(parent, tokenizer, 'turnEnd'),
      manifest: {
        stage: 'sft',
        ...descent(parent),
        settings: {
          contextLength: columns,
          textShare: config.textShare,
          ...(config.keepTokens !== undefined && { keepTokens: config.keepTokens }),
          train: config.train,
        },
        inputDigest: digestOf({ conversations: await rowsDigest(path), columns, text: text?.manifest ?? null }),
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

/** How conversations are written. @throws UserError where the model's template and tokenizer cannot end an answer. */
function openTemplate(tokenizer: Tokenizer, keepTokens: readonly string[] = [], where: string): ChatTemplate {
  if (tokenizer.chatTemplate === missingTemplate) throw noTemplate(where);
  checkKeptTokens(tokenizer, keepTokens, 'sft.keepTokens');
  const template = new ChatTemplate(tokenizer, tokenizer.chatTemplate, { keepTokens });
  const fault = template.endFault;
  if (fault === undefined) return template;
  const ends = tokenizer.stopIds.map((id) => tokenizer.decode([id])).join(' or ');
  throw new UserError({
    where,
    what: fault,
    why: 'so nothing would end an answer, and the model would not learn to stop',
    next: `End an answer with a token that is there${ends && `, ${ends}`}: change chat_template.jinja, or add the token to the tokenizer`,
  });
}

interface Fitting {
  template: ChatTemplate;
  columns: number;
  notes: RowNotes;
  where: string;
}

/** The sequences of a conversation; none where it is skipped, which `notes` hears of. */
function fitted(row: Conversation, { template, columns, notes, where }: Fitting): TokenSequence[] {
  const result = fitConversation(row, template, columns);
  if ('skipped' in result) {
    notes.skip(result.skipped, where);
    return [];
  }
  if (result.cutAnswers > 0) notes.cut(result.cutAnswers, where);
  for (const note of result.notes) notes.add(note, where);
  const end = result.sequences.map((sequence) => unlearntEnd(template.tokenizer, sequence)).find(Boolean);
  if (end !== undefined)
    notes.add({ level: 'warning', text: `an answer that is not learnt to its end: ${end}` }, where);
  return result.sequences;
}

async function readSequences(
  { reporter }: Job<SftConfig>,
  path: string,
  template: ChatTemplate,
  columns: number,
): Promise<TokenSequence[]> {
  const sequences: TokenSequence[] = [];
  const notes = new RowNotes();
  for await (const { conversation, where } of readConversations(path, notes)) {
    sequences.push(...fitted(conversation, { template, columns, notes, where }));
  }
  notes.report(reporter, columns);
  if (sequences.length === 0) {
    throw new UserError({
      where: path,
      what: 'there is no conversation to train on',
      why: notes.skippedInWords || 'the file is empty',
      next: 'Give conversations with an answer to learn: --data FILE. mossctl inspect MODEL --row FILE:1 shows what becomes of one',
    });
  }
  return sequences;
}

/** The half of the held-out tasks that stages may look at; none where self-instruct did not run. */
async function readHeldOut({ inputs, reporter }: Job<SftConfig>, template: ChatTemplate): Promise<Conversation[]> {
  if (inputs.selfInstruct === undefined) return [];
  const path = join(inputs.selfInstruct, heldOutRowsName);
  if (!(await exists(path))) return [];
  return askableTasks(splitHeldOut(await readTasks(path, reporter)).validation, template, reporter);
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
