// Muon (Jordan et al. 2024): the step of a matrix is its momentum made orthogonal, all directions equally long. How long
// is as Liu et al. 2025 ("Muon is scalable for LLM training") scale it, so that AdamW's learning rate and decay carry over.
// The kernel changes the parameters and moments: their memory, or, in the portable body, what the variables hold.
import { checkTensor } from '../check.js';
import { registerOnce, runKernel } from '../op.js';
import type { Tensor, Tensor2D, Variable } from '../tf.js';
import { add, div, mul, sqrt, square, sub, sum, tidy, transpose } from '../tf.js';
import { linear } from './linear.js';

export interface MuonParameter {
  /** [out, in]. */
  variable: Variable;
  gradient: Tensor;
  /** First moment, of the parameter's shape. */
  m: Variable;
  weightDecay: number;
}

export interface MuonSettings {
  learningRate: number;
  /** The gradients are multiplied by it first: global-norm clipping. */
  gradientScale: number;
  /** Share of the moment that a step keeps: 0.95 (Jordan et al. 2024) by default. */
  momentum?: number;
}

/** Root mean square of a full-rank update's elements is then that of AdamW's, about 0.2 (Liu et al. 2025, §2.2). */
const updateScale = 0.2;

/**
 * a·x + b·x³ + c·x⁵ of the singular values, one after the other: each is the best of its degree over where the one before
 * left them (Amsel et al. 2025, "Polar Express"), if that is 0.01 … 1 at first. Three of them bring that range into
 * 1 ± 0.27; Jordan's five of 3.4445, −4.7750, 2.0315 bring 0.002 … 1 into 0.7 … 1.2.
 */
const polynomials = [
  [8.0934, -23.6204, 17.4462],
  [3.6366, -2.7219, 0.5365],
  [2.6613, -1.9772, 0.4526],
] as const;

const kernelName = 'Muon';

/** One optimizer step, in place. Gradients are read, not disposed. A wrong call is refused before anything changes. */
export function muon(parameters: readonly MuonParameter[], settings: MuonSettings): void {
  const { learningRate, gradientScale, momentum = 0.95 } = settings;
  for (const { variable, gradient, m } of parameters) {
    const sizes = checkTensor('muon', 'variable', variable, ['out', 'in']);
    checkTensor('muon', 'gradient', gradient, ['out', 'in'], 'float32', sizes);
    checkTensor('muon', 'm', m, ['out', 'in'], 'float32', sizes);
  }
  if (parameters.length === 0) return;
  runKernel(
    kernelName,
    parameters.flatMap(({ variable, gradient, m }) => [variable, gradient, m]),
    {
      momentum,
      fresh: (1 - momentum) * gradientScale,
      polynomials: polynomials.flat(),
      keep: parameters.map(({ weightDecay }) => 1 - learningRate * weightDecay),
      length: parameters.map(({ variable }) => learningRate * updateScale * Math.sqrt(Math.max(...variable.shape))),
    },
  );
}

/** Gives `backend` the portable body, unless it brought a kernel of its own. */
export function registerMuon(backend: string): void {
  registerOnce(kernelName, backend, (inputs, attributes) => {
    const { momentum, fresh } = attributes as Record<string, number>;
    const { keep, length } = attributes as Record<string, number[]>;
    keep.forEach((share, index) => {
      const [variable, gradient, m] = inputs.slice(3 * index, 3 * index + 3) as [Variable, Tensor, Variable];
      tidy(() => {
        const g = mul(gradient, fresh);
        const m1 = add(mul(m, momentum), g);
        const nesterov = add(mul(m1, momentum), g) as Tensor2D;
        variable.assign(sub(mul(variable, share), mul(orthogonalised(nesterov), length[index])));
        m.assign(m1);
      });
    });
    return [];
  });
}

/** x [m, n] with its singular values moved close to 1 (Newton–Schulz). */
function orthogonalised(x: Tensor2D): Tensor2D {
  return tidy(() => {
    const [rows, columns] = x.shape;
    const wide = rows > columns ? (transpose(x) as Tensor2D) : x;
    const y = div(wide, add(sqrt(sum(square(wide))), 1e-7)) as Tensor2D;
    const z = saves(y) ? byGram(y) : direct(y);
    return rows > columns ? (transpose(z) as Tensor2D) : z;
  });
}

/** Whether `byGram` multiplies less: n products of the long side are traded for those of the short one. */
function saves({ shape: [short, long] }: Tensor2D): boolean {
  const { length } = polynomials;
  const [directly, byGram] = [2 * length * long + length * short, 2 * long + (4 * length - 3) * short];
  return byGram < directly;
}

/** X ← aX + (bA + cA²)X with A = XXᵀ. A symmetric S gives S·X as linear(S, Xᵀ). */
function direct(x: Tensor2D): Tensor2D {
  for (const [a, b, c] of polynomials) {
    const z = bothTerms(linear(x, x), b, c);
    x = linear(z, transpose(x) as Tensor2D, { residual: scaled(x, a) });
  }
  return x;
}

/**
 * The same, on the short side only: every X is Q·X₀ with a polynomial Q of the first Gram matrix, and so is the next Gram
 * matrix, Q·A·Q. All of them are symmetric and commute. Q = scale·I + P.
 */
function byGram(x: Tensor2D): Tensor2D {
  const [[a0, b0, c0], ...rest] = polynomials;
  let gram = linear(x, x);
  let z = bothTerms(gram, b0, c0);
  let [p, scale, before] = [z, a0 as number, a0 as number];
  for (const [a, b, c] of rest) {
    const half = linear(gram, z, { residual: scaled(gram, before) });
    gram = linear(half, z, { residual: scaled(half, before) });
    z = bothTerms(gram, b, c);
    p = linear(p, z, { residual: add(mul(z, scale), mul(p, a)) as Tensor2D });
    scale *= a;
    before = a;
  }
  return linear(p, transpose(x) as Tensor2D, { residual: scaled(x, scale) });
}

/** b·A + c·A² of a symmetric A. */
function bothTerms(a: Tensor2D, b: number, c: number): Tensor2D {
  return linear(a, scaled(a, c), { residual: scaled(a, b) });
}

function scaled(x: Tensor2D, factor: number): Tensor2D {
  return mul(x, factor) as Tensor2D;
}
