// Low-rank adapters (Hu et al. 2021, "LoRA"): beside a frozen matrix W stand B [out, rank] and A [rank, in], and the layer computes
// W·x + scale · B·(A·x). Which matrices have one, of which rank and scale, is said in the fields of PEFT's LoraConfig.

export interface AdapterShape {
  rank: number;
  /** The product is multiplied by alpha / rank; with `rslora` by alpha / √rank (Kalajdzievski 2023). */
  alpha: number;
  rslora: boolean;
  /** Names of modules, whole (`model.layers.0.self_attn.q_proj`) or their last parts (`q_proj`). */
  targets: readonly string[];
  /** Other ranks and alphas by module: a name or regular expression, matched against the end of a module's name. */
  rankPattern: Readonly<Record<string, number>>;
  alphaPattern: Readonly<Record<string, number>>;
}
