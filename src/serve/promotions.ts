// What promoted rounds made, among the models that are served: the newest that was not undone is the default.
import type { ServedModels } from './models.js';

export class Promotions {
  readonly #models: ServedModels;
  /** Not undone; the newest last. */
  readonly #promoted: string[] = [];

  constructor(models: ServedModels) {
    this.#models = models;
  }

  /** Serves a promoted checkpoint as `id`, and makes it the default. */
  async offer(id: string, path: string): Promise<string> {
    await this.#models.add({ id, path });
    this.#promoted.push(id);
    return id;
  }

  /** Where it is the default, the one before it that was not undone is it again. @returns the id of the default. */
  withdraw(id: string): string {
    const at = this.#promoted.indexOf(id);
    if (at !== -1) this.#promoted.splice(at, 1);
    if (this.#models.default.id === id) this.#models.setDefault(this.#promoted.at(-1));
    return this.#models.default.id;
  }
}
