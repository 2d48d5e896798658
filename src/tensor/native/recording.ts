// Kernel calls as they are made, so that the same computation runs again in one call: TensorFlow.js, tidying and the
// look-up of tensors are then passed once. What was computed lies where it lay; only the numbers there are new.
import type { Addon } from './addon.js';
import { Arena } from './arena.js';

/** Small, for recordings are many and short. */
const slabBytes = 2 ** 20;

/** Memory that recordings of one owner take turns in: what one of them computes is gone when another runs. */
export function createWorkspace(addon: Addon): Arena {
  return new Arena(addon, slabBytes);
}

/** Of what is made from numbers while a recording is made: nothing computes that again, so it stays as long as that does. */
class Constants extends Arena {
  override release(): void {}
}

export class Recording {
  readonly workspace: Arena;
  readonly constants: Arena;
  #frames = new Float64Array(4096);
  #length = 0;

  constructor(addon: Addon, workspace: Arena) {
    this.workspace = workspace;
    this.constants = new Constants(addon, slabBytes);
  }

  get frames(): Float64Array {
    return this.#frames.subarray(0, this.#length);
  }

  add(kernel: number, frame: Float64Array): void {
    const end = this.#length + 2 + frame.length;
    if (end > this.#frames.length) {
      const larger = new Float64Array(2 * end);
      larger.set(this.frames);
      this.#frames = larger;
    }
    this.#frames.set([kernel, frame.length], this.#length);
    this.#frames.set(frame, this.#length + 2);
    this.#length = end;
  }

  /** How many of the frames' numbers come before the first call of this kernel; all where there is none. */
  before(kernel: number): number {
    let at = 0;
    while (at < this.#length && this.#frames[at] !== kernel) at += 2 + this.#frames[at + 1];
    return at;
  }

  /** @throws Error naming a kernel that runs in JavaScript: it would be missing when the others run again. */
  refuse(kernel: string): never {
    throw new Error(`${kernel} runs in JavaScript and cannot be recorded`);
  }
}
