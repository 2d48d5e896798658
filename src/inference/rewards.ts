// Who scores: a reward model on this machine. Each sequence has a row of its own that begins where the row does, so its score is
// the same alone and in any batch, bit for bit.
import { setImmediate } from 'node:timers/promises';
import { stopIfAborted, UserError } from '../base/errors.js';
import { type Checkpoint, openCheckpoint } from '../checkpoint/directory.js';
import { rewardModelAt } from '../checkpoint/history.js';
import { withCheckpoint } from '../checkpoint/reading.js';
import { isRewardModel } from '../config/model.js';
import { scoredPositions, scoredSequence } from '../data/scored.js';
import { padSequences } from '../data/sequences.js';
import { modelInput } from '../model/forward.js';
import { disposeModel, frozenFromTensors, type Model, modelFromTensors } from '../model/model.js';
import { score } from '../model/reward.js';
import { readResult } from '../tensor/host.js';
import { tensor1d } from '../tensor/tf.js';

/** Sequences of a batch. */
const batchRows = 8;

export interface ScoreOptions {
  signal?: AbortSignal;
  onProgress?(done: number, total: number): void;
}

/** The score of each sequence, at its last token; a model may be asked while it is trained. */
export async function scoreSequences(
  model: Model,
  sequences: readonly ArrayLike<number>[],
  { signal, onProgress }: ScoreOptions = {},
): Promise<Float32Array> {
  const padId = model.config.pad_token_id;
  const scores = new Float32Array(sequences.length);
  // Alike in length, so that little is padding.
  const order = sequences.map((_, i) => i).sort((a, b) => sequences[a].length - sequences[b].length || a - b);
  for (let from = 0; from < order.length; from += batchRows) {
    stopIfAborted(signal, 'stopped while scoring answers');
    const chosen = order.slice(from, from + batchRows);
    const rows = chosen.map((i) => scoredSequence({ id: String(i), tokens: sequences[i] }, padId));
    const batch = padSequences(rows, { padId });
    const values = await readResult(() => score(model, modelInput(batch), tensor1d(scoredPositions(batch), 'int32')));
    chosen.forEach((i, row) => {
      scores[i] = values[row];
    });
    onProgress?.(Math.min(order.length, from + batchRows), order.length);
    await setImmediate(); // signals arrive between turns of the event loop
  }
  return scores;
}

/** A reward model that was opened here, with the checkpoint that it came from. */
export interface OpenedRewardModel {
  model: Model;
  checkpoint: Checkpoint;
  dispose(): void;
}

/**
 * @param path of a checkpoint, or of a run that made one.
 * @param isTrained Default: its weights stay as they are.
 * @throws UserError where it is no reward model.
 */
export async function openRewardModel(
  path: string,
  { isTrained = false, ...options }: { verify?: boolean; isTrained?: boolean } = {},
): Promise<OpenedRewardModel> {
  return withCheckpoint(await rewardModelAt(path), async (directory) => {
    const checkpoint = await openCheckpoint(directory, options);
    if (!isRewardModel(checkpoint.model)) {
      throw new UserError({
        where: checkpoint.path,
        what: 'this is no reward model',
        why: `it is a ${checkpoint.model.architectures[0]}, which predicts text and has no score`,
        next: 'Train one of it: mossctl align --only reward-model --from MODEL --data PAIRS.jsonl',
      });
    }
    const modelFrom = isTrained ? modelFromTensors : frozenFromTensors;
    const model = modelFrom(checkpoint.model, checkpoint.weights, checkpoint.path);
    return { model, checkpoint, dispose: () => disposeModel(model) };
  });
}
