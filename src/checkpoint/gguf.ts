// A checkpoint as one GGUF file, which llama.cpp and Ollama run: names, metadata and row order are those that llama.cpp's
// own converter (convert_hf_to_gguf.py) gives the same model.
import { basename } from 'node:path';
import { decoderTable, type ParameterSpec } from '../architecture/parameters.js';
import { ropeFrequencies } from '../architecture/rope.js';
import { UserError } from '../base/errors.js';
import { chatSamplesName } from '../base/layout.js';
import type { ModelConfig, RopeParameters } from '../config/model.js';
import { Tokenizer } from '../tokenizer/tokenizer.js';
import type { Checkpoint } from './directory.js';
import { tokenizerMetadata } from './gguf-tokenizer.js';
import { type MetadataValue, type TensorSource, writeGgufFile } from './gguf-write.js';
import { type GgufDtype, type GgufFileDtype, q8BlockSize } from './quantize.js';
import { kBlockSize } from './quantize-k.js';
import { checkServedGguf } from './served-check.js';

/** llama.cpp's `general.file_type`. */
const fileTypes = { f32: 0, f16: 1, q8_0: 7, q4_K_M: 15, bf16: 32 } as const satisfies Record<GgufFileDtype, number>;

interface GgufOptions {
  dtype: GgufFileDtype;
  tokenizer?: Tokenizer;
  replace?: boolean;
  /** Refuse where sample conversations of its training would be written otherwise. Default true. */
  replay?: boolean;
}

/**
 * Writes a checkpoint as GGUF v3: model, tokenizer and chat template. Matrices are stored as `dtype`, norms and biases as
 * f32; a matrix whose rows q8_0 cannot divide is stored as f16, and a model with rows that q4_K_M cannot divide is refused. Memory beyond the weights does not grow with the model.
 * @throws UserError for a reward model, and for what llama.cpp would read but run differently.
 */
export async function writeGguf(
  path: string,
  checkpoint: Checkpoint,
  { dtype, tokenizer: given, replace, replay = true }: GgufOptions,
): Promise<void> {
  refuseWhatLlamaCppCannotRun(checkpoint);
  const tokenizer = given ?? (await Tokenizer.open(checkpoint.tokenizerFolder));
  const words = tokenizerMetadata(checkpoint, tokenizer);
  const samples = replay ? checkpoint.tokenizerFiles[chatSamplesName] : undefined;
  checkServedGguf(words, { samples, tokenizer, where: path });
  const { model } = checkpoint;
  const metadata: [string, MetadataValue][] = [
    ['general.architecture', { type: 'string', value: model.model_type }],
    ['general.type', { type: 'string', value: 'model' }],
    ['general.name', { type: 'string', value: nameOf(checkpoint) }],
    ['general.file_type', { type: 'uint32', value: fileTypes[dtype] }],
    ['general.quantization_version', { type: 'uint32', value: 2 }],
    ...modelMetadata(model),
    ...words,
  ];
  await writeGgufFile(path, metadata, tensorSources(checkpoint, dtype), { replace });
}

function nameOf({ manifest, path }: Checkpoint): string {
  return manifest.stage === 'import' ? basename(path) : `mossctl ${manifest.stage} step ${manifest.step}`;
}

/** Each was tried with llama.cpp itself: it fails to load, or silently gives other logits. */
function refuseWhatLlamaCppCannotRun({ model, path }: Checkpoint): void {
  const refuse = (what: string, why: string): never => {
    throw new UserError({ what, where: path, why, next: 'Export it with --format hf' });
  };
  const architecture = model.architectures[0];
  if (architecture.endsWith('ForSequenceClassification')) {
    refuse('a reward model cannot be written as GGUF', `${architecture} has a score head, and GGUF no place for it`);
  }
  if (model.model_type === 'qwen3' && model.attention_bias) {
    refuse('attention_bias: true in a qwen3 model', 'llama.cpp knows no bias on the attention output of Qwen3');
  }
  const rope = model.rope_parameters;
  if (rope.rope_type === 'llama3' && model.model_type !== 'llama') {
    refuse(
      `rope_type llama3 in a ${model.model_type} model`,
      'llama.cpp reads rope_freqs.weight for Llama models only',
    );
  }
  if (rope.rope_type === 'yarn' && (!rope.truncate || rope.beta_fast !== 32 || rope.beta_slow !== 1)) {
    const settings = `beta_fast ${rope.beta_fast}, beta_slow ${rope.beta_slow}, truncate: ${rope.truncate}`;
    refuse(`rope_type yarn with ${settings}`, 'llama.cpp always takes 32 and 1, and rounds the corrected dimensions');
  }
}

function modelMetadata(model: ModelConfig): [string, MetadataValue][] {
  const counts: Record<string, number> = {
    block_count: model.num_hidden_layers,
    context_length: model.max_position_embeddings,
    embedding_length: model.hidden_size,
    feed_forward_length: model.intermediate_size,
    vocab_size: model.vocab_size,
    'attention.head_count': model.num_attention_heads,
    'attention.head_count_kv': model.num_key_value_heads,
    'attention.key_length': model.head_dim,
    'attention.value_length': model.head_dim,
    'rope.dimension_count': model.head_dim,
  };
  const entries: [string, MetadataValue][] = [
    ...Object.entries(counts).map(([name, value]): [string, MetadataValue] => [name, { type: 'uint32', value }]),
    ['attention.layer_norm_rms_epsilon', { type: 'float32', value: model.rms_norm_eps }],
    ['rope.freq_base', { type: 'float32', value: model.rope_parameters.rope_theta }],
    ...ropeScaling(model.rope_parameters),
  ];
  return entries.map(([name, value]) => [`${model.model_type}.${name}`, value]);
}

