// Saving beside training: a thread of its own does the writing. Tensors are handed over, not copied, and come back when
// the save is done, so that one copy of them serves every save of a training.
import type { Worker } from 'node:worker_threads';
import type { Fault } from '../base/errors.js';
import type { HostTensor } from '../base/host-tensor.js';
import { startWorker } from '../base/worker.js';
import type { CheckpointContent } from './directory.js';
import type { Manifest } from './manifest.js';
import type { PruneScope, Retention } from './retention.js';

export interface SaveRequest {
  /** The step directory. */
  directory: string;
  /** A checkpoint, or only the figures of one that is there already. */
  content: CheckpointContent | Pick<Manifest, 'metrics'>;
  /** Done once the checkpoint is whole on disk, and only then. Absent: its figures, which `rule` may ask for, come later. */
  prune?: PruneScope & { stageDirectory: string; rule: Retention };
}

/** What the thread answers: a digest; or the faults of a save that failed; or an error that should not have been. */
export interface SaveAnswer {
  digest?: string;
  faults?: readonly Fault[];
  /** The system error behind the faults: ENOSPC, … */
  code?: string;
  bug?: unknown;
  /** The checkpoint is saved, but old ones could not be deleted. */
  notPruned?: string;
  tensors: readonly HostTensor[];
}

export type SaveResult = { digest: string; notPruned?: string } | { faults: readonly Fault[]; code?: string };

export function tensorsOf(content: SaveRequest['content']): HostTensor[] {
  return 'weights' in content ? [...content.weights, ...(content.training?.tensors ?? [])] : [];
}

/** Give it one save at a time, and close it when none is under way. */
export class BackgroundSaver {
  #worker: Worker | undefined;
  #settle: ((answer: SaveAnswer) => void) | undefined;
  /** Buffers of the last save, by tensor name: to be filled for the next one. */
  readonly spare = new Map<string, Float32Array>();

  /**
   * Saves as `saveCheckpoint` does. The tensors' own buffers are taken away from the caller at once.
   * A save that the system or the folder refuses, or whose thread dies, is a result; anything else is thrown.
   */
  async save(request: SaveRequest): Promise<SaveResult> {
    if ('weights' in request.content) this.spare.clear();
    const { digest, faults = [], code, bug, notPruned, tensors } = await this.#ask(request);
    for (const { name, data } of tensors) this.spare.set(name, data);
    if (bug !== undefined) throw bug;
    return digest === undefined ? { faults, code } : { digest, notPruned };
  }

  async close(): Promise<void> {
    this.spare.clear();
    await this.#worker?.terminate();
  }

  #ask(request: SaveRequest): Promise<SaveAnswer> {
    this.#worker ??= this.#start();
    const answer = new Promise<SaveAnswer>((resolve) => {
      this.#settle = resolve;
    });
    const buffers = tensorsOf(request.content).map(({ data }) => data.buffer as ArrayBuffer);
    this.#worker.postMessage(request, buffers);
    return answer;
  }

  #start(): Worker {
    const worker = startWorker(new URL('./save-worker.js', import.meta.url));
    worker.on('message', (answer: SaveAnswer) => this.#settle?.(answer));
    const fail = (why: string): void => {
      if (this.#worker !== worker) return; // its end has been noticed before
      this.#worker = undefined; // the next save starts another
      void worker.terminate();
      this.#settle?.({ faults: [{ what: 'the thread that saves checkpoints ended', why }], tensors: [] });
    };
    worker.on('messageerror', (error) => fail(error.message));
    worker.on('error', (error) => fail(error.message));
    worker.on('exit', (code) => fail(`exit code ${code}`));
    return worker;
  }
}
