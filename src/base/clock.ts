// The clock of one process: the time of day at its start and what has passed since then. A clock that is set changes no duration.

/** Milliseconds since 1970. */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}
