// Training that continues from a checkpoint: its shape is fixed, and settings may only agree with it.
import { type Fault, UserError } from '../base/errors.js';
import { type ModelConfig, type ModelSettings, modelSchema } from '../config/model.js';
import { modelShape } from './config.js';

const defaults = modelSchema.parse({});

/**
 * The checkpoint's shape, with rows of `contextLength` tokens where that is less than the model can take.
 * Throws `UserError` naming each setting that was given (is not the default) and contradicts the checkpoint.
 */
export function continuedShape(settings: ModelSettings, model: ModelConfig): ModelConfig {
  const context = model.max_position_embeddings;
  const { hidden_size: width, num_hidden_layers: layers } = model;
  const faults: Fault[] = [];
  const compare = (key: keyof ModelSettings, has: unknown, fits = settings[key] === has): void => {
    const given = settings[key];
    if (given === undefined || given === defaults[key] || fits) return;
    faults.push({
      where: `pretrain.model.${key}`,
      what: `${given} contradicts the checkpoint of pretrain.from, which has ${has}`,
      next: `Omit it: --set pretrain.model.${key}=null`,
    });
  };
  const sized = modelShape({ ...defaults, size: settings.size }, model.vocab_size);
  const isOfSize = sized.hidden_size === width && sized.num_hidden_layers === layers;
  compare('size', `${layers} layers of ${width}`, isOfSize);
  compare('hiddenSize', width);
  compare('layers', layers);
  compare('heads', model.num_attention_heads);
  compare('keyValueHeads', model.num_key_value_heads);
  compare('headDim', model.head_dim);
  compare('intermediateSize', model.intermediate_size);
  compare('ropeTheta', model.rope_parameters.rope_theta);
  compare('tieEmbeddings', model.tie_word_embeddings);
  compare('contextLength', `a context of ${context}`, settings.contextLength <= context);
  if (faults.length > 0) throw new UserError(faults);
  return { ...model, max_position_embeddings: Math.min(context, settings.contextLength) };
}
