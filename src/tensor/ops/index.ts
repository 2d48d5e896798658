// Every fused op of the project: the list from which kernels and gradients are registered.
import { type Attributes, type Op, registerOpGradient, registerPortable } from '../op.js';
import { registerAdamw } from './adamw.js';
import { attentionOp } from './attention.js';
import { crossEntropyOp } from './cross-entropy.js';
import { crossEntropySumOp } from './cross-entropy-sum.js';
import { embeddingOp } from './embedding.js';
import { registerGlobalNorm } from './global-norm.js';
import { linearOp } from './linear.js';
import { rmsNormOp } from './rms-norm.js';
import { rotaryOp } from './rotary.js';
import { registerStoreColumns } from './store-columns.js';
import { swigluOp } from './swiglu.js';

/** Makes every fused op runnable and differentiable on `backend`. Calling it again changes nothing. */
export function registerOps(backend: string): void {
  register(embeddingOp, backend);
  register(linearOp, backend);
  register(rmsNormOp, backend);
  register(rotaryOp, backend);
  register(attentionOp, backend);
  register(swigluOp, backend);
  register(crossEntropyOp, backend);
  register(crossEntropySumOp, backend);
  registerAdamw(backend);
  registerGlobalNorm(backend);
  registerStoreColumns(backend);
}

function register<A extends Attributes>(op: Op<A>, backend: string): void {
  registerPortable(op, backend);
  registerOpGradient(op);
}
