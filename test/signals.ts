// A signal for tests of how work is stopped: aborted once `condition` holds, which is asked each time the work looks.

export function abortedWhen(condition: () => boolean): AbortSignal {
  return Object.defineProperty(new AbortController().signal, 'aborted', { get: condition });
}
