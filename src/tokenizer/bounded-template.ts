// A chat template from a checkpoint is a program of a stranger. It runs in our process, so everything it makes is
// counted: how long a text or a list may be, how much may be made in all, and (through V8) for how long it may run.
import { createContext, runInContext } from 'node:vm';
import { Environment, Interpreter, Template } from '@huggingface/jinja';

/** The package's own types are lost to us: its declarations import each other without file names' ends. */
const JinjaInterpreter = Interpreter as new (
  environment: unknown,
) => {
  run(program: unknown): Value;
  evaluate(node: unknown, environment: unknown): Value;
};
interface Value {
  value: unknown;
}

const maxRange = 10_000;
const maxItems = 100_000;
/** A text may be this long, and `textGrowth` times the conversation longer. */
const baseText = 1 << 17;
const textGrowth = 8;
/** Bytes that one rendering may make, garbage included; a value is an object around its content. */
const maxMade = 1 << 28;
const valueBytes = 100;

export class BoundedTemplate {
  readonly #program: unknown;
  readonly #timeLimitMs: number;

  /** Throws an `Error` where the source does not parse. */
  constructor(source: string, timeLimitMs: number) {
    this.#timeLimitMs = timeLimitMs;
    this.#program = withTimeLimit(() => new Template(source).parsed, timeLimitMs);
  }

  /** Throws an `Error` where rendering fails or asks for too much. */
  render(context: Record<string, unknown>): string {
    const interpreter = new CountingInterpreter(context);
    return withTimeLimit(() => String(interpreter.run(this.#program).value), this.#timeLimitMs);
  }
}

class CountingInterpreter extends JinjaInterpreter {
  readonly #maxText: number;
  readonly #counted = new WeakSet<Value>();
  #made = 0;

  constructor(context: Record<string, unknown>) {
    const environment = new Environment();
    for (const [name, value] of Object.entries({ ...globals, ...context })) environment.set(name, value);
    super(environment);
    this.#maxText = baseText + textGrowth * JSON.stringify(context).length;
  }

  /** Called for every node of the program. */
  override evaluate(node: unknown, environment: unknown): Value {
    const value = super.evaluate(node, environment);
    this.#count(value);
    return value;
  }

  /** Every value once: what is only passed on costs nothing. */
  #count(value: Value): void {
    if (this.#counted.has(value)) return;
    this.#counted.add(value);
    const content = value.value;
    this.#made += valueBytes;
    if (typeof content === 'string') {
      if (content.length > this.#maxText) throw new Error(`it makes a text of more than ${this.#maxText} characters`);
      this.#made += 2 * content.length;
    } else if (Array.isArray(content) || content instanceof Map) {
      const items: Value[] = [...content.values()];
      if (items.length > maxItems) throw new Error(`it makes a list of more than ${maxItems} items`);
      this.#made += 8 * items.length;
      for (const item of items) this.#count(item);
    }
    if (this.#made > maxMade) throw new Error(`it uses more than ${maxMade >> 20} MiB`);
  }
}

/** Those of Jinja that chat templates use. None tells the time: equal conversations give equal tokens. */
const globals = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  range: (...bounds: number[]): number[] => {
    const [start, stop, step = 1] = bounds.length > 1 ? bounds : [0, bounds[0]];
    const length = Math.max(0, Math.ceil((stop - start) / step));
    if (!(length <= maxRange)) throw new Error(`range() of more than ${maxRange} items, or not of numbers`);
    return Array.from({ length }, (_, i) => start + i * step);
  },
  raise_exception: (message: unknown): never => {
    throw new Error(String(message));
  },
};

/** V8 stops what runs inside a script after its time limit, functions from outside the script included. */
function withTimeLimit<T>(work: () => T, timeLimitMs: number): T {
  let result: T | undefined;
  const run = (): void => {
    result = work();
  };
  runInContext('run()', createContext({ run }), { timeout: timeLimitMs });
  return result as T;
}
