// A binary heap of pairs, the most frequent on top. A pair's count may fall while it waits: its place is put right when
// it comes to the top.
import type { PairEntry } from './pair-counts.js';

interface Offer {
  entry: PairEntry;
  /** The entry's count when it was offered. */
  count: number;
}

export class OfferHeap {
  readonly #items: Offer[] = [];

  push(entry: PairEntry): void {
    this.#insert({ entry, count: entry.count });
  }

  /** Takes the most frequent pair (ties: lower left id, then lower right id). */
  pop(): PairEntry | undefined {
    for (let offer = this.#takeTop(); offer !== undefined; offer = this.#takeTop()) {
      if (offer.entry.count === offer.count) return offer.entry;
      if (offer.entry.count > 0) this.push(offer.entry);
    }
    return undefined;
  }

  #insert(item: Offer): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(item, items[parent])) break;
      items[at] = items[parent];
      at = parent;
    }
    items[at] = item;
  }

  #takeTop(): Offer | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    let at = 0;
    for (let child = 1; child < items.length; child = 2 * at + 1) {
      if (child + 1 < items.length && before(items[child + 1], items[child])) child++;
      if (!before(items[child], last)) break;
      items[at] = items[child];
      at = child;
    }
    items[at] = last;
    return top;
  }
}

function before(a: Offer, b: Offer): boolean {
  if (a.count !== b.count) return a.count > b.count;
  return a.entry.left !== b.entry.left ? a.entry.left < b.entry.left : a.entry.right < b.entry.right;
}
