// What a reward model begins as: the chat model with a score in the place of its output projection; all weights are trained, or
// adapters beside them and the score.
import { withAdapters } from '../../architecture/adapters.js';
import type { ParameterSpec } from '../../architecture/parameters.js';
import type { AdapterContent } from '../../checkpoint/adapter.js';
import type { Checkpoint } from '../../checkpoint/directory.js';
import { assignTrained, type Model } from '../../model/model.js';
import { asRewardModel } from '../../model/reward.js';
import type { HalfMatrix, Matrix } from '../../tensor/matrix.js';
import type { Tensor2D, Variable } from '../../tensor/tf.js';

const headName = 'lm_head.weight';
const scoreName = 'score.weight';

/** The model to train; takes over `chat`. */
export function startingModel(
  chat: Model,
  { parent, adapter }: { parent: Checkpoint; adapter?: AdapterContent },
  seed: number,
): Model {
  if (adapter === undefined) return asRewardModel(chat, seed);
  const model = asRewardModel(chat, seed, (table) =>
    withAdapters(table, adapter.shape, 'rewardModel.lora').map(scored),
  );
  if (parent.adapter === undefined) return model;
  // The adapter of a chat model has no score: that one is new.
  const { tensors } = parent.adapter;
  const parameters = model.parameters.filter(({ name }) => name !== scoreName || tensors.has(name));
  assignTrained({ ...model, parameters }, tensors, parent.path);
  return model;
}

const scored = (row: ParameterSpec): ParameterSpec => (row.name === scoreName ? { ...row, update: 'adamw' } : row);

/** The output projection of a chat model, taken out of it, so that it stays when the model becomes a reward model. */
export interface TakenHead {
  model: Model;
  /** Absent: it is the embedding, or there is none. */
  head?: Matrix;
  dispose(): void;
}

export function takeHead(model: Model): TakenHead {
  const [float, half] = [model.weights.get(headName), model.halves?.get(headName)];
  const without = <Value>(all: ReadonlyMap<string, Value>): Map<string, Value> =>
    new Map([...all].filter(([name]) => name !== headName));
  const rest = { ...model, weights: without(model.weights), ...(model.halves && { halves: without(model.halves) }) };
  if (float === undefined && half === undefined) return { model, dispose: () => undefined };
  if (float !== undefined) float.trainable = false;
  return {
    model: rest,
    head: half ?? (float as Variable as unknown as Tensor2D),
    dispose: () => (half as HalfMatrix | undefined)?.words.dispose() ?? float?.dispose(),
  };
}
