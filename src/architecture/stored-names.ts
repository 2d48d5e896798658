// How others name the same weights: what stands in their files beside the weights and is none of them, and the prefixes
// that a library around the model adds to every name. Only names, and only where one reading is possible.

/** Computed by whoever reads the model, or states of training: transformers reads none of them either. */
const bufferName =
  /(^|\.)(rotary_emb\.(inv_freq|original_inv_freq|cos_cached|sin_cached)|masked_bias|position_ids|causal_mask|_extra_state|num_batches_tracked)$/;
/** Old GPT code kept its causal mask [1, 1, T, T] under the name of a bias. */
const maskName = /(^|\.)(attn|attention|self_attn)\.bias$/;

/** Whether a stored tensor is a buffer, and no weight of the model; without a shape, whether it may be one. */
export function isBuffer(name: string, shape?: readonly number[]): boolean {
  return bufferName.test(name) || (maskName.test(name) && (shape?.length ?? 4) === 4);
}

/** Segments that wrappers put anywhere into a name, and prefixes that they put before all of them. */
const wrappers: Readonly<Record<string, string>> = {
  _orig_mod: 'torch.compile',
  _fsdp_wrapped_module: 'FSDP',
  _checkpoint_wrapped_module: 'activation checkpointing',
  _forward_module: 'Lightning',
};
const prefixes: Readonly<Record<string, string>> = {
  'module.': 'DistributedDataParallel or DeepSpeed',
  'base_model.model.': 'PEFT',
};
/** What a decoder alone (LlamaModel, not LlamaForCausalLM) calls its weights. */
const decoderName = /^(embed_tokens|layers\.\d+|norm)\./;

export interface PlainNames {
  /** Stored name → the name in the parameter table, for every name. */
  names: ReadonlyMap<string, string>;
  /** What was taken off or put before, for a person; empty where nothing was. */
  notes: string[];
}

/** Names without what wrappers have added; unchanged where two would become one. */
export function plainNames(stored: readonly string[]): PlainNames {
  const removed = new Map<string, string>();
  let names = stored.map((name) => {
    const kept = name.split('.').filter((segment) => {
      if (!Object.hasOwn(wrappers, segment)) return true;
      removed.set(`${segment}.`, wrappers[segment]);
      return false;
    });
    return kept.join('.');
  });
  const common = (): string | undefined =>
    names.length === 0 ? undefined : Object.keys(prefixes).find((prefix) => names.every((n) => n.startsWith(prefix)));
  for (let prefix = common(); prefix !== undefined; prefix = common()) {
    removed.set(prefix, prefixes[prefix]);
    names = names.map((name) => name.slice(prefix.length));
  }
  const isBare = names.some((name) => decoderName.test(name)) && !names.some((name) => name.startsWith('model.'));
  if (isBare) names = names.map((name) => (decoderName.test(name) ? `model.${name}` : name));
  const isUnique = new Set(names).size === names.length;
  if (!isUnique) names = [...stored];
  const taken = [...removed].map(([prefix, origin]) => `${prefix} (${origin})`).join(' and ');
  return {
    names: new Map(stored.map((name, i) => [name, names[i]])),
    notes: isUnique
      ? [
          ...(taken === '' ? [] : [`the names of tensors are read without ${taken}`]),
          ...(isBare ? ['the names of tensors are read with model. before them: the decoder was saved alone'] : []),
        ]
      : [],
  };
}
