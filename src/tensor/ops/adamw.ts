// AdamW (Loshchilov & Hutter 2019), decay decoupled, bias-corrected as PyTorch does, over all parameters in one call.
// The parameters and moments are updated in place.
import type { NamedTensorMap, Tensor, Variable } from '../tf.js';
import { add, div, engine, getKernel, mul, registerKernel, sqrt, square, sub, tidy } from '../tf.js';

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
      const inputs = [variable, gradient, m, v] as unknown as NamedTensorMap;
      const [p, m1, v1] = engine().runKernel(kernelName, inputs, attributes) as Tensor[];
      variable.assign(p);
      m.assign(m1);
      v.assign(v1);
    });
  }
}

/** Gives `backend` the portable body, unless it brought a kernel of its own. */
export function registerAdamw(backend: string): void {
  if (getKernel(kernelName, backend) !== undefined) return;
  registerKernel({
    kernelName,
    backendName: backend,
    kernelFunc: ({ inputs, attrs }) =>
      tidy(() => {
        const [p, gradient, m, v] = inputs as unknown as Tensor[];
        const { beta1, beta2, gradientScale, keep, stepSize, root, epsilon } = attrs as Record<string, number>;
        const g = gradientScale === 1 ? gradient : mul(gradient, gradientScale);
        const m1 = add(mul(m, beta1), mul(g, 1 - beta1));
        const v1 = add(mul(v, beta2), mul(square(g), 1 - beta2));
        const update = div(m1, add(mul(sqrt(v1), 1 / root), epsilon));
        return [sub(mul(p, keep), mul(update, stepSize)), m1, v1];
      }),
  });
}
