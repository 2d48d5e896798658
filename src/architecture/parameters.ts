// THE parameter table: every weight of the decoder once, with its name, shape, initial values, place in the model, and how
// it is trained. Initialisation, loading, saving, optimizing, counting, planning and exporting all read it.
import { sizeOf } from '../base/host-tensor.js';
import { isRewardModel } from '../config/model.js';
import { architectureFlags, type ModelShape } from './config.js';

export interface ParameterSpec {
  /** Hugging Face's name. */
  name: string;
  /** Matrices are [out, in]. */
  shape: number[];
  /** Standard deviation of the initial normal values, bounds (both sides of 0) of uniform ones, or a constant. */
  init: { std: number } | { within: number } | { value: number };
  /** The decoder layer that it belongs to; absent before the first and after the last. */
  layer?: number;
  /**
   * A layer's norm belongs to what it stands before; `norm` is the last one. `embedding` and `head` (the output projection)
   * have one row for each token, `value` is a head that gives one number.
   */
  part: 'embedding' | 'attention' | 'mlp' | 'norm' | 'head' | 'value';
  /** Matrices decay; norms and biases do not. */
  decay: boolean;
  /**
   * `muon`: where Muon is the optimizer, else AdamW. It is for matrices that turn hidden states into hidden states; embeddings
   * and heads are look-ups by token. `frozen`: never; it gets no gradient and no moments.
   */
  update: 'adamw' | 'muon' | 'frozen';
  /** Its rows are those of heads that the rotary embedding turns. */
  rotary?: true;
  /** Of an adapter's second matrix: what its product is multiplied by. */
  scale?: number;
  /** Its name in a GGUF file; absent where that has no place for it. */
  gguf?: string;
  /** Of a critic that is trained beside the model (model/critic.ts): no part of what a checkpoint gives to others. */
  critic?: true;
}

type Values = Pick<ParameterSpec, 'shape' | 'init' | 'decay' | 'update' | 'rotary'>;

const matrix = (out: number, input: number, std: number): Values => ({
  ...{ shape: [out, input], init: { std }, decay: true, update: 'muon' },
});
/** A matrix of an embedding or a head. */
const lookUp = (out: number, input: number): Values => ({ ...matrix(out, input, 0.02), update: 'adamw' });
const vector = (size: number, value: number): Values => ({
  ...{ shape: [size], init: { value }, decay: false, update: 'adamw' },
});

/** Of the model that a config.json describes: all of it is trained. */
export function decoderTable(config: ModelShape): ParameterSpec[] {
  const { hidden_size: d, num_hidden_layers: layers, vocab_size: vocab } = config;
  const table: ParameterSpec[] = [
    { name: 'model.embed_tokens.weight', ...lookUp(vocab, d), part: 'embedding', gguf: 'token_embd.weight' },
    ...Array.from({ length: layers }, (_, layer) => layerTable(config, layer)).flat(),
    { name: 'model.norm.weight', ...vector(d, 1), part: 'norm', gguf: 'output_norm.weight' },
  ];
  if (!config.tie_word_embeddings) {
    table.push({ name: 'lm_head.weight', ...lookUp(vocab, d), part: 'head', gguf: 'output.weight' });
  }
  return isRewardModel(config) ? withHead(table, 'reward') : table;
}

function layerTable(config: ModelShape, layer: number): ParameterSpec[] {
  const { hidden_size: d, intermediate_size: f, head_dim: head } = config;
  const queries = config.num_attention_heads * head;
  const keys = config.num_key_value_heads * head;
  const { qkvBias, outputBias, qkNorm } = architectureFlags(config);
  const row =
    (part: 'attention' | 'mlp') =>
    (name: string, gguf: string, values: Values): ParameterSpec => ({
      ...{ name: `model.layers.${layer}.${name}`, ...values, layer, part, gguf: `blk.${layer}.${gguf}` },
    });
  const [attention, mlp] = [row('attention'), row('mlp')];
  const std = 1 / Math.sqrt(d);
  // Projections back into the residual stream start small, so that its variance does not grow with depth (GPT-2).
  const residual = 1 / Math.sqrt(2 * config.num_hidden_layers);
  const rotary = true;
  return [
    attention('input_layernorm.weight', 'attn_norm.weight', vector(d, 1)),
    attention('self_attn.q_proj.weight', 'attn_q.weight', { ...matrix(queries, d, std), rotary }),
    attention('self_attn.k_proj.weight', 'attn_k.weight', { ...matrix(keys, d, std), rotary }),
    attention('self_attn.v_proj.weight', 'attn_v.weight', matrix(keys, d, std)),
    attention('self_attn.o_proj.weight', 'attn_output.weight', matrix(d, queries, residual / Math.sqrt(queries))),
    ...(qkvBias
      ? [
          attention('self_attn.q_proj.bias', 'attn_q.bias', { ...vector(queries, 0), rotary }),
          attention('self_attn.k_proj.bias', 'attn_k.bias', { ...vector(keys, 0), rotary }),
          attention('self_attn.v_proj.bias', 'attn_v.bias', vector(keys, 0)),
        ]
      : []),
    ...(outputBias ? [attention('self_attn.o_proj.bias', 'attn_output.bias', vector(d, 0))] : []),
    ...(qkNorm
      ? [
          attention('self_attn.q_norm.weight', 'attn_q_norm.weight', vector(head, 1)),
          attention('self_attn.k_norm.weight', 'attn_k_norm.weight', vector(head, 1)),
        ]
      : []),
    mlp('post_attention_layernorm.weight', 'ffn_norm.weight', vector(d, 1)),
    mlp('mlp.gate_proj.weight', 'ffn_gate.weight', matrix(f, d, std)),
    mlp('mlp.up_proj.weight', 'ffn_up.weight', matrix(f, d, std)),
    mlp('mlp.down_proj.weight', 'ffn_down.weight', matrix(d, f, residual / Math.sqrt(f))),
  ];
}

/** With one number for each hidden state: `reward` in the place of the output projection, `value` beside it. */
export function withHead(table: readonly ParameterSpec[], kind: 'reward' | 'value'): ParameterSpec[] {
  const embedding = table.find(({ part }) => part === 'embedding');
  if (embedding === undefined) throw new Error('withHead: the table has no embedding');
  const head = { ...lookUp(1, embedding.shape[1]), part: 'value' } as const;
  return kind === 'reward'
    ? [...table.filter(({ part }) => part !== 'head'), { name: 'score.weight', ...head }]
    : [...table, { name: 'value.weight', ...head }];
}

/** What a weight that no config.json mentions belongs to, by its name; undefined where it is none of ours. */
export function extensionOf(name: string): 'adapters' | 'a value head' | undefined {
  if (/\.lora_[AB]\.weight$/.test(name)) return 'adapters';
  return name === 'value.weight' ? 'a value head' : undefined;
}

/** Whether training changes it. */
export function isTrained({ update }: ParameterSpec): boolean {
  return update !== 'frozen';
}

/** Whether it is a critic's that is trained beside the model. */
export function isOfCritic({ critic }: ParameterSpec): boolean {
  return critic === true;
}

/** Of all parameters, or of those that `counts` holds for. */
export function parameterCount(config: ModelShape, counts: (spec: ParameterSpec) => boolean = () => true): number {
  return sizeOfTable(decoderTable(config).filter(counts));
}

/** Numbers in all of these rows. */
export function sizeOfTable(rows: readonly ParameterSpec[]): number {
  return rows.reduce((total, { shape }) => total + sizeOf(shape), 0);
}
