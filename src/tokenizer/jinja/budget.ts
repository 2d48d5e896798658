// What one rendering may use. Everything is counted, nothing is timed: a template that asks for too much fails on every
// machine alike, and before the memory is taken. It goes wherever values go, and so does how their texts are escaped.

/** A template that fails. */
export class TemplateError extends Error {}

/** A template that refuses what it was given: it called `raise_exception`. */
export class RefusalError extends TemplateError {}

/** A template that asks for too much. */
export class LimitError extends TemplateError {}

/** How the caller has escaped the texts of the context. What quotes a text must quote it as it was. */
export interface Escaping {
  undo(text: string): string;
  redo(text: string): string;
}

export interface Limits {
  /** Characters of a text, items of a list or mapping, steps of work, levels of templates and values in each other. */
  text: number;
  items: number;
  work: number;
  depth: number;
}

/** @param size characters and values of the conversation that is rendered. */
export function limitsFor(size: number): Limits {
  return { text: (1 << 17) + 8 * size, items: 100_000, work: (1 << 23) + 64 * size, depth: 400 };
}

export class Budget {
  readonly escaping: Escaping;
  readonly limits: Limits;
  #work = 0;
  #depth = 0;

  constructor(limits: Limits, escaping: Escaping) {
    this.limits = limits;
    this.escaping = escaping;
  }

  /** A step of work, about as long as looking at one character or value. */
  spend(steps: number): void {
    this.#work += steps;
    if (!(this.#work <= this.limits.work)) throw new LimitError(`it takes more than ${this.limits.work} steps`);
  }

  /** Call before a text of `length` characters is made. */
  text(length: number): void {
    if (!(length <= this.limits.text)) {
      throw new LimitError(`it makes a text of more than ${this.limits.text} characters`);
    }
    this.spend(1 + length / 8);
  }

  /** Call before a list or a mapping of `length` items is made. */
  items(length: number): void {
    if (!(length <= this.limits.items)) throw new LimitError(`it makes a list of more than ${this.limits.items} items`);
    this.spend(1 + 4 * length);
  }

  /** Call before one text is looked for in another: the engine may compare every character with every other. */
  search(text: string, wanted: string): void {
    this.spend(1 + text.length / 8 + (text.length * Math.min(wanted.length, text.length - wanted.length)) / 64);
  }

  /** One level deeper into the template or a value. Every call needs its `leave`. */
  enter(): void {
    this.spend(1);
    if (++this.#depth > this.limits.depth) throw new LimitError(`it goes more than ${this.limits.depth} levels deep`);
  }

  leave(): void {
    this.#depth--;
  }
}

/** A text that grows piece by piece. */
export class Output {
  text = '';
  readonly #budget: Budget;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  add(piece: string): void {
    this.#budget.text(piece.length);
    this.text += piece;
    if (this.text.length > this.#budget.limits.text) this.#budget.text(this.text.length);
  }
}
