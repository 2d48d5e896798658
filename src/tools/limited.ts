// One call of one tool, from its start to a result: no longer than its limit, though the tool may not listen, and whatever it
// throws. A fault of the tool's own is a result for the model and a note for the person.
import { describeFault, UserError } from '../base/errors.js';
import { cutTo } from './shown.js';
import { type CallContext, type CallFault, type Executor, ToolFailure, type ToolResult } from './tool.js';

export interface LimitedCall extends Omit<CallContext, 'signal'> {
  /** Nobody waits for the result any more. */
  signal?: AbortSignal;
  note(text: string): void;
}

/** So long a tool may take to end once it was asked to: to kill a process, to close a connection. */
const graceMilliseconds = 1000;
/** Of a failure's words. */
const maxFailure = 400;

export async function runLimited(
  executor: Executor,
  given: Record<string, unknown>,
  { signal: outer, note, ...context }: LimitedCall,
): Promise<ToolResult> {
  const { tool, limits } = executor;
  if (outer?.aborted) return aborted;
  const ends = new AbortController();
  let isLate = false;
  let grace: NodeJS.Timeout | undefined;
  const abandonment = new Promise<End>((resolve) => {
    ends.signal.addEventListener('abort', () => {
      grace = setTimeout(() => resolve({ kind: 'abandoned' }), graceMilliseconds);
    });
  });
  const stop = (): void => ends.abort();
  const timer = setTimeout(() => {
    isLate = true;
    stop();
  }, limits.seconds * 1000);
  outer?.addEventListener('abort', stop);
  try {
    const work = Promise.resolve(executor.run(given, { ...context, signal: ends.signal }));
    const end = await Promise.race([work.then(answered, failed), abandonment]);
    // What came in spite of the limit came too late: what a tool did at its end is not told from an answer.
    if (ends.signal.aborted) {
      if (end.kind === 'abandoned')
        note(`${tool.name} does not end when it is asked to: it was abandoned, and may still be running`);
      return isLate ? fault('timeout', `${tool.name} took longer than ${limits.seconds} s and was stopped.`) : aborted;
    }
    if (end.kind === 'failed') return failure(executor, end.error, note);
    if (end.kind === 'answered' && typeof end.content === 'string') return cutTo(end.content, limits.characters);
    throw new TypeError('its result is no text');
  } catch (error) {
    return failure(executor, error, note); // thrown at once
  } finally {
    clearTimeout(timer);
    clearTimeout(grace);
    outer?.removeEventListener('abort', stop);
  }
}

type End = { kind: 'answered'; content: unknown } | { kind: 'failed'; error: unknown } | { kind: 'abandoned' };

const answered = (content: unknown): End => ({ kind: 'answered', content });
const failed = (error: unknown): End => ({ kind: 'failed', error });
const aborted: ToolResult = { content: 'The call was stopped.', fault: 'aborted' };

function failure({ tool }: Executor, error: unknown, note: (text: string) => void): ToolResult {
  if (error instanceof ToolFailure) return fault('failed', error.message);
  if (error instanceof UserError) {
    // Written for a person: a model is given what happened, not where things lie.
    note(`${tool.name}: ${error.message}`);
    return fault('failed', describeFault({ what: error.faults[0]?.what ?? error.message }));
  }
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  note(`${tool.name} failed inside: ${name}: ${message}`);
  return fault('failed', `${tool.name} is broken: no result.`);
}

/** Its words, bounded and made safe as a result is. */
export function fault(kind: CallFault, content: string): ToolResult {
  return { content: cutTo(content, maxFailure).content, fault: kind };
}
