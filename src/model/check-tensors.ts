// Whether stored weights are those of the model that its config.json describes: every one there, none besides, each of its
// shape, all of them numbers. What is wrong is named tensor by tensor, with advice that fits what the names give away.
import { extensionOf, type ParameterSpec } from '../architecture/parameters.js';
import { type Fault, UserError } from '../base/errors.js';
import { formatCount, shorten } from '../base/format.js';
import { floatsOf, type HostTensor } from '../base/host-tensor.js';

const maxNamed = 3;

/**
 * A pass over all numbers: about a tenth of a second for 100 million.
 * @throws UserError naming tensors that are missing, extra or misshapen, or hold NaN or infinity.
 */
export function checkTensors(
  rows: readonly ParameterSpec[],
  tensors: ReadonlyMap<string, HostTensor>,
  where: string,
): void {
  const known = new Set(rows.map(({ name }) => name));
  const missing = rows.filter(({ name }) => !tensors.has(name)).map(({ name }) => name);
  const unknown = [...tensors.keys()].filter((name) => !known.has(name));
  const misshapen = rows.flatMap(({ name, shape }) => {
    const stored = tensors.get(name);
    if (stored === undefined || stored.shape.join() === shape.join()) return [];
    return [`${name} is [${stored.shape.join(', ')}], config.json asks for [${shape.join(', ')}]`];
  });
  if (missing.length + unknown.length + misshapen.length > 0) {
    const faults = [
      ...missing.map((name) => `${name} is missing`),
      ...misshapen,
      ...unknown.map((name) => `${shorten(name, 120)} is unknown`),
    ];
    const why = namedFirst(faults, '; ', 'more');
    throw new UserError({ where, why, ...adviceOn({ missing, unknown, misshapen: misshapen.length, rows }) });
  }
  refuseNotFinite(rows, tensors, where);
}

function refuseNotFinite(
  rows: readonly ParameterSpec[],
  tensors: ReadonlyMap<string, HostTensor>,
  where: string,
): void {
  const faults = rows.flatMap(({ name }) => {
    const tensor = tensors.get(name) as HostTensor;
    const areFinite = tensor.halves === undefined ? isFinite32(tensor.data) : isFinite16(tensor.halves);
    return areFinite ? [] : [`${name} holds ${notFiniteIn(floatsOf(tensor))}`];
  });
  if (faults.length === 0) return;
  throw new UserError({
    where,
    what: namedFirst(faults, ', ', 'more tensors'),
    why: 'a model with such a number in it computes nothing else; merging and converting to f16 can leave one behind',
    next: 'Use the weights from before that, or an earlier checkpoint',
  });
}

/** x · 0 is 0 for every number and NaN for NaN and infinity; four sums, so that no addition waits for the one before. */
function isFinite32(data: Float32Array): boolean {
  let [a, b, c, d] = [0, 0, 0, 0];
  const end = data.length - (data.length % 4);
  for (let i = 0; i < end; i += 4) {
    a += data[i] * 0;
    b += data[i + 1] * 0;
    c += data[i + 2] * 0;
    d += data[i + 3] * 0;
  }
  for (let i = end; i < data.length; i++) a += data[i] * 0;
  return a + b + c + d === 0;
}

/** Of the bits of bf16: an exponent of ones is NaN or infinity. */
function isFinite16(halves: Uint16Array): boolean {
  for (let i = 0; i < halves.length; i++) if ((halves[i] & 0x7f80) === 0x7f80) return false;
  return true;
}

/** `NaN (1 of 16)`, `infinity (2 of 16)` or both. */
function notFiniteIn(data: Float32Array): string {
  let [nan, infinite] = [0, 0];
  for (const value of data) {
    if (Number.isNaN(value)) nan++;
    else if (!Number.isFinite(value)) infinite++;
  }
  const counts = Object.entries({ NaN: nan, infinity: infinite }).filter(([, count]) => count > 0);
  return counts.map(([what, count]) => `${what} (${formatCount(count)} of ${formatCount(data.length)})`).join(' and ');
}

interface Misfit {
  missing: readonly string[];
  unknown: readonly string[];
  /** How many have another shape. */
  misshapen: number;
  rows: readonly ParameterSpec[];
}

