// How many numbers a model has and where they are, from the names and shapes of its tensors alone.
import { sizeOf } from '../base/host-tensor.js';

export interface TensorShape {
  /** Hugging Face's name, or GGUF's. */
  name: string;
  shape: readonly number[];
  dtype: string;
}

export const groupNames = ['embedding', 'attention', 'mlp', 'norms', 'head', 'other'] as const;
export type GroupName = (typeof groupNames)[number];

export interface ParameterGroup {
  name: GroupName;
  parameters: number;
  /** Tensors of one kind and shape together: `q_proj` of every layer is one entry. */
  shapes: { name: string; shape: number[]; count: number }[];
}

export interface ParameterSummary {
  parameters: number;
  /** dtype → parameters stored so. */
  dtypes: Record<string, number>;
  /** Those that hold anything, in the order of `groupNames`. */
  groups: ParameterGroup[];
}

/** First match counts. Norms come first: the norms of queries and keys lie inside attention. */
const patterns: readonly [GroupName, RegExp][] = [
  ['norms', /norm/],
  ['embedding', /^(model\.embed_tokens|token_embd)\./],
  ['head', /^(lm_head|score|output|cls)\./],
  ['attention', /\b(self_attn\.|attn_)/],
  ['mlp', /\b(mlp\.|ffn_)/],
];

export function summarise(tensors: readonly TensorShape[]): ParameterSummary {
  const groups = new Map<GroupName, ParameterGroup>();
  const dtypes: Record<string, number> = {};
  let parameters = 0;
  for (const { name, shape, dtype } of tensors) {
    const size = sizeOf(shape);
    parameters += size;
    dtypes[dtype] = (dtypes[dtype] ?? 0) + size;
    const group = patterns.find(([, pattern]) => pattern.test(name))?.[0] ?? 'other';
    const entry = groups.get(group) ?? { name: group, parameters: 0, shapes: [] };
    groups.set(group, entry);
    entry.parameters += size;
    const kind = kindOf(name);
    const same = entry.shapes.find((other) => other.name === kind && other.shape.join() === shape.join());
    if (same === undefined) entry.shapes.push({ name: kind, shape: [...shape], count: 1 });
    else same.count++;
  }
  return { parameters, dtypes, groups: groupNames.flatMap((name) => groups.get(name) ?? []) };
}

/** `model.layers.3.self_attn.q_proj.weight` → `q_proj`; `blk.3.attn_q.bias` → `attn_q.bias`. */
function kindOf(name: string): string {
  return name.replace(/^(model\.)?((layers|blk)\.\d+\.)?((self_attn|mlp)\.)?/, '').replace(/\.weight$/, '');
}
