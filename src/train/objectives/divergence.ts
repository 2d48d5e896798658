// How far the policy is from its reference, as a pair's loss sees it: f′(π / π_ref) of an answer for the f-divergence that
// is to keep the two together (Wang et al. 2024, arXiv 2309.16240). DPO's own is the reverse KL.
import type { FDivergence } from '../../config/preference.js';
import { expm1, mul, neg, relu, softplus, sub, type Tensor1D } from '../../tensor/tf.js';

/** e to this, squared, is nearly all that fp32 holds. */
const maxExponent = 80;

/** `ratios`: log π − log π_ref of each answer; t = e^ratio. */
export function divergenceScores(ratios: Tensor1D, divergence: FDivergence, alpha: number): Tensor1D {
  switch (divergence) {
    case 'reverse_kl':
      return ratios; // f′(t) = log t + 1, and constants cancel out in a difference
    case 'forward_kl':
      return alphaScores(ratios, 0); // f′(t) = 1 − 1 / t
    case 'js_divergence':
      return sub(Math.log(2), softplus(neg(ratios))) as Tensor1D; // f′(t) = log(2t / (1 + t))
    case 'alpha_divergence':
      return alphaScores(ratios, alpha);
    default:
      return divergence satisfies never;
  }
}

/** f′(t) = (t^(α − 1) − 1) / (α − 1), whose limit for α → 1 is log t. */
function alphaScores(ratios: Tensor1D, alpha: number): Tensor1D {
  if (Math.abs(alpha - 1) < 1e-6) return ratios;
  const exponent = mul(ratios, alpha - 1);
  const bounded = sub(exponent, relu(sub(exponent, maxExponent))); // the smaller of both
  return mul(expm1(bounded), 1 / (alpha - 1)) as Tensor1D;
}
