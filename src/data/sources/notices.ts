// What was decided about a file, such as its encoding, is told of the first few files of a folder and counted of the rest:
// a hundred novels in one encoding are one piece of news.
import { countOf } from '../../base/format.js';

const maxTold = 3;

export class Notices {
  #count = 0;
  readonly #tell: (text: string) => void;

  constructor(tell: (text: string) => void) {
    this.#tell = tell;
  }

  readonly notice = (text: string): void => {
    if (++this.#count <= maxTold) this.#tell(text);
  };

  /** How many more there were, or nothing. */
  get rest(): string | undefined {
    const more = this.#count - maxTold;
    return more > 0 ? `the same of ${countOf(more, 'more file')}` : undefined;
  }

  /** Tells the rest. */
  finish(): void {
    if (this.rest !== undefined) this.#tell(this.rest);
  }
}