/** What is said where one of the unknown names matches; the first that does counts. */
const signs: readonly [RegExp, Pick<Fault, 'what' | 'next'>][] = [
  [
    /\.lora_[AB]\b|\.lora_embedding_[AB]\b|\.base_layer\.|\.lora_magnitude_vector\b/,
    {
      what: 'these weights hold an adapter (LoRA) that is not merged',
      next: "Merge it with Python: peft's merge_and_unload() and then save_pretrained(…)",
    },
  ],
  [
    /\.(qweight|qzeros|scales|g_idx|weight_scale|weight_scale_inv|input_scale|weight_zero_point|weight_packed|SCB|weight_format|absmax|quant_map|weight\.(absmax|quant_map|nested_\w+|quant_state[\w.]*))$/,
    { what: 'quantized weights are not read', next: 'Use the unquantized model' },
  ],
  [
    /\.mlp\.(experts|gate|router|shared_experts?|shared_expert_gate)\.|block_sparse_moe/,
    {
      what: 'these weights are a mixture of experts, config.json describes a dense model',
      next: 'Use a dense Llama, Qwen2 or Qwen3 model',
    },
  ],
  [
    /(^|\.)(visual|vision_tower|vision_model|multi_modal_projector|audio_tower|mm_projector)\./,
    { what: 'these weights see or hear, and only texts are read here', next: 'Use a Llama, Qwen2 or Qwen3 text model' },
  ],
  [
    /^(v_head|value_head|critic)\b/,
    {
      what: "these weights have a value head, as TRL's reinforcement learning adds one",
      next: 'Save the model without it: model.pretrained_model.save_pretrained(…)',
    },
  ],
  [
    /^score\./,
    {
      what: 'these weights score texts, config.json describes a model that writes them',
      next: 'Set "architectures" in config.json to the name that ends with ForSequenceClassification',
    },
  ],
  [
    /\.self_attn\.[qk]_norm\.weight$/,
    {
      what: 'these weights normalize queries and keys, which the architecture in config.json does not',
      next: 'Use the config.json that belongs to them: Qwen3 models have such norms',
    },
  ],
  [
    /\.self_attn\.o_proj\.bias$/,
    {
      what: 'these weights have biases, config.json says that they have none',
      next: 'Set "attention_bias": true in config.json',
    },
  ],
  [
    /\.self_attn\.[qkv]_proj\.bias$/,
    {
      what: 'these weights have biases that the architecture in config.json does not have',
      next: 'Use the config.json that belongs to them: Qwen2 models have biases for queries, keys and values',
    },
  ],
  [
    /\.mlp\.\w+\.bias$/,
    { what: 'these weights have biases in the MLP, which are not supported', next: 'Use a model without them' },
  ],
  [
    /(^|\.)(mtp|medusa_head|eagle)\b/,
    {
      what: 'these weights have layers that draft several tokens at once, which are not supported',
      next: 'Save the model without them',
    },
  ],
];

function adviceOn({ missing, unknown, misshapen, rows }: Misfit): Pick<Fault, 'what' | 'next'> {
  const extensions = new Set(unknown.map(extensionOf));
  if (missing.length + misshapen === 0 && !extensions.has(undefined)) {
    return {
      what: `these weights have ${[...extensions].join(' and ')}: only the training that made them knows how to apply them`,
      next: 'Resume that training, or save the adapter in a folder of its own: adapter_config.json and adapter_model.safetensors',
    };
  }
  const layers = Math.max(0, ...rows.map(({ layer = -1 }) => layer + 1));
  const stored = layersIn([...unknown, ...rows.map(({ name }) => name).filter((name) => !missing.includes(name))]);
  if (stored > 0 && stored !== layers && unknown.length + missing.length > 0) {
    return {
      what: `the weights have ${formatCount(stored)} layers, config.json says num_hidden_layers ${formatCount(layers)}`,
      next: 'Use the config.json that belongs to the weights, or correct the field',
    };
  }
  const sign = signs.find(([pattern]) => unknown.some((name) => pattern.test(name)));
  if (sign !== undefined) return sign[1];
  if (misshapen > 0) {
    return {
      what: 'the weights do not fit the configuration',
      next: 'Use the config.json and the weights of one checkpoint together',
    };
  }
  if (missing.join() === 'lm_head.weight' && unknown.length === 0) {
    return {
      what: 'the weights have no output projection, and config.json says that the embedding is not used for it',
      next: 'Set "tie_word_embeddings": true in config.json if the model has one matrix for both; else fetch or save it again',
    };
  }
  if (unknown.length === 0) {
    return { what: 'the weights are incomplete', next: 'Fetch the model again, or save it again as a whole' };
  }
  if (missing.length === rows.length) {
    return {
      what: 'these weights have the names of another architecture than config.json describes',
      next: "Save the model again with transformers' save_pretrained(…)",
    };
  }
  return {
    what: `the weights hold what ${missing.length === 0 ? 'is no part of this architecture' : 'another architecture has'}`,
    next: 'Use the model as it was published; a tensor that changes nothing can be deleted from the file',
  };
}

/** One more than the largest number of a layer. */
function layersIn(names: readonly string[]): number {
  return names.reduce(
    (count, name) => Math.max(count, Number(/^model\.layers\.(\d{1,4})\./.exec(name)?.[1] ?? -1) + 1),
    0,
  );
}

function namedFirst(faults: readonly string[], separator: string, rest: string): string {
  const more = faults.length - maxNamed;
  return faults.slice(0, maxNamed).join(separator) + (more > 0 ? `${separator}and ${formatCount(more)} ${rest}` : '');
}
