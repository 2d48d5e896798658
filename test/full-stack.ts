// What a parser does where the stack ends, without input that would end one: a small text, read on a stack that is full.

/** Calls `work` with as little stack as lets it end in anything but the engine's own error of a full stack. */
export function onFullStack<T>(work: () => T): T {
  // Twice: what says the fault is compiled the first time, for which the engine wants more stack than a small text takes.
  try {
    fromTheEnd(work);
  } catch {}
  return fromTheEnd(work);
}

function fromTheEnd<T>(work: () => T): T {
  try {
    return fromTheEnd(work);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return work();
  }
}
