// From the size dial to a full Hugging Face configuration, and what the architectures differ in.
import { UserError } from '../base/errors.js';
import { type ModelConfig, type ModelSettings, measureOf, type Size, sizes } from '../config/model.js';
import { type DecoderSize, shapeFor } from './shape.js';

/** What sets Qwen3, Qwen2 and Llama apart inside the decoder. */
export interface ArchitectureFlags {
  /** RMSNorm on each head's queries and keys before the rotary embedding. */
  qkNorm: boolean;
  /** Bias on the query, key and value projections. */
  qkvBias: boolean;
  /** Bias on the attention's output projection. */
  outputBias: boolean;
}

/** A model's configuration without the ids of its tokens: all that its weights and its costs depend on. */
export type ModelShape = Omit<ModelConfig, 'bos_token_id' | 'eos_token_id' | 'pad_token_id'>;

export function architectureFlags(config: ModelShape): ArchitectureFlags {
  const [architecture] = config.architectures;
  const bias = config.attention_bias;
  switch (architecture) {
    case 'Qwen3ForCausalLM':
    case 'Qwen3ForSequenceClassification':
      return { qkNorm: true, qkvBias: bias, outputBias: bias };
    case 'Qwen2ForCausalLM':
    case 'Qwen2ForSequenceClassification':
      return { qkNorm: false, qkvBias: true, outputBias: false };
    case 'LlamaForCausalLM':
    case 'LlamaForSequenceClassification':
      return { qkNorm: false, qkvBias: bias, outputBias: bias };
    default:
      return architecture satisfies never;
  }
}

export interface TokenIds {
  vocabSize: number;
  /** Ends a document, and starts one. */
  endOfText: number;
  pad: number;
}

function shapeOf({ size, tieEmbeddings }: ModelSettings, vocabulary: number): DecoderSize {
  if (Object.hasOwn(sizes, size)) return sizes[size as Size];
  const measure = measureOf(size);
  if ('parameters' in measure) return shapeFor(measure.parameters, { vocabulary, tied: tieEmbeddings });
  const { depth } = measure;
  return { hidden_size: 64 * depth, num_hidden_layers: depth, num_attention_heads: depth };
}

/** A fresh model's configuration. Throws as `modelShape` does. */
export function modelConfig(settings: ModelSettings, { vocabSize, endOfText, pad }: TokenIds): ModelConfig {
  const ids = { bos_token_id: endOfText, eos_token_id: endOfText, pad_token_id: pad };
  return { ...modelShape(settings, vocabSize), ...ids };
}

/** The same without the ids. Throws a UserError where the overrides do not fit together. */
export function modelShape(settings: ModelSettings, vocabSize: number): ModelShape {
  const preset = shapeOf(settings, vocabSize);
  const hidden = settings.hiddenSize ?? preset.hidden_size;
  const heads = settings.heads ?? preset.num_attention_heads;
  const keyValueHeads = settings.keyValueHeads ?? heads;
  const fail = (what: string, next: string): never => {
    throw new UserError({ where: 'pretrain.model', what, next });
  };
  const headDim = settings.headDim ?? hidden / heads;
  if (!Number.isInteger(headDim)) {
    fail(`hiddenSize ${hidden} is not a multiple of heads ${heads}`, 'Change one of the two, or set headDim');
  }
  if (headDim % 2 !== 0) {
    fail(
      settings.headDim === undefined ? `hiddenSize / heads = ${headDim} is odd` : `headDim ${headDim} is odd`,
      'Rotary embeddings turn pairs: choose an even head size',
    );
  }
  const layers = settings.layers ?? preset.num_hidden_layers;
  if (settings.initialHeads !== undefined && (layers < 2 || keyValueHeads < 2)) {
    const has = `${layers} of layers, ${keyValueHeads} of key/value heads`;
    fail(`initialHeads: induction takes two of each, and there are ${has}`, 'Omit initialHeads, or take more');
  }
  if (heads % keyValueHeads !== 0) {
    fail(`heads ${heads} is not a multiple of keyValueHeads ${keyValueHeads}`, 'Change one of the two');
  }
  return {
    architectures: ['Qwen3ForCausalLM'],
    model_type: 'qwen3',
    vocab_size: vocabSize,
    hidden_size: hidden,
    intermediate_size: settings.intermediateSize ?? Math.ceil((hidden * 8) / 3 / 32) * 32,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: keyValueHeads,
    head_dim: headDim,
    max_position_embeddings: settings.contextLength,
    rms_norm_eps: 1e-6,
    rope_parameters: { rope_type: 'default', rope_theta: settings.ropeTheta },
    tie_word_embeddings: settings.tieEmbeddings,
    attention_bias: false,
  };
}
