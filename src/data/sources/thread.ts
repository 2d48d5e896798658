// A thread for a library that a damaged or hostile file can make loop for ever or fill memory: it works under a limit of
// heap, is watched while it works, and is ended when it takes too long or too much. It answers one message at a time.
import { once } from 'node:events';
import { systemErrorCode } from '../../base/errors.js';
import { startWorker } from '../../base/worker.js';

const heapMebibytes = 512;
/** By how much the process may grow during one answer: a thread's buffers do not count as its heap. */
const maxGrowthBytes = 1536 * 2 ** 20;
const tickMilliseconds = 200;

export class ReaderThread {
  readonly #worker: ReturnType<typeof startWorker>;

  /** @param module as for `startWorker`. */
  constructor(module: URL, workerData?: unknown) {
    this.#worker = startWorker(module, {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: heapMebibytes, maxYoungGenerationSizeMb: 64 },
      env: {},
      stdin: false,
      stdout: true,
      stderr: true,
    });
    this.#worker.on('error', () => {});
  }

  /**
   * @param seconds that the answer may take.
   * @throws Error that says in what way the thread has failed; then it is of no more use.
   */
  async ask<Answer>(message: unknown, seconds: number): Promise<Answer> {
    const before = process.memoryUsage.rss();
    // Ticks, not a clock: a process that is stopped for a while has not used them.
    let ticks = (seconds * 1000) / tickMilliseconds;
    const limit = new AbortController();
    const watch = setInterval(() => {
      if (process.memoryUsage.rss() - before > maxGrowthBytes) limit.abort(tooMuchMemory());
      else if (--ticks <= 0) limit.abort(new Error('it takes too long'));
    }, tickMilliseconds);
    try {
      const answer = once(this.#worker, 'message', { signal: limit.signal });
      this.#worker.postMessage(message);
      return (await answer)[0] as Answer;
    } catch (error) {
      limit.signal.throwIfAborted();
      throw systemErrorCode(error) === 'ERR_WORKER_OUT_OF_MEMORY' ? tooMuchMemory() : error;
    } finally {
      clearInterval(watch);
    }
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

function tooMuchMemory(): Error {
  return new Error('it takes too much memory');
}
