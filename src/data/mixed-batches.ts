// Batches whose rows come from several supplies. Fine-tuning reads a second one so that it does not forget plain text;
// pretraining reads one for each source and language, in the proportions of a mixture.
import { UserError } from '../base/errors.js';
import type { Apportionment } from './apportionment.js';
import type { PackedBatches } from './packing.js';
import { BatchBuilder, type BatchShape } from './sequences.js';
import type { TokenBatch } from './types.js';

export interface MixedOptions extends BatchShape {
  /** By name; all of the shape that is given here. No name is a key of the apportionment's state. */
  supplies: ReadonlyMap<string, PackedBatches>;
  /** Over the supplies, in their order. */
  apportionment: Apportionment;
}

export class MixedBatches {
  readonly #options: MixedOptions;

  constructor(options: MixedOptions) {
    this.#options = options;
  }

  /** Plain JSON: the position of each supply, by name, and the apportionment. */
  get state(): Record<string, unknown> {
    const { supplies, apportionment } = this.#options;
    return {
      ...Object.fromEntries([...supplies].map(([name, supply]) => [name, supply.state])),
      ...apportionment.state,
    };
  }

  /** Resumes where another instance with the same options stopped. Throws a UserError where the state is of other data. */
  restore(saved: unknown): void {
    const { supplies, apportionment } = this.#options;
    apportionment.restore(saved);
    for (const [name, supply] of supplies) {
      // It is an object, or the apportionment would have thrown.
      if (!Object.hasOwn(saved as object, name)) {
        throw new UserError({
          what: `the checkpoint holds no position in ${name}`,
          why: 'it was trained on other data than there is now',
          next: 'Resume with the data it was trained on, or start a new run',
        });
      }
      supply.restore((saved as Record<string, unknown>)[name]);
    }
  }

  /** The rows of a supply are next to each other, in the order of the supplies. */
  async next(): Promise<TokenBatch> {
    const { supplies, apportionment, rows } = this.#options;
    const builder = new BatchBuilder(this.#options);
    const counts = apportionment.next(rows);
    let row = 0;
    for (const [i, supply] of [...supplies.values()].entries()) {
      await supply.fill(builder, row, row + counts[i]);
      row += counts[i];
    }
    return builder.finish();
  }
}