function ropeScaling(rope: RopeParameters): [string, MetadataValue][] {
  switch (rope.rope_type) {
    case 'default':
    case 'llama3': // see ropeFactors
      return [];
    case 'linear':
      return [
        ['rope.scaling.type', { type: 'string', value: 'linear' }],
        ['rope.scaling.factor', { type: 'float32', value: rope.factor }],
      ];
    case 'yarn': {
      // llama.cpp multiplies cosines and sines by 1 + 0.1 ln(factor) of its own accord, and by attn_factor.
      const own = rope.factor <= 1 ? 1 : 1 + 0.1 * Math.log(rope.factor);
      return [
        ['rope.scaling.type', { type: 'string', value: 'yarn' }],
        ['rope.scaling.factor', { type: 'float32', value: rope.factor }],
        ['rope.scaling.original_context_length', { type: 'uint32', value: rope.original_max_position_embeddings }],
        ['rope.scaling.attn_factor', { type: 'float32', value: rope.attention_factor / own }],
      ];
    }
    default:
      return rope satisfies never;
  }
}

/** What each frequency is divided by under rope_type llama3 [head/2]. */
function ropeFactors(rope: RopeParameters & { rope_type: 'llama3' }, headDim: number): Float32Array {
  const { frequencies } = ropeFrequencies(rope, headDim);
  const plain = ropeFrequencies({ rope_type: 'default', rope_theta: rope.rope_theta }, headDim);
  return Float32Array.from(frequencies, (frequency, i) => plain.frequencies[i] / frequency);
}

/** In the order of llama.cpp's converter: the biases and head norms of a layer come after its other weights. */
function ggufRows(model: ModelConfig): ParameterSpec[] {
  const rows = decoderTable(model);
  const place = ({ layer, part, shape }: ParameterSpec, index: number): number => {
    if (layer === undefined) return index === 0 ? -1 : model.num_hidden_layers;
    const opensLayer = rows[index - 1].layer !== layer;
    return part === 'attention' && shape.length === 1 && !opensLayer ? layer + 0.5 : layer;
  };
  const places = new Map(rows.map((row, index) => [row, place(row, index)]));
  return rows.sort((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0));
}

function tensorSources({ model, weights, path }: Checkpoint, dtype: GgufFileDtype): TensorSource[] {
  if (dtype === 'q4_K_M') refuseRows(model, path);
  const sources = ggufRows(model).map(({ name: from, shape, rotary, gguf: name }): TensorSource => {
    if (name === undefined) throw new Error(`GGUF has no place for ${from}`);
    const stored = weights.get(from);
    if (stored === undefined || stored.shape.join() !== shape.join()) {
      throw new UserError({
        what: `${from} is ${stored === undefined ? 'missing' : `[${stored.shape}]`}, config.json asks for [${shape}]`,
        where: path,
        next: 'Use the config.json and model.safetensors of one checkpoint together',
      });
    }
    const sourceRow = (row: number): number => halvesRow(row, model.head_dim);
    const isTurned = model.model_type === 'llama' && rotary;
    return {
      name,
      from,
      shape,
      data: stored.data,
      dtype: storedDtype({ name, shape }, dtype, model),
      ...(isTurned && { sourceRow }),
    };
  });
  const rope = model.rope_parameters;
  if (rope.rope_type === 'llama3') {
    const data = ropeFactors(rope, model.head_dim);
    sources.push({ name: 'rope_freqs.weight', shape: [data.length], dtype: 'f32', data });
  }
  return sources;
}

function storedDtype(
  { name, shape }: Pick<TensorSource, 'name' | 'shape'>,
  dtype: GgufFileDtype,
  model: ModelConfig,
): GgufDtype {
  if (shape.length === 1) return 'f32';
  if (dtype === 'q4_K_M') return needsMoreBits(name, model) ? 'q6_k' : 'q4_k';
  return dtype === 'q8_0' && shape[1] % q8BlockSize !== 0 ? 'f16' : dtype;
}

/**
 * Which matrices llama.cpp's q4_K_M stores as q6_K: the output projection, and of half of the layers (the first and last
 * eighths, and every third between) the values of attention and the last of the feed-forward.
 */
function needsMoreBits(name: string, { num_hidden_layers: layers, tie_word_embeddings: isTied }: ModelConfig): boolean {
  if (name === (isTied ? 'token_embd.weight' : 'output.weight')) return true;
  const found = /^blk\.(\d+)\.(?:attn_v|ffn_down)\.weight$/.exec(name);
  if (found === null) return false;
  const layer = Number(found[1]);
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
}

function refuseRows(model: ModelConfig, path: string): void {
  const odd = ggufRows(model).filter(({ shape }) => shape.length > 1 && shape[1] % kBlockSize !== 0);
  if (odd.length === 0) return;
  const widths = [...new Set(odd.map(({ shape }) => shape[1]))];
  throw new UserError({
    what: `q4_K_M cannot store this model: ${odd.length} of its matrices have rows of ${widths.join(' and ')} numbers`,
    where: path,
    why: `it stores ${kBlockSize} numbers together, and rows in whole blocks`,
    next: 'Use --dtype q8_0; or train a model whose hiddenSize, intermediateSize and heads × headDim are multiples of 256',
  });
}

/** llama.cpp turns neighbouring rows of a Llama head together, Hugging Face row i with row i + head/2. */
export function halvesRow(row: number, headDim: number): number {
  const inHead = row % headDim;
  return row - inHead + (inHead % 2) * (headDim / 2) + (inHead >> 1);
}
