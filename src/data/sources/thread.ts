// A thread for a library that a damaged or hostile file can make loop for ever or fill memory: it works under a limit of
// heap, is watched while it works, and is ended when it takes too long or too much. It answers one message at a time.
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
  ask<Answer>(message: unknown, seconds: number): Promise<Answer> {
    const worker = this.#worker;
    const before = process.memoryUsage.rss();
    // Ticks, not a clock: a process that is stopped for a while has not used them.
    const maxTicks = (seconds * 1000) / tickMilliseconds;
    let ticks = 0;
    return new Promise<Answer>((resolve, reject) => {
      const watch = setInterval(() => {
        if (process.memoryUsage.rss() - before > maxGrowthBytes) settle(() => reject(tooMuchMemory()));
        else if (++ticks >= maxTicks) settle(() => reject(new Error('it takes too long')));
      }, tickMilliseconds);
      const settle = (outcome: () => void): void => {
        clearInterval(watch);
        worker.off('message', onMessage).off('error', onError);
        outcome();
      };
      const onMessage = (answer: Answer): void => settle(() => resolve(answer));
      const onError = (error: NodeJS.ErrnoException): void =>
        settle(() => reject(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooMuchMemory() : error));
      worker.on('message', onMessage).on('error', onError);
      worker.postMessage(message);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

function tooMuchMemory(): Error {
  return new Error('it takes too much memory');
}
