// Every fused op of the project: the list from which kernels and gradients are registered.
import { type Attributes, type Op, registerOp } from '../op.js';
import { registerAdamw } from './adamw.js';
import { attentionOp } from './attention.js';
import { registerCachedAttention } from './cached-attention.js';
import { crossEntropyFiguresOp, crossEntropyOp } from './cross-entropy.js';
import {
  crossEntropySumFiguresOp,
  crossEntropySumOp,
  frozenCrossEntropySumFiguresOp,
  frozenCrossEntropySumOp,
} from './cross-entropy-sum.js';
import { dropoutOp } from './dropout.js';
import { embeddingOp } from './embedding.js';
import { registerGlobalNorm } from './global-norm.js';
import { linearOp } from './linear.js';
import { registerMuon } from './muon.js';
import { rmsNormOp } from './rms-norm.js';
import { rotaryOp } from './rotary.js';
import { sortOp } from './sort.js';
import { swigluOp } from './swiglu.js';

/** Those with a gradient; the rest register themselves. */
const ops: readonly Op<Attributes>[] = [
  embeddingOp,
  linearOp,
  rmsNormOp,
  rotaryOp,
  attentionOp,
  swigluOp,
  crossEntropyOp,
  crossEntropyFiguresOp,
  crossEntropySumOp,
  frozenCrossEntropySumOp,
  crossEntropySumFiguresOp,
  frozenCrossEntropySumFiguresOp,
  dropoutOp,
  sortOp,
];

/** Makes every fused op runnable and differentiable on `backend`. Calling it again changes nothing. */
export function registerOps(backend: string): void {
  for (const op of ops) registerOp(op, backend);
  for (const register of [registerAdamw, registerMuon, registerGlobalNorm, registerCachedAttention]) register(backend);
}
