// Work that tells of itself as it goes, as a stream that somebody reads at their own pace.

/**
 * Yields what `work` tells, as it comes, and returns what it comes to. Leaving the loop early aborts the signal that the work is
 * given, and waits for its end; so does `signal`, where there is one.
 */
export async function* streamed<Piece, Result>(
  work: (tell: (piece: Piece) => void, signal: AbortSignal) => Promise<Result>,
  signal?: AbortSignal,
): AsyncGenerator<Piece, Result> {
  const controller = new AbortController();
  const either = AbortSignal.any([controller.signal, ...(signal === undefined ? [] : [signal])]);
  const waiting: Piece[] = [];
  let wake = (): void => undefined;
  let isDone = false;
  const tell = (piece: Piece): void => {
    waiting.push(piece);
    wake();
  };
  const done = work(tell, either).finally(() => {
    isDone = true;
    wake();
  });
  done.catch(() => undefined); // awaited below
  try {
    while (!isDone || waiting.length > 0) {
      const piece = waiting.shift();
      if (piece !== undefined) yield piece;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
    return await done;
  } finally {
    controller.abort();
    await done.catch(() => undefined);
  }
}
