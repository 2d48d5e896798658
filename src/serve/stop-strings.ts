// Texts that end an answer and are never shown, wherever the borders of tokens lie: what may be the beginning of one waits
// until it is known not to be.

export class StopStrings {
  readonly #stops: readonly string[];
  #held = '';
  /** One of them came. */
  isOver = false;

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** What of the text so far can be shown. */
  push(text: string): string {
    if (this.isOver) return '';
    const all = this.#held + text;
    const found = this.#stops.map((stop) => all.indexOf(stop)).filter((at) => at >= 0);
    if (found.length > 0) {
      this.isOver = true;
      this.#held = '';
      return all.slice(0, Math.min(...found));
    }
    const held = Math.max(0, ...this.#stops.map((stop) => overlap(all, stop)));
    this.#held = all.slice(all.length - held);
    return all.slice(0, all.length - held);
  }

  /** Nothing follows, so that what was held is no stop. */
  end(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }
}

/** How much of the end of `text` is the beginning of `stop`, which may come. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
