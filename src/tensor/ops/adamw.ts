// AdamW (Loshchilov & Hutter 2019), decay decoupled, bias-corrected as PyTorch does, over all parameters in one call.
// Parameters and moments are tfjs variables: the portable body assigns them new values.
import { registerOnce, runKernel } from '../op.js';
import type { Tensor, Variable } from '../tf.js';
import { add, div, mul, sqrt, square, sub, tidy } from '../tf.js';

export interface AdamwParameter {
  variable: Variable;
  gradient: Tensor;
  /** First and second moments, of the parameter's shape. */
  m: Variable;
  v: Variable;
  /** 0 for norms and biases. */
  weightDecay: number;
}

export interface AdamwSettings {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Steps taken, this one included: from 1. */
  step: number;
  /** The gradients are multiplied by it first: global-norm clipping. */
  gradientScale: number;
}

const kernelName = 'AdamW';

/** One optimizer step. Gradients are read, not disposed. */
export function adamw(parameters: readonly AdamwParameter[], settings: AdamwSettings): void {
  const { learningRate, beta1, beta2, epsilon, step, gradientScale } = settings;
  const stepSize = learningRate / (1 - beta1 ** step);
  const root = Math.sqrt(1 - beta2 ** step);
  for (const { variable, gradient, m, v, weightDecay } of parameters) {
    const attributes = { beta1, beta2, gradientScale, keep: 1 - learningRate * weightDecay, stepSize, root, epsilon };
    tidy(() => {
      const [p, m1, v1] = runKernel(kernelName, [variable, gradient, m, v], attributes) as Tensor[];
      variable.assign(p);
      m.assign(m1);
      v.assign(v1);
    });
  }
}

/** Gives `backend` the portable body, unless it brought a kernel of its own. */
export function registerAdamw(backend: string): void {
  registerOnce(kernelName, backend, ([p, gradient, m, v], attributes) => {
    const { beta1, beta2, gradientScale, keep, stepSize, root, epsilon } = attributes as Record<string, number>;
    const g = gradientScale === 1 ? gradient : mul(gradient, gradientScale);
    const m1 = add(mul(m, beta1), mul(g, 1 - beta1));
    const v1 = add(mul(v, beta2), mul(square(g), 1 - beta2));
    const update = div(m1, add(mul(sqrt(v1), 1 / root), epsilon));
    return [sub(mul(p, keep), mul(update, stepSize)), m1, v1];
  });
}
