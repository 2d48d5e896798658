// What this process has done and is doing, in the text format that Prometheus reads.
import type { Admission } from './admission.js';
import type { ServedModels } from './models.js';

export class Metrics {
  /** `route status` → how many. */
  readonly #requests = new Map<string, number>();
  #input = 0;
  #output = 0;
  #seconds = 0;
  #answered = 0;

  countRequest(route: string, status: number): void {
    const key = `route="${route}",status="${status}"`;
    this.#requests.set(key, (this.#requests.get(key) ?? 0) + 1);
  }

  /** An answered request: its tokens, and how long it took. */
  countAnswer({ input, output, seconds }: { input: number; output: number; seconds: number }): void {
    this.#input += input;
    this.#output += output;
    this.#seconds += seconds;
    this.#answered++;
  }

  text(models: ServedModels, admission: Admission): string {
    const { user, system } = process.cpuUsage();
    const opened = models.all.flatMap(({ id, opened: model }) =>
      model === undefined ? [] : [{ id, engine: model.engine }],
    );
    const each = (value: (engine: (typeof opened)[number]['engine']) => number): [string, number][] =>
      opened.map(({ id, engine }) => [`model="${escaped(id)}"`, value(engine)]);
    return [
      ...series('mossctl_requests_total', 'counter', 'HTTP requests', [...this.#requests]),
      ...series('mossctl_tokens_total', 'counter', 'Tokens of answered requests', [
        ['kind="input"', this.#input],
        ['kind="output"', this.#output],
      ]),
      ...series('mossctl_answer_seconds_sum', 'counter', 'Seconds from request to the end of its answer', [
        ['', this.#seconds],
      ]),
      ...series('mossctl_answer_seconds_count', 'counter', 'Requests answered to their end', [['', this.#answered]]),
      ...series('mossctl_answers_in_progress', 'gauge', 'Answers that are being written or wait', [
        ['', admission.answers],
      ]),
      ...series(
        'mossctl_engine_sequences',
        'gauge',
        'Sequences in the batch',
        each(({ load }) => load.active),
      ),
      ...series(
        'mossctl_engine_waiting',
        'gauge',
        'Requests that wait for room in the batch',
        each(({ load }) => load.waiting),
      ),
      ...series(
        'mossctl_engine_tokens_read_total',
        'counter',
        'Tokens that went through the model',
        each(({ counts }) => counts.read),
      ),
      ...series(
        'mossctl_engine_tokens_reused_total',
        'counter',
        'Tokens found in the cache',
        each(({ counts }) => counts.reused),
      ),
      ...series('process_cpu_seconds_total', 'counter', 'Processor time of this process', [
        ['', (user + system) / 1e6],
      ]),
      ...series('process_resident_memory_bytes', 'gauge', 'Memory of this process', [['', process.memoryUsage.rss()]]),
      '',
    ].join('\n');
  }
}

function series(name: string, type: string, help: string, values: readonly (readonly [string, number])[]): string[] {
  const lines = values.map(([labels, value]) => `${name}${labels === '' ? '' : `{${labels}}`} ${value}`);
  return [`# HELP ${name} ${help}.`, `# TYPE ${name} ${type}`, ...lines];
}

function escaped(label: string): string {
  return label.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
