// AdamW (Loshchilov & Hutter 2019), decay decoupled, bias-corrected as PyTorch does, over all parameters in one call.
// The kernel changes the parameters and moments: their memory, or, in the portable body, what the variables hold.
import { checkTensor } from '../check.js';
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

/** One optimizer step, in place. Gradients are read, not disposed. A wrong call is refused before anything changes. */
export function adamw(parameters: readonly AdamwParameter[], settings: AdamwSettings): void {
  for (const { variable, ...rest } of parameters) {
    checkTensor('adamw', 'variable', variable, variable.shape);
    for (const [name, tensor] of Object.entries({ gradient: rest.gradient, m: rest.m, v: rest.v })) {
      checkTensor('adamw', name, tensor, variable.shape);
    }
  }
  const { learningRate, beta1, beta2, epsilon, step, gradientScale } = settings;
  const inputs = parameters.flatMap(({ variable, gradient, m, v }) => [variable, gradient, m, v]);
  runKernel(kernelName, inputs, {
    beta1,
    beta2,
    gradientScale,
    stepSize: learningRate / (1 - beta1 ** step),
    root: Math.sqrt(1 - beta2 ** step),
    epsilon,
    keep: parameters.map(({ weightDecay }) => 1 - learningRate * weightDecay),
  });
}

/** Gives `backend` the portable body, unless it brought a kernel of its own. */
export function registerAdamw(backend: string): void {
  registerOnce(kernelName, backend, (inputs, attributes) => {
    const { beta1, beta2, gradientScale, stepSize, root, epsilon } = attributes as Record<string, number>;
    (attributes.keep as number[]).forEach((keep, index) => {
      const [p, gradient, m, v] = inputs.slice(4 * index, 4 * index + 4) as [Variable, Tensor, Variable, Variable];
      tidy(() => {
        const g = gradientScale === 1 ? gradient : mul(gradient, gradientScale);
        const m1 = add(mul(m, beta1), mul(g, 1 - beta1));
        const v1 = add(mul(v, beta2), mul(square(g), 1 - beta2));
        const update = div(m1, add(mul(sqrt(v1), 1 / root), epsilon));
        p.assign(sub(mul(p, keep), mul(update, stepSize)));
        m.assign(m1);
        v.assign(v1);
      });
    });
    return [];
  });
}
