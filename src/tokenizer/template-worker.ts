// The other side of template-probe.ts: renders the probe conversations in a thread of its own and posts what came out.
import { parentPort, workerData } from 'node:worker_threads';
import { CompiledTemplate } from './compiled-template.js';
import { LimitError } from './jinja/budget.js';

export interface ProbeJob {
  source: string;
  contexts: Record<string, unknown>[];
}

export interface ProbeResult {
  /** The rendering of each context; null where the template itself refused it. */
  renderings?: (string | null)[];
  /** Why the template is not to be used. */
  fault?: string;
}

function probe({ source, contexts }: ProbeJob): ProbeResult {
  try {
    const template = new CompiledTemplate(source);
    return { renderings: contexts.map((context) => renderOne(template, context)) };
  } catch (error) {
    return { fault: (error as Error).message.slice(0, 500) };
  }
}

/** A template may refuse a conversation (two users in a row, say), but not ask for more than it may have. */
function renderOne(template: CompiledTemplate, context: Record<string, unknown>): string | null {
  try {
    return template.render(context, { start: '', end: '' });
  } catch (error) {
    if (error instanceof LimitError || error instanceof RangeError) throw error;
    return null;
  }
}

parentPort?.postMessage(probe(workerData as ProbeJob));
