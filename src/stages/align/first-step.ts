// At the first step a policy is its own reference: no answer has gained on another, and DPO's loss is ln 2. Where it is not so,
// what was stored is of another model, and the training would learn to undo that.
import type { Fault } from '../../base/errors.js';
import type { PreferenceConfig } from '../../config/preference.js';
import type { Metrics } from '../../report/event.js';
import { methods } from '../../train/objectives/methods.js';
import type { Watch } from '../../train/watch.js';

/** Sums over hundreds of tokens, in another order. */
const tolerance = { float: 1e-3, half: 0.05 };

export class FirstStep implements Watch {
  readonly #preference: PreferenceConfig;
  readonly #tolerance: number;
  readonly #say: (text: string) => void;
  state = { isOver: false };

  /** @param options `isHalf`: products are rounded to bf16, otherwise in each batch; `say` hears that all is well. */
  constructor(preference: PreferenceConfig, { isHalf, say }: { isHalf: boolean; say(text: string): void }) {
    this.#preference = preference;
    // Rewards are β times what was computed.
    this.#tolerance = (isHalf ? tolerance.half : tolerance.float) * Math.max(1, preference.beta);
    this.#say = say;
  }

  see(figures: Metrics): Fault | undefined {
    if (this.state.isOver) return undefined;
    this.state = { isOver: true };
    const { method, losses } = this.#preference;
    if (!methods[method].needsReference) return undefined;
    const rewards = ['rewards/chosen', 'rewards/rejected', 'rewards/margins'].flatMap((name) => {
      const value = figures[name];
      return value === undefined ? [] : [{ name, value, expected: 0 }];
    });
    // Of one loss and one weight it is known what it is where nothing has been gained.
    const isPlain = losses.length === 1 && losses[0].name === 'sigmoid' && losses[0].weight === 1;
    const preferenceLoss = figures['loss/preference'];
    const isKnown = isPlain && preferenceLoss !== undefined;
    const values = [...rewards, ...(isKnown ? [{ name: 'loss', value: preferenceLoss, expected: Math.LN2 }] : [])];
    const wrong = values.filter(({ value, expected }) => !(Math.abs(value - expected) <= this.#tolerance));
    if (wrong.length > 0) return fault(wrong);
    const loss = isKnown ? `loss ${preferenceLoss.toFixed(4)} (ln 2 = ${Math.LN2.toFixed(4)}), ` : '';
    this.#say(
      `first step: ${loss}margin ${(figures['rewards/margins'] ?? 0).toFixed(4)}: the policy is its own reference`,
    );
    return undefined;
  }
}

function fault(wrong: readonly { name: string; value: number; expected: number }[]): Fault {
  const figures = wrong.map(
    ({ name, value, expected }) => `${name} is ${value.toFixed(4)}, not ${expected.toFixed(4)}`,
  );
  return {
    what: `at the first step the policy is not its own reference: ${figures.join(', ')}`,
    why: "the log-probabilities that were stored at the round's start are of another model, or were computed another way",
    next: 'Delete the folder of this round and run the same command again. If it happens again, it is a fault of mossctl: please report it with this message',
  };
}
