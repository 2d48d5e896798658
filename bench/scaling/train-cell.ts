// One cell of the grid: trained by the pretraining stage, then measured on every held-out document.
import { join } from 'node:path';
import { modelConfig } from '../../src/architecture/config.js';
import { trainingFlopsPerToken } from '../../src/architecture/cost.js';
import { parameterCount } from '../../src/architecture/parameters.js';
import { bootstrapMean, type Estimate } from '../../src/base/statistics.js';
import { openTokens, type TokenDocument } from '../../src/data/shards.js';
import { chooseHeldOut, measureHeldOut } from '../../src/evaluation/bits-per-byte.js';
import { LocalModel } from '../../src/inference/local-model.js';
import { disposeModel } from '../../src/model/model.js';
import { loadPipeline } from '../../src/pipeline/load.js';
import { runPipeline } from '../../src/pipeline/run.js';
import { type Reporter, stageReporter } from '../../src/report/event.js';
import { pretrainStage } from '../../src/stages/pretrain.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { type Cell, nameOf, recipe, settings, stepsFor } from './grid.js';

export interface CorpusFacts {
  trainingTokens: number;
  heldOutTokens: number;
  heldOutBytes: number;
}

export interface Corpus {
  inputs: { tokenizer: string; tokens: string };
  tokenizer: Tokenizer;
  heldOut: TokenDocument[];
  facts: CorpusFacts;
}

/** Tokens that a held-out document gives a loss to: neither of its two <|endoftext|> counts. */
const predicted = ({ tokens }: TokenDocument): number => tokens.length - 2;

/** Corpus and tokenizer, made once: one for all cells, whatever their seed. */
export async function prepareCorpus(folder: string, reporter: Reporter): Promise<Corpus> {
  const config = await loadPipeline({ config: recipe });
  const { outputs } = await runPipeline({ config, only: 'tokens', runDirectory: folder, reporter });
  const inputs = { tokenizer: outputs.tokenizer?.path ?? '', tokens: outputs.tokens?.path ?? '' };
  const tokenizer = await Tokenizer.open(inputs.tokenizer);
  const { tokenCount: trainingTokens } = await openTokens(inputs.tokens, 'train', tokenizer);
  const heldOut = await chooseHeldOut(
    await openTokens(inputs.tokens, 'validation', tokenizer),
    Number.POSITIVE_INFINITY,
  );
  const heldOutTokens = heldOut.reduce((sum, document) => sum + predicted(document), 0);
  const heldOutBytes = heldOut.reduce((sum, { bytes }) => sum + bytes, 0);
  return { inputs, tokenizer, heldOut, facts: { trainingTokens, heldOutTokens, heldOutBytes } };
}

export interface Point extends Cell {
  parameters: number;
  flopsPerToken: number;
  steps: number;
  tokens: number;
  /** Held-out loss in nats per token, and what it would be with other documents of the same kind. */
  loss: Estimate;
  bitsPerByte: number;
  /** Processor time, evaluation included; of a cell that was interrupted, since it went on. */
  cpuSeconds: number;
}

export interface CellRequest {
  folder: string;
  threads: number;
  reporter: Reporter;
}

export async function trainCell(
  cell: Cell,
  corpus: Corpus,
  { folder, threads, reporter }: CellRequest,
): Promise<Point> {
  const { pretrain } = await loadPipeline({ config: recipe, set: settings(cell) });
  if (pretrain === undefined) throw new Error('the recipe has no pretrain block');
  const { tokenizer, inputs } = corpus;
  const ids = {
    vocabSize: tokenizer.vocabSize,
    endOfText: tokenizer.specialId('endOfText'),
    pad: tokenizer.specialId('pad'),
  };
  const model = modelConfig(pretrain.model, ids);
  const rows = pretrain.train.batchSize;
  const steps = stepsFor(cell.budget, model, rows);
  const before = process.cpuUsage();
  const { path } = await pretrainStage.run({
    config: { ...pretrain, train: { ...pretrain.train, steps } },
    inputs,
    directory: join(folder, 'cells', nameOf(cell), 'pretrain'),
    seed: cell.seed,
    compute: { backend: 'auto', threads, precision: 'fp32' },
    reporter: stageReporter(reporter, 'pretrain'),
  });
  const measured = await measure(path, corpus);
  const { user, system } = process.cpuUsage(before);
  return {
    ...cell,
    parameters: parameterCount(model),
    flopsPerToken: trainingFlopsPerToken(model, model.max_position_embeddings),
    steps,
    tokens: steps * rows * model.max_position_embeddings,
    ...measured,
    cpuSeconds: Math.round((user + system) / 1e6),
  };
}

async function measure(path: string, { heldOut, facts }: Corpus): Promise<Pick<Point, 'loss' | 'bitsPerByte'>> {
  const { model } = await LocalModel.open(path);
  const texts = await measureHeldOut(model, heldOut);
  disposeModel(model);
  const units = texts.map(({ id, nats }, i) => ({ id, value: nats, weight: predicted(heldOut[i]) }));
  const loss = bootstrapMean(units);
  return { loss, bitsPerByte: (loss.mean * facts.heldOutTokens) / facts.heldOutBytes / Math.LN2 };
}
