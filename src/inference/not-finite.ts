// What is said of a model whose weights have gone astray, wherever it is noticed.
import { UserError } from '../base/errors.js';

/** For logits or losses of NaN or infinity from weights that are numbers. */
export function notFiniteOutput(): UserError {
  return new UserError({
    what: "the model's output is not finite",
    why: 'its weights hold NaN or infinity, or have grown too large',
    next: 'Look at its training (report.html), or use an earlier checkpoint',
  });
}
