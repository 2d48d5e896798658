// The methods of learning from preferences, one row each: what is minimised, who proposed it, and what rows it takes.
// Formulas: s = log π − log π_ref of an answer (a sum over its tokens), L = its log π, ℓ = L per token; w is the chosen
// answer and l the rejected one; NLL is the negative log-likelihood of the chosen answer.
import type { MethodName, PreferenceConfig } from '../../config/preference.js';

export interface Method {
  /** Of one row, where a batch is not named. */
  formula: string;
  paper: string;
  /** Pairs of answers; single answers, each called good or bad; answers to be learnt as in fine-tuning; its own, as it learns. */
  rows: 'pairs' | 'labels' | 'answers' | 'samples';
  /** Whether an answer must know log π_ref: of the policy at the round's start. */
  needsReference: boolean;
}

export const methods = {
  dpo: {
    formula: 'Σ lossWeights · `loss` + sftWeight · NLL per token of the answer',
    paper: 'Rafailov et al. 2023, arXiv 2305.18290',
    rows: 'pairs',
    needsReference: true,
  },
  kto: {
    formula: '`loss` + sftWeight · NLL per token of a good answer',
    paper: 'Ethayarajh et al. 2024, arXiv 2402.01306',
    rows: 'labels',
    needsReference: true,
  },
  orpo: {
    formula:
      'sftWeight · NLL per token of prompt and answer − β log σ(log odds(ℓ_w) − log odds(ℓ_l)), odds(ℓ) = e^ℓ / (1 − e^ℓ)',
    paper: 'Hong et al. 2024, arXiv 2403.07691',
    rows: 'pairs',
    needsReference: false,
  },
  cpo: {
    formula: '`loss` with L in the place of s (ipo: ℓ) + sftWeight · NLL per token of the chosen answers',
    paper: 'Xu et al. 2024, arXiv 2401.08417',
    rows: 'pairs',
    needsReference: false,
  },
  simpo: {
    formula: '−log σ(β (ℓ_w − ℓ_l) − γ) + sftWeight · NLL per token of the chosen answers',
    paper: 'Meng et al. 2024, arXiv 2405.14734',
    rows: 'pairs',
    needsReference: false,
  },
  alphapo: {
    formula: '−log σ(β (r_w − r_l) − γ), r = (1 − e^(−αℓ)) / α',
    paper: 'Gupta et al. 2025, arXiv 2501.03884',
    rows: 'pairs',
    needsReference: false,
  },
  'best-of-n': {
    formula: 'NLL per token of the best answer of n to each prompt',
    paper: 'Touvron et al. 2023 (rejection sampling fine-tuning), arXiv 2307.09288, §3.2.3',
    rows: 'answers',
    needsReference: false,
  },
  'quality-tags': {
    formula:
      'NLL per token of every answer, after a prompt that says how good it is; asked for, the best tag stands there',
    paper: 'Keskar et al. 2019 (CTRL), arXiv 1909.05858; Lu et al. 2022 (Quark), arXiv 2205.13636; stage 3 of MOSS',
    rows: 'answers',
    needsReference: false,
  },
  grpo: {
    formula: '`policyLoss` of A = (r − mean of its group) / standard deviation + klWeight · KL(policy, reference)',
    paper: 'Shao et al. 2024 (DeepSeekMath), arXiv 2402.03300',
    rows: 'samples',
    needsReference: false,
  },
  rloo: {
    formula: '−A Σ log π, A = r′ − mean of r′ of the other answers, r′ = r − klWeight · (log π − log π_ref)',
    paper: 'Ahmadian et al. 2024, arXiv 2402.14740',
    rows: 'samples',
    needsReference: false,
  },
  ppo: {
    formula:
      '−min(ρA, clip(ρ) A) + valueWeight · (value − return)², A of each token by a critic, −klWeight · (log π − log π_ref) a token',
    paper: 'Schulman et al. 2017, arXiv 1707.06347; Zheng et al. 2023 (PPO-max), arXiv 2307.04964',
    rows: 'samples',
    needsReference: false,
  },
  'online-dpo': {
    formula: '`loss` of dpo, of the best and the worst of its own answers to a prompt + sftWeight · NLL of the best',
    paper: 'Guo et al. 2024, arXiv 2402.04792',
    rows: 'samples',
    needsReference: true,
  },
  distill: {
    formula: 'KL(policy ‖ teacher) of the next token, over the whole vocabulary, per token of its own answers',
    paper: 'Agarwal et al. 2023 (GKD), arXiv 2306.13649',
    rows: 'samples',
    needsReference: false,
  },
} as const satisfies Record<MethodName, Method>;

/** Whether what is compared, and logged as `logps/*`, is log π per token of each answer, and not summed over them. */
export function isPerToken({ method, losses }: Pick<PreferenceConfig, 'method' | 'losses'>): boolean {
  if (method === 'cpo') return losses.some(({ name }) => name === 'ipo');
  return method === 'simpo' || method === 'alphapo' || method === 'orpo';
}
