// A reader of the events, and what it writes to.
import type { Event } from './event.js';

export type OutputStream = NodeJS.WritableStream & { isTTY?: boolean; columns?: number };

/** What a run may be written as beside metrics.jsonl, for other tools to draw. */
export type LogForm = 'tensorboard';

export interface Sink {
  emit(event: Event): void;
  /** Takes away what moves on the screen until the next event: for text that is none. */
  clear?(): void;
  close(): void;
}
