// What a parser does where the stack ends, without input that would end one: a small text, read on a stack that is full.

/** Calls `work` with as little stack as lets it end in anything but the engine's own error of a full stack. */
export function onFullStack<T>(work: () => T): T {
  try {
    return onFullStack(work);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return work();
  }
}
