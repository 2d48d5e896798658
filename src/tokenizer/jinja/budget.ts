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

const maxDepth = 400;
const maxItems = 100_000;
const baseText = 1 << 17;
const baseWork = 1 << 23;

export class Budget {
  /** The longest text that may be made. */
  readonly maxText: number;
  readonly escaping: Escaping;
  readonly #maxWork: number;
  #work = 0;
  #depth = 0;

  /** @param size characters and values of the conversation that is rendered. */
  constructor(size: number, escaping: Escaping) {
    this.escaping = escaping;
    this.maxText = baseText + 8 * size;
    this.#maxWork = baseWork + 64 * size;
  }

  /** A step of work, about as long as looking at one character or value. */
  spend(steps: number): void {
    this.#work += steps;
    if (!(this.#work <= this.#maxWork)) throw new LimitError(`it takes more than ${this.#maxWork} steps`);
  }

  /** Call before a text of `length` characters is made. */
  text(length: number): void {
    if (!(length <= this.maxText)) {
      throw new LimitError(`it makes a text of more than ${this.maxText} characters`);
    }
    this.spend(1 + length / 8);
  }

  /** Call before a list or a mapping of `length` items is made. */
  items(length: number): void {
    if (!(length <= maxItems)) throw new LimitError(`it makes a list of more than ${maxItems} items`);
    this.spend(1 + 4 * length);
  }

  /** Call before one text is looked for in another: the engine may compare every character with every other. */
  search(text: string, wanted: string): void {
    this.spend(1 + text.length / 8 + (text.length * Math.min(wanted.length, text.length - wanted.length)) / 64);
  }

  /** One level deeper into the template or a value. Every call needs its `leave`. */
  enter(): void {
    this.spend(1);
    if (++this.#depth > maxDepth) throw new LimitError(`it goes more than ${maxDepth} levels deep`);
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
    if (this.text.length > this.#budget.maxText) this.#budget.text(this.text.length);
  }
}
